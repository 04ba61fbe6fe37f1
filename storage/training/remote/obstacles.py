"""遇到困难: what holds somebody up, said by themselves to their school, one thing at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import news
from storage.messaging.tables import News
from storage.people.owing import holders
from storage.people.tables import Role, Teacher
from storage.refusals import NotFound
from storage.training.remote.tables import Obstacle, ObstacleReason
from storage.training.tables import Batch, Programme, Registration, RegistrationState

NEWS = "obstacle"
LONGEST = 200  # characters of a note
TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)


def say(
    session: Session,
    teacher_id: int,
    batch_id: int,
    reason: ObstacleReason,
    note: str = "",
    *,
    now: datetime,
) -> int:
    """Say what holds one up, and let the school hear of it; returns how many hear.

    Another reason takes the place of the first; the same again changes its note and tells
    nobody anew. Raises NotFound for whoever does not take part.
    """
    mine = _mine(session, teacher_id, batch_id)
    note = " ".join(note.split())[:LONGEST]
    known = session.exec(select(Obstacle).where(Obstacle.registration_id == mine.id)).first()
    is_same = known is not None and known.reason is reason
    put(session, mine.id, reason, by_id=teacher_id, note=note, now=now)
    if is_same:
        return 0
    title, name = session.exec(
        select(Programme.title, Teacher.name)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .join(Teacher, sa.literal(True))
        .where(Batch.id == batch_id, Teacher.id == teacher_id)
    ).one()
    facts = {"title": title, "name": name, "reason": reason.value, "batch_id": batch_id}
    tends: Any = holders(session, (Role.SCHOOL_COORDINATOR,), of=mine.unit_id_at, now=now)
    told = [id_ for id_ in session.exec(tends).scalars() if id_ != teacher_id]
    # Another reason is news again.
    session.exec(sa.delete(News).where(col(News.kind) == NEWS, col(News.subject_id) == mine.id))
    for coordinator_id in told:
        news.tell(session, NEWS, coordinator_id, mine.id, facts, now=now)
    return len(told)


def put(
    session: Session,
    registration_id: int,
    reason: ObstacleReason,
    *,
    by_id: int,
    note: str = "",
    now: datetime,
) -> None:
    """Note what holds somebody up; who may is for the caller to check."""
    row = session.exec(select(Obstacle).where(Obstacle.registration_id == registration_id)).first()
    if row is None:
        row = Obstacle(registration_id=registration_id, reason=reason, by_id=by_id, since=now)
        session.add(row)
    elif row.reason is not reason:
        row.reason, row.since, row.note = reason, now, ""
    row.by_id = by_id
    row.note = note or row.note
    session.flush()


def clear(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> None:
    """Take it back: nothing holds one up any more. Raises NotFound."""
    del now
    mine = _mine(session, teacher_id, batch_id)
    session.exec(sa.delete(Obstacle).where(col(Obstacle.registration_id) == mine.id))


def _mine(session: Session, teacher_id: int, batch_id: int) -> Registration:
    row = session.exec(
        select(Registration).where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if row is None:
        raise NotFound("programme")
    return row
