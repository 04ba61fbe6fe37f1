"""Writing and releasing a notice: the rules behind the card."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import addressing, deadlines, drafting, notices, releasing, seconding
from storage.messaging.drafting import Incomplete, PastMoment, TooLong
from storage.messaging.notices import NotADraft
from storage.messaging.seconding import NoSecond
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Notice,
    NoticeFile,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people.tables import Office, Role
from storage.refusals import NotAllowed, NotFound, OwnCase
from tests import make
from tests.make import NOW
from tests.messaging import cast, desks
from tests.messaging.cast import local
from tests.messaging.desks import fill_all, got, released, sent, written

NIGHT = local("2026-11-20", 22)
MONDAY_8 = local("2026-11-23", 8)


def row(session: Session, notice_id: int) -> Notice:
    notice = session.get_one(Notice, notice_id)
    session.refresh(notice)
    return notice


@pytest.mark.parametrize(
    ("said", "title", "text"),
    [
        ("【通知】校本研修\n周五前交计划。", "校本研修", "周五前交计划。"),
        ("[Notice] Study day\n\nBring a pen.", "Study day", "Bring a pen."),
        ("只有一行", "只有一行", ""),
        ("长" * 130 + "\n正文", "长" * 99 + "…", "长" * 130 + "\n正文"),
        ("", "", ""),
        ("  标题  \n\n  正文  \n第二行\n", "标题", "正文  \n第二行"),
    ],
)
async def test_the_first_line_is_the_heading(
    sqlite: Database, said: str, title: str, text: str
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice = row(session, drafting.begin(session, at.coordinator, text=said, now=NOW))
        assert (notice.title, notice.text) == (title, text)
        assert (notice.author_id, notice.unit_id) == (at.coordinator, at.school)

    await sqlite.write(play)


async def test_a_text_that_fits_no_message_is_refused(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        with pytest.raises(TooLong):
            drafting.begin(session, at.coordinator, text="标题\n" + "字" * 3_001, now=NOW)
        notice_id = written(session, at.coordinator)
        # What Telegram counts are UTF-16 units: an emoji is two.
        with pytest.raises(TooLong):
            drafting.write_field(session, at.coordinator, notice_id, "text", "😀" * 1_501, now=NOW)
        drafting.write_field(session, at.coordinator, notice_id, "text", "字" * 3_000, now=NOW)

    await sqlite.write(play)


async def test_files_go_with_it_once_each_and_up_to_ten(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)

        def attach(file_id: str) -> int:
            return drafting.attach(
                session,
                at.coordinator,
                notice_id,
                file_id,
                is_photo=False,
                name="附件.pdf",
                size=10,
                now=NOW,
            )

        assert [attach("a"), attach("a"), attach("b")] == [1, 1, 2]
        for n in range(8):
            attach(f"c{n}")
        with pytest.raises(drafting.TooManyFiles):
            attach("one more")
        kept = session.exec(select(NoticeFile.id)).all()
        drafting.detach(session, at.coordinator, notice_id, kept[0], now=NOW)
        assert attach("one more") == 10

    await database.write(play)


async def test_what_is_over_is_refused(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        who, id_ = at.coordinator, written(session, at.coordinator)
        before = NOW - timedelta(hours=1)
        with pytest.raises(PastMoment):
            drafting.set_time(session, who, id_, before, None, now=NOW)
        with pytest.raises(PastMoment):
            drafting.set_answer(session, who, id_, True, by=before, now=NOW)
        with pytest.raises(PastMoment):
            releasing.set_moment(session, who, id_, before, now=NOW)
        # A date to confirm by that lies before the notice goes out asks for the impossible.
        drafting.set_answer(session, who, id_, True, by=NOW + timedelta(hours=2), now=NOW)
        releasing.set_moment(session, who, id_, NOW + timedelta(hours=3), now=NOW)
        with pytest.raises(PastMoment):
            released(session, who, id_, releasing.AT)

    await sqlite.write(play)


async def test_without_heading_or_people_nothing_is_released(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        untitled = drafting.begin(session, at.coordinator, now=NOW)
        with pytest.raises(Incomplete, match="title"):
            released(session, at.coordinator, untitled)
        nobody = written(session, at.coordinator, audience={"facts": {"subject": ["天文"]}})
        with pytest.raises(Incomplete, match="people"):
            released(session, at.coordinator, nobody)
        timeless = written(session, at.coordinator)
        with pytest.raises(Incomplete, match="send"):
            released(session, at.coordinator, timeless, releasing.AT)

    await sqlite.write(play)


async def test_releasing_twice_changes_nothing(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        one = released(session, at.coordinator, notice_id)
        assert released(session, at.coordinator, notice_id, releasing.RIDE) == one
        lines = select(AuditLog).where(AuditLog.action == "release_notice")
        assert len(session.exec(lines).all()) == 1
        fill_all(session)
        again = released(session, at.coordinator, notice_id)
        assert again.state is NoticeState.SENT

    await database.write(play)


async def test_whoever_releases_it_is_its_author(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        released(session, at.principal, notice_id)
        fill_all(session)
        assert row(session, notice_id).author_id == at.principal
        assert at.coordinator in got(session, notice_id)
        assert at.principal not in got(session, notice_id)

    await database.write(play)


async def test_in_quiet_hours_it_is_queued_until_they_are_over(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator, now=NIGHT)
        done = released(session, at.coordinator, notice_id, now=NIGHT)
        assert (done.state, done.queued, done.send_at) == (NoticeState.SCHEDULED, True, MONDAY_8)
        assert fill_all(session, NIGHT) == 0
        assert fill_all(session, MONDAY_8) == 4

    await database.write(play)


async def test_a_time_in_quiet_hours_becomes_the_end_of_them(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        releasing.set_moment(session, at.coordinator, notice_id, NIGHT, now=NOW)
        assert row(session, notice_id).send_at == MONDAY_8

    await sqlite.write(play)


async def test_urgent_in_working_hours_goes_at_once_and_first(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = sent(session, at.coordinator, urgent=True)
        assert {each.priority for each in desks.carried(session, notice_id)} == {Priority.OFFER}

    await database.write(play)


def asked(session: Session) -> list[int]:
    return sorted(
        each.teacher_id or 0
        for each in session.exec(
            select(OutboxMessage).where(
                OutboxMessage.kind == "notice_second",
                OutboxMessage.state == OutboxState.PENDING,
            )
        ).all()
    )


def awaiting(session: Session, author_id: int, now: datetime = NIGHT) -> tuple[int, int]:
    """An urgent notice released in the night, and the stamp of what is asked."""
    notice_id = written(session, author_id, urgent=True, now=now)
    done = released(session, author_id, notice_id, now=now)
    assert done.state is NoticeState.AWAITING
    return notice_id, seconding.stamp(row(session, notice_id))


async def test_urgent_in_quiet_hours_asks_those_who_tend_the_unit(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        assert asked(session) == [at.principal]
        assert [each.count for each in seconding.waits(session, at.principal, now=NIGHT)] == [1]
        assert [each.count for each in seconding.waits(session, at.coordinator, now=NIGHT)] == [0]
        assert [each.count for each in seconding.waits(session, at.others[0], now=NIGHT)] == [0]
        with pytest.raises(OwnCase):
            seconding.approve(session, at.coordinator, notice_id, stamp, now=NIGHT)
        with pytest.raises(NotAllowed):
            seconding.approve(session, at.others[0], notice_id, stamp, now=NIGHT)
        # From above one may help out.
        assert seconding.approve(session, at.county, notice_id, stamp, now=NIGHT)
        notice = row(session, notice_id)
        assert (notice.state, notice.send_at) == (NoticeState.SCHEDULED, NIGHT)
        assert (notice.approved_by, notice.approved_at) == (at.county, NIGHT)
        actions = [each.action for each in session.exec(select(AuditLog)).all()]
        assert actions[-2:] == ["release_notice", "approve_notice"]

    await database.write(play)


async def test_where_nobody_else_tends_the_unit_those_above_are_asked(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        desks.dismissed(session, at.principal)
        awaiting(session, at.coordinator)
        assert asked(session) == [at.county]

    await database.write(play)


async def test_with_nobody_else_at_all_it_is_refused_and_stays_a_draft(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.county, urgent=True, now=NIGHT)
        point = session.begin_nested()
        with pytest.raises(NoSecond) as refused:
            released(session, at.county, notice_id, now=NIGHT)
        point.rollback()
        session.expire_all()
        assert refused.value.opens == MONDAY_8
        assert row(session, notice_id).state is NoticeState.DRAFT

    await sqlite.write(play)


async def test_approving_twice_is_once(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        assert seconding.approve(session, at.principal, notice_id, stamp, now=NIGHT)
        assert seconding.approve(session, at.principal, notice_id, stamp, now=NIGHT)
        assert not seconding.approve(session, at.county, notice_id, stamp, now=NIGHT)
        told = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == "notice_answered")
        ).all()
        assert [each.teacher_id for each in told] == [at.coordinator]

    await database.write(play)


async def test_what_was_approved_is_what_was_read(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        with pytest.raises(NotADraft):
            drafting.write_field(session, at.coordinator, notice_id, "text", "别的", now=NIGHT)
        later = NIGHT + timedelta(minutes=5)
        releasing.recall(session, at.coordinator, notice_id, now=later)
        drafting.write_field(session, at.coordinator, notice_id, "text", "别的", now=later)
        released(session, at.coordinator, notice_id, now=later)
        # The first card approves nothing any more.
        assert not seconding.approve(session, at.principal, notice_id, stamp, now=later)
        assert row(session, notice_id).state is NoticeState.AWAITING

    await database.write(play)


async def test_who_has_agreed_is_told_when_it_is_made_a_draft_all_the_same(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        # Of the day on which it is asked for, not of that on which it would go by itself.
        assert notices.letter_of(session, row(session, notice_id)).sent_at is None
        seconding.approve(session, at.principal, notice_id, stamp, now=NIGHT)
        assert notices.letter_of(session, row(session, notice_id)).sent_at == NIGHT
        releasing.recall(session, at.coordinator, notice_id, now=NIGHT)
        releasing.recall(session, at.coordinator, notice_id, now=NIGHT)
        told = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == "notice_stopped")
        ).all()
        assert [each.teacher_id for each in told] == [at.principal]
        assert told[0].facts["why"] == "recalled"
        assert not told[0].rings

    await database.write(play)


async def test_what_is_returned_is_a_draft_with_the_reason(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        with pytest.raises(Incomplete):
            seconding.give_back(session, at.principal, notice_id, stamp, " ", now=NIGHT)
        assert seconding.give_back(session, at.principal, notice_id, stamp, "明早再发", now=NIGHT)
        assert not seconding.give_back(session, at.principal, notice_id, stamp, "再说", now=NIGHT)
        sheet = notices.sheet(session, at.coordinator, notice_id, now=NIGHT)
        assert (sheet.state, sheet.returned) == (NoticeState.DRAFT, "明早再发")

    await database.write(play)


async def test_what_nobody_answered_goes_out_when_quiet_hours_are_over(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id, stamp = awaiting(session, at.coordinator)
        assert fill_all(session, MONDAY_8) == 4
        assert {each.priority for each in desks.carried(session, notice_id)} == {Priority.OFFER}
        assert not seconding.approve(session, at.principal, notice_id, stamp, now=MONDAY_8)

    await database.write(play)


async def test_the_price_counts_rings(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        make.teacher(session, "石晓岚", at=desks.FIRST)
        notice_id = written(session, at.coordinator)
        for who, state in (
            (at.teachers[0], OutboxState.SENT),
            (at.teachers[1], OutboxState.PENDING),
            (at.others[0], OutboxState.SENT),
        ):
            session.add(
                OutboxMessage(
                    kind="brief",
                    teacher_id=who,
                    dedupe_key=f"brief:2026-11-20:{who}",
                    not_before=NOW,
                    state=state,
                    sent_at=NOW if state is OutboxState.SENT else None,
                    created_at=NOW,
                )
            )
        session.flush()
        price = releasing.price(session, at.coordinator, notice_id, now=NOW)
        assert (price.count.people, price.count.reached) == (5, 4)
        assert (price.briefed, price.riding) == (1, 1)
        assert price.brief_at == local("2026-11-20", 16, 40)
        assert price.opens is None
        assert releasing.price(session, at.coordinator, notice_id, now=NIGHT).opens == MONDAY_8

    await database.write(play)


async def test_the_brief_that_is_promised_is_one_that_comes(database: Database) -> None:
    after = local("2026-11-20", 16, 43)

    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)

        def promised() -> datetime:
            return releasing.price(session, at.coordinator, notice_id, now=after).brief_at

        assert promised() == after
        for who in (at.coordinator, at.principal, *at.teachers):
            session.add(
                OutboxMessage(
                    kind="brief",
                    teacher_id=who,
                    dedupe_key=f"brief:2026-11-20:{who}",
                    not_before=NOW,
                    state=OutboxState.SENT,
                    sent_at=NOW,
                    created_at=NOW,
                )
            )
        session.flush()
        assert promised() == local("2026-11-23", 16, 40)

    await database.write(play)


async def test_a_copy_says_the_same_without_what_is_over(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        soon, later = NOW + timedelta(hours=2), NOW + timedelta(days=9)
        notice_id = sent(session, at.coordinator, happens_at=soon, answer_by=later, place="三楼")
        made = drafting.copy(session, at.principal, notice_id, now=NOW + timedelta(days=1))
        copied = row(session, made)
        assert (copied.state, copied.author_id) == (NoticeState.DRAFT, at.principal)
        assert (copied.title, copied.place) == ("教研安排", "三楼")
        assert (copied.happens_at, copied.answer_by) == (None, later)
        assert "names" not in copied.audience

    await database.write(play)


async def test_a_draft_is_forgotten_and_nothing_that_has_left(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        drafting.discard(session, at.coordinator, notice_id, now=NOW)
        drafting.discard(session, at.coordinator, notice_id, now=NOW)
        assert session.exec(select(Notice)).all() == []
        left = sent(session, at.coordinator)
        with pytest.raises(NotADraft):
            drafting.discard(session, at.coordinator, left, now=NOW)
        with pytest.raises(NotADraft):
            releasing.recall(session, at.coordinator, left, now=NOW)

    await database.write(play)


async def test_the_list_shows_ones_own_drafts_and_what_the_unit_has_sent(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        mine = written(session, at.coordinator)
        his = written(session, at.principal)
        gone = sent(session, at.principal)
        elsewhere = sent(session, at.county)
        batch_id = make.batch(session)
        cast.register(session, batch_id, at.others[0])
        teacher = desks.class_teacher(session, batch_id)
        of_class = sent(session, teacher, batch_id=batch_id)

        def listed(who: int, batch: int = 0) -> list[int]:
            found = notices.notices(session, who, batch_id=batch, now=NOW)
            return [line.notice_id for line in found.lines]

        assert listed(at.coordinator) == [mine, gone]
        assert listed(at.principal) == [his, gone]
        assert listed(at.county) == [of_class, elsewhere]
        assert listed(teacher, batch_id) == [of_class]
        assert listed(at.county, batch_id) == [of_class]
        with pytest.raises(NotAllowed):
            listed(at.others[0])
        with pytest.raises(NotAllowed):
            listed(at.coordinator, batch_id)

    await database.write(play)


async def test_groups_of_ones_own_can_be_chosen(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)

        def chat(number: int, **of: Any) -> int:
            made = Chat(
                tg_chat_id=-number,
                title=f"群{number}",
                **{"purpose": ChatPurpose.ALL_STAFF, **of},
            )
            session.add(made)
            session.flush()
            return made.id

        own = chat(1, unit_id=at.school)
        chat(2, unit_id=at.other_school)
        chat(3, unit_id=at.school, closed=True)
        chat(4, unit_id=at.school, active=False)
        chat(5, unit_id=None, purpose=None)
        notice_id = written(session, at.coordinator)
        found = addressing.audience_options(session, at.coordinator, notice_id, "chats", now=NOW)
        assert [each.key for each in found.lines] == [str(own)]
        assert found.closed == ("群3",)
        addressing.turn(session, at.coordinator, notice_id, "chats", str(own), now=NOW)
        assert row(session, notice_id).chats == [own]

    await database.write(play)


async def test_events_are_those_of_the_class_or_of_any(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        one, two = make.batch(session), make.batch(session, "别的班")
        when = local("2026-12-10", 9)
        first = deadlines.set_deadline(session, "batch_start", one, when, now=NOW)
        deadlines.set_deadline(session, "reg_close", two, when, now=NOW)
        cast.register(session, one, at.teachers[0])
        notice_id = written(session, at.coordinator)
        found, _page, _pages = releasing.events(session, at.coordinator, notice_id, now=NOW)
        assert len(found) == 2
        addressing.turn(session, at.coordinator, notice_id, "batch", str(one), now=NOW)
        found, _page, _pages = releasing.events(session, at.coordinator, notice_id, now=NOW)
        assert [each.deadline_id for each in found] == [first]
        with pytest.raises(releasing.EventGone):
            releasing.set_event(session, at.coordinator, notice_id, first, "T-99", now=NOW)
        with pytest.raises(releasing.EventGone):
            releasing.set_event(session, at.coordinator, notice_id, first + 99, "T-2", now=NOW)
        # Only moments that are ahead are offered.
        near = local("2026-12-08", 9)
        offered = releasing.offsets(session, at.coordinator, notice_id, first, now=near)
        assert offered.event.at == when
        assert [offset for offset, _moment in offered.moments] == ["T-1", "T-0", "T+1"]
        with pytest.raises(releasing.EventGone):
            releasing.offsets(session, at.coordinator, notice_id, first + 99, now=NOW)

    await database.write(play)


async def test_only_who_gets_it_reads_it_and_nobody_once_it_is_withdrawn(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = sent(session, at.coordinator)
        found = notices.letter_for(session, notice_id, at.teachers[0])
        assert found is not None
        assert (found[0].title, found[1]) == ("教研安排", False)
        assert notices.letter_for(session, notice_id, at.others[0]) is None
        row(session, notice_id).state = NoticeState.WITHDRAWN
        session.flush()
        assert notices.letter_for(session, notice_id, at.teachers[0]) is None

    await database.write(play)


async def test_for_the_county_the_office_signs(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        session.exec(select(Office)).one().name = "澄禾县教师发展中心"
        session.flush()
        shown = notices.sheet(session, at.county, written(session, at.county), now=NOW)
        assert shown.letter.issuer == "澄禾县教师发展中心"
        shown = notices.sheet(session, at.coordinator, written(session, at.coordinator), now=NOW)
        assert shown.letter.issuer == "澄禾县实验小学"

    await database.write(play)


async def test_a_deputy_and_a_county_write_in_the_name_of_their_unit(sqlite: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        assert row(session, written(session, at.county)).unit_id == at.county_unit
        both = desks.appointed(session, at.others[0], Role.PRINCIPAL, at.other_school)
        assert row(session, written(session, both)).unit_id == at.other_school
        with pytest.raises(NotAllowed):
            written(session, at.others[1])
        with pytest.raises(NotFound):
            drafting.write_field(
                session, at.county, written(session, at.county), "author_id", "1", now=NOW
            )

    await sqlite.write(play)
