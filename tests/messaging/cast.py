"""The people and deadlines of the messaging tests, and a dispatcher that only writes down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.calendar.tables import CalendarDay, DayKind
from storage.messaging import briefs, deadlines, outbox, sweeping
from storage.messaging.tables import OutboxMessage, OutboxState, Reminder, ReminderState
from storage.training.tables import Registration, RegistrationState
from tests import make

ZONE = ZoneInfo("Asia/Shanghai")
LEASE = timedelta(minutes=2)


def local(day: date | str, hour: int, minute: int = 0) -> datetime:
    """A moment by the office's clock."""
    if isinstance(day, str):
        day = date.fromisoformat(day)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def day_off(session: Session, day: str, kind: DayKind = DayKind.HOLIDAY) -> None:
    session.add(CalendarDay(day=date.fromisoformat(day), kind=kind))
    session.flush()


def register(session: Session, batch_id: int, teacher_id: int) -> None:
    session.add(
        Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=make.school(session),
            state=RegistrationState.APPROVED,
            submitted_at=make.NOW,
            queued_at=make.NOW,
            changed_at=make.NOW,
        )
    )
    session.flush()


def participant(
    session: Session, batch_id: int, *, linked: bool = True, reachable: bool = True, **account: Any
) -> int:
    """A teacher with a confirmed seat; the teacher's id."""
    teacher_id = make.teacher(session)
    if linked:
        make.account(session, teacher_id, reachable=reachable, **account)
    register(session, batch_id, teacher_id)
    return teacher_id


def due(
    session: Session,
    at: datetime,
    *,
    people: int = 1,
    kind: str = "remote_start",
    now: datetime = make.NOW,
    preset: str | None = None,
) -> tuple[int, list[int]]:
    """A deadline that so many linked teachers owe; its id, and theirs."""
    batch_id = make.batch(session)
    teachers = [participant(session, batch_id) for _ in range(people)]
    return deadlines.set_deadline(session, kind, batch_id, at, now=now, preset=preset), teachers


def owe_too(
    session: Session,
    teacher_id: int,
    at: datetime,
    *,
    kind: str = "remote_start",
    now: datetime = make.NOW,
    preset: str | None = None,
) -> int:
    """One more deadline for a teacher who is there already."""
    batch_id = make.batch(session)
    register(session, batch_id, teacher_id)
    return deadlines.set_deadline(session, kind, batch_id, at, now=now, preset=preset)


def finish(session: Session, teacher_id: int) -> None:
    """The teacher has done it: nothing is owed any more."""
    session.exec(
        sa.update(Registration)
        .where(col(Registration.teacher_id) == teacher_id)
        .values(state=RegistrationState.COMPLETED)
    )


def sweep_all(session: Session, now: datetime, chunk: int = 10_000) -> sweeping.Swept:
    """Sweep until nothing is left; the sum."""
    steps = reminded = stale = 0
    more = True
    while more:
        one = sweeping.sweep(session, now=now, chunk=chunk)
        more = one.more
        steps, reminded, stale = steps + one.steps, reminded + one.reminded, stale + one.stale
    return sweeping.Swept(False, steps, reminded, stale)


@dataclass(frozen=True)
class Rung:
    """A message that has rung."""

    at: datetime
    to: int
    kind: str
    brief: briefs.Brief | None


def dispatch(session: Session, now: datetime) -> list[Rung]:
    """Send whatever may be sent now."""
    rung: list[Rung] = []
    while True:
        claimed = outbox.claim(session, now=now, lease=LEASE, limit=10)
        if not claimed:
            return rung
        for row in claimed:
            brief = None
            if row.kind in (outbox.BRIEF, outbox.REMINDER):
                found = briefs.compose(session, row.id, now=now)
                if not isinstance(found, briefs.Brief):
                    continue
                brief = found
            outbox.settle_sent(session, row.id, 1000 + row.id, now)
            kind = outbox.REMINDER if brief and brief.breaks_out else row.kind
            rung.append(Rung(now, row.tg_chat_id, kind, brief))


def tick(session: Session, now: datetime) -> list[Rung]:
    """What the clock does once a minute: sweep, then send."""
    sweep_all(session, now)
    return dispatch(session, now)


def states(session: Session) -> dict[ReminderState, int]:
    rows = session.exec(select(Reminder.state, sa.func.count()).group_by(col(Reminder.state))).all()
    return {ReminderState(state): number for state, number in rows}


def waiting(session: Session) -> list[tuple[str, datetime]]:
    """Kind and moment of everything that waits in the outbox."""
    return list(
        session.exec(
            select(OutboxMessage.kind, OutboxMessage.not_before)
            .where(OutboxMessage.state == OutboxState.PENDING)
            .order_by(col(OutboxMessage.not_before), col(OutboxMessage.id))
        ).all()
    )
