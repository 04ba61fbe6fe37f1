"""A step that is due reminds everybody who still owes it, once."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from storage.calendar.tables import DayKind
from storage.database import Database
from storage.messaging import deadlines, outbox, reminders, sweeping
from storage.messaging.reminders import Overview, StepView
from storage.messaging.tables import (
    DeadlineStep,
    Level,
    OutboxMessage,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.people.tables import Account
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local

# Friday 20 November 2026 is today; the deadline is on Wednesday, 17:00. T-3 is Friday 8:00.
AT = local("2026-11-25", 17)
FRIDAY_8 = local("2026-11-20", 8)
BEFORE = local("2026-11-16", 9)


def own(view: Overview) -> list[StepView]:
    """The steps that speak to whoever owes it."""
    return [step for step in view.steps if step.level is Level.TEACHER]


async def test_everybody_who_owes_it_gets_one_reminder_and_one_brief(database: Database) -> None:
    await database.write(cast.due, AT, people=3, now=BEFORE, preset="T-3 T-1")
    swept = await database.write(cast.sweep_all, FRIDAY_8)
    assert (swept.steps, swept.reminded, swept.stale) == (1, 3, 0)
    assert await database.read(cast.states) == {ReminderState.DUE: 3}
    assert await database.read(cast.waiting) == [("brief", local("2026-11-20", 16, 40))] * 3


async def test_a_second_sweep_finds_nothing(database: Database) -> None:
    await database.write(cast.due, AT, people=3, now=BEFORE, preset="T-3 T-1")
    await database.write(cast.sweep_all, FRIDAY_8)
    again = await database.write(sweeping.sweep, now=FRIDAY_8)
    assert again == sweeping.Swept(more=False)
    assert len(await database.read(cast.waiting)) == 3


async def test_two_sweeps_at_once_remind_once(database: Database) -> None:
    for _ in range(3):
        await database.write(cast.due, AT, people=20, now=BEFORE, preset="T-3 T-1")

    async def keep_sweeping() -> int:
        reminded = 0
        while True:
            swept = await database.write(sweeping.sweep, now=FRIDAY_8, chunk=7)
            reminded += swept.reminded
            if not swept.more:
                return reminded
            await asyncio.sleep(0)

    assert sum(await asyncio.gather(*(keep_sweeping() for _ in range(4)))) == 60
    assert await database.write(cast.sweep_all, FRIDAY_8) == sweeping.Swept(False)
    assert await database.read(cast.states) == {ReminderState.DUE: 60}
    assert len(await database.read(cast.waiting)) == 60


async def test_without_insert_or_ignore_the_double_would_happen(database: Database) -> None:
    # If this fails, the tests of two sweeps prove nothing: the key is what refuses the double.
    await database.write(cast.due, AT, people=1, now=BEFORE, preset="T-3 T-1")
    await database.write(cast.sweep_all, FRIDAY_8)

    def insert_plainly(session: Session) -> None:
        step_id, teacher_id = session.exec(select(Reminder.step_id, Reminder.teacher_id)).one()
        session.exec(
            sa.insert(Reminder).values(
                step_id=step_id, teacher_id=teacher_id, state=ReminderState.DUE
            )
        )

    with pytest.raises(IntegrityError):
        await database.write(insert_plainly)


async def test_without_the_key_a_repeated_statement_doubles(sqlite: Database) -> None:
    def sweep_twice_without_key(session: Session) -> int:
        _, teachers = cast.due(session, AT, people=2, now=BEFORE, preset="T-3 T-1")
        session.exec(sa.text("CREATE TEMP TABLE unkeyed (step_id INTEGER, teacher_id INTEGER)"))  # type: ignore[call-overload]
        for _ in range(2):
            session.exec(  # type: ignore[call-overload]
                sa.text("INSERT INTO unkeyed SELECT 1, teacher_id FROM registration")
            )
        counted = session.exec(sa.text("SELECT count(*) FROM unkeyed")).scalar_one()  # type: ignore[call-overload]
        assert len(teachers) == 2
        return int(counted)

    assert await sqlite.write(sweep_twice_without_key) == 4


async def test_a_sweep_that_dies_midway_goes_on_where_it_stopped(database: Database) -> None:
    await database.write(cast.due, AT, people=10, now=BEFORE, preset="T-3 T-1")
    first = await database.write(sweeping.sweep, now=FRIDAY_8, chunk=4)
    assert (first.reminded, first.steps, first.more) == (4, 0, True)

    def die(session: Session) -> None:
        sweeping.sweep(session, now=FRIDAY_8, chunk=4)
        raise RuntimeError("killed before the commit")

    with pytest.raises(RuntimeError):
        await database.write(die)
    rest = await database.write(cast.sweep_all, FRIDAY_8, 4)
    assert (rest.reminded, rest.steps) == (6, 1)
    assert await database.read(cast.states) == {ReminderState.DUE: 10}
    assert len(await database.read(cast.waiting)) == 10

    def reminded(session: Session) -> int:
        return session.exec(
            select(DeadlineStep.reminded).where(DeadlineStep.outcome == StepOutcome.SWEPT)
        ).one()

    assert await database.read(reminded) == 10


async def test_a_moved_date_moves_its_steps(database: Database) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    before = await database.read(reminders.overview, deadline_id)
    assert [(step.name, step.due_at) for step in own(before)] == [
        ("T-3", FRIDAY_8),
        ("T-1", local("2026-11-24", 8)),
    ]
    moved = local("2026-12-02", 17)
    await database.write(
        deadlines.set_deadline,
        "remote_start",
        before.subject_id,
        moved,
        now=BEFORE,
        preset="T-3 T-1",
    )
    after = await database.read(reminders.overview, deadline_id)
    assert after.at == moved
    assert [step.due_at for step in own(after) if step.outcome is None] == [
        local("2026-11-27", 8),
        local("2026-12-01", 8),
    ]
    assert await database.write(cast.sweep_all, FRIDAY_8) == sweeping.Swept(False)


async def test_setting_the_same_date_again_changes_nothing(database: Database) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    before = await database.read(reminders.overview, deadline_id)
    await database.write(
        deadlines.set_deadline, "remote_start", before.subject_id, AT, now=BEFORE, preset="T-3 T-1"
    )
    assert await database.read(reminders.overview, deadline_id) == before


async def test_a_step_that_was_said_comes_again_only_if_its_new_day_is_ahead(
    database: Database,
) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    evening = local("2026-11-20", 17)
    await database.write(cast.tick, FRIDAY_8)
    assert len(await database.write(cast.tick, local("2026-11-20", 16, 40))) == 1

    async def to_come(at_day: str, hour: int) -> list[str]:
        await database.write(
            deadlines.set_deadline,
            "remote_start",
            subject,
            local(at_day, hour),
            now=evening,
            preset="T-3 T-1",
        )
        view = await database.read(reminders.overview, deadline_id)
        return [step.name for step in own(view) if step.outcome is None]

    assert await to_come("2026-11-25", 18) == ["T-1"]
    assert await to_come("2026-11-27", 17) == ["T-3", "T-1"]


async def test_what_was_not_said_yet_is_said_with_the_new_date(database: Database) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    await database.write(cast.tick, FRIDAY_8)
    later = local("2026-11-25", 18)
    await database.write(
        deadlines.set_deadline,
        "remote_start",
        subject,
        later,
        now=local("2026-11-20", 15),
        preset="T-3 T-1",
    )
    (rung,) = await database.write(cast.tick, local("2026-11-20", 16, 40))
    assert rung.brief is not None
    assert [(item.step, item.at) for item in rung.brief.items] == [("T-3", later)]


async def test_what_was_not_said_yet_is_taken_back_when_its_step_comes_again(
    database: Database,
) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    await database.write(cast.tick, FRIDAY_8)
    await database.write(
        deadlines.set_deadline,
        "remote_start",
        subject,
        local("2026-12-02", 17),
        now=local("2026-11-20", 15),
        preset="T-3 T-1",
    )
    assert await database.write(cast.tick, local("2026-11-20", 16, 40)) == []
    assert await database.read(cast.states) == {ReminderState.STALE: 1}


async def test_a_cancelled_deadline_reminds_nobody_and_can_come_back(database: Database) -> None:
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    await database.write(cast.tick, FRIDAY_8)
    await database.write(
        deadlines.cancel_deadline, "remote_start", subject, now=local("2026-11-20", 9)
    )
    assert await database.write(cast.tick, local("2026-11-20", 16, 40)) == []
    assert await database.write(cast.tick, local("2026-11-24", 16, 40)) == []
    await database.write(
        deadlines.set_deadline,
        "remote_start",
        subject,
        local("2026-12-02", 17),
        now=local("2026-11-24", 17),
        preset="T-3 T-1",
    )
    assert len(await database.write(cast.tick, local("2026-11-27", 16, 40))) == 1


async def test_cancelling_what_is_not_there_is_no_error(database: Database) -> None:
    await database.write(deadlines.cancel_deadline, "remote_start", 1, now=BEFORE)


async def test_a_step_found_too_late_is_reported_and_not_sent(database: Database) -> None:
    deadline_id, _ = await database.write(cast.due, AT, people=5, now=BEFORE, preset="T-3 T-1")
    monday_after = local("2026-11-26", 9)
    swept = await database.write(cast.sweep_all, monday_after)
    assert (swept.steps, swept.reminded, swept.stale) == (2, 0, 10)
    assert await database.read(cast.waiting) == []
    view = await database.read(reminders.overview, deadline_id)
    assert [(step.outcome, step.reminded) for step in own(view)] == [(StepOutcome.STALE, 5)] * 2


async def test_after_downtime_there_is_one_brief_with_one_line(database: Database) -> None:
    # Down from before T-3 until the afternoon of T-1: T-3 is overtaken, T-1 is said once.
    await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    swept = await database.write(cast.sweep_all, local("2026-11-24", 15))
    assert (swept.reminded, swept.stale) == (1, 1)
    (rung,) = await database.write(cast.tick, local("2026-11-24", 16, 40))
    assert rung.brief is not None
    assert [item.step for item in rung.brief.items] == ["T-1"]
    assert await database.write(cast.tick, local("2026-11-24", 16, 41)) == []


async def test_whom_nothing_can_reach_is_marked_and_nothing_is_queued(database: Database) -> None:
    def two_silent(session: Session) -> int:
        deadline_id, _ = cast.due(session, AT, people=1, now=BEFORE, preset="T-3 T-1")
        subject = reminders.overview(session, deadline_id).subject_id
        cast.participant(session, subject, linked=False)
        cast.participant(session, subject, reachable=False)
        return deadline_id

    deadline_id = await database.write(two_silent)
    swept = await database.write(cast.sweep_all, FRIDAY_8)
    assert swept.reminded == 3
    assert len(await database.read(cast.waiting)) == 1
    view = await database.read(reminders.overview, deadline_id)
    assert view.steps[0].persons == {ReminderState.DUE: 1, ReminderState.UNREACHABLE: 2}


async def test_a_last_hour_step_rings_by_itself(database: Database) -> None:
    await database.write(cast.due, AT, people=2, now=BEFORE, preset="T-3h")
    await database.write(cast.sweep_all, local("2026-11-25", 14))
    assert await database.read(cast.waiting) == [("reminder", local("2026-11-25", 14))] * 2
    rung = await database.write(cast.tick, local("2026-11-25", 14))
    assert [(one.kind, one.brief.breaks_out) for one in rung if one.brief] == [
        ("reminder", True)
    ] * 2


async def test_people_with_other_hours_get_the_brief_at_their_own_minute(
    database: Database,
) -> None:
    def three(session: Session) -> None:
        deadline_id, _ = cast.due(session, AT, now=BEFORE, preset="T-3 T-1")
        subject = reminders.overview(session, deadline_id).subject_id
        cast.participant(session, subject, brief_minute=12 * 60 + 30)
        cast.participant(session, subject, brief_minute=20 * 60, quiet_from=21 * 60)

    await database.write(three)
    await database.write(cast.sweep_all, FRIDAY_8)
    assert [moment for _, moment in await database.read(cast.waiting)] == [
        local("2026-11-20", 12, 30),
        local("2026-11-20", 16, 40),
        local("2026-11-20", 20),
    ]


async def test_a_brief_due_on_a_holiday_runs_before_the_deadline(database: Database) -> None:
    # Tuesday is a holiday: T-1 of Wednesday runs on Monday.
    await database.write(cast.day_off, "2026-11-24")
    await database.write(cast.due, AT, now=BEFORE, preset="T-1")
    await database.write(cast.sweep_all, local("2026-11-23", 8))
    assert await database.read(cast.waiting) == [("brief", local("2026-11-23", 16, 40))]


async def test_a_make_up_workday_is_a_working_day(database: Database) -> None:
    # Saturday 21 November is worked: T-3 of Wednesday is Saturday.
    await database.write(cast.day_off, "2026-11-21", DayKind.MAKEUP_WORKDAY)
    await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, local("2026-11-21", 8))
    assert await database.read(cast.waiting) == [("brief", local("2026-11-21", 16, 40))]


async def test_a_reminder_found_after_todays_brief_rides_with_tomorrows(
    database: Database,
) -> None:
    def first(session: Session) -> int:
        return cast.due(session, AT, now=BEFORE, preset="T-3")[1][0]

    teacher_id = await database.write(first)
    await database.write(cast.tick, FRIDAY_8)
    assert len(await database.write(cast.tick, local("2026-11-20", 16, 40))) == 1
    evening = local("2026-11-20", 17)
    await database.write(cast.owe_too, teacher_id, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, evening)
    assert await database.read(cast.waiting) == [("brief", local("2026-11-23", 16, 40))]


async def test_it_breaks_out_if_tomorrows_brief_would_be_too_late(database: Database) -> None:
    def first(session: Session) -> int:
        return cast.due(session, AT, now=BEFORE, preset="T-3")[1][0]

    teacher_id = await database.write(first)
    await database.write(cast.tick, FRIDAY_8)
    await database.write(cast.tick, local("2026-11-20", 16, 40))
    monday_noon = local("2026-11-23", 12)
    await database.write(cast.owe_too, teacher_id, monday_noon, now=BEFORE, preset="T-1")
    await database.write(cast.sweep_all, local("2026-11-20", 17))
    assert await database.read(cast.waiting) == [("reminder", local("2026-11-20", 17))]


async def test_a_teacher_who_relinks_is_reminded_on_the_new_phone(database: Database) -> None:
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)

    def relink(session: Session) -> int:
        session.exec(
            sa.update(Account).where(col(Account.teacher_id) == teacher_id).values(teacher_id=None)
        )
        account_id = make.account(session, teacher_id)
        return session.get_one(Account, account_id).tg_user_id

    new_phone = await database.write(relink)
    (rung,) = await database.write(cast.tick, local("2026-11-20", 16, 40))
    assert rung.to == new_phone


async def test_a_teacher_who_unlinks_hears_nothing_more(database: Database) -> None:
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)

    def unlink(session: Session) -> None:
        session.exec(
            sa.update(Account).where(col(Account.teacher_id) == teacher_id).values(teacher_id=None)
        )

    await database.write(unlink)
    assert await database.write(cast.tick, local("2026-11-20", 16, 40)) == []
    assert await database.read(cast.states) == {ReminderState.UNREACHABLE: 1}


async def test_the_next_event_is_the_soonest_thing_the_clock_will_do(database: Database) -> None:
    assert await database.read(reminders.next_event, now=BEFORE) is None
    await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    assert await database.read(reminders.next_event, now=BEFORE) == FRIDAY_8
    await database.write(cast.sweep_all, FRIDAY_8)
    assert await database.read(reminders.next_event, now=FRIDAY_8) == local("2026-11-20", 16, 40)


async def test_a_brief_taken_while_a_sweep_runs_leaves_nothing_behind(database: Database) -> None:
    # The brief of the day is in hand, composed already, when one more deadline comes due.
    _, (teacher_id,) = await database.write(cast.due, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, FRIDAY_8)
    moment = local("2026-11-20", 16, 40)
    (row,) = await database.write(outbox.claim, now=moment, lease=cast.LEASE, limit=5)
    await database.write(cast.owe_too, teacher_id, AT, now=BEFORE, preset="T-3")
    await database.write(cast.sweep_all, moment)
    await database.write(outbox.settle_sent, row.id, 1, moment)

    def pending(session: Session) -> int:
        return len(session.exec(select(OutboxMessage.id).where(OutboxMessage.id != row.id)).all())

    assert await database.read(pending) == 1
    assert await database.read(cast.waiting) == [("brief", local("2026-11-23", 16, 40))]
