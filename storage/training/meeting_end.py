"""The end of a meeting: whoever neither came nor has leave is entered, and nothing is sent."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.inserting import insert_new
from storage.training import check_codes, windows
from storage.training.owing import TAKES_PART
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    Leave,
    LeaveState,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    Registration,
)

BURST = 5
"""So many who type the same code together after the end are worth a look."""


def settle(session: Session, *, now: datetime) -> int:
    """At the end of each meeting enter who neither came nor has leave; return how many ended.

    Only where presence was taken at all. What is entered here can be corrected, by a code of
    the room or by hand, and follows leave that is approved, or taken back, later.
    """
    rows = session.exec(
        select(ClassSession, Batch.programme_id)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(ClassSession.settled_at).is_(None),
            ClassSession.check_in != CheckIn.NONE,
            ClassSession.ends_at <= now - windows.CLOSES_AFTER,
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([ProgrammeState.PUBLISHED, ProgrammeState.FINISHED]),
            windows.is_taken(),
        )
        .order_by(col(ClassSession.id))
    ).all()
    ended = [row for row, _ in rows if now >= windows.closes_at(row) or row.closed_at]
    for meeting in ended:
        _enter_missing(session, meeting)
        _note_bursts(session, meeting)
        meeting.settled_at = now
        session.flush()
    return len(ended)


def _enter_missing(session: Session, meeting: ClassSession) -> None:
    columns = SQLModel.metadata.tables["attendance"].c
    missing = sa.select(
        sa.literal(meeting.id),
        col(Registration.id),
        sa.case(
            (
                sa.exists().where(
                    col(Leave.registration_id) == col(Registration.id),
                    col(Leave.session_id) == meeting.id,
                    col(Leave.state) == LeaveState.APPROVED,
                ),
                sa.literal(Presence.LEAVE, columns.state.type),
            ),
            else_=sa.literal(Presence.ABSENT, columns.state.type),
        ),
        sa.literal(Method.CLOCK, columns.method.type),
        sa.literal(meeting.ends_at, columns.at.type),
        sa.literal(""),
    ).where(
        col(Registration.batch_id) == meeting.batch_id,
        col(Registration.state).in_(TAKES_PART),
        ~sa.exists().where(
            col(Attendance.session_id) == meeting.id,
            col(Attendance.registration_id) == col(Registration.id),
        ),
    )
    names_ = ["session_id", "registration_id", "state", "method", "at", "odd"]
    session.exec(insert_new(session, Attendance).from_select(names_, missing))


def follow_leave(session: Session, registration_id: int) -> None:
    """Let what the clock entered of somebody follow their leave, which has just changed."""
    has_leave = sa.exists().where(
        col(Leave.registration_id) == col(Attendance.registration_id),
        col(Leave.session_id) == col(Attendance.session_id),
        col(Leave.state) == LeaveState.APPROVED,
    )
    for before, after, is_so in (
        (Presence.ABSENT, Presence.LEAVE, has_leave),
        (Presence.LEAVE, Presence.ABSENT, ~has_leave),
    ):
        session.exec(
            sa.update(Attendance)
            .where(
                col(Attendance.registration_id) == registration_id,
                col(Attendance.method) == Method.CLOCK,
                col(Attendance.state) == before,
                is_so,
            )
            .values(state=after)
        )


def _note_bursts(session: Session, meeting: ClassSession) -> None:
    """Many who typed the same code together when the meeting was over: worth a look."""
    late = session.exec(
        select(Attendance).where(
            Attendance.session_id == meeting.id,
            Attendance.method == Method.TYPED,
            Attendance.at > meeting.ends_at,
        )
    ).all()
    together: dict[int, list[Attendance]] = {}
    for row in late:
        together.setdefault(int(row.at.timestamp() // check_codes.STEP.total_seconds()), []).append(
            row
        )
    for rows in together.values():
        if len(rows) >= BURST:
            for row in rows:
                row.odd = ",".join(filter(None, (row.odd, "burst")))
