"""A notice that is due becomes one line a person and one message, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from handlers.messaging.releasing_text import stopped_card
from storage.database import Database
from storage.messaging import (
    correcting,
    deadlines,
    filling,
    notice_report,
    notices,
    outbox,
    releasing,
    seconding,
)
from storage.messaging.notice_report import Where
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    News,
    Notice,
    NoticePost,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people.tables import Account, Posting, Teacher, TeacherState
from storage.training.tables import Registration, RegistrationState
from tests import make
from tests.make import NOW
from tests.messaging import cast, desks
from tests.messaging.desks import FIRST, SECOND, carried, fill_all, got, late_all, sent, written

LATER = NOW + timedelta(days=10)


async def test_everybody_concerned_gets_one_line_and_one_message(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        unlinked = make.teacher(session, "石晓岚", at=FIRST)
        notice_id = sent(session, at.coordinator)
        everybody = sorted([at.principal, *at.teachers, unlinked])
        assert got(session, notice_id) == everybody
        rows = carried(session, notice_id)
        assert [row.teacher_id for row in rows] == everybody[:-1]
        assert {row.priority for row in rows} == {Priority.BULK}
        assert {row.dedupe_key for row in rows} == {
            f"notice:{notice_id}:{each}:0" for each in everybody[:-1]
        }
        lines = session.exec(select(NoticeRecipient)).all()
        assert [line.reached for line in lines] == [line.teacher_id != unlinked for line in lines]
        assert {line.teacher_id: line.outbox_id for line in lines if line.reached} == {
            row.teacher_id: row.id for row in rows
        }
        notice = session.get_one(Notice, notice_id)
        assert notice.state is NoticeState.SENT
        assert notice.filled_at == NOW
        # Again there is nothing to do.
        assert filling.fill(session, now=NOW) == filling.Filled(None, 0, False)

    await database.write(play)


async def test_it_is_filled_in_chunks_and_goes_on_after_the_last_one(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session, people=7)
        notice_id = written(session, at.county)
        desks.released(session, at.county, notice_id)
        one = filling.fill(session, now=NOW, chunk=5)
        assert (one.people, one.more) == (5, True)
        notice = session.get_one(Notice, notice_id)
        assert notice.state is NoticeState.SENDING
        assert notice.filled_to == got(session, notice_id)[-1]
        assert fill_all(session, chunk=5) == 16 - 5
        assert got(session, notice_id) == sorted(
            [at.coordinator, at.principal, *at.teachers, *at.others]
        )

    await database.write(play)


class _Killed(Exception):
    """The process died before the transaction was through."""


class _Over(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12), st.booleans())
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_chunks_and_crashes_each_gets_it_exactly_once(
    database: Database, steps: list[tuple[int, bool]], rides: bool
) -> None:

    def play(session: Session) -> None:
        at = desks.desks(session, people=6)
        unlinked = make.teacher(session, "石晓岚", at=FIRST)
        notice_id = written(session, at.county, rides=rides)
        desks.released(session, at.county, notice_id, releasing.RIDE if rides else releasing.NOW)
        for chunk, dies in steps:
            point = session.begin_nested()
            filling.fill(session, now=NOW, chunk=chunk)
            if dies:
                point.rollback()
                session.expire_all()
        fill_all(session, chunk=4)
        everybody = {at.coordinator, at.principal, *at.teachers, *at.others}
        lines = got(session, notice_id)
        assert sorted({*everybody, unlinked}) == lines
        if rides:
            told = list(session.exec(select(News.teacher_id).where(News.kind == "notice")).all())
        else:
            told = [row.teacher_id or 0 for row in carried(session, notice_id)]
        assert sorted(told) == sorted(everybody)
        raise _Over

    with pytest.raises(_Over):
        asyncio.run(_write(database, play))


async def _write(database: Database, play: Any) -> None:
    await database.write(play)


async def test_two_processes_at_once_fill_it_once(database: Database) -> None:
    def begin(session: Session) -> int:
        at = desks.desks(session, people=20)
        notice_id = written(session, at.county)
        desks.released(session, at.county, notice_id)
        return notice_id

    notice_id = await database.write(begin)

    async def work() -> int:
        people = idle = 0
        while idle < 3:
            one = await database.write(filling.fill, now=NOW, chunk=3)
            people += one.people
            idle = 0 if one.more else idle + 1
            await asyncio.sleep(0)
        return people

    assert sum(await asyncio.gather(work(), work(), work())) == 42
    lines = await database.read(got, notice_id)
    assert len(lines) == len(set(lines)) == 42
    assert len(await database.read(carried, notice_id)) == 42


async def test_an_author_who_has_lost_the_right_sends_nothing_and_the_county_is_told(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        releasing.set_moment(session, at.coordinator, notice_id, LATER, now=NOW)
        desks.released(session, at.coordinator, notice_id, releasing.AT)
        desks.dismissed(session, at.coordinator)
        fill_all(session, LATER)
        assert got(session, notice_id) == []
        assert session.get_one(Notice, notice_id).state is NoticeState.DRAFT
        told = session.exec(
            select(OutboxMessage.teacher_id).where(OutboxMessage.kind == "notice_stopped")
        ).all()
        assert told == [at.county]

    await database.write(play)


async def test_an_author_who_loses_the_right_on_the_way_sends_nothing_more(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session, people=6)
        notice_id = written(session, at.coordinator)
        desks.released(session, at.coordinator, notice_id)
        filling.fill(session, now=NOW, chunk=3)
        desks.dismissed(session, at.coordinator)
        fill_all(session, chunk=3)
        assert session.get_one(Notice, notice_id).state is NoticeState.WITHDRAWN
        assert {row.state for row in carried(session, notice_id)} == {OutboxState.SKIPPED}
        assert len(got(session, notice_id)) == 3

    await database.write(play)


async def test_what_rides_is_news_of_the_next_brief_and_no_message(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        desks.released(session, at.coordinator, notice_id, releasing.RIDE)
        fill_all(session)
        assert carried(session, notice_id) == []
        news = session.exec(select(News).order_by(col(News.teacher_id))).all()
        assert [row.teacher_id for row in news] == sorted([at.principal, *at.teachers])
        assert {(row.kind, row.subject_id) for row in news} == {("notice", notice_id)}
        cast.sweep_all(session, NOW)
        assert {kind for kind, _at in cast.waiting(session)} == {"brief"}

    await database.write(play)


async def test_what_rides_waits_until_it_is_told_and_says_for_when(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        desks.released(session, at.coordinator, notice_id, releasing.RIDE)
        fill_all(session)
        brief = cast.local("2026-11-20", 16, 40)

        def waits(now: datetime) -> tuple[datetime | None, datetime | None]:
            (line,) = notices.notices(session, at.coordinator, now=now).lines
            report = notice_report.report(session, at.coordinator, notice_id, now=now)
            assert (line.state, report.state) == (NoticeState.SENT, NoticeState.SENT)
            return line.rides_at, report.rides_at

        assert waits(NOW) == (brief, brief)
        news = session.exec(select(News)).all()
        news[0].told_at = brief
        session.flush()
        assert waits(brief) == (None, None)
        news[0].told_at = None
        session.flush()
        correcting.withdraw(session, at.coordinator, notice_id, "改期", now=NOW)
        (line,) = notices.notices(session, at.coordinator, now=NOW).lines
        assert line.rides_at is None
        report = notice_report.report(session, at.coordinator, notice_id, now=NOW)
        assert set(report.where) == {Where.UNSENT}

    await database.write(play)


async def test_its_groups_get_a_post_each(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        chat = Chat(
            tg_chat_id=-100, title="实验小学", purpose=ChatPurpose.ALL_STAFF, unit_id=at.school
        )
        session.add(chat)
        session.flush()
        notice_id = sent(session, at.coordinator, chats=[chat.id])
        posts = session.exec(select(NoticePost)).all()
        assert [(row.notice_id, row.chat_id, row.message_id) for row in posts] == [
            (notice_id, chat.id, None)
        ]

    await database.write(play)


async def test_who_joins_later_gets_once_what_still_concerns_them(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        silent = make.teacher(session, "石晓岚", at=FIRST)
        notice_id = sent(session, at.coordinator, answer_by=LATER)
        assert late_all(session, NOW + timedelta(hours=1)) == 0
        newcomer = desks.linked(session, "新老师")
        make.account(session, silent)
        elsewhere = desks.linked(session, "别校", SECOND)
        then = NOW + timedelta(days=1)
        assert late_all(session, then) == 2
        assert late_all(session, then) == 0
        lines = {line.teacher_id: line for line in session.exec(select(NoticeRecipient)).all()}
        assert elsewhere not in lines
        assert {who for who, line in lines.items() if line.late} == {newcomer, silent}
        assert all(line.reached and line.outbox_id for line in lines.values())
        assert len(carried(session, notice_id)) == len(lines)
        # What it was about is over: nobody is told any more.
        desks.linked(session, "更新的老师")
        assert late_all(session, LATER) == 0

    await database.write(play)


async def test_an_approval_after_the_notice_to_a_class_brings_it_too(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        cast.register(session, batch_id, at.teachers[0])
        cast.register(session, batch_id, at.others[0])
        session.add(
            Registration(
                batch_id=batch_id,
                teacher_id=at.others[1],
                unit_id_at=at.other_school,
                state=RegistrationState.SUBMITTED,
                submitted_at=NOW,
                queued_at=NOW,
                changed_at=NOW,
            )
        )
        session.flush()
        teacher = desks.class_teacher(session, batch_id)
        notice_id = sent(session, teacher, batch_id=batch_id, happens_at=LATER)
        assert got(session, notice_id) == sorted([at.teachers[0], at.others[0]])
        waiting = session.exec(
            select(Registration).where(Registration.teacher_id == at.others[1])
        ).one()
        waiting.state = RegistrationState.APPROVED
        session.flush()
        assert late_all(session, NOW + timedelta(hours=1)) == 1
        assert at.others[1] in got(session, notice_id)

    await database.write(play)


async def test_nobody_joins_for_an_author_without_the_right(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        sent(session, at.coordinator, answer_by=LATER)
        desks.linked(session, "新老师")
        desks.dismissed(session, at.coordinator)
        assert late_all(session, NOW + timedelta(days=1)) == 0

    await database.write(play)


async def test_who_has_left_or_is_on_long_leave_is_left_in_peace(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        for who, state in zip(
            at.teachers,
            (TeacherState.LEFT, TeacherState.LONG_LEAVE, TeacherState.ACTIVE),
            strict=True,
        ):
            session.get_one(Teacher, who).state = state
        session.flush()
        notice_id = sent(session, at.coordinator)
        assert got(session, notice_id) == sorted([at.principal, at.teachers[2]])

    await database.write(play)


async def test_who_has_moved_to_another_school_hears_of_that_one(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        posting = session.exec(select(Posting).where(Posting.teacher_id == at.teachers[0])).one()
        posting.unit_id = at.other_school
        session.flush()
        assert at.teachers[0] not in got(session, sent(session, at.coordinator))

    await database.write(play)


async def test_what_goes_with_an_event_moves_with_it(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        start = cast.local("2026-12-10", 9)
        deadline_id = deadlines.set_deadline(session, "batch_start", batch_id, start, now=NOW)
        notice_id = written(session, at.county)
        goes = releasing.set_event(session, at.county, notice_id, deadline_id, "T-2", now=NOW)
        assert goes == cast.local("2026-12-08", 8)
        desks.released(session, at.county, notice_id, releasing.EVENT)
        assert filling.follow_events(session, now=NOW) == 0
        moved = cast.local("2026-12-17", 9)
        deadlines.set_deadline(session, "batch_start", batch_id, moved, now=NOW)
        assert filling.follow_events(session, now=NOW) == 1
        notice = session.get_one(Notice, notice_id)
        assert notice.send_at == cast.local("2026-12-15", 8)
        fill_all(session, goes)
        assert got(session, notice_id) == []
        # The event comes nearer than the notice was to be: it goes at once.
        deadlines.set_deadline(
            session, "batch_start", batch_id, cast.local("2026-12-09", 9), now=goes
        )
        then = cast.local("2026-12-08", 15)
        filling.follow_events(session, now=then)
        assert fill_all(session, then) > 0

    await database.write(play)


async def test_an_event_that_does_not_take_place_makes_a_draft_again_and_tells_the_author(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        start = cast.local("2026-12-10", 9)
        deadline_id = deadlines.set_deadline(session, "batch_start", batch_id, start, now=NOW)
        notice_id = written(session, at.county)
        releasing.set_event(session, at.county, notice_id, deadline_id, "T-2", now=NOW)
        desks.released(session, at.county, notice_id, releasing.EVENT)
        deadlines.cancel_deadline(session, "batch_start", batch_id, now=NOW)
        assert filling.follow_events(session, now=NOW) == 1
        assert filling.follow_events(session, now=NOW) == 0
        notice = session.get_one(Notice, notice_id)
        assert (notice.state, notice.send_at, notice.event_kind) == (NoticeState.DRAFT, None, "")
        told = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == "notice_stopped")
        ).one()
        assert told.teacher_id == at.county
        assert told.facts["why"] == "event"

    await database.write(play)


async def test_a_notice_whose_event_has_passed_meanwhile_says_so(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        start = cast.local("2026-12-10", 9)
        deadline_id = deadlines.set_deadline(session, "batch_start", batch_id, start, now=NOW)
        notice_id = written(session, at.county)
        releasing.set_event(session, at.county, notice_id, deadline_id, "T-2", now=NOW)
        desks.released(session, at.county, notice_id, releasing.EVENT)
        # The machine stood still until the event was over.
        assert filling.follow_events(session, now=cast.local("2026-12-11", 9)) == 1
        assert session.get_one(Notice, notice_id).state is NoticeState.DRAFT
        told = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == "notice_stopped")
        ).one()
        assert told.facts["why"] == "past"
        card = stopped_card(told.facts, "en")
        assert "could not go out in time with" in card.text
        assert "does not take place" not in card.text

    await database.write(play)


async def test_an_urgent_one_that_a_second_person_approved_rings_in_quiet_hours(
    database: Database,
) -> None:
    night = cast.local("2026-11-20", 22)

    def play(session: Session) -> None:
        at = desks.desks(session)
        usual = written(session, at.coordinator, now=night)
        desks.released(session, at.coordinator, usual, now=night)
        urgent = written(session, at.coordinator, urgent=True, now=night)
        asked = desks.released(session, at.coordinator, urgent, now=night)
        assert asked.state is NoticeState.AWAITING
        assert fill_all(session, night) == 0
        seen = seconding.second_look(session, at.principal, urgent, now=night)
        assert seen is not None
        assert seconding.approve(session, at.principal, urgent, seen.stamp, now=night)
        assert fill_all(session, night) == 4
        claimed = outbox.claim(session, now=night, lease=timedelta(minutes=1), limit=50)
        kinds = [row.kind for row in claimed]
        assert kinds.count("notice") == 4
        assert not set(kinds) - {
            "notice",
            "notice_second",
            "notice_answered",
        }
        assert {row.facts["notice_id"] for row in claimed} == {urgent}

    await database.write(play)


async def test_a_ring_once_more_is_one_message_more_for_each(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = sent(session, at.coordinator)
        notice = session.get_one(Notice, notice_id)
        notice.revision = notice.ring_revision = 1
        session.flush()
        filling.again(session, notice_id)
        fill_all(session)
        assert len(got(session, notice_id)) == 4
        rows = carried(session, notice_id)
        assert len(rows) == 8
        newest = {row.id for row in rows if row.facts["ringing"] == 1}
        lines = session.exec(select(NoticeRecipient)).all()
        assert {line.outbox_id for line in lines} == newest
        assert {line.revision for line in lines} == {1}

    await database.write(play)


async def test_who_blocked_the_bot_counts_as_not_reached(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        account = session.exec(select(Account).where(Account.teacher_id == at.teachers[0])).one()
        account.reachable = False
        session.flush()
        notice_id = sent(session, at.coordinator)
        line = session.exec(
            select(NoticeRecipient).where(NoticeRecipient.teacher_id == at.teachers[0])
        ).one()
        assert not line.reached
        assert line.outbox_id is None
        assert at.teachers[0] not in {row.teacher_id for row in carried(session, notice_id)}

    await database.write(play)


async def test_what_says_no_date_is_kept_some_days_for_whoever_could_not_be_reached(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        silent = make.teacher(session, "石晓岚", at=FIRST)
        notice_id = sent(session, at.coordinator)
        assert {row.useful_until for row in carried(session, notice_id)} == {NOW + filling.UNDATED}
        then = NOW + timedelta(days=3)
        desks.linked(session, "新老师")
        make.account(session, silent)
        assert late_all(session, then) == 1
        assert late_all(session, then) == 0
        told = session.exec(select(News)).one()
        assert (told.teacher_id, told.subject_id) == (silent, notice_id)
        latest = make.teacher(session, "更晚的老师", at=FIRST)
        second = sent(session, at.coordinator, now=then)
        make.account(session, latest)
        assert late_all(session, then + filling.UNDATED) == 0
        assert {row.stream for row in carried(session, second)} == {second}

    await database.write(play)
