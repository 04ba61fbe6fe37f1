"""A month of ten teachers with a clock that moves: what nobody would ever complain about."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.database import Database
from storage.messaging import deadlines, outbox, quiet, reminders
from storage.messaging.tables import (
    Deadline,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
)
from storage.people.tables import Account
from storage.schema import METADATA
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local

START = local("2026-11-02", 7)
END = START + timedelta(days=30)

batches = st.lists(
    st.tuples(
        st.integers(0, 29),  # its day in the month
        st.integers(7, 23),  # its hour
        st.sampled_from(["remote_end", "batch_start", "reg_open", "remote_start"]),
        st.sets(st.integers(0, 9), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=6,
)
hours = st.tuples(st.integers(450, 1259), st.integers(960, 1260), st.integers(450, 700))


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    plan=batches,
    chosen=st.lists(hours, min_size=10, max_size=10),
    down=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 60)), max_size=3),
    move=st.integers(-5, 8),
)
def test_a_month_has_one_brief_a_day_and_quiet_nights(
    sqlite: Database,
    plan: list[tuple[int, int, str, set[int]]],
    chosen: list[tuple[int, int, int]],
    down: list[tuple[int, int]],
    move: int,
) -> None:
    def month(session: Session) -> None:
        empty(session)
        cast.day_off(session, "2026-11-11")
        people = [make.teacher(session, staff_no=f"M{number}") for number in range(len(chosen))]
        for teacher_id, (brief, quiet_from, quiet_until) in zip(people, chosen, strict=True):
            make.account(
                session,
                teacher_id,
                brief_minute=brief,
                quiet_from=quiet_from,
                quiet_until=quiet_until,
            )
        ids = []
        for day, hour, kind, members in plan:
            batch_id = make.batch(session)
            for number in members:
                cast.register(session, batch_id, people[number])
            at = START + timedelta(days=day, hours=hour - 7)
            ids.append(deadlines.set_deadline(session, kind, batch_id, at, now=START))
        rung = run(session, ids[0], down, move)
        check(session, rung)

    sqlite.write_now(month)


def empty(session: Session) -> None:
    for table in reversed(METADATA.sorted_tables):
        session.exec(sa.delete(table))


def run(
    session: Session, deadline_id: int, down: list[tuple[int, int]], move: int
) -> list[cast.Rung]:
    """Let the clock go from event to event, except while the machine is down."""
    rung: list[cast.Rung] = []
    now = START
    moved = False
    while now < END:
        rung += cast.tick(session, now)
        if not moved and now >= START + timedelta(days=10):
            moved = True
            first = session.get_one(Deadline, deadline_id)
            at = max(now, first.at + timedelta(days=move))
            deadlines.set_deadline(session, first.kind, first.subject_id, at, now=now)
        following = reminders.next_event(session, now=now) or END
        step = min(following, now + timedelta(hours=12))
        for day, length in down:
            begins = START + timedelta(days=day)
            if begins <= step < begins + timedelta(hours=length):
                step = begins + timedelta(hours=length)
        now = step
    return rung


def check(session: Session, rung: list[cast.Rung]) -> None:
    calendar = workdays.load(session)
    accounts = {one.tg_user_id: one for one in session.exec(sa.select(Account)).scalars()}  # type: ignore[call-overload]
    briefs_a_day: Counter[tuple[int, object]] = Counter()
    said: Counter[tuple[int, int, str, datetime]] = Counter()
    for one in rung:
        account = accounts[one.to]
        own = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
        day = moments.local_day(one.at, calendar.zone)
        assert one.brief is not None
        # Never in quiet time; on a day off only what would be over by the next working day.
        assert quiet.opening(one.at, own, calendar, any_day=True) == one.at
        if not calendar.is_workday(day):
            opens = quiet.opening(one.at, own, calendar)
            assert all(item.over <= opens for item in one.brief.items)
        if one.kind == "brief":
            briefs_a_day[one.to, day] += 1
        for item in one.brief.items:
            assert one.at < item.over
            said[one.to, item.deadline_id, item.step, item.at] += 1
    assert not briefs_a_day or max(briefs_a_day.values()) == 1
    assert not said or max(said.values()) == 1
    # Whatever is due has something in the outbox that will carry it.
    stranded = session.exec(
        select(Reminder.id).where(
            Reminder.state == ReminderState.DUE,
            ~sa.exists().where(
                col(OutboxMessage.teacher_id) == col(Reminder.teacher_id),
                col(OutboxMessage.state) == OutboxState.PENDING,
            ),
        )
    ).all()
    assert not stranded
    left = reminders.next_event(session, now=END)
    assert left is None or left > END - timedelta(days=1)
    assert OutboxState.SENDING not in outbox.stats(session)
