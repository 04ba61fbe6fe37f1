"""Deadlines and their steps, written in the transaction of the thing they belong to.

A deadline that moves takes its steps along: what has not been swept yet is superseded and
planned anew, and a step that has been swept comes again only if its new day is still ahead.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.calendar import steps, workdays
from storage.inserting import insert_new
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.moments import local_day


def set_deadline(
    session: Session,
    kind: str,
    subject_id: int,
    at: datetime,
    *,
    now: datetime,
    preset: str | None = None,
    teacher_id: int = 0,
) -> int:
    """Create or move the deadline of this thing, with its steps; return its id.

    With ``teacher_id`` it is this person's own date, which counts for them instead of
    everybody's.
    Setting it to what it is already changes nothing; a cancelled one comes back to life.
    """
    preset = preset or kinds.KINDS[kind].preset
    new_id = session.exec(
        insert_new(session, Deadline)
        .values(
            kind=kind,
            subject_id=subject_id,
            teacher_id=teacher_id,
            at=at,
            preset=preset,
            revision=0,
            state=DeadlineState.ACTIVE,
        )
        .returning(col(Deadline.id))
    ).scalar_one_or_none()
    found: Any = (
        sa.select(
            col(Deadline.id),
            col(Deadline.at),
            col(Deadline.preset),
            col(Deadline.revision),
            col(Deadline.state),
        )
        .where(
            col(Deadline.kind) == kind,
            col(Deadline.subject_id) == subject_id,
            col(Deadline.teacher_id) == teacher_id,
        )
        .with_for_update()
    )
    known = session.exec(found).one()
    deadline_id: int = known.id
    if new_id is not None:
        _plan(session, deadline_id, kind, 0, at, preset, now=now)
    elif (known.at, known.preset, known.state) != (at, preset, DeadlineState.ACTIVE):
        revision = known.revision + 1
        session.exec(
            sa.update(Deadline)
            .where(col(Deadline.id) == deadline_id)
            .values(at=at, preset=preset, revision=revision, state=DeadlineState.ACTIVE)
        )
        _supersede(session, deadline_id, now=now)
        _plan(session, deadline_id, kind, revision, at, preset, now=now)
    return deadline_id


def cancel_deadline(
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> None:
    """Remind nobody of this any more; a deadline that is not there is not missed.

    With ``teacher_id`` only this person's own date goes, without it everybody's and each one's.
    """
    statement = (
        sa.update(Deadline)
        .where(
            col(Deadline.kind) == kind,
            col(Deadline.subject_id) == subject_id,
            col(Deadline.state) == DeadlineState.ACTIVE,
        )
        .values(state=DeadlineState.CANCELLED)
        .returning(col(Deadline.id))
    )
    if teacher_id is not None:
        statement = statement.where(col(Deadline.teacher_id) == teacher_id)
    for deadline_id in session.exec(statement).scalars().all():
        _supersede(session, deadline_id, now=now)
        _withdraw_reminders(session, deadline_id, keep=[], now=now)


def _supersede(session: Session, deadline_id: int, *, now: datetime) -> None:
    session.exec(
        sa.update(DeadlineStep)
        .where(col(DeadlineStep.deadline_id) == deadline_id, col(DeadlineStep.outcome).is_(None))
        .values(outcome=StepOutcome.SUPERSEDED, swept_at=now)
    )


def _plan(
    session: Session,
    deadline_id: int,
    kind: str,
    revision: int,
    at: datetime,
    preset: str,
    *,
    now: datetime,
) -> None:
    calendar = workdays.load(session)
    planned = steps.plan_steps(
        at,
        steps.offsets_of(preset),
        calendar,
        now=now,
        event_day=local_day(at, calendar.zone) if kinds.KINDS[kind].is_event else None,
    )
    swept = set(
        session.exec(
            select(DeadlineStep.name).where(
                DeadlineStep.deadline_id == deadline_id,
                col(DeadlineStep.outcome).in_([StepOutcome.SWEPT, StepOutcome.STALE]),
            )
        ).all()
    )
    done = [step for step in planned if step.name in swept and step.due_at <= now]
    for step in done:
        # Whoever has not been told yet is still told, of the new date.
        session.exec(
            sa.update(DeadlineStep)
            .where(
                col(DeadlineStep.deadline_id) == deadline_id,
                col(DeadlineStep.name) == step.name,
                col(DeadlineStep.outcome) == StepOutcome.SWEPT,
            )
            .values(useful_until=step.useful_until)
        )
    if revision:
        _withdraw_reminders(session, deadline_id, keep=[step.name for step in done], now=now)
    session.add_all(
        DeadlineStep(
            deadline_id=deadline_id,
            revision=revision,
            name=step.name,
            due_at=step.due_at,
            useful_until=step.useful_until,
            breaks_out=step.breaks_out,
        )
        for step in planned
        if step not in done
    )
    session.flush()


def _withdraw_reminders(
    session: Session, deadline_id: int, *, keep: list[str], now: datetime
) -> None:
    """Take back what has been swept but not said yet, except for the steps to keep."""
    gone = sa.select(col(DeadlineStep.id)).where(
        col(DeadlineStep.deadline_id) == deadline_id, col(DeadlineStep.name).not_in(keep)
    )
    session.exec(
        sa.update(Reminder)
        .where(col(Reminder.step_id).in_(gone), col(Reminder.state) == ReminderState.DUE)
        .values(state=ReminderState.STALE, settled_at=now)
    )
