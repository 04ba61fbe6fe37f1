"""Deadlines and their steps, written in the transaction of the thing they belong to.

A deadline that moves takes its steps along: what has not been swept yet is superseded and
planned anew, and a step that has been swept comes again only if its new day is still ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.calendar import steps, workdays
from storage.calendar.workdays import WorkCalendar
from storage.inserting import insert_new
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
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
    Everybody's date that comes to lie later than somebody's own takes its place.
    """
    preset = preset or kinds.KINDS[kind].preset
    if not teacher_id:
        _overtake(session, kind, subject_id, at, now=now)
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
        _plan(session, deadline_id, kind, 0, at, preset, teacher_id, now=now)
    elif (known.at, known.preset, known.state) != (at, preset, DeadlineState.ACTIVE):
        revision = known.revision + 1
        session.exec(
            sa.update(Deadline)
            .where(col(Deadline.id) == deadline_id)
            .values(at=at, preset=preset, revision=revision, state=DeadlineState.ACTIVE)
        )
        _supersede(session, deadline_id, now=now)
        _plan(session, deadline_id, kind, revision, at, preset, teacher_id, now=now)
    return deadline_id


class Standing:
    """What everybody's deadlines of these things are now, read at once.

    Whatever has many dates sets and cancels them through this: only what differs is touched.
    """

    def __init__(
        self, session: Session, things: Iterable[tuple[str, int]], *, now: datetime
    ) -> None:
        wanted = set(things)
        known: Any = sa.select(
            col(Deadline.kind),
            col(Deadline.subject_id),
            col(Deadline.teacher_id),
            col(Deadline.at),
            col(Deadline.preset),
        ).where(
            col(Deadline.kind).in_(sorted({kind for kind, _ in wanted})),
            col(Deadline.subject_id).in_(sorted({subject_id for _, subject_id in wanted})),
            col(Deadline.state) == DeadlineState.ACTIVE,
        )
        rows = session.exec(known).all()
        self._session, self._now = session, now
        self._standing = {(row.kind, row.subject_id) for row in rows}
        self._of_all: dict[tuple[str, int], tuple[datetime, str]] = {
            (row.kind, row.subject_id): (row.at, row.preset) for row in rows if not row.teacher_id
        }

    def put(
        self,
        kind: str,
        subject_id: int,
        at: datetime | None,
        preset: str | None = None,
        *,
        may_be_now: bool = False,
    ) -> None:
        """Set the deadline as ``set_deadline`` does; without a moment cancel it.

        Only what is still to come is set. What has come stays as long as it is as it was, since
        its word may still be on its way to people; moved into the past, it is cancelled.
        """
        thing = (kind, subject_id)
        known = self._of_all.get(thing)
        if at is not None and (at > self._now or (may_be_now and at == self._now)):
            if known != (at, preset or kinds.KINDS[kind].preset):
                set_deadline(self._session, kind, subject_id, at, now=self._now, preset=preset)
        elif thing in self._standing and (at is None or known is None or known[0] != at):
            cancel_deadline(self._session, kind, subject_id, now=self._now)


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


def own_dates(
    session: Session, kind: str, subject_id: int, *, teacher_id: int = 0
) -> dict[int, datetime]:
    """Return whose own date this has, and which; of one person only, if so asked."""
    found = select(Deadline.teacher_id, Deadline.at).where(
        Deadline.kind == kind,
        Deadline.subject_id == subject_id,
        Deadline.teacher_id == teacher_id if teacher_id else Deadline.teacher_id != 0,
        Deadline.state == DeadlineState.ACTIVE,
    )
    return dict(session.exec(found).all())


def offsets(kind: str, preset: str, teacher_id: int) -> dict[Level, tuple[str, ...]]:
    """Return the steps of each level; somebody's own date concerns them and their school.

    A usual step that this deadline leaves out, because it would come before the thing is open,
    is left out on every level.
    """
    known = kinds.KINDS[kind]
    found = known.offsets(preset)
    levels = (Level.TEACHER, Level.COORDINATOR) if teacher_id else tuple(found)
    left_out = set(steps.offsets_of(known.preset)) if known.preset else set()
    left_out -= set(steps.offsets_of(preset)) if preset else set()
    each = {level: steps.offsets_of(found[level]) for level in levels if found.get(level)}
    return {
        level: kept
        for level, names in each.items()
        if (kept := tuple(name for name in names if name not in left_out))
    }


def plan(
    kind: str, at: datetime, preset: str, teacher_id: int, calendar: WorkCalendar, *, now: datetime
) -> Iterator[tuple[Level, steps.PlannedStep]]:
    """Lay all steps of a deadline out in time; only those that speak to one person ring."""
    known = kinds.KINDS[kind]
    event_day = local_day(at, calendar.zone) if known.is_event else None
    for level, names in offsets(kind, preset, teacher_id).items():
        for step in steps.plan_steps(at, names, calendar, now=now, event_day=event_day):
            # A group has just been told by the announcement itself, and is not told again.
            makes_good = known.catches_up and level is not Level.GROUP
            if step.due_at < now and not makes_good:
                continue
            yield level, step if level is Level.TEACHER else replace(step, breaks_out=False)


def _overtake(session: Session, kind: str, subject_id: int, at: datetime, *, now: datetime) -> None:
    for teacher_id, own in own_dates(session, kind, subject_id).items():
        if own <= at:
            cancel_deadline(session, kind, subject_id, now=now, teacher_id=teacher_id)


def _plan(
    session: Session,
    deadline_id: int,
    kind: str,
    revision: int,
    at: datetime,
    preset: str,
    teacher_id: int,
    *,
    now: datetime,
) -> None:
    planned = list(plan(kind, at, preset, teacher_id, workdays.load(session), now=now))
    swept = set(
        session.exec(
            select(DeadlineStep.level, DeadlineStep.name).where(
                DeadlineStep.deadline_id == deadline_id,
                col(DeadlineStep.outcome).in_([StepOutcome.SWEPT, StepOutcome.STALE]),
            )
        ).all()
    )
    done = [(level, step) for level, step in planned if (level, step.name) in swept]
    done = [(level, step) for level, step in done if step.due_at <= now]
    for level, step in done:
        # Whoever has not been told yet is still told, of the new date.
        session.exec(
            sa.update(DeadlineStep)
            .where(
                col(DeadlineStep.deadline_id) == deadline_id,
                col(DeadlineStep.level) == level,
                col(DeadlineStep.name) == step.name,
                col(DeadlineStep.outcome) == StepOutcome.SWEPT,
            )
            .values(useful_until=step.useful_until)
        )
    if revision:
        keep = [(level, step.name) for level, step in done]
        _withdraw_reminders(session, deadline_id, keep=keep, now=now)
    session.add_all(
        DeadlineStep(
            deadline_id=deadline_id,
            revision=revision,
            level=level,
            name=step.name,
            due_at=step.due_at,
            useful_until=step.useful_until,
            breaks_out=step.breaks_out,
        )
        for level, step in planned
        if (level, step) not in done
    )
    session.flush()


def _withdraw_reminders(
    session: Session, deadline_id: int, *, keep: list[tuple[Level, str]], now: datetime
) -> None:
    """Take back what has been swept but not said yet, except for the steps to keep."""
    kept = [
        sa.and_(col(DeadlineStep.level) == level, col(DeadlineStep.name) == name)
        for level, name in keep
    ]
    gone = sa.select(col(DeadlineStep.id)).where(
        col(DeadlineStep.deadline_id) == deadline_id, ~sa.or_(sa.false(), *kept)
    )
    session.exec(
        sa.update(Reminder)
        .where(col(Reminder.step_id).in_(gone), col(Reminder.state) == ReminderState.DUE)
        .values(state=ReminderState.STALE, settled_at=now)
    )
