"""Changing what a programme says: who is told, what moves, what stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState, OutboxMessage, OutboxState
from storage.people.tables import Role, RoleAssignment
from storage.refusals import NotAllowed, NotFound
from storage.training import (
    changing,
    making,
    nominating,
    nominations,
    publishing,
    registration,
    staffing,
)
from storage.training.changing import FixedByNow, SeatsTaken, What
from storage.training.making import DatesNotInOrder, WrongValue
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    Batch,
    ClassSession,
    EligibilityRule,
    Enrolment,
    HandIn,
    Level,
    Mode,
    Module,
    ModuleKind,
    Phase,
    PhaseKind,
    Programme,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
    Task,
)
from tests import make
from tests.make import NOW
from tests.training import desk, seating

DAY = timedelta(days=1)
SOON = NOW + timedelta(minutes=2)
NEW_START = desk.START + DAY
DATES = {
    "starts_at": NEW_START.isoformat(),
    "ends_at": (NEW_START + timedelta(hours=3)).isoformat(),
}


def told(session: Session, /) -> list[tuple[int | None, OutboxState]]:
    rows = session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.kind == changing.KIND)
        .order_by(col(OutboxMessage.id))
    ).all()
    return [(row.teacher_id, row.state) for row in rows]


def start_of(session: Session, batch_id: int, /) -> Any:
    return session.exec(
        select(col(Deadline.at)).where(
            Deadline.kind == "batch_start",
            Deadline.subject_id == batch_id,
            Deadline.state == DeadlineState.ACTIVE,
        )
    ).first()


async def published(database: Database, **differs: Any) -> tuple[int, int, list[int]]:
    """A published programme with two people in and one waiting, one of them out of reach."""
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu, **({"seats": 2} | differs))
    people = [await database.write(make.teacher) for _ in range(3)]
    for someone in people[1:]:
        await database.write(make.account, someone)
    await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    for someone in people:
        await database.write(registration.register, someone, made.batch_id, now=SOON)
    return gu, made.batch_id, people


def facts_for(session: Session, teacher_id: int, /) -> dict[str, Any]:
    return dict(
        session.exec(
            select(OutboxMessage.facts).where(
                OutboxMessage.kind == changing.KIND, OutboxMessage.teacher_id == teacher_id
            )
        ).one()
    )


async def test_a_new_time_tells_those_who_are_in_once_and_moves_the_reminders(
    database: Database,
) -> None:
    gu, batch_id, people = await published(database)
    shown = await database.read(changing.impact, gu, batch_id, What.DATES, DATES, now=SOON)
    assert (shown.told, shown.unreachable, shown.deadlines) == (2, 1, 1)
    assert await database.read(told) == []
    done = await database.write(changing.change, gu, batch_id, What.DATES, DATES, now=SOON)
    assert (done.told, done.is_new) == (2, True)
    assert await database.read(start_of, batch_id) == NEW_START
    for what, value in ((What.DATES, DATES), (What.PLACE, "二楼"), (What.ABOUT, "说明")):
        await database.write(changing.change, gu, batch_id, what, value, now=SOON)
    # The unreachable one is kept as somebody whom nobody could reach, the one waiting is not told.
    rows = await database.read(told)
    assert [row for row in rows if row[1] is OutboxState.PENDING] == [
        (people[1], OutboxState.PENDING)
    ]
    assert {row[0] for row in rows} == set(people[:2])
    facts = await database.read(facts_for, people[1])
    news = await database.read(changing.news, people[1], facts)
    assert news is not None
    assert (news.has_moved, news.place, news.before_place) == (True, "二楼", "三楼报告厅")
    await database.write(publishing.cancel_batch, gu, batch_id, "", now=SOON)
    assert await database.read(changing.news, people[1], facts) is None


async def test_a_new_time_does_not_take_back_the_word_of_an_opening(database: Database) -> None:
    gu, batch_id, _people = await published(database)
    await database.write(changing.change, gu, batch_id, What.DATES, DATES, now=SOON)
    kinds = await database.read(
        lambda s: set(
            s.exec(select(Deadline.kind).where(Deadline.state == DeadlineState.ACTIVE)).all()
        )
    )
    assert kinds == {"reg_open", "reg_close", "batch_start", "grade_due"}


COSMETIC = {
    What.TITLE: "作业设计与命题",
    What.ABOUT: "说明",
    What.CONTACT: "教师发展中心",
    What.CERTIFICATE: "结业证书",
    What.PROVIDER: "县教师发展中心",
    What.BRING: "笔记本",
    What.HOURS: "12",
    What.CATEGORY: "research",
    What.LEVEL: "city",
    What.APPROVAL: "school",
    What.STAGE: ["primary"],
    What.SUBJECT: ["语文"],
    What.SEATS: 10,
}


async def test_what_only_the_card_says_tells_nobody(database: Database) -> None:
    gu, batch_id, _people = await published(database)
    for what, value in COSMETIC.items():
        shown = await database.read(changing.impact, gu, batch_id, what, value, now=SOON)
        assert shown.told == 0
        for new in (True, False):
            done = await database.write(changing.change, gu, batch_id, what, value, now=SOON)
            assert (done.told, done.is_new) == (0, new)
    assert await database.read(told) == []
    face = await database.read(changing.face, gu, batch_id, now=SOON)
    assert (face.title, face.hours, face.level) == ("作业设计与命题", Decimal(12), Level.CITY)
    assert face.audience == {"stage": ["primary"], "subject": ["语文"]}
    lines = await database.read(
        lambda s: s.exec(select(AuditLog.after).where(AuditLog.action == "change_programme")).all()
    )
    assert len(lines) == len(COSMETIC)


async def test_more_seats_are_offered_on_and_fewer_than_taken_are_refused(
    database: Database,
) -> None:
    gu, batch_id, _people = await published(database)
    with pytest.raises(SeatsTaken) as refusal:
        await database.write(changing.change, gu, batch_id, What.SEATS, 1, now=SOON)
    assert refusal.value.least == 2
    shown = await database.read(changing.impact, gu, batch_id, What.SEATS, 3, now=SOON)
    assert shown.offers
    await database.write(changing.change, gu, batch_id, What.SEATS, 3, now=SOON)
    offers = await database.read(lambda s: s.exec(select(SeatOffer)).all())
    assert len(offers) == 1
    quota = await database.read(lambda s: s.exec(select(Quota)).one())
    assert (quota.seats, quota.taken) == (3, 3)


async def test_a_class_without_a_limit_gets_one_and_the_books_agree(database: Database) -> None:
    gu, batch_id, _people = await published(database, seats=None)
    with pytest.raises(SeatsTaken):
        await database.write(changing.change, gu, batch_id, What.SEATS, 2, now=SOON)
    await database.write(changing.change, gu, batch_id, What.SEATS, 5, now=SOON)
    quota = await database.read(lambda s: s.exec(select(Quota)).one())
    assert (quota.seats, quota.taken) == (5, 3)
    held = await database.read(lambda s: set(s.exec(select(Registration.quota_id)).all()))
    assert held == {quota.id}


async def test_seats_given_to_schools_are_not_taken_from_them(sqlite: Database) -> None:
    gu, batch_id, _people = await published(sqlite, seats=10)

    def allot(session: Session) -> None:
        pool = session.exec(select(Quota)).one()
        pool.seats -= 4
        school = make.school(session)
        session.add(Quota(batch_id=batch_id, unit_id=school, seats=4))

    await sqlite.write(allot)
    with pytest.raises(SeatsTaken) as refusal:
        await sqlite.write(changing.change, gu, batch_id, What.SEATS, 6, now=SOON)
    assert refusal.value.least == 7
    await sqlite.write(changing.change, gu, batch_id, What.SEATS, 7, now=SOON)
    seats = await sqlite.read(lambda s: dict(s.exec(select(col(Quota.is_pool), Quota.seats)).all()))
    assert seats == {True: 3, False: 4}


async def test_what_people_have_relied_on_stays(sqlite: Database) -> None:
    gu, batch_id, people = await published(sqlite)
    for what, value in ((What.MODE, "remote"), (What.ENROLMENT, "nomination")):
        with pytest.raises(FixedByNow):
            await sqlite.write(changing.change, gu, batch_id, what, value, now=SOON)

    def complete(session: Session) -> None:
        row = session.exec(select(Registration).where(Registration.teacher_id == people[0])).one()
        row.state = RegistrationState.COMPLETED

    await sqlite.write(complete)
    for what, value in ((What.HOURS, "2"), (What.LEVEL, "city"), (What.CATEGORY, "ethics")):
        with pytest.raises(FixedByNow):
            await sqlite.write(changing.change, gu, batch_id, what, value, now=SOON)


WRONG: list[tuple[What, Any]] = [
    (What.TITLE, " "),
    (What.TITLE, "x" * 121),
    (What.PLACE, "x" * 121),
    (What.ABOUT, "x" * 1001),
    (What.CATEGORY, "magic"),
    (What.LEVEL, "galactic"),
    (What.MODE, "telepathic"),
    (What.HOURS, "-1"),
    (What.HOURS, "1001"),
    (What.HOURS, "1.25"),
    (What.HOURS, "many"),
    (What.SEATS, 0),
    (What.SEATS, "x"),
    (What.DATES, {}),
    (What.DATES, {"starts_at": "2026-12-04T08:00", "ends_at": "2026-12-04T09:00"}),
]


@pytest.mark.parametrize(("what", "value"), WRONG)
async def test_a_value_that_cannot_be_is_refused(sqlite: Database, what: What, value: Any) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    for operation in (changing.impact, changing.change):
        with pytest.raises(WrongValue):
            await sqlite.write(operation, gu, made.batch_id, what, value, now=NOW)


async def test_dates_that_are_not_in_order_are_refused(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    wrong = {"starts_at": DATES["ends_at"], "ends_at": DATES["starts_at"]}
    late = {"reg_close": (desk.START + 9 * DAY).isoformat()}
    for what, value in ((What.DATES, wrong), (What.REGISTRATION, late)):
        with pytest.raises(DatesNotInOrder):
            await sqlite.write(changing.change, gu, made.batch_id, what, value, now=NOW)
    await sqlite.write(publishing.cancel_batch, gu, made.batch_id, "", now=NOW)
    with pytest.raises(ProgrammeCancelled):
        await sqlite.write(changing.change, gu, made.batch_id, What.PLACE, "二楼", now=NOW)


async def test_a_wider_audience_enrols_whoever_is_newly_due(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(
        desk.draft, gu, enrolment=Enrolment.AUTOMATIC, audience={"stage": ["senior"]}, seats=None
    )
    for stage in ("senior", "junior"):
        await database.write(make.teacher, stage=stage)
    done = await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    assert done.enrolled == 1
    wider = ["senior", "junior"]
    shown = await database.read(changing.impact, gu, made.batch_id, What.STAGE, wider, now=NOW)
    assert (shown.people, shown.enrols) == (2, True)
    await database.write(changing.change, gu, made.batch_id, What.STAGE, wider, now=NOW)
    count = await database.read(lambda s: len(s.exec(select(Registration.id)).all()))
    assert count == 2


async def test_a_foreign_unit_changes_nothing(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    luo = await sqlite.write(desk.school_coordinator)
    for actor, error, batch_id in ((luo, NotAllowed, made.batch_id), (gu, NotFound, 999)):
        with pytest.raises(error):
            await sqlite.read(changing.face, actor, batch_id, now=NOW)
        for operation in (changing.impact, changing.change):
            with pytest.raises(error):
                await sqlite.write(operation, actor, batch_id, What.PLACE, "二楼", now=NOW)
        with pytest.raises(error):
            await sqlite.write(making.clone, actor, batch_id, desk.START, now=NOW)
        with pytest.raises(error):
            await sqlite.write(making.discard, actor, batch_id, now=NOW)
        with pytest.raises(error):
            await sqlite.write(
                making.add_batch, actor, batch_id, desk.START, desk.START + DAY,
                place="", seats_=None, title="", now=NOW,
            )  # fmt: skip
        with pytest.raises(error):
            await sqlite.read(staffing.helpers, actor, batch_id, now=NOW)
        with pytest.raises(error):
            await sqlite.write(staffing.candidates, actor, batch_id, "林", now=NOW)
        for act in (staffing.appoint, staffing.dismiss):
            with pytest.raises(error):
                await sqlite.write(act, actor, batch_id, luo, Role.TUTOR, now=NOW)
    with pytest.raises(NotAllowed):  # only for a class, and only to help in it
        await sqlite.write(
            staffing.appoint, gu, made.batch_id, luo, Role.COUNTY_COORDINATOR, now=NOW
        )


async def test_a_school_cannot_hold_what_is_the_countys(sqlite: Database) -> None:
    luo = await sqlite.write(desk.school_coordinator)
    school = await sqlite.write(make.school)
    own = {"owner_unit_id": school, "category": "school_based"}
    await sqlite.write(desk.draft, luo, **own, level=Level.SCHOOL)
    for differs in (
        {**own, "level": Level.COUNTY},
        {"level": Level.SCHOOL},
        {"level": Level.COUNTY},
    ):
        with pytest.raises(NotAllowed):
            await sqlite.write(desk.draft, luo, **differs)
    lin = await sqlite.write(make.teacher)
    with pytest.raises(NotAllowed):
        await sqlite.write(desk.draft, lin)


async def test_nobody_lifts_a_programme_above_their_unit_or_their_subjects(
    sqlite: Database,
) -> None:
    luo = await sqlite.write(desk.school_coordinator)
    school = await sqlite.write(make.school)
    own = {"owner_unit_id": school, "category": "school_based", "level": Level.SCHOOL}
    made = await sqlite.write(desk.draft, luo, **own)
    with pytest.raises(NotAllowed):
        await sqlite.write(changing.change, luo, made.batch_id, What.LEVEL, "national", now=NOW)

    def officer(session: Session) -> int:
        teacher_id = make.teacher(session, "梁素问", at="教研室")
        session.add(
            RoleAssignment(
                teacher_id=teacher_id,
                role=Role.RESEARCH_OFFICER,
                scope_id=make.county(session),
                since=desk.TODAY,
                subjects=["语文"],
            )
        )
        session.flush()
        return teacher_id

    liang = await sqlite.write(officer)
    with pytest.raises(NotAllowed):
        await sqlite.write(desk.draft, liang)
    made = await sqlite.write(desk.draft, liang, audience={"subject": ["语文"]})
    await sqlite.write(changing.change, liang, made.batch_id, What.PLACE, "二楼", now=NOW)
    for subjects in ([], ["语文", "数学"]):
        with pytest.raises(NotAllowed):
            await sqlite.write(
                changing.change, liang, made.batch_id, What.SUBJECT, subjects, now=NOW
            )


async def test_in_a_draft_the_closing_goes_along_with_the_start(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    later = desk.START + 70 * DAY
    dates = {"starts_at": later.isoformat(), "ends_at": (later + DAY).isoformat()}
    await sqlite.write(changing.change, gu, made.batch_id, What.DATES, dates, now=NOW)
    face = await sqlite.read(changing.face, gu, made.batch_id, now=NOW)
    assert face.reg_close is not None
    assert timedelta(days=2) < face.starts_at - face.reg_close < timedelta(days=8)


async def test_where_schools_nominate_the_closing_is_theirs(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu, enrolment=Enrolment.NOMINATION)
    await sqlite.write(publishing.publish, gu, made.batch_id, now=NOW)
    closes = {"reg_close": (NOW + 5 * DAY).isoformat()}
    for new in (True, False):
        done = await sqlite.write(
            changing.change, gu, made.batch_id, What.REGISTRATION, closes, now=NOW
        )
        assert done.is_new is new
    batch = await sqlite.read(lambda s: s.exec(select(Batch)).one())
    assert (batch.nominate_close, batch.reg_close) == (NOW + 5 * DAY, None)
    face = await sqlite.read(changing.face, gu, made.batch_id, now=NOW)
    assert face.reg_close == NOW + 5 * DAY


async def test_a_cancelled_class_clashes_with_nothing(database: Database) -> None:
    gu, batch_id, people = await published(database)
    other = await database.write(desk.draft, gu)
    await database.write(publishing.publish, gu, other.batch_id, now=SOON)
    late = SOON + timedelta(minutes=2)
    outcome = await database.write(registration.register, people[0], other.batch_id, now=late)
    assert [clash.batch_id for clash in outcome.clashes] == [batch_id]
    await database.write(publishing.cancel_batch, gu, batch_id, "", now=late)
    again = await database.write(registration.register, people[0], other.batch_id, now=late)
    assert again.clashes == ()


def with_structure(session: Session, batch_id: int, programme_id: int, /) -> None:
    phase = Phase(batch_id=batch_id, position=1, kind=PhaseKind.CONCENTRATED, title="集中")
    session.add(phase)
    session.flush()
    module = Module(phase_id=phase.id, position=1, kind=ModuleKind.ETHICS, title="师德")
    session.add(module)
    session.flush()
    session.add(
        Task(
            batch_id=batch_id,
            module_id=module.id,
            title="心得",
            due_at=desk.START + DAY,
            hand_in=HandIn.TEXT,
        )
    )
    session.add(
        ClassSession(
            batch_id=batch_id,
            title="开班",
            starts_at=desk.START,
            ends_at=desk.START + timedelta(hours=2),
            module_id=module.id,
            secret="s3cret",
        )
    )
    session.add(EligibilityRule(programme_id=programme_id, field="tier", op="is_not", value="new"))
    session.flush()


async def test_a_copy_takes_everything_along_but_the_people(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu, title="2026年作业设计", seats=2)
    await database.write(with_structure, made.batch_id, made.programme_id)
    await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    lin = await database.write(make.teacher)
    await database.write(registration.register, lin, made.batch_id, now=SOON)
    year = timedelta(days=364)
    copy = await database.write(making.clone, gu, made.batch_id, desk.START + year, now=SOON)
    assert copy.title == "2027年作业设计"

    def look(session: Session) -> tuple[Any, ...]:
        batch = session.exec(select(Batch).where(Batch.id == copy.batch_id)).one()
        task = session.exec(select(Task).where(Task.batch_id == batch.id)).one()
        module = session.exec(select(Module).where(Module.id == task.module_id)).one()
        phase = session.exec(select(Phase).where(Phase.id == module.phase_id)).one()
        meeting = session.exec(select(ClassSession).where(ClassSession.batch_id == batch.id)).one()
        quota = session.exec(select(Quota).where(Quota.batch_id == batch.id)).one()
        assert phase.batch_id == batch.id
        assert meeting.module_id == module.id
        assert (meeting.secret, quota.seats, quota.taken) == ("", 2, 0)
        entered = session.exec(
            select(Registration.id).where(Registration.batch_id == batch.id)
        ).all()
        rules = session.exec(
            select(EligibilityRule.id).where(EligibilityRule.programme_id == copy.programme_id)
        ).all()
        assert (len(entered), len(rules)) == (0, 1)
        return batch.starts_at, task.due_at, meeting.starts_at

    assert await database.read(look) == (
        desk.START + year,
        desk.START + DAY + year,
        desk.START + year,
    )
    await database.write(making.discard, gu, copy.batch_id, now=SOON)
    left = await database.read(lambda s: s.exec(select(Programme.id)).all())
    assert left == [made.programme_id]


async def test_an_automatic_programme_has_one_class(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(
        desk.draft, gu, enrolment=Enrolment.AUTOMATIC, mode=Mode.REMOTE, seats=None
    )
    with pytest.raises(WrongValue):
        await sqlite.write(
            making.add_batch, gu, made.batch_id, desk.START, desk.START + DAY,
            place="", seats_=None, title="", now=NOW,
        )  # fmt: skip


def deadline(session: Session, kind: str, /) -> datetime | None:
    return session.exec(
        select(Deadline.at).where(Deadline.kind == kind, Deadline.state == DeadlineState.ACTIVE)
    ).first()


async def test_a_new_close_of_nominations_moves_their_deadline(database: Database) -> None:
    def play(session: Session) -> None:
        made = seating.county(session, programme={"asks_consent": True}, linked=True)
        luo = made.coordinators[0]
        nominating.nominate(session, luo, made.batch_id, [made.people[0][0]], now=NOW)
        closes = NOW + timedelta(days=3)
        value = {"reg_close": closes.isoformat()}
        what = What.REGISTRATION
        seen = changing.impact(session, made.county_id, made.batch_id, what, value, now=NOW)
        changing.change(session, made.county_id, made.batch_id, what, value, now=NOW)
        assert deadline(session, "nomination") == closes
        assert seen.deadlines == 1

    await database.write(play)


async def test_another_door_is_reminded_of_when_it_closes(database: Database) -> None:
    def play(session: Session) -> None:
        made = seating.county(session)
        changing.change(session, made.county_id, made.batch_id, What.ENROLMENT, "open", now=NOW)
        batch = session.get_one(Batch, made.batch_id)
        assert batch.reg_close is not None
        assert deadline(session, "reg_close") == batch.reg_close
        assert deadline(session, "nominate_close") is None

    await database.write(play)


async def test_what_comes_before_the_start_moves_with_it(database: Database) -> None:
    def play(session: Session) -> None:
        made = seating.county(session)
        batch = session.get_one(Batch, made.batch_id)
        day = timedelta(days=1)
        batch.approve_close, batch.thin_at = NOW + 8 * day, NOW + 9 * day
        batch.second_close = NOW - day  # over: it stays
        school = Quota(batch_id=batch.id, unit_id=made.schools[0], seats=1, release_at=NOW + day)
        session.add(school)
        session.flush()
        was, release = batch.starts_at, NOW + day

        def move(starts_at: datetime, now: datetime = NOW) -> None:
            value = {
                "starts_at": starts_at.isoformat(),
                "ends_at": (starts_at + day).isoformat(),
            }
            changing.change(session, made.county_id, batch.id, What.DATES, value, now=now)
            session.expire_all()

        move(was + 50 * day)
        assert batch.nominate_close == NOW + 57 * day
        assert batch.roster_date == NOW + 60 * day
        assert (batch.approve_close, batch.thin_at) == (NOW + 58 * day, NOW + 59 * day)
        assert batch.second_close == NOW - day
        assert school.release_at == release + 50 * day == deadline(session, "release")
        # Much sooner: what would be over keeps its moment, but nothing outlasts the start.
        start = NOW + 2 * day
        move(start)
        assert (batch.nominate_close, batch.roster_date) == (start, start)
        with pytest.raises(nominations.ListReported):
            nominating.nominate(
                session, made.coordinators[0], batch.id, [made.people[0][0]], now=start + day
            )

    await database.write(play)
