"""Confirming a notice, by a tap or by doing the thing, and reminding those who have not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging import confirming, outbox
from storage.messaging.confirming import NothingToChase, Standing, TooSoon
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Deadline,
    DeadlineStep,
    NoticePost,
    NoticeState,
    Reminder,
    ReminderState,
)
from storage.refusals import NotAllowed, NotFound
from storage.training import programmes, registration
from tests import make
from tests.make import NOW
from tests.messaging import notices
from tests.messaging.cast import local, sweep_all, tick, waiting

HOUR = timedelta(hours=1)


def scene(session: Session, people: int = 3, **differs: Any) -> tuple[int, int, list[int]]:
    """An author, a notice, and those whom it concerns."""
    author = notices.coordinator(session)
    teachers = [make.teacher(session) for _ in range(people)]
    for teacher_id in teachers:
        make.account(session, teacher_id)
    return author, notices.notice(session, author, teachers, **differs), teachers


async def test_confirming_twice_keeps_the_first_moment(database: Database) -> None:
    def play(session: Session) -> None:
        _author, notice_id, (one, *_) = scene(session)
        first = confirming.confirm(session, one, notice_id, now=NOW)
        again = confirming.confirm(session, one, notice_id, now=NOW + HOUR)
        assert (first.standing, again.standing) == (Standing.CONFIRMED, Standing.ALREADY)
        assert again.at == notices.line(session, notice_id, one).confirmed_at == NOW
        assert not notices.line(session, notice_id, one).by_deed

    await database.write(play)


async def test_who_is_not_concerned_confirms_nothing(database: Database) -> None:
    def play(session: Session) -> None:
        _author, notice_id, _people = scene(session)
        stranger = make.teacher(session)
        done = confirming.confirm(session, stranger, notice_id, now=NOW)
        assert done.standing is Standing.NOT_CONCERNED
        with pytest.raises(NotFound):
            confirming.confirm(session, stranger, notice_id + 999, now=NOW)

    await database.write(play)


@pytest.mark.parametrize(
    ("differs", "standing"),
    [
        ({"state": NoticeState.WITHDRAWN}, Standing.WITHDRAWN),
        ({"state": NoticeState.SCHEDULED}, Standing.NOT_CONCERNED),
        ({"wants_answer": False}, Standing.NOTHING_TO_DO),
    ],
)
async def test_a_notice_that_asks_for_nothing_is_not_confirmed(
    database: Database, differs: dict[str, Any], standing: Standing
) -> None:
    def play(session: Session) -> None:
        _author, notice_id, (one, *_) = scene(session, **differs)
        assert confirming.confirm(session, one, notice_id, now=NOW).standing is standing
        assert notices.line(session, notice_id, one).confirmed_at is None

    await database.write(play)


async def test_whom_it_concerns_may_still_be_found_out(database: Database) -> None:
    def play(session: Session) -> None:
        _author, notice_id, _people = scene(session, state=NoticeState.SENDING, filled_at=None)
        early = make.teacher(session)
        assert confirming.confirm(session, early, notice_id, now=NOW).standing is Standing.NOT_YET

    await database.write(play)


async def test_registering_confirms_what_asks_to_register(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, other = make.batch(session), make.batch(session)
        author = notices.coordinator(session)
        one = make.teacher(session)
        make.account(session, one)
        event: dict[str, Any] = {"event_kind": "reg_close", "event_id": batch_id}
        about = notices.notice(session, author, [one], **event)
        elsewhere = notices.notice(session, author, [one])
        registration.register(session, one, other, now=NOW)
        assert notices.line(session, about, one).confirmed_at is None
        registration.register(session, one, batch_id, now=NOW)
        line = notices.line(session, about, one)
        assert (line.confirmed_at, line.by_deed) == (NOW, True)
        assert notices.line(session, elsewhere, one).confirmed_at is None
        assert len(notices.waiting(session, confirming.EDIT)) == 1

    await database.write(play)


@pytest.mark.parametrize(("kind", "named"), [("task", "task_due"), ("menu", "menu_close")])
async def test_doing_the_thing_confirms_a_notice_to_who_owes_it(
    database: Database, kind: str, named: str
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        one = make.teacher(session)
        notice_id = notices.notice(session, author, [one], audience={"owes": [named, 7]})
        confirming.by_deed(session, one, kind, 8, now=NOW)
        assert notices.line(session, notice_id, one).confirmed_at is None
        confirming.by_deed(session, one, kind, 7, now=NOW)
        assert notices.line(session, notice_id, one).by_deed

    await database.write(play)


# --- reminding -------------------------------------------------------------------------------


async def test_the_clock_reminds_the_unconfirmed_and_nobody_else(database: Database) -> None:
    def play(session: Session) -> None:
        answer_by = local("2026-11-26", 15)  # Thursday
        _author, notice_id, people = scene(session, answer_by=answer_by)
        confirming.confirm(session, people[0], notice_id, now=NOW)
        rung = tick(session, local("2026-11-25", 16)) + tick(session, local("2026-11-25", 17))
        assert len(rung) == 2
        for one in rung:
            assert one.brief is not None
            assert [item.kind for item in one.brief.items] == ["ack_due"]
        confirming.confirm(session, people[1], notice_id, now=local("2026-11-25", 18))
        last = tick(session, local("2026-11-26", 11))
        assert len(last) == 1

    await database.write(play)


async def test_a_coordinator_reminds_at_most_every_four_hours(database: Database) -> None:
    def play(session: Session) -> None:
        author, notice_id, people = scene(session)
        confirming.confirm(session, people[0], notice_id, now=NOW)
        first = confirming.chase(session, author, notice_id, now=NOW)
        assert (first.reached, first.is_new) == (2, True)
        again = confirming.chase(session, author, notice_id, now=NOW + timedelta(seconds=5))
        assert not again.is_new
        with pytest.raises(TooSoon) as soon:
            confirming.chase(session, author, notice_id, now=NOW + HOUR)
        assert soon.value.until == NOW + 4 * HOUR
        assert confirming.chase(session, author, notice_id, now=NOW + 4 * HOUR).is_new
        steps = session.exec(
            select(DeadlineStep.name).where(col(DeadlineStep.name).like("now%"))
        ).all()
        assert sorted(steps) == ["now1", "now2"]

    await database.write(play)


async def test_a_reminder_by_hand_rides_in_the_next_brief(database: Database) -> None:
    def play(session: Session) -> None:
        author, notice_id, people = scene(session)
        confirming.confirm(session, people[0], notice_id, now=NOW)
        done = confirming.look_at_chase(session, author, notice_id, now=NOW)
        assert (done.reached, done.at) == (2, local("2026-11-20", 16, 40))  # and that is true:
        assert confirming.chase(session, author, notice_id, now=NOW) == done
        sweep_all(session, NOW)
        briefs = [row for row in waiting(session) if row[0] == outbox.BRIEF]
        assert briefs == [(outbox.BRIEF, local("2026-11-20", 16, 40))] * 2
        # Who confirms before it goes out is not reminded.
        confirming.confirm(session, people[1], notice_id, now=NOW + HOUR)
        rung = tick(session, local("2026-11-20", 16, 41))
        assert len(rung) == 1

    await database.write(play)


async def test_a_reminder_by_hand_after_the_brief_is_said_to_come_with_the_next(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author, notice_id, _people = scene(session, answer_by=local("2026-11-24", 12))
        confirming.chase(session, author, notice_id, now=NOW)
        sweep_all(session, NOW)
        tick(session, local("2026-11-20", 16, 41))
        later = local("2026-11-20", 17)
        found = confirming.look_at_chase(session, author, notice_id, now=later)
        assert found.at == local("2026-11-23", 16, 40)
        # With no brief before its date it comes by itself.
        last = local("2026-11-24", 8, 30)
        found = confirming.look_at_chase(session, author, notice_id, now=last)
        assert found.at == last

    await database.write(play)


async def test_a_notice_without_a_date_can_be_reminded_of_too(database: Database) -> None:
    def play(session: Session) -> None:
        author, notice_id, people = scene(session, answer_by=None)
        assert session.exec(select(Deadline)).all() == []
        confirming.chase(session, author, notice_id, now=NOW)
        sweep_all(session, NOW)
        assert len(session.exec(select(Reminder)).all()) == len(people)
        confirming.chase(session, author, notice_id, now=NOW + 30 * HOUR)
        assert sweep_all(session, NOW + 30 * HOUR).reminded == len(people)

    await database.write(play)


async def test_nobody_is_reminded_of_what_is_withdrawn_or_asks_for_nothing(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author, notice_id, people = scene(session, wants_answer=False)
        with pytest.raises(NothingToChase):
            confirming.chase(session, author, notice_id, now=NOW)
        with pytest.raises(NotAllowed):
            confirming.chase(session, people[0], notice_id, now=NOW)
        gone = notices.notice(session, author, people, state=NoticeState.WITHDRAWN)
        with pytest.raises(NothingToChase):
            confirming.chase(session, author, gone, now=NOW)

    await database.write(play)


async def test_whom_nothing_reaches_is_counted_and_not_written_to(database: Database) -> None:
    def play(session: Session) -> None:
        author, notice_id, _people = scene(session)
        notices.recipient(session, notice_id, make.teacher(session))
        done = confirming.chase(session, author, notice_id, now=NOW)
        assert (done.reached, done.unreached) == (3, 1)
        sweep_all(session, NOW)
        states = session.exec(select(Reminder.state)).all()
        assert sorted(states) == sorted([ReminderState.DUE] * 3 + [ReminderState.UNREACHABLE])

    await database.write(play)


async def test_at_its_date_the_author_and_the_schools_are_told_once(database: Database) -> None:
    def play(session: Session) -> None:
        author, notice_id, people = scene(session)
        other = notices.coordinator(session, "程知远", at="第二小学")
        elsewhere = make.teacher(session, "顾念", at="第二小学")
        notices.recipient(session, notice_id, elsewhere)
        at = NOW + timedelta(days=5)
        confirming.come_due(session, now=at - HOUR)
        assert notices.waiting(session, confirming.LIST) == []
        confirming.come_due(session, now=at)
        confirming.come_due(session, now=at + HOUR)
        told = {row.teacher_id for row in notices.waiting(session, confirming.LIST)}
        assert told == {author, other}
        assert people

    await database.write(play)


async def test_after_a_long_standstill_the_list_is_told_all_the_same(database: Database) -> None:
    def play(session: Session) -> None:
        author, _notice_id, _people = scene(session)
        at = NOW + timedelta(days=5)
        confirming.come_due(session, now=at + timedelta(days=9))
        confirming.come_due(session, now=at + timedelta(days=10))
        told = notices.waiting(session, confirming.LIST)
        assert [row.teacher_id for row in told] == [author]
        assert told[0].useful_until is not None
        assert told[0].useful_until > at + timedelta(days=9)

    await database.write(play)


async def test_nobody_is_told_of_a_list_when_all_have_confirmed(database: Database) -> None:
    def play(session: Session) -> None:
        _author, notice_id, people = scene(session)
        for teacher_id in people:
            confirming.confirm(session, teacher_id, notice_id, now=NOW)
        confirming.come_due(session, now=NOW + timedelta(days=5))
        assert notices.waiting(session, confirming.LIST) == []

    await database.write(play)


async def test_an_urgent_list_comes_two_hours_after_the_date(database: Database) -> None:
    def play(session: Session) -> None:
        scene(session, urgent=True, answer_by=NOW + HOUR)
        confirming.come_due(session, now=NOW + 2 * HOUR)
        assert notices.waiting(session, confirming.LIST) == []
        confirming.come_due(session, now=NOW + 3 * HOUR)
        assert len(notices.waiting(session, confirming.LIST)) == 1

    await database.write(play)


@pytest.mark.parametrize("urges", [True, False])
async def test_a_group_is_urged_only_if_it_wants_to_be_and_once_a_day(
    database: Database, urges: bool
) -> None:
    def play(session: Session) -> None:
        chat = Chat(tg_chat_id=-100, title="全体教师", purpose=ChatPurpose.ALL_STAFF, urges=urges)
        session.add(chat)
        session.flush()
        author, notice_id, _people = scene(session, chats=[chat.id])
        post = session.exec(select(NoticePost)).one()
        post.message_id = 77
        session.flush()
        confirming.chase(session, author, notice_id, now=NOW)
        confirming.chase(session, author, notice_id, now=NOW + 5 * HOUR)
        assert len(notices.waiting(session, confirming.URGE)) == int(urges)

    await database.write(play)


async def test_what_is_to_be_confirmed_stands_among_what_is_due(database: Database) -> None:
    def play(session: Session) -> list[list[int | None]]:
        _author, notice_id, (one, *_) = scene(session)
        days = (NOW, NOW + timedelta(days=6), NOW + timedelta(days=60))
        found = [[item.notice_id for item in programmes.due(session, one, now=day)] for day in days]
        confirming.confirm(session, one, notice_id, now=NOW)
        assert programmes.due(session, one, now=NOW) == []
        assert found[0] == [notice_id]
        return found

    due, late, forgotten = await database.write(play)
    assert due == late
    assert forgotten == []
