"""Gates between the stretches of a class: who has not passed one does not owe what lies behind.

A stretch with a gate is passed when its mandatory work is handed in, when no more of its
meetings were missed than the programme allows, and when what it counts on a platform is done.
Nobody is held back by what is not known: meetings whose attendance was never settled, figures
older than the end of the stretch, study that is claimed and not decided on.
"""

from __future__ import annotations

import math
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.messaging.tables import Deadline, DeadlineState
from storage.training.remote.tables import (
    Progress,
    ProgressImport,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Module,
    Phase,
    PhaseKind,
    Presence,
    Programme,
    Registration,
    Task,
    TaskSubmission,
    WorkState,
)

Condition = sa.ColumnElement[bool]
"""On ``Registration``."""


HANDED_IN = (
    sa.exists()
    .where(
        col(TaskSubmission.task_id) == col(Task.id),
        col(TaskSubmission.registration_id) == col(Registration.id),
        col(TaskSubmission.state) != WorkState.RETURNED,
    )
    # Two levels below whose registration it is, SQLAlchemy finds it by being told only.
    .correlate(Task, Registration)
)
"""Whether this person has handed in this task; both stand around it."""


def may_enter(session: Session, phase: Phase | None, *, now: datetime) -> Condition:
    """Whether all gates that lie before this stretch, and have closed, were passed."""
    if phase is None:
        return sa.true()
    closed = session.exec(
        select(Phase).where(
            Phase.batch_id == phase.batch_id,
            Phase.position < phase.position,
            col(Phase.gate),
            col(Phase.ends_at) <= now,
        )
    ).all()
    return sa.and_(sa.true(), *(passed(session, gate, now=now) for gate in closed))


def of_module(session: Session, module_id: int | None) -> Phase | None:
    """Return the stretch that the module belongs to."""
    if module_id is None:
        return None
    return session.exec(
        select(Phase)
        .join(Module, col(Module.phase_id) == col(Phase.id))
        .where(Module.id == module_id)
    ).first()


def online(session: Session, batch_id: int) -> Phase | None:
    """Return the first stretch that is studied remotely; its gates are those of remote work."""
    return session.exec(
        select(Phase)
        .where(Phase.batch_id == batch_id, Phase.kind == PhaseKind.ONLINE)
        .order_by(col(Phase.position))
    ).first()


def is_before_another(session: Session, phase: Phase) -> bool:
    """Whether anything lies behind this stretch."""
    after = select(Phase.id).where(
        Phase.batch_id == phase.batch_id, Phase.position > phase.position
    )
    return session.exec(after.limit(1)).first() is not None


def of_stretch(phase: Phase) -> Condition:
    """Whether a ``ClassSession`` lies in this stretch: by its module, else by its day."""
    its: Condition = col(ClassSession.module_id).in_(_modules(phase))
    if phase.starts_at is not None and phase.ends_at is not None:
        on_its_days = sa.and_(
            col(ClassSession.module_id).is_(None),
            col(ClassSession.starts_at) >= phase.starts_at,
            col(ClassSession.starts_at) < phase.ends_at,
        )
        its = sa.or_(its, on_its_days)
    return sa.and_(col(ClassSession.batch_id) == phase.batch_id, its)


def passed(session: Session, gate: Phase, *, now: datetime) -> Condition:
    """Whether this stretch is passed, or more time was given for it."""
    more_time = sa.exists().where(
        col(Deadline.kind) == "phase_end",
        col(Deadline.subject_id) == gate.id,
        col(Deadline.teacher_id) == col(Registration.teacher_id),
        col(Deadline.state) == DeadlineState.ACTIVE,
        col(Deadline.at) > now,
    )
    return sa.or_(
        more_time,
        sa.and_(_handed_in(gate), _was_there(session, gate), _has_studied(session, gate)),
    )


def _modules(gate: Phase) -> sa.Select[int]:
    return sa.select(col(Module.id)).where(col(Module.phase_id) == gate.id)


def _handed_in(gate: Phase) -> Condition:
    left = sa.select(col(Task.id)).where(
        col(Task.module_id).in_(_modules(gate)), col(Task.mandatory), ~HANDED_IN
    )
    return ~left.correlate(Registration).exists()


def _was_there(session: Session, gate: Phase) -> Condition:
    meetings = sa.and_(of_stretch(gate), col(ClassSession.settled_at).is_not(None))
    number = session.exec(select(func.count()).select_from(ClassSession).where(meetings)).one()
    if not number:
        return sa.true()
    least = session.exec(
        select(Programme.attendance_min)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == gate.batch_id)
    ).one()
    missed = (
        sa.select(func.count())
        .select_from(Attendance)
        .join(ClassSession, col(ClassSession.id) == col(Attendance.session_id))
        .where(
            meetings,
            col(Attendance.registration_id) == col(Registration.id),
            col(Attendance.state) == Presence.ABSENT,
        )
        .correlate(Registration)
        .scalar_subquery()
    )
    return missed <= math.floor(number * (1 - least) + 1e-9)


def _has_studied(session: Session, gate: Phase) -> Condition:
    its: Condition = col(ProgressItem.module_id).in_(_modules(gate))
    if gate.kind is PhaseKind.ONLINE:
        its = sa.or_(its, col(ProgressItem.module_id).is_(None))
    items = session.exec(
        select(ProgressItem).where(
            ProgressItem.batch_id == gate.batch_id, col(ProgressItem.mandatory), its
        )
    ).all()
    is_known = select(ProgressImport.id).where(
        ProgressImport.batch_id == gate.batch_id,
        col(ProgressImport.undone_at).is_(None),
        col(ProgressImport.as_of) >= gate.ends_at,
    )
    if not items or session.exec(is_known.limit(1)).first() is None:
        return sa.true()
    done = (
        func.coalesce(col(Progress.figures)[str(item.id)].as_float(), 0) >= item.required
        for item in items
    )
    return sa.or_(
        sa.exists().where(col(Progress.registration_id) == col(Registration.id), *done),
        sa.exists().where(
            col(StudyClaim.registration_id) == col(Registration.id),
            col(StudyClaim.state).in_([StudyClaimState.OPEN, StudyClaimState.ACCEPTED]),
        ),
    )
