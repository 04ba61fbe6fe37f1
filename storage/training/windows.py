"""One meeting of a class: when its check-in is open, who is on its list, and its secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.refusals import NotFound
from storage.training import check_codes
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    RegistrationState,
)

OPENS_BEFORE = timedelta(minutes=30)
LATE_AFTER = timedelta(minutes=15)
CLOSES_AFTER = timedelta(minutes=15)
"""How long after the end one can still check in and out."""
EARLY_LEAVE = timedelta(minutes=15)
"""Whoever checks out this long before the end, or longer, has left early."""
TIME_CODES_FOR = timedelta(hours=48)
"""How long after the end a code of the room can be typed in."""

ON_LIST = (
    RegistrationState.APPROVED,
    RegistrationState.ATTENDING,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
)
"""States of somebody who is on the list of a meeting, also when it is looked at afterwards."""

CAME = (Presence.PRESENT, Presence.LATE, Presence.LEFT_EARLY)


@dataclass(frozen=True)
class MeetingFacts:
    """A meeting as lists and answers name it; ``name`` is empty where the title says it all."""

    session_id: int
    batch_id: int
    title: str
    name: str
    starts_at: datetime
    ends_at: datetime
    place: str


def opens_at(meeting: ClassSession) -> datetime:
    """Return when check-in opens: half an hour before, or when it was opened by hand."""
    usual = meeting.starts_at - OPENS_BEFORE
    return usual if meeting.opened_at is None else min(usual, meeting.opened_at)


def closes_at(meeting: ClassSession) -> datetime:
    """Return when check-in closes, or was closed by hand; opening it again adds a while."""
    if meeting.closed_at is not None:
        return meeting.closed_at
    last = meeting.ends_at if meeting.opened_at is None else max(meeting.ends_at, meeting.opened_at)
    return last + CLOSES_AFTER


def is_open(meeting: ClassSession, now: datetime) -> bool:
    """Whether one can check in now."""
    return opens_at(meeting) <= now < closes_at(meeting)


def state_at(meeting: ClassSession, at: datetime, out_at: datetime | None = None) -> Presence:
    """Return what coming at this moment, and leaving at that one, makes somebody."""
    if out_at is not None and out_at <= meeting.ends_at - EARLY_LEAVE:
        return Presence.LEFT_EARLY
    return Presence.LATE if at > meeting.starts_at + LATE_AFTER else Presence.PRESENT


def get(
    session: Session, session_id: int, *, locked: bool = False
) -> tuple[ClassSession, Batch, Programme]:
    """Return a meeting that is known to people; raises NotFound.

    ``locked`` keeps others from marking the same meeting by hand before this ends.
    """
    statement = (
        select(ClassSession, Batch, Programme)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(ClassSession.id == session_id, Programme.state != ProgrammeState.DRAFT)
        .execution_options(populate_existing=True)
    )
    if locked:
        statement = statement.with_for_update(key_share=True, of=ClassSession)
    found = session.exec(statement).first()
    if found is None:
        raise NotFound("meeting")
    return found


def check_takes_place(batch: Batch, programme: Programme) -> None:
    """Raise ProgrammeCancelled for a meeting of a class that does not take place."""
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)


def facts_of(meeting: ClassSession, batch: Batch, programme: Programme) -> MeetingFacts:
    """Return the meeting's plain facts."""
    return MeetingFacts(
        session_id=meeting.id,
        batch_id=batch.id,
        title=programme.title,
        name="" if meeting.title == programme.title else meeting.title,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=meeting.place or batch.place,
    )


def secret_of(session: Session, session_id: int) -> str:
    """Return the meeting's secret, made when it is first asked for."""
    session.exec(
        sa.update(ClassSession)
        .where(col(ClassSession.id) == session_id, col(ClassSession.secret) == "")
        .values(secret=check_codes.new_secret())
    )
    return session.exec(select(ClassSession.secret).where(ClassSession.id == session_id)).one()


def is_taken() -> sa.ColumnElement[bool]:
    """Whether presence was taken at a meeting at all; what the clock enters does not count."""
    return sa.or_(
        col(ClassSession.opened_at).is_not(None),
        sa.exists().where(
            col(Attendance.session_id) == col(ClassSession.id),
            col(Attendance.method) != Method.CLOCK,
        ),
    )
