"""Privacy: all that is kept about one person and nothing of anybody else; and the way out."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from handlers.people.mydata_file import (
    MACHINE,
    column_labels,
    file_name,
    my_data_html,
    plain,
    table_labels,
)
from handlers.people.privacy import ask_card, gone_card, privacy_card
from locales import LANGUAGES
from storage import audit
from storage.audit import AuditLog
from storage.competitions.tables import (
    Ballot,
    Competition,
    CompetitionKind,
    Conflict,
    ConflictKind,
    Entry,
    EntryAuthor,
    EntryRound,
    Honour,
    Judge,
    Material,
    Objection,
    ResourceProposal,
    Round,
    RoundLevel,
    TierProposal,
    Track,
    Venue,
)
from storage.credits.tables import Appeal, Claim, CreditEntry, EntryState
from storage.database import Database
from storage.messaging.tables import (
    Deadline,
    DeadlineStep,
    Hold,
    News,
    Notice,
    NoticeRecipient,
    OutboxMessage,
    OutboxState,
    Priority,
    Question,
    QuestionLine,
    Relay,
    Reminder,
    ReminderMute,
)
from storage.people import accounts, linking, mydata
from storage.people.accounts import Reader
from storage.people.mydata import EXEMPT, FOLLOWED, MyData, Withheld
from storage.people.tables import (
    Account,
    Contact,
    Draft,
    ImportJob,
    LinkCode,
    Posting,
    Role,
    RoleAssignment,
)
from storage.refusals import NotFound
from storage.schema import METADATA
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    Platform,
    Progress,
    ProgressImport,
    ProgressMatch,
    ProgressSnapshot,
    StudyClaim,
    SurveyTaken,
    TutorUnit,
)
from storage.training.tables import (
    Attendance,
    ClassSession,
    CodeTries,
    Decision,
    Grade,
    Interest,
    Knock,
    KnockWhy,
    Leave,
    LeaveReason,
    Menu,
    MenuChoice,
    Method,
    OfferState,
    Presence,
    Quota,
    Registration,
    RegistrationState,
    Result,
    SeatOffer,
    Task,
    TaskSubmission,
)
from tests import make
from tests.make import NOW

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = timedelta(days=30)


def person(session: Session, name: str) -> tuple[int, int]:
    """Somebody with a row in every table; each text that can bear the name bears it."""
    teacher_id = make.teacher(session, name, phone_hash=f"hash of {name}", facts={"tier": name})
    account_id = make.account(session, teacher_id, continue_to=name)
    batch_id = make.batch(session, f"{name}的培训")
    quota_id = session.exec(select(Quota.id).where(Quota.batch_id == batch_id)).one()
    unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == teacher_id)).one()
    registration = Registration(
        batch_id=batch_id,
        teacher_id=teacher_id,
        unit_id_at=unit_id,
        state=RegistrationState.WAITLISTED,
        submitted_at=NOW,
        queued_at=NOW,
        changed_at=NOW,
        reason=name,
    )
    deadline = Deadline(kind="batch_start", subject_id=batch_id, at=NOW, preset="T-1")
    meeting = ClassSession(batch_id=batch_id, title=f"{name}的讲座", starts_at=NOW, ends_at=NOW)
    session.add_all([registration, deadline, meeting])
    session.flush()
    step = DeadlineStep(
        deadline_id=deadline.id, revision=0, name="T-1", due_at=NOW, useful_until=NOW
    )
    session.add(step)
    session.flush()
    session.add_all(
        [
            RoleAssignment(
                teacher_id=teacher_id,
                role=Role.SCHOOL_COORDINATOR,
                scope_id=unit_id,
                since=date(2026, 9, 1),
            ),
            SeatOffer(
                registration_id=registration.id,
                quota_id=quota_id,
                offered_at=NOW,
                lapses_at=NOW,
                state=OfferState.LAPSED,
            ),
            Decision(registration_id=registration.id, at=NOW, rule="queued", facts={"name": name}),
            Interest(batch_id=batch_id, teacher_id=teacher_id, since=NOW),
            Knock(session_id=meeting.id, teacher_id=teacher_id, why=KnockWhy.NOT_LISTED, at=NOW),
            CodeTries(teacher_id=teacher_id, since=NOW, wrong=1, day_since=NOW, day_wrong=1),
            CreditEntry(
                teacher_id=teacher_id,
                earned_on=date(2026, 10, 20),
                level="county",
                category="post_skill",
                hours=Decimal("12.5"),
                title=name,
                source_kind="batch",
                source_id=batch_id,
                state=EntryState.POSTED,
            ),
            message(account_id, teacher_id, facts={"name": name}),
            Hold(name=f"hold {name}", account_id=account_id, until=NOW),
            Reminder(step_id=step.id, teacher_id=teacher_id),
            ReminderMute(teacher_id=teacher_id, deadline_id=deadline.id, since=NOW),
            News(
                kind="credit_posted",
                teacher_id=teacher_id,
                subject_id=1,
                facts={"name": name},
                at=NOW,
            ),
        ]
    )
    task = Task(batch_id=batch_id, title=name, due_at=NOW)
    menu = Menu(title=name, owner_unit_id=unit_id, opens_at=NOW, closes_at=NOW)
    session.add_all([task, menu])
    session.flush()
    by: dict[str, Any] = {"registration_id": registration.id}
    about: dict[str, Any] = {"teacher_id": teacher_id, "unit_id_at": unit_id}
    session.add_all(
        [
            Draft(account_id=account_id, kind="claim", data={"title": name}, updated_at=NOW),
            Contact(teacher_id=teacher_id, by_id=teacher_id, at=NOW),
            MenuChoice(
                menu_id=menu.id, teacher_id=teacher_id, batch_id=batch_id, rank=1, chosen_at=NOW
            ),
            Leave(
                **by,
                session_id=meeting.id,
                reason=LeaveReason.SICK,
                note=name,
                requested_at=NOW,
            ),
            Attendance(
                **by,
                session_id=meeting.id,
                state=Presence.PRESENT,
                method=Method.TYPED,
                at=NOW,
            ),
            TaskSubmission(**by, task_id=task.id, text=name, submitted_at=NOW),
            Result(**by, grade=Grade.QUALIFIED, comment=name, decided_at=NOW),
            Claim(
                **about,
                title=name,
                level="county",
                category="other",
                hours=Decimal(4),
                learnt_on=date(2026, 10, 20),
                submitted_at=NOW,
            ),
            Appeal(**about, about=name, opened_at=NOW, due_on=date(2026, 12, 4)),
        ]
    )
    notice = Notice(author_id=teacher_id, unit_id=unit_id, title="通知", created_at=NOW)
    session.add(notice)
    session.flush()
    question = Question(notice_id=notice.id, teacher_id=teacher_id, opened_at=NOW)
    session.add(question)
    session.flush()
    session.add_all(
        [
            Deadline(
                kind="task_due", subject_id=task.id, teacher_id=teacher_id, at=NOW, preset="T-1"
            ),
            NoticeRecipient(notice_id=notice.id, teacher_id=teacher_id, confirmed_at=NOW),
            QuestionLine(question_id=question.id, by_id=teacher_id, text=name, at=NOW),
            Relay(
                teacher_id=teacher_id,
                url="mailto://example.org",
                created_by=teacher_id,
                created_at=NOW,
            ),
        ]
    )
    studied(session, registration, teacher_id)
    competed(session, teacher_id, unit_id, name)
    linking.issue_code(session, teacher_id, now=NOW)
    audit.record(
        session, None, "look", f"registration:{registration.id}", now=NOW, reason=f"look at {name}"
    )
    session.flush()
    return account_id, teacher_id


def studied(session: Session, registration: Registration, teacher_id: int) -> None:
    """One of everything that remote training keeps of a person."""
    unit_id = registration.unit_id_at
    platform = Platform(name=f"网络学院 {teacher_id}", owner_unit_id=unit_id)
    job = ImportJob(
        kind="progress", by_id=teacher_id, at=NOW, file_name="a.csv", sha256="", content=b""
    )
    session.add_all([platform, job])
    session.flush()
    done = ProgressImport(
        batch_id=registration.batch_id,
        job_id=job.id,
        by_id=teacher_id,
        as_of=NOW,
        applied_at=NOW,
        rows=1,
        matched=1,
    )
    session.add(done)
    session.flush()
    figures: dict[str, Any] = {
        "registration_id": registration.id,
        "import_id": done.id,
        "percent": 40,
        "is_learned": False,
    }
    session.add_all(
        [
            ProgressSnapshot(**figures),
            Progress(**figures, batch_id=registration.batch_id, as_of=NOW, is_started=True),
            ProgressMatch(
                platform_id=platform.id, said="甲", teacher_id=teacher_id, by_id=teacher_id, at=NOW
            ),
            StudyClaim(registration_id=registration.id, submitted_at=NOW),
            Obstacle(
                registration_id=registration.id,
                reason=ObstacleReason.NO_NETWORK,
                by_id=teacher_id,
                since=NOW,
            ),
            TutorUnit(batch_id=registration.batch_id, unit_id=unit_id, tutor_id=teacher_id),
            SurveyTaken(registration_id=registration.id),
        ]
    )


def competed(session: Session, teacher_id: int, unit_id: int, name: str) -> None:
    """One of everything that competitions keep of a person."""
    competition = Competition(
        code=f"KT {teacher_id}",
        title="课堂教学大赛",
        kind=CompetitionKind.CLASSROOM,
        school_year="2026-2027",
        owner_unit_id=unit_id,
    )
    session.add(competition)
    session.flush()
    track = Track(competition_id=competition.id, position=1, title="小学语文")
    held = Round(
        competition_id=competition.id, position=1, name="初赛", level=RoundLevel.TEACHING_GROUP
    )
    session.add_all([track, held])
    session.flush()
    entry = Entry(
        competition_id=competition.id,
        track_id=track.id,
        teacher_id=teacher_id,
        unit_id=unit_id,
        title=name,
        created_at=NOW,
        changed_at=NOW,
    )
    venue = Venue(round_id=held.id, unit_id=unit_id, track_id=track.id)
    session.add_all([entry, venue])
    session.flush()
    place = EntryRound(entry_id=entry.id, round_id=held.id, venue_id=venue.id, changed_at=NOW)
    judge = Judge(
        venue_id=venue.id, teacher_id=teacher_id, number=1, invited_by=teacher_id, invited_at=NOW
    )
    honour = Honour(teacher_id=teacher_id, title=name, level="county", awarded_on=date(2026, 11, 2))
    session.add_all([place, judge, honour])
    session.flush()
    session.add_all(
        [
            EntryAuthor(
                entry_id=entry.id, teacher_id=teacher_id, asked_by=teacher_id, asked_at=NOW
            ),
            Material(
                entry_id=entry.id,
                round_id=held.id,
                slot="plan",
                version=1,
                file_name=name,
                uploaded_by=teacher_id,
                uploaded_at=NOW,
            ),
            Ballot(judge_id=judge.id, entry_round_id=place.id, comment=name),
            Conflict(
                teacher_id=teacher_id,
                unit_id=unit_id,
                kind=ConflictKind.DECLARED,
                by_id=teacher_id,
                at=NOW,
            ),
            Objection(round_id=held.id, by_id=teacher_id, text=name, submitted_at=NOW, due_at=NOW),
            TierProposal(
                teacher_id=teacher_id, tier="backbone", honour_id=honour.id, proposed_at=NOW
            ),
            ResourceProposal(entry_id=entry.id, asked_at=NOW),
        ]
    )


def message(account_id: int | None, teacher_id: int | None, **differs: Any) -> OutboxMessage:
    return OutboxMessage(
        **{
            "kind": "reminder",
            "teacher_id": teacher_id,
            "account_id": account_id,
            "facts": {},
            "priority": Priority.BRIEF,
            "not_before": NOW,
            "created_at": NOW,
        }
        | differs
    )


def everything(session: Session, name: str) -> tuple[MyData, MyData]:
    """What two people are given; the first is of that name."""
    mine, _ = person(session, name)
    others, _ = person(session, "石晓岚")
    return (
        mydata.everything_about(session, mine, now=NOW),
        mydata.everything_about(session, others, now=NOW),
    )


def rows(data: MyData, table: str) -> list[dict[str, Any]]:
    return [
        dict(zip(portion.columns, row, strict=True))
        for portion in data.portions
        if portion.table == table
        for row in portion.rows
    ]


def accounts_left(session: Session) -> list[int]:
    return list(session.exec(select(Account.id).order_by(col(Account.id))))


# --- all of it, and nobody else's --------------------------------------------------------------


def test_no_column_about_a_person_is_forgotten() -> None:
    """A new table that points to a person must be followed, or be exempt for a reason."""
    assert mydata.columns_about_people() == {*FOLLOWED, *EXEMPT}
    assert not set(FOLLOWED) & set(EXEMPT)
    assert all(EXEMPT.values())


def test_a_new_table_about_people_would_be_noticed() -> None:
    # If this fails, the test above proves nothing.
    metadata = sa.MetaData()
    for table in METADATA.sorted_tables:
        table.to_metadata(metadata)
    for name, column in (
        ("complaint", sa.Column("entry_id", sa.ForeignKey("credit_entry.id"))),
        ("pairing", sa.Column("mentor_id", sa.ForeignKey("teacher.id"))),
        ("visit", sa.Column("actor_id", sa.BigInteger)),
        ("guest", sa.Column("tg_user_id", sa.BigInteger)),
    ):
        sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), column)
    assert mydata.columns_about_people(metadata) - mydata.columns_about_people() == {
        "complaint.entry_id",
        "pairing.mentor_id",
        "visit.actor_id",
        "guest.tg_user_id",
    }


async def test_the_file_has_every_table_about_me_and_nothing_of_anybody_else(
    database: Database,
) -> None:
    mine, other = await database.write(everything, "林若溪")
    tables = {name.split(".")[0] for name in FOLLOWED} | {"teacher"}
    for data, me, stranger in ((mine, "林若溪", "石晓岚"), (other, "石晓岚", "林若溪")):
        assert {portion.table for portion in data.portions} == tables
        text = json.dumps(plain(data), ensure_ascii=False)
        assert text.count(me) >= 10
        assert stranger not in text


async def test_a_fingerprint_never_leaves_the_house(database: Database) -> None:
    mine, _ = await database.write(everything, "林若溪")
    assert rows(mine, "teacher")[0]["phone_hash"] is Withheld.FINGERPRINT
    assert rows(mine, "link_code")[0]["code_hash"] is Withheld.FINGERPRINT
    page = my_data_html(mine, ZONE, "en").decode()
    kept = await database.read(lambda session: session.exec(select(LinkCode.code_hash)).all())
    assert "hash of" not in page
    assert not [code for code in kept if code in page]


def test_every_column_that_looks_like_a_secret_is_withheld() -> None:
    followed = {name.split(".")[0] for name in FOLLOWED} | {"teacher", "account"}
    suspicious = re.compile("hash|salt|secret|token|password|sha")
    for table in METADATA.sorted_tables:
        if table.name in followed:
            for column in table.columns:
                if suspicious.search(column.name):
                    assert mydata.is_fingerprint(column.name), f"{table.name}.{column.name}"


async def test_what_i_did_to_others_is_told_without_their_data(database: Database) -> None:
    def act(session: Session) -> MyData:
        _, other = person(session, "石晓岚")
        account_id, me = person(session, "罗佳宁")
        audit.record(
            session,
            me,
            "correct",
            f"teacher:{other}",
            now=NOW,
            before={"name": "石晓岚"},
            reason="石晓岚 asked",
        )
        audit.record(session, other, "look", f"teacher:{me}", now=NOW, reason="罗佳宁 asked")
        session.add(message(account_id, None, kind="link_conflict", facts={"teacher_id": other}))
        session.flush()
        return mydata.everything_about(session, account_id, now=NOW)

    data = await database.write(act)
    did, seen = (
        next(row for row in rows(data, "audit_log") if row["action"] == action and row["actor_id"])
        for action in ("correct", "look")
    )
    assert did["before"] is did["reason"] is Withheld.SOMEBODY_ELSE
    assert (seen["actor_id"], seen["reason"]) == (Withheld.SOMEBODY_ELSE, "罗佳宁 asked")
    assert [r["facts"] for r in rows(data, "outbox_message") if r["kind"] == "link_conflict"] == [
        {"teacher_id": Withheld.SOMEBODY_ELSE}
    ]
    assert "石晓岚" not in json.dumps(plain(data), ensure_ascii=False)


async def test_asking_for_my_data_is_in_the_log_and_the_log_is_in_my_data(
    database: Database,
) -> None:
    mine, _ = await database.write(everything, "林若溪")
    line = rows(mine, "audit_log")[-1]
    assert (line["action"], line["thing"]) == ("export_own_data", f"account:{mine.account_id}")
    assert line["actor_id"] == mine.teacher_id
    assert (
        await database.read(
            lambda session: session.exec(
                select(sa.func.count()).where(col(AuditLog.action) == "export_own_data")
            ).one()
        )
        == 2
    )


async def test_a_person_who_never_linked_gets_what_there_is(database: Database) -> None:
    def ask(session: Session) -> MyData:
        person(session, "石晓岚")
        return mydata.everything_about(session, make.account(session), now=NOW)

    data = await database.write(ask)
    assert {portion.table for portion in data.portions} == {"account", "audit_log"}
    assert data.teacher_id is None
    assert "not linked to a teacher" in my_data_html(data, ZONE, "en").decode()


async def test_nobody_has_no_data(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(mydata.everything_about, 99, now=NOW)


async def test_the_old_phone_does_not_get_what_it_was_never_told(database: Database) -> None:
    """After relinking, the former account has what was sent to it and nothing that came later."""

    def relink(session: Session) -> tuple[MyData, MyData]:
        teacher_id = make.teacher(session)
        old = make.account(session, teacher_id, linked_at=NOW - MONTH)
        new = make.account(session)
        told = {"state": OutboxState.SENT, "sent_at": NOW}
        session.add(message(old, teacher_id, kind="told", **told))
        session.add(message(old, teacher_id, kind="waiting"))
        code = linking.issue_code(session, teacher_id, now=NOW)
        linking.link_by_code(session, new, code, now=NOW)
        return (
            mydata.everything_about(session, old, now=NOW),
            mydata.everything_about(session, new, now=NOW),
        )

    old, new = await database.write(relink)
    assert [row["kind"] for row in rows(old, "outbox_message")] == ["told", "link_moved"]
    assert not rows(old, "teacher")
    assert [row["kind"] for row in rows(new, "outbox_message")] == ["told", "waiting"]


async def test_numbers_are_given_with_what_they_stand_for(database: Database) -> None:
    mine, _ = await database.write(everything, "林若溪")
    names = {portion.table: portion.names for portion in mine.portions}
    title = "林若溪的培训"
    assert list(names["registration"]["batch_id"].values()) == [title]
    assert list(names["decision"]["registration_id"].values()) == [title]
    assert list(names["posting"]["unit_id"].values()) == ["澄禾县实验小学"]
    assert list(names["reminder"]["step_id"].values()) == [f"{title} · T-1"]
    assert list(names["reminder_mute"]["deadline_id"].values()) == [title]


# --- the file ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of the file."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data = ""
        self.text = ""
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "href", "onload", "onerror"} & {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and not self.data:
            self.data = data
        else:
            self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_label_or_is_for_the_machine_alone(language: str) -> None:
    followed = {name.split(".")[0] for name in FOLLOWED} | {"teacher"}
    assert set(table_labels(language)) == followed
    columns = {
        column.name
        for table in METADATA.sorted_tables
        if table.name in followed
        for column in table.columns
    }
    assert set(column_labels(language)) == columns - MACHINE
    assert columns >= MACHINE


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_shows_and_embeds_the_same_data(sqlite: Database, language: str) -> None:
    mine, _ = await sqlite.write(everything, "林若溪")
    page = Page(my_data_html(mine, ZONE, language))
    assert json.loads(page.data) == plain(mine)
    for shown in ("林若溪", "林若溪的培训", "澄禾县实验小学", "12.5", "16:40", "2026"):
        assert shown in page.text


async def test_what_a_person_wrote_cannot_become_markup(sqlite: Database) -> None:
    nasty = "</script><img src=x onerror=alert(1)><b>&"
    mine, _ = await sqlite.write(everything, nasty)
    page = Page(my_data_html(mine, ZONE, "zh_Hans"))
    assert not {"img", "b"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert nasty in page.text
    assert json.loads(page.data)["tables"]["teacher"][0]["name"] == nasty


async def test_the_file_bears_the_day_of_the_office(sqlite: Database) -> None:
    def late(session: Session) -> MyData:
        evening = NOW.replace(hour=17)  # past midnight in Shanghai
        return mydata.everything_about(session, make.account(session), now=evening)

    data = await sqlite.write(late)
    assert file_name(data, ZONE, "en") == "My data 2026-11-21.html"


# --- leaving -----------------------------------------------------------------------------------


async def test_unlinking_leaves_little_behind_and_twice_is_no_error(database: Database) -> None:
    def leave(session: Session) -> Account:
        account_id = make.account(
            session,
            make.teacher(session),
            language="en",
            consent_at=NOW,
            awaiting="withdraw:3",
            awaiting_until=NOW + timedelta(hours=1),
            continue_to="p3",
            brief_minute=600,
        )
        accounts.unlink(session, account_id, now=NOW)
        accounts.unlink(session, account_id, now=NOW + timedelta(days=1))
        session.flush()
        session.expire_all()
        account = session.get_one(Account, account_id)
        session.expunge(account)
        return account

    left = await database.write(leave)
    assert (left.teacher_id, left.linked_at, left.linked_by, left.consent_at) == (None,) * 4
    assert (left.awaiting, left.awaiting_until, left.continue_to) == ("", None, "")
    assert (left.brief_minute, left.language, left.unlinked_at) == (16 * 60 + 40, "en", NOW)
    assert await database.read(
        lambda session: session.exec(select(AuditLog.action, AuditLog.reason)).all()
    ) == [("unlink", "own wish")]


async def test_what_waits_for_the_teacher_outlives_the_change_of_phones(
    database: Database,
) -> None:
    def leave(session: Session) -> list[tuple[str, OutboxState]]:
        teacher_id = make.teacher(session)
        account_id = make.account(session, teacher_id)
        session.add(message(account_id, teacher_id, kind="reminder"))
        session.add(message(account_id, None, kind="link_conflict"))
        session.flush()
        accounts.unlink(session, account_id, now=NOW)
        found = session.exec(
            select(OutboxMessage.kind, OutboxMessage.state).order_by(col(OutboxMessage.id))
        ).all()
        return [(kind, OutboxState(state)) for kind, state in found]

    assert await database.write(leave) == [
        ("reminder", OutboxState.PENDING),
        ("link_conflict", OutboxState.SKIPPED),
    ]


async def test_an_account_is_erased_thirty_days_after_unlinking_and_the_hours_stay(
    database: Database,
) -> None:
    def leave(session: Session) -> tuple[int, int]:
        account_id, _ = person(session, "林若溪")
        stays, _ = person(session, "石晓岚")
        session.flush()
        accounts.unlink(session, account_id, now=NOW)
        return account_id, stays

    gone, stays = await database.write(leave)
    early = NOW + MONTH - timedelta(seconds=1)
    assert await database.write(accounts.erase_unlinked, now=early) == 0
    assert await database.write(accounts.erase_unlinked, now=NOW + MONTH) == 1
    assert await database.write(accounts.erase_unlinked, now=NOW + MONTH) == 0
    assert await database.read(accounts_left) == [stays]

    def left(session: Session) -> tuple[int, int, int]:
        return (
            session.exec(
                select(sa.func.count()).where(col(OutboxMessage.account_id) == gone)
            ).one(),
            session.exec(select(sa.func.count()).select_from(CreditEntry)).one(),
            session.exec(select(sa.func.count()).select_from(Registration)).one(),
        )

    assert await database.read(left) == (0, 2, 2)


def test_erasing_knows_every_table_that_points_to_an_account() -> None:
    """Otherwise a foreign key would stop the erasing for ever."""
    assert {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        for foreign in column.foreign_keys
        if foreign.column.table.name == "account"
    } == {"outbox_message.account_id", "hold.account_id", "draft.account_id"}


async def test_who_never_linked_is_erased_thirty_days_after_the_first_message(
    database: Database,
) -> None:
    def meet(session: Session) -> tuple[int, int, int]:
        long_ago = NOW - MONTH
        make.account(session, started_at=long_ago)
        fresh = make.account(session, started_at=NOW)
        asked = make.account(
            session,
            started_at=long_ago,
            awaiting="code",
            awaiting_until=NOW + timedelta(hours=1),
        )
        locked = make.account(
            session, started_at=long_ago, link_locked_until=NOW + timedelta(hours=1)
        )
        return fresh, asked, locked

    kept = await database.write(meet)
    assert await database.write(accounts.erase_unlinked, now=NOW) == 1
    assert await database.read(accounts_left) == list(kept)


async def test_an_old_account_whose_teacher_moved_hears_of_it_before_it_is_erased(
    database: Database,
) -> None:
    def relink(session: Session) -> None:
        teacher_id = make.teacher(session)
        make.account(session, teacher_id, started_at=NOW - 3 * MONTH, linked_at=NOW - 2 * MONTH)
        code = linking.issue_code(session, teacher_id, now=NOW)
        linking.link_by_code(session, make.account(session), code, now=NOW)

    await database.write(relink)
    assert await database.write(accounts.erase_unlinked, now=NOW) == 0
    assert await database.write(accounts.erase_unlinked, now=NOW + MONTH) == 1


async def test_a_number_that_is_given_out_again_does_not_bring_the_old_log_with_it(
    sqlite: Database,
) -> None:
    """SQLite gives the number of the last erased account to the next one."""

    def reuse(session: Session) -> tuple[int, MyData]:
        first = make.account(session, make.teacher(session))
        accounts.unlink(session, first, now=NOW)
        session.flush()
        later = NOW + MONTH
        assert accounts.erase_unlinked(session, now=later) == 1
        second = make.account(session, started_at=later)
        assert second == first  # the danger is real
        return second, mydata.everything_about(session, second, now=later)

    _, data = await sqlite.write(reuse)
    assert [row["action"] for row in rows(data, "audit_log")] == ["export_own_data"]


# --- the words ---------------------------------------------------------------------------------


def reader(language: str, teacher_id: int | None) -> Reader:
    return Reader(
        account_id=1,
        tg_user_id=7_000_000_001,
        language=language,
        teacher_id=teacher_id,
        name="林若溪",
        is_principal=False,
        card_message_id=None,
        awaiting="",
        continue_to="",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_privacy_card_is_short_and_leaving_is_offered_to_the_linked_alone(
    language: str,
) -> None:
    linked, stranger = privacy_card(reader(language, 5)), privacy_card(reader(language, None))
    assert linked.text == stranger.text
    assert len(linked.text.split("\n")) <= 12
    assert [key.press.data for row in linked.keys for key in row if key.press] == [
        "data",
        "unlink:0",
        "home",
    ]
    assert [key.press.data for row in stranger.keys for key in row if key.press] == [
        "data",
        "home",
    ]


def test_leaving_is_asked_once_more_and_says_how_to_come_back() -> None:
    asked = ask_card("en")
    assert [key.press.data for row in asked.keys for key in row if key.press] == [
        "unlink:1",
        "priv",
    ]
    assert "new link code" in asked.text
    assert "new link code" in gone_card("en").text
