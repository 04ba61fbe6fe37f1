"""Classes that are over, with people in them, for tests of results, completion and hours."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from storage.people import roles
from storage.people.tables import Posting, Role
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Method,
    Module,
    ModuleKind,
    Phase,
    PhaseKind,
    Presence,
    Registration,
    RegistrationState,
    Task,
    TaskSubmission,
    WorkState,
)
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
HOME = "澄禾县实验小学"


def over(session: Session, /, title: str = "作业设计专题培训", **differs: Any) -> int:
    """A class that ended the day before yesterday."""
    usual = {"starts_at": NOW - timedelta(days=4), "ends_at": NOW - timedelta(days=2)}
    return make.batch(session, title, **usual | differs)


def joins(
    session: Session,
    /,
    batch_id: int,
    teacher_id: int,
    state: RegistrationState = RegistrationState.ATTENDING,
) -> int:
    """A registration of this teacher, of the school where they work."""
    unit_id = session.exec(
        select(Posting.unit_id).where(Posting.teacher_id == teacher_id, col(Posting.is_primary))
    ).one()
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


def people_in(session: Session, /, batch_id: int, number: int, *, at: str = HOME) -> list[int]:
    """So many new people in the class; their registrations."""
    return [
        joins(session, batch_id, make.teacher(session, f"学员{n + 1:02}", at=at))
        for n in range(number)
    ]


def meetings(session: Session, /, batch_id: int, number: int) -> list[int]:
    """So many meetings of the class, two hours each, from its start."""
    start = session.get_one(Batch, batch_id).starts_at
    rows = [
        ClassSession(
            batch_id=batch_id,
            title=f"第{n + 1}讲",
            starts_at=start + timedelta(hours=3 * n),
            ends_at=start + timedelta(hours=3 * n + 2),
        )
        for n in range(number)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def attends(
    session: Session,
    /,
    registration_id: int,
    session_ids: list[int],
    state: Presence = Presence.PRESENT,
) -> None:
    """This person at these meetings."""
    for session_id in session_ids:
        session.add(
            Attendance(
                session_id=session_id,
                registration_id=registration_id,
                state=state,
                method=Method.COORDINATOR,
                at=NOW,
            )
        )
    session.flush()


def task(session: Session, /, batch_id: int, title: str = "教学设计") -> int:
    """A mandatory task of the class."""
    row = Task(batch_id=batch_id, title=title, due_at=NOW - timedelta(days=2))
    session.add(row)
    session.flush()
    return row.id


def hands_in(
    session: Session,
    /,
    registration_id: int,
    task_id: int,
    state: WorkState = WorkState.ACCEPTED,
) -> None:
    session.add(
        TaskSubmission(
            task_id=task_id, registration_id=registration_id, state=state, submitted_at=NOW
        )
    )
    session.flush()


def module(
    session: Session,
    /,
    batch_id: int,
    hours: str,
    kind: ModuleKind = ModuleKind.OTHER,
    **differs: Any,
) -> int:
    """A module with hours of its own, in the one phase of the class."""
    phase = session.exec(select(Phase).where(Phase.batch_id == batch_id)).first()
    if phase is None:
        phase = Phase(batch_id=batch_id, position=1, kind=PhaseKind.CONCENTRATED, title="集中")
        session.add(phase)
        session.flush()
    number = len(session.exec(select(Module.id).where(Module.phase_id == phase.id)).all())
    row = Module(
        phase_id=phase.id,
        position=number + 1,
        kind=kind,
        title=f"模块{number + 1}",
        hours=Decimal(hours),
        **differs,
    )
    session.add(row)
    session.flush()
    return row.id


def county(session: Session, /, name: str = "高培训") -> int:
    """A county coordinator."""
    who = make.teacher(session, name, at="教师发展中心")
    roles.appoint(session, who, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW)
    return who


def school(session: Session, /, name: str = "罗佳宁", at: str = HOME) -> int:
    """A school coordinator."""
    who = make.teacher(session, name, at=at)
    unit_id = make.school(session, at)
    roles.appoint(session, who, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)
    return who


def state_of(session: Session, /, registration_id: int) -> RegistrationState:
    return (
        session.exec(
            select(Registration)
            .where(Registration.id == registration_id)
            .execution_options(populate_existing=True)
        )
        .one()
        .state
    )
