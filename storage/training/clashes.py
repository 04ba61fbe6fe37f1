"""Two trainings at the same time: registering is allowed, and the teacher is warned."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.prepared import Prepared, among
from storage.training.tables import LIVE, Batch, ClassSession, Mode, Programme

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


def _build_times() -> sa.CompoundSelect[Any]:
    """Build the one statement that finds when one has to be present, here and elsewhere.

    Of each batch the sessions, or all its days where none are known. Built once: it is run
    in the minute in which registration opens.
    """
    batch, programme = SQLModel.metadata.tables["batch"], SQLModel.metadata.tables["programme"]
    meeting = SQLModel.metadata.tables["class_session"]
    registration = SQLModel.metadata.tables["registration"]
    wanted = (
        sa.select(sa.cast(sa.bindparam("batch_id"), sa.BigInteger).label("id"))
        .union(
            sa.select(registration.c.batch_id).where(
                registration.c.teacher_id == sa.bindparam("teacher_id"),
                among(registration.c.state, LIVE),
            )
        )
        .cte("wanted")
    )
    attended = (
        wanted.join(batch, batch.c.id == wanted.c.id)
        .join(programme, programme.c.id == batch.c.programme_id)
        .join(meeting, meeting.c.batch_id == batch.c.id)
    )
    whole = wanted.join(batch, batch.c.id == wanted.c.id).join(
        programme, programme.c.id == batch.c.programme_id
    )
    return sa.union_all(
        sa.select(
            batch.c.id,
            programme.c.title,
            meeting.c.starts_at,
            meeting.c.ends_at,
            meeting.c.place,
        )
        .select_from(attended)
        .where(among(programme.c.mode, ATTENDED), batch.c.cancelled_at.is_(None)),
        sa.select(batch.c.id, programme.c.title, batch.c.starts_at, batch.c.ends_at, batch.c.place)
        .select_from(whole)
        .where(
            among(programme.c.mode, BLOCK),
            batch.c.cancelled_at.is_(None),
            ~sa.exists().where(meeting.c.batch_id == batch.c.id),
        ),
    )


TIMES = Prepared(_build_times())


def clashes(session: Session, teacher_id: int, batch_id: int) -> tuple[Clash, ...]:
    """Return what else this teacher has at the times of the batch, the first of each."""
    rows = TIMES.all(session, teacher_id=teacher_id, batch_id=batch_id)
    times = sorted((Clash(*row) for row in rows), key=lambda time: (time.starts_at, time.batch_id))
    here = [time for time in times if time.batch_id == batch_id]
    found: dict[int, Clash] = {}
    for other in times:
        if other.batch_id == batch_id or other.batch_id in found:
            continue
        if any(one.starts_at < other.ends_at and other.starts_at < one.ends_at for one in here):
            found[other.batch_id] = other
    return tuple(found.values())


Times = dict[int, list[tuple[datetime, datetime]]]


def times_of(session: Session, *conditions: sa.ColumnElement[bool]) -> Times:
    """When one has to be present, by batch: its meetings, or all of it where none are known."""
    found: Times = defaultdict(list)
    for batch_id, starts_at, ends_at in session.exec(
        select(ClassSession.batch_id, ClassSession.starts_at, ClassSession.ends_at)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Programme.mode).in_(ATTENDED), *conditions)
    ).all():
        found[batch_id].append((starts_at, ends_at))
    for batch_id, starts_at, ends_at in session.exec(
        select(Batch.id, Batch.starts_at, Batch.ends_at)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Programme.mode).in_(BLOCK),
            ~sa.exists().where(col(ClassSession.batch_id) == col(Batch.id)),
            *conditions,
        )
    ).all():
        found[batch_id].append((starts_at, ends_at))
    return found
