"""Two trainings at the same time: registering is allowed, and the teacher is warned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.training.tables import LIVE, Batch, ClassSession, Mode, Programme, Registration

ATTENDED = (Mode.FACE_TO_FACE, Mode.SHADOWING, Mode.BLENDED, Mode.OUTREACH, Mode.LIVE)
"""Modes in which one has to be somewhere at a certain time."""

BLOCK = (Mode.FACE_TO_FACE, Mode.SHADOWING, Mode.OUTREACH)
"""Modes that fill all days from start to end as long as no sessions are known."""


@dataclass(frozen=True)
class Clash:
    """Another training of the same person at the same time, and the moments they share."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str


def clashes(session: Session, teacher_id: int, batch_id: int) -> tuple[Clash, ...]:
    """Return what else this teacher has at the times of the batch, the first of each."""
    others = session.exec(
        select(Registration.batch_id)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.teacher_id == teacher_id,
            Registration.batch_id != batch_id,
            col(Registration.state).in_(LIVE),
            col(Programme.mode).in_(ATTENDED),
        )
    ).all()
    if not others:
        return ()
    times = _times(session, [batch_id, *others])
    mine = [time for time in times if time.batch_id == batch_id]
    found: dict[int, Clash] = {}
    for other in times:
        if other.batch_id == batch_id or other.batch_id in found:
            continue
        if any(one.starts_at < other.ends_at and other.starts_at < one.ends_at for one in mine):
            found[other.batch_id] = other
    return tuple(found.values())


def _times(session: Session, batch_ids: Iterable[int]) -> list[Clash]:
    """Return when one has to be present: the sessions, or all days where none are known."""
    ids = list(batch_ids)
    meetings = session.exec(
        select(ClassSession, Programme.title)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(ClassSession.batch_id).in_(ids), col(Programme.mode).in_(ATTENDED))
    ).all()
    whole = session.exec(
        select(Batch, Programme.title)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.id).in_(ids),
            col(Programme.mode).in_(BLOCK),
            ~sa.exists().where(col(ClassSession.batch_id) == col(Batch.id)),
        )
    ).all()
    times = [
        Clash(meeting.batch_id, title, meeting.starts_at, meeting.ends_at, meeting.place)
        for meeting, title in meetings
    ]
    times += [
        Clash(batch.id, title, batch.starts_at, batch.ends_at, batch.place)
        for batch, title in whole
    ]
    return sorted(times, key=lambda time: (time.starts_at, time.batch_id))
