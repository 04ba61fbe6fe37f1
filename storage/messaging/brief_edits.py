"""A brief that has gone out says the truth for the rest of its day: it is edited, silently.

What is done, withdrawn, moved or cancelled after it was sent is put right in place, all at
once and no oftener than this is called.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.messaging import outbox, owed
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    OutboxMessage,
    OutboxState,
    Priority,
    Reminder,
    ReminderState,
)

WAITED = timedelta(days=3)
"""For no longer than this a brief waits between its hour and being sent."""
AT_ONCE = 500


def queue(session: Session, *, now: datetime) -> int:
    """Queue an edit for each brief of today of which something has changed; return how many.

    The same change is edited in once. When nothing was sent today it costs one look-up.
    """
    zone = workdays.load(session).zone
    today = moments.local_day(now, zone)
    start = moments.at(today, 0, zone)
    tomorrow = moments.at(today + timedelta(days=1), 0, zone)
    changes: dict[int, list[str]] = defaultdict(list)
    people: dict[int, int] = {}
    for deadline in _told_today(session, start):
        is_over = deadline.state is not DeadlineState.ACTIVE
        for row in session.connection().execute(_changed(session, deadline, start, now)):
            what = "over" if is_over else deadline.at.isoformat() if row.moved else "done"
            changes[row.id].append(f"{deadline.id}:{what}")
            people[row.id] = row.teacher_id
    keys = {
        f"brief_edit:{id_}:{_digest(what)}": people[id_] for id_, what in sorted(changes.items())
    }
    known = set(
        session.exec(
            select(OutboxMessage.dedupe_key).where(
                col(OutboxMessage.dedupe_key).like("brief_edit:%"),
                col(OutboxMessage.dedupe_key).in_(keys),
            )
        ).all()
    )
    new = [key for key in keys if key not in known][:AT_ONCE]
    for key in new:
        outbox.put(
            session,
            "brief_edit",
            teacher_id=keys[key],
            facts={},
            priority=Priority.BULK,
            not_before=now,
            useful_until=tomorrow,
            dedupe_key=key,
            now=now,
            rings=False,
        )
    return len(new)


def _digest(what: list[str]) -> str:
    return hashlib.sha256("|".join(sorted(what)).encode()).hexdigest()[:16]


def _sent(start: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(OutboxMessage.state) == OutboxState.SENT,
        col(OutboxMessage.priority) == Priority.BRIEF,
        col(OutboxMessage.stream) == 0,
        col(OutboxMessage.not_before) >= start - WAITED,
        col(OutboxMessage.sent_at) >= start,
        col(OutboxMessage.kind) == outbox.BRIEF,
    )


def _told(start: datetime) -> Any:
    return (
        sa.select(col(OutboxMessage.id))
        .join(Reminder, col(Reminder.outbox_id) == col(OutboxMessage.id))
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            *_sent(start),
            col(Reminder.teacher_id) == col(OutboxMessage.teacher_id),
            col(Reminder.state) == ReminderState.SENT,
        )
    )


def _told_today(session: Session, start: datetime) -> list[Any]:
    told = _told(start).with_only_columns(
        col(Deadline.id),
        col(Deadline.kind),
        col(Deadline.subject_id),
        col(Deadline.teacher_id),
        col(Deadline.at),
        col(Deadline.state),
    )
    return list(session.connection().execute(told.distinct().order_by(col(Deadline.id))))


def _changed(session: Session, deadline: Any, start: datetime, now: datetime) -> Any:
    """Select the briefs in which this deadline does not read any more as it did."""
    moved = col(DeadlineStep.revision) < col(Deadline.revision)
    told = (
        _told(start)
        .with_only_columns(
            col(OutboxMessage.id), col(OutboxMessage.teacher_id), moved.label("moved")
        )
        .where(col(Deadline.id) == deadline.id)
    )
    if deadline.state is not DeadlineState.ACTIVE:
        return told
    who = owed.owing(session, deadline.kind, deadline.subject_id, deadline.teacher_id, now=now)
    return told.where(sa.or_(moved, col(OutboxMessage.teacher_id).not_in(who)))
