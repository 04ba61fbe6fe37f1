"""What a brief says is decided when its turn comes, and the phone rings seldom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging import briefs, news, outbox, reminders
from storage.messaging.tables import OutboxMessage, OutboxState, ReminderState
from storage.people.tables import Account
from storage.refusals import NotFound
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local

AT = local("2026-11-25", 17)  # a Wednesday
BEFORE = local("2026-11-16", 9)  # the Monday of the week before
FRIDAY_8 = local("2026-11-20", 8)
FRIDAY_BRIEF = local("2026-11-20", 16, 40)
MONDAY_BRIEF = local("2026-11-23", 16, 40)


async def test_nothing_is_said_once_it_is_done(database: Database) -> None:
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)
    await database.write(cast.finish, teacher_id)
    assert await database.write(cast.tick, FRIDAY_BRIEF) == []
    assert await database.read(cast.states) == {ReminderState.SATISFIED: 1}
    assert await database.read(outbox.stats) == {OutboxState.SKIPPED: 1}


async def test_everything_due_folds_into_one_brief_soonest_first(database: Database) -> None:
    def three(session: Session) -> None:
        _, (teacher_id,) = cast.due(session, AT, now=BEFORE, preset="T-3")
        for day in ("2026-11-27", "2026-11-24"):
            cast.owe_too(session, teacher_id, local(day, 12), now=BEFORE, preset="T-5 T-2")

    await database.write(three)
    (rung,) = await database.write(cast.tick, FRIDAY_BRIEF)
    assert rung.brief is not None
    moments = [item.at for item in rung.brief.items]
    assert moments == [local("2026-11-24", 12), AT, local("2026-11-27", 12)]


async def test_nothing_is_said_after_its_useful_time(database: Database) -> None:
    # The brief waits for its turn so long (a pause that Telegram asked for) that T-3 is past.
    await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)
    assert await database.write(cast.tick, local("2026-11-26", 16, 40)) == []
    assert await database.read(cast.states) == {ReminderState.STALE: 1}


async def test_a_brief_delayed_into_the_evening_waits_for_the_next_days(
    database: Database,
) -> None:
    await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)
    assert await database.write(cast.tick, local("2026-11-20", 23)) == []
    assert await database.write(cast.tick, local("2026-11-21", 10)) == []
    assert await database.write(cast.tick, local("2026-11-23", 8)) == []
    (rung,) = await database.write(cast.tick, MONDAY_BRIEF)
    assert rung.kind == "brief"


async def test_what_cannot_wait_goes_out_in_the_morning(database: Database) -> None:
    # The deadline is on Monday at noon; on Friday afternoon the machine was down.
    await database.write(cast.due, local("2026-11-23", 12), now=BEFORE, preset="T-1")
    await database.write(cast.sweep_all, FRIDAY_8)
    assert await database.write(cast.tick, local("2026-11-20", 23)) == []
    (rung,) = await database.write(cast.tick, local("2026-11-23", 8))
    assert rung.kind == "brief"


async def test_on_a_day_off_only_what_would_be_over_by_monday_rings(database: Database) -> None:
    def two(session: Session) -> None:
        saturday = local("2026-11-21", 15)
        _, (teacher_id,) = cast.due(session, saturday, kind="batch_start", now=BEFORE, preset="T-1")
        cast.owe_too(session, teacher_id, AT, now=BEFORE, preset="T-3")

    await database.write(two)
    await database.write(cast.sweep_all, FRIDAY_8)
    # Down from Friday noon to Saturday 9:00.
    (rung,) = await database.write(cast.tick, local("2026-11-21", 9))
    assert rung.kind == "reminder"
    assert rung.brief is not None
    assert [item.kind for item in rung.brief.items] == ["batch_start"]
    (rung,) = await database.write(cast.tick, MONDAY_BRIEF)
    assert rung.brief is not None
    assert [item.kind for item in rung.brief.items] == ["remote_start"]


async def test_a_fourth_brief_of_the_week_waits_for_the_next(database: Database) -> None:
    # Four deadlines far away, with one step on each of Tuesday to Friday.
    def four(session: Session) -> None:
        far = local("2026-12-21", 17)
        _, (teacher_id,) = cast.due(session, far, now=BEFORE, preset="T-24")
        for offset in ("T-23", "T-22", "T-21"):
            cast.owe_too(session, teacher_id, far, now=BEFORE, preset=offset)

    await database.write(four)
    days = ["17", "18", "19", "20", "23"]
    rung = [await database.write(cast.tick, local(f"2026-11-{day}", 16, 40)) for day in days]
    assert [len(one) for one in rung] == [1, 1, 1, 0, 1]


async def test_in_its_last_two_days_a_deadline_goes_beyond_three_a_week(
    database: Database,
) -> None:
    def four(session: Session) -> None:
        far = local("2026-12-21", 17)
        _, (teacher_id,) = cast.due(session, far, now=BEFORE, preset="T-24")
        for offset in ("T-23", "T-22"):
            cast.owe_too(session, teacher_id, far, now=BEFORE, preset=offset)
        cast.owe_too(session, teacher_id, local("2026-11-21", 17), now=BEFORE, preset="T-1")

    await database.write(four)
    days = ["17", "18", "19", "20"]
    rung = [await database.write(cast.tick, local(f"2026-11-{day}", 16, 40)) for day in days]
    assert [len(one) for one in rung] == [1, 1, 1, 1]


async def test_a_muted_deadline_is_not_said_and_can_be_unmuted(database: Database) -> None:
    deadline_id, (teacher_id,) = await database.write(
        cast.due, AT, kind="batch_start", now=BEFORE, preset="T-3 T-1"
    )
    await database.write(cast.sweep_all, FRIDAY_8)
    await database.write(reminders.mute, teacher_id, deadline_id, now=FRIDAY_8)
    await database.write(reminders.mute, teacher_id, deadline_id, now=FRIDAY_8)
    assert await database.write(cast.tick, FRIDAY_BRIEF) == []
    assert await database.read(cast.states) == {ReminderState.MUTED: 1}
    await database.write(reminders.unmute, teacher_id, deadline_id)
    assert len(await database.write(cast.tick, local("2026-11-24", 16, 40))) == 1


async def test_the_sweep_passes_over_whoever_has_muted(database: Database) -> None:
    deadline_id, (teacher_id, _) = await database.write(
        cast.due, AT, people=2, kind="batch_start", now=BEFORE, preset="T-3"
    )
    await database.write(reminders.mute, teacher_id, deadline_id, now=BEFORE)
    assert (await database.write(cast.sweep_all, FRIDAY_8)).reminded == 1


async def test_what_costs_hours_or_the_seat_cannot_be_muted(database: Database) -> None:
    deadline_id, (teacher_id,) = await database.write(
        cast.due, AT, now=BEFORE, kind="remote_end", preset="T-3"
    )
    with pytest.raises(reminders.MuteRefused) as refused:
        await database.write(reminders.mute, teacher_id, deadline_id, now=BEFORE)
    assert refused.value.kind == "remote_end"


async def test_a_deadline_that_is_gone_cannot_be_muted_or_put_off(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(reminders.mute, 1, 99, now=BEFORE)
    with pytest.raises(NotFound):
        await database.write(reminders.put_off_reminder, 1, 99, AT, now=BEFORE)


async def test_later_brings_it_again_in_a_later_brief(database: Database) -> None:
    deadline_id, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.tick, FRIDAY_BRIEF)
    later = await database.write(
        reminders.put_off_reminder,
        teacher_id,
        deadline_id,
        FRIDAY_BRIEF + timedelta(hours=1),
        now=FRIDAY_BRIEF,
    )
    assert later == MONDAY_BRIEF
    assert await database.write(cast.tick, local("2026-11-20", 17, 45)) == []
    (rung,) = await database.write(cast.tick, MONDAY_BRIEF)
    assert rung.brief is not None
    assert [item.step for item in rung.brief.items] == ["T-3"]


async def test_later_never_means_after_the_deadline(database: Database) -> None:
    noon = local("2026-11-23", 12)
    deadline_id, (teacher_id,) = await database.write(cast.due, noon, now=BEFORE, preset="T-1")
    await database.write(cast.tick, FRIDAY_BRIEF)

    async def put_off(hour: int) -> object:
        return await database.write(
            reminders.put_off_reminder,
            teacher_id,
            deadline_id,
            local("2026-11-23", hour),
            now=FRIDAY_BRIEF,
        )

    assert await put_off(13) is None
    assert await put_off(9) == local("2026-11-23", 9)
    (rung,) = await database.write(cast.tick, local("2026-11-23", 9))
    assert rung.kind == "reminder"


async def test_news_ride_in_the_brief_and_are_told_once(database: Database) -> None:
    def posted(session: Session) -> int:
        teacher_id = make.teacher(session)
        account_id = make.account(session, teacher_id)
        for _ in range(2):
            news.tell(session, "credit_posted", teacher_id, 5, {"hours": "8"}, now=BEFORE)
        return account_id

    account_id = await database.write(posted)
    assert await database.write(cast.tick, BEFORE) == []
    (rung,) = await database.write(cast.tick, local("2026-11-16", 16, 40))
    assert rung.brief is not None
    assert [(one.kind, one.facts) for one in rung.brief.news] == [("credit_posted", {"hours": "8"})]
    assert await database.write(cast.tick, local("2026-11-17", 16, 40)) == []
    shown = await database.read(
        briefs.todays_brief, account_id, date(2026, 11, 16), now=FRIDAY_BRIEF
    )
    assert shown is not None
    assert len(shown.news) == 1


async def test_todays_brief_can_be_shown_again_with_what_is_done_since(
    database: Database,
) -> None:
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.tick, FRIDAY_BRIEF)

    def account_of(session: Session) -> int:
        return session.exec(select(Account.id).where(Account.teacher_id == teacher_id)).one()

    account_id = await database.read(account_of)
    assert (
        await database.read(briefs.todays_brief, account_id, date(2026, 11, 19), now=FRIDAY_BRIEF)
        is None
    )
    shown = await database.read(
        briefs.todays_brief, account_id, date(2026, 11, 20), now=FRIDAY_BRIEF
    )
    assert shown is not None
    assert [item.done for item in shown.items] == [False]
    await database.write(cast.finish, teacher_id)
    shown = await database.read(
        briefs.todays_brief, account_id, date(2026, 11, 20), now=FRIDAY_BRIEF
    )
    assert shown is not None
    assert [item.done for item in shown.items] == [True]


async def test_a_brief_that_was_in_hand_at_a_crash_is_composed_anew(database: Database) -> None:
    await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)
    (row,) = await database.write(outbox.claim, now=FRIDAY_BRIEF, lease=cast.LEASE, limit=1)
    first = await database.write(briefs.compose_brief, row.id, now=FRIDAY_BRIEF)
    assert isinstance(first, briefs.Brief)
    after = FRIDAY_BRIEF + cast.LEASE
    assert await database.write(outbox.recover, now=after) == outbox.Recovered(1, 0)
    (rung,) = await database.write(cast.dispatch, after)
    assert rung.brief is not None
    assert rung.brief.items == first.items
    assert await database.read(cast.states) == {ReminderState.SENT: 1}


async def test_two_briefs_in_hand_at_once_do_not_both_ring(database: Database) -> None:
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)

    def another(session: Session) -> None:
        row = session.exec(select(OutboxMessage)).one()
        session.add(
            OutboxMessage(
                kind="brief",
                teacher_id=teacher_id,
                account_id=row.account_id,
                priority=row.priority,
                not_before=row.not_before,
                dedupe_key=f"brief:2026-11-19:{teacher_id}",
                created_at=row.created_at,
            )
        )
        session.flush()

    await database.write(another)
    first, second = await database.write(outbox.claim, now=FRIDAY_BRIEF, lease=cast.LEASE, limit=5)
    found = [
        await database.write(briefs.compose_brief, row.id, now=FRIDAY_BRIEF)
        for row in (second, first)
    ]
    assert sum(isinstance(one, briefs.Brief) for one in found) == 1


async def test_yesterdays_brief_does_not_ring_beside_todays(database: Database) -> None:
    # Telegram asked for a pause that began before Friday's brief and ends on Monday.
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-2")
    await database.write(cast.sweep_all, FRIDAY_8)
    (fridays,) = await database.write(outbox.claim, now=FRIDAY_BRIEF, lease=cast.LEASE, limit=1)
    late = MONDAY_BRIEF + timedelta(minutes=20)
    await database.write(outbox.try_later, fridays.id, late)
    await database.write(cast.owe_too, teacher_id, AT, now=BEFORE, preset="T-2")
    assert len(await database.write(cast.tick, MONDAY_BRIEF)) == 1
    # What the late one was to say has been said, so there is nothing left for it.
    assert await database.write(cast.tick, late) == []

    def more(session: Session) -> None:
        cast.owe_too(session, teacher_id, AT, now=BEFORE, preset="T-1")
        row = session.get_one(OutboxMessage, fridays.id)
        row.state = OutboxState.PENDING
        news.tell(session, "credit_posted", teacher_id, 5, {}, now=late)
        session.add(row)
        session.flush()

    await database.write(more)
    assert await database.write(cast.dispatch, late) == []
    assert await database.read(cast.waiting) == [("brief", local("2026-11-24", 16, 40))]
