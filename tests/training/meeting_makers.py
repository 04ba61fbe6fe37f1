"""Rows of meetings for tests: a class with a meeting at 9:00, people on its list, and roles."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from storage.people import roles
from storage.people.tables import Posting, Role, RoleAssignment, ScopeKind
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Leave,
    LeaveReason,
    LeaveState,
    Registration,
    RegistrationState,
)
from tests import make
from tests.make import NOW

STARTS = NOW  # Friday 9:00
ENDS = NOW + timedelta(hours=3)


def meeting(
    session: Session, /, title: str = "作业设计专题培训", **differs: Any
) -> tuple[int, int]:
    """A class with one meeting; the batch's id and the meeting's."""
    batch_differs = differs.pop("batch", {})
    batch_id = make.batch(
        session,
        title,
        **(
            {"starts_at": STARTS, "ends_at": ENDS, "reg_close": NOW - timedelta(days=3)}
            | batch_differs
        ),
    )
    return batch_id, add_meeting(session, batch_id, **differs)


def add_meeting(session: Session, /, batch_id: int, **differs: Any) -> int:
    """One more meeting of the class."""
    usual: dict[str, Any] = {
        "batch_id": batch_id,
        "title": "第一讲",
        "starts_at": STARTS,
        "ends_at": ENDS,
    }
    row = ClassSession(**(usual | differs))
    session.add(row)
    session.flush()
    return row.id


def on_list(
    session: Session,
    /,
    batch_id: int,
    teacher_id: int,
    state: RegistrationState = RegistrationState.APPROVED,
) -> int:
    """Put a teacher on the list; the registration's id."""
    unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == teacher_id)).one()
    row = Registration(
        batch_id=batch_id,
        teacher_id=teacher_id,
        unit_id_at=unit_id,
        state=state,
        submitted_at=NOW,
        queued_at=NOW,
        changed_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id


def person(
    session: Session, /, batch_id: int, name: str = "林若溪", **more: Any
) -> tuple[int, int]:
    """A teacher on the list; the teacher's id and the registration's."""
    teacher_id = make.teacher(session, name, **more)
    return teacher_id, on_list(session, batch_id, teacher_id)


def leave(
    session: Session,
    /,
    registration_id: int,
    session_id: int,
    state: LeaveState = LeaveState.APPROVED,
) -> int:
    """Leave from one meeting."""
    row = Leave(
        registration_id=registration_id,
        session_id=session_id,
        reason=LeaveReason.SICK,
        state=state,
        requested_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id


def appointed(session: Session, /, teacher_id: int, role: Role, unit_id: int | None = None) -> None:
    """Give a role over the teacher's own school, or another unit."""
    if unit_id is None:
        unit_id = session.exec(
            select(Posting.unit_id).where(Posting.teacher_id == teacher_id)
        ).one()
    roles.appoint(session, teacher_id, role, unit_id, today=NOW.date(), now=NOW)


def organiser(session: Session, /, name: str = "周明岚") -> int:
    """The county's coordinator, who runs the county's classes."""
    teacher_id = make.teacher(session, name, at="教师发展中心")
    appointed(session, teacher_id, Role.COUNTY_COORDINATOR, make.county(session))
    return teacher_id


def class_teacher(session: Session, /, batch_id: int, name: str = "何班主任", **more: Any) -> int:
    """Somebody who looks after this class alone, perhaps as a deputy until a day."""
    teacher_id = make.teacher(session, name, at="教师发展中心")
    usual: dict[str, Any] = {
        "teacher_id": teacher_id,
        "role": Role.CLASS_TEACHER,
        "scope_kind": ScopeKind.BATCH,
        "scope_id": batch_id,
        "since": NOW.date(),
        "by_plan": False,
    }
    session.add(RoleAssignment(**(usual | more)))
    session.flush()
    return teacher_id


def entered(session: Session, /, session_id: int) -> dict[int, Attendance]:
    """What is entered, by registration; plain copies."""
    return {
        row.registration_id: row.model_copy()
        for row in session.exec(select(Attendance).where(Attendance.session_id == session_id)).all()
    }


def batch_of(session: Session, /, batch_id: int) -> Batch:
    """The class's row."""
    return session.exec(select(Batch).where(Batch.id == batch_id)).one()


def at(hour: int, minute: int = 0, second: int = 0, day: int = 0) -> datetime:
    """A moment of the meeting's day by the clock on the wall."""
    midnight = NOW - timedelta(hours=9)
    return midnight + timedelta(days=day, hours=hour, minutes=minute, seconds=second)
