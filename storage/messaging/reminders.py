"""Reminders as people see them: put off, muted, and looked back on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds, moments
from storage.calendar import workdays
from storage.inserting import insert_new
from storage.messaging import group_steps, quiet, rings
from storage.messaging.group_steps import Unsaid
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderMute,
    ReminderState,
    StepOutcome,
)
from storage.people.tables import Account
from storage.refusals import NotFound, Refusal


class MuteRefused(Refusal):
    """Its lapse costs hours or the seat, so the person is reminded whether they like or not."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"reminders of {kind} cannot be muted")
        self.kind = kind


def put_off_reminder(
    session: Session, teacher_id: int, deadline_id: int, until: datetime, *, now: datetime
) -> datetime | None:
    """Remind this person of this deadline again, in the first brief from ``until`` on.

    Returns when that will be; by itself if the brief would come after the deadline. What is
    overdue waits for the brief. None when no allowed moment is left before the deadline, or
    nothing has been said of it yet; nothing changes then.
    """
    deadline = _active(session, deadline_id)
    reminder_id = session.exec(
        select(Reminder.id)
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(
            Reminder.teacher_id == teacher_id,
            DeadlineStep.deadline_id == deadline_id,
            DeadlineStep.level == Level.TEACHER,
            col(Reminder.state).in_([ReminderState.DUE, ReminderState.SENT]),
        )
        .order_by(col(DeadlineStep.due_at).desc())
    ).first()
    account = session.exec(
        select(Account).where(Account.teacher_id == teacher_id, col(Account.reachable))
    ).first()
    if reminder_id is None or account is None:
        return None
    calendar = workdays.load(session)
    hours = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
    people = rings.of_account(account.id)
    wanted = max(until, now)
    moment = quiet.brief_at(wanted, hours, calendar)
    day = moments.local_day(moment, calendar.zone)
    if session.exec(
        select(OutboxMessage.id).where(
            OutboxMessage.dedupe_key == rings.brief_key(teacher_id, day),
            col(OutboxMessage.state).not_in(rings.OPEN),
        )
    ).first():
        moment = quiet.brief_after(day, hours, calendar)
    over = deadline.at if now < deadline.at else None
    if over is None or moment < over:
        rings.insert_briefs(session, people, moment, calendar, over, now)
    else:
        moment = quiet.ring_at(wanted, hours, calendar, lapses=deadline.at)
        if moment >= deadline.at:
            return None
        rings.insert_reminders(
            session,
            people,
            sa.literal(f"later:{teacher_id}:{deadline_id}:{moment.isoformat()}", sa.String),
            deadline_id=deadline_id,
            priority=kinds.KINDS[deadline.kind].priority,
            not_before=moment,
            useful_until=deadline.at,
            now=now,
        )
    of_deadline = sa.select(col(DeadlineStep.id)).where(
        col(DeadlineStep.deadline_id) == deadline_id, col(DeadlineStep.level) == Level.TEACHER
    )
    session.exec(
        sa.update(Reminder)
        .where(
            col(Reminder.teacher_id) == teacher_id,
            sa.or_(
                col(Reminder.id) == reminder_id,
                sa.and_(
                    col(Reminder.state) == ReminderState.DUE,
                    col(Reminder.step_id).in_(of_deadline),
                ),
            ),
        )
        .values(
            state=ReminderState.DUE,
            not_before=moment,
            settled_at=None,
            # The brief that has told it goes on showing it, until another one tells it.
            outbox_id=sa.case(
                (col(Reminder.state) == ReminderState.SENT, col(Reminder.outbox_id)), else_=None
            ),
        )
    )
    return moment


def mute(session: Session, teacher_id: int, deadline_id: int, *, now: datetime) -> None:
    """Say no more of this deadline to this person; muting twice is no error.

    Raises MuteRefused where a lapse costs hours or the seat.
    """
    deadline = _active(session, deadline_id)
    if not kinds.KINDS[deadline.kind].may_mute:
        raise MuteRefused(deadline.kind)
    session.exec(
        insert_new(session, ReminderMute).values(
            teacher_id=teacher_id, deadline_id=deadline_id, since=now
        )
    )
    of_deadline = sa.select(col(DeadlineStep.id)).where(
        col(DeadlineStep.deadline_id) == deadline_id, col(DeadlineStep.level) == Level.TEACHER
    )
    session.exec(
        sa.update(Reminder)
        .where(
            col(Reminder.teacher_id) == teacher_id,
            col(Reminder.state) == ReminderState.DUE,
            col(Reminder.step_id).in_(of_deadline),
        )
        .values(state=ReminderState.MUTED, settled_at=now)
    )


def unmute(session: Session, teacher_id: int, deadline_id: int) -> None:
    """Let the steps that are still to come reach this person again."""
    session.exec(
        sa.delete(ReminderMute).where(
            col(ReminderMute.teacher_id) == teacher_id,
            col(ReminderMute.deadline_id) == deadline_id,
        )
    )


@dataclass(frozen=True)
class _ActiveDeadline:
    kind: str
    at: datetime


def _active(session: Session, deadline_id: int) -> _ActiveDeadline:
    row = session.exec(
        select(Deadline.kind, Deadline.at).where(
            Deadline.id == deadline_id, Deadline.state == DeadlineState.ACTIVE
        )
    ).first()
    if row is None:
        raise NotFound("deadline")
    return _ActiveDeadline(*row)


@dataclass(frozen=True)
class StepView:
    """One step of a deadline and what became of its reminders, in persons."""

    level: Level
    name: str
    revision: int
    due_at: datetime
    useful_until: datetime
    breaks_out: bool
    outcome: StepOutcome | None
    """None while the step is still to come, or its sweep under way."""
    reminded: int
    """Of a stale step: who would have been reminded; of one to groups: for how many it was due."""
    persons: dict[ReminderState, int]
    unsaid: Unsaid
    """Of one to groups: those of them that did not hear it."""


@dataclass(frozen=True)
class Overview:
    """A deadline with its steps: what was planned, what was sent, what was not, and why."""

    deadline_id: int
    kind: str
    subject_id: int
    at: datetime
    state: DeadlineState
    steps: tuple[StepView, ...]


def overview(session: Session, deadline_id: int) -> Overview:
    """Return what became of a deadline's steps, in the order in which they fall due."""
    deadline: Any = session.exec(
        select(Deadline.kind, Deadline.subject_id, Deadline.at, Deadline.state).where(
            Deadline.id == deadline_id
        )
    ).first()
    if deadline is None:
        raise NotFound("deadline")
    persons: dict[int, dict[ReminderState, int]] = {}
    for step_id, state, number in session.exec(
        select(Reminder.step_id, Reminder.state, sa.func.count())
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(DeadlineStep.deadline_id == deadline_id)
        .group_by(col(Reminder.step_id), col(Reminder.state))
    ).all():
        persons.setdefault(step_id, {})[ReminderState(state)] = number
    planned = session.exec(
        select(DeadlineStep)
        .where(DeadlineStep.deadline_id == deadline_id)
        .order_by(col(DeadlineStep.due_at), col(DeadlineStep.id))
        .execution_options(populate_existing=True)
    ).all()
    steps = [
        StepView(
            level=step.level,
            name=step.name,
            revision=step.revision,
            due_at=step.due_at,
            useful_until=step.useful_until,
            breaks_out=step.breaks_out,
            outcome=step.outcome,
            reminded=step.reminded,
            persons=persons.get(step.id, {}),
            unsaid=group_steps.unsaid(session, step.id)
            if step.level is Level.GROUP and step.outcome is StepOutcome.SWEPT
            else Unsaid(),
        )
        for step in planned
    ]
    return Overview(
        deadline_id,
        deadline.kind,
        deadline.subject_id,
        deadline.at,
        DeadlineState(deadline.state),
        tuple(steps),
    )


def next_event(session: Session, *, now: datetime) -> datetime | None:
    """Return the soonest moment after now at which the clock alone makes something happen."""
    # Of seat offers and menus the engine knows a few columns, by name: it imports no wing.
    offer = sa.table("seat_offer", sa.column("state"), sa.column("lapses_at", moments.Moment()))
    menu = sa.table(
        "menu",
        sa.column("closes_at", moments.Moment()),
        sa.column("settled_at"),
        sa.column("cancelled_at"),
    )
    soonest = (
        sa.select(sa.func.min(col(DeadlineStep.due_at))).where(
            col(DeadlineStep.outcome).is_(None), col(DeadlineStep.due_at) > now
        ),
        sa.select(sa.func.min(col(OutboxMessage.not_before))).where(
            col(OutboxMessage.state) == OutboxState.PENDING, col(OutboxMessage.not_before) > now
        ),
        sa.select(sa.func.min(offer.c.lapses_at)).where(
            offer.c.state == "open", offer.c.lapses_at > now
        ),
        sa.select(sa.func.min(menu.c.closes_at)).where(
            menu.c.settled_at.is_(None), menu.c.cancelled_at.is_(None), menu.c.closes_at > now
        ),
    )
    found = [session.exec(statement).scalar_one() for statement in soonest]  # type: ignore[call-overload]
    return min((moment for moment in found if moment is not None), default=None)
