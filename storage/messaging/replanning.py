"""Steps follow the calendar: when the days for work change, what is still to come moves.

The deadlines themselves stay, and so does whatever has been swept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.calendar.workdays import WorkCalendar
from storage.messaging import deadlines
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    StepOutcome,
)


def moved(session: Session, calendar: WorkCalendar, *, now: datetime) -> int:
    """Return how many steps that are still to come this calendar would move, add or drop."""
    return sum(len(_differences(rows, calendar, now)) for rows in _by_deadline(session, now))


def replan(session: Session, calendar: WorkCalendar, *, now: datetime) -> int:
    """Move what is still to come to where this calendar puts it; return how many steps moved.

    A step that has no place any more is superseded. Doing so again changes nothing.
    """
    changed = 0
    for rows in _by_deadline(session, now):
        first = rows[0]
        for (level, name), (row, step) in _differences(rows, calendar, now).items():
            changed += 1
            if step is None:
                values: dict[str, Any] = {"outcome": StepOutcome.SUPERSEDED, "swept_at": now}
            else:
                values = {
                    "due_at": step.due_at,
                    "useful_until": step.useful_until,
                    "breaks_out": step.breaks_out,
                    "outcome": None,
                    "swept_at": None,
                }
            if row is None:
                session.add(
                    DeadlineStep(
                        deadline_id=first.deadline_id,
                        revision=first.of_revision,
                        level=level,
                        name=name,
                        **values,
                    )
                )
            else:
                session.exec(
                    sa.update(DeadlineStep).where(col(DeadlineStep.id) == row.id).values(**values)
                )
    session.flush()
    return changed


def _by_deadline(session: Session, now: datetime) -> list[list[Any]]:
    """The deadlines of which something is to come, each with all steps of its present date."""
    to_come = sa.select(col(DeadlineStep.deadline_id)).where(
        col(DeadlineStep.outcome).is_(None), col(DeadlineStep.due_at) > now
    )
    found: Any = session.connection().execute(
        sa.select(
            col(Deadline.id).label("deadline_id"),
            col(Deadline.kind),
            col(Deadline.at),
            col(Deadline.preset),
            col(Deadline.teacher_id),
            col(Deadline.revision).label("of_revision"),
            col(DeadlineStep.id),
            col(DeadlineStep.level),
            col(DeadlineStep.name),
            col(DeadlineStep.due_at),
            col(DeadlineStep.useful_until),
            col(DeadlineStep.breaks_out),
            col(DeadlineStep.outcome),
            col(DeadlineStep.revision),
        )
        .join(DeadlineStep, col(DeadlineStep.deadline_id) == col(Deadline.id))
        .where(col(Deadline.state) == DeadlineState.ACTIVE, col(Deadline.id).in_(to_come))
        .order_by(col(Deadline.id), col(DeadlineStep.due_at))
    )
    grouped: dict[int, list[Any]] = {}
    for row in found:
        grouped.setdefault(row.deadline_id, []).append(row)
    return list(grouped.values())


def _differences(
    rows: list[Any], calendar: WorkCalendar, now: datetime
) -> dict[tuple[Level, str], tuple[Any, Any]]:
    """The steps that this calendar changes: the row as it is, and the step as it should be."""
    first = rows[0]
    planned = {
        (level, step.name): step
        for level, step in deadlines.plan(
            first.kind, first.at, first.preset, first.teacher_id, calendar, now=now
        )
    }
    done = {
        (row.level, row.name)
        for row in rows
        if row.outcome in (StepOutcome.SWEPT, StepOutcome.STALE)
    }
    present = {
        (row.level, row.name): row
        for row in rows
        if row.revision == first.of_revision and (row.level, row.name) not in done
    }
    found: dict[tuple[Level, str], tuple[Any, Any]] = {}
    for key, step in planned.items():
        row = present.get(key)
        if key in done or (row is None and step.due_at <= now):
            continue
        if row is None or row.outcome is not None or _differs(row, step):
            found[key] = (row, step)
    for key, row in present.items():
        if key not in planned and row.outcome is None and row.due_at > now:
            found[key] = (row, None)
    return found


def _differs(row: Any, step: Any) -> bool:
    as_it_is = (row.due_at, row.useful_until, row.breaks_out)
    return as_it_is != (step.due_at, step.useful_until, step.breaks_out)
