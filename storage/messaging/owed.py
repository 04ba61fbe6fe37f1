"""Who owes a deadline, and where: personal dates counted, asked at the moment that matters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage import kinds
from storage.messaging.tables import Deadline, DeadlineState
from storage.people.tables import Posting


def owing(
    session: Session,
    kind: str,
    subject_id: int,
    own: int,
    *,
    now: datetime,
    teacher_id: int | None = None,
) -> Any:
    """Select who owes it: all whose date is everybody's, or (``own``) the one whose own it is.

    With ``teacher_id`` at most that one.
    """
    if own:
        if teacher_id not in (None, own):
            return sa.select(sa.literal(own)).where(sa.false())
        return kinds.owes(session, kind, subject_id, now=now, teacher_id=own)
    who = kinds.owes(session, kind, subject_id, now=now, teacher_id=teacher_id)
    return who.where(
        ~sa.exists().where(
            col(Deadline.kind) == kind,
            col(Deadline.subject_id) == subject_id,
            col(Deadline.teacher_id) != 0,
            col(Deadline.teacher_id) == who.selected_columns[0],
            col(Deadline.state) == DeadlineState.ACTIVE,
        )
    )


def outstanding(session: Session, kind: str, subject_id: int, own: int, *, now: datetime) -> Any:
    """Select each unit in which it is still owed, and how often: ``unit_id`` and ``number``."""
    counted = kinds.KINDS[kind].outstanding
    if counted is not None and not own:
        return counted(session, kind, subject_id, now)
    people = owing(session, kind, subject_id, own, now=now).subquery()
    return (
        sa.select(col(Posting.unit_id).label("unit_id"), sa.func.count().label("number"))
        .join(people, people.c[0] == col(Posting.teacher_id))
        .where(col(Posting.is_primary), col(Posting.until).is_(None))
        .group_by(col(Posting.unit_id))
    )
