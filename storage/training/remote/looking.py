"""Who is the nearest to look at what a participant of a remote class says."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from storage.people import authority, offices
from storage.people.tables import Role, RoleAssignment, ScopeKind, Teacher
from storage.training.remote.tables import TutorUnit
from storage.training.tables import Registration


class Looker(StrEnum):
    """As what somebody looks at what a participant says."""

    TUTOR = "tutor"
    CLASS_TEACHER = "class_teacher"
    ORGANISER = "organiser"


def nearest(
    session: Session, registration_id: int, *, now: datetime
) -> tuple[Looker, tuple[int, ...]]:
    """Return who is to look at what this participant says, and as what.

    Their school's tutor, else the class teachers, else the tutors to whom no school is given,
    who are everybody's; never another school's tutor. Else it stays with the organiser, for whom
    nobody in particular is named.
    """
    tutor, leads, others = _helpers(session, registration_id, now=now)
    if tutor:
        return Looker.TUTOR, tutor
    if leads:
        return Looker.CLASS_TEACHER, leads
    return (Looker.TUTOR, others) if others else (Looker.ORGANISER, ())


def is_anothers(session: Session, teacher_id: int, registration_id: int) -> bool:
    """Whether this teacher tutors schools of the class, and this participant's is not one."""
    of = session.get_one(Registration, registration_id)
    given = given_to(session, of.batch_id)
    return teacher_id in given.values() and given.get(of.unit_id_at) != teacher_id


def _helpers(
    session: Session, registration_id: int, *, now: datetime
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The tutor of this participant's school, the class teachers, and tutors of no one school."""
    found = session.exec(
        select(Registration.batch_id, Registration.unit_id_at).where(
            Registration.id == registration_id
        )
    ).first()
    if found is None:
        return (), (), ()
    batch_id, unit_id = found
    every = appointed(session, batch_id, now=now)
    given = given_to(session, batch_id)
    tutor_id = given.get(unit_id)
    own = (tutor_id,) if tutor_id is not None and tutor_id in every else ()
    leads = tuple(appointed(session, batch_id, now=now, role=Role.CLASS_TEACHER))
    return own, leads, tuple(one for one in every if one not in given.values())


def given_to(session: Session, batch_id: int) -> dict[int, int]:
    """Return the tutor of each school of the class that was given one."""
    return dict(
        session.exec(
            select(TutorUnit.unit_id, TutorUnit.tutor_id).where(TutorUnit.batch_id == batch_id)
        ).all()
    )


def appointed(
    session: Session, batch_id: int, *, now: datetime, role: Role = Role.TUTOR
) -> dict[int, str]:
    """Return who holds the role in the class today, the first appointed first: id and name."""
    rows = session.exec(
        select(Teacher.id, Teacher.name)
        .join(RoleAssignment, col(RoleAssignment.teacher_id) == col(Teacher.id))
        .where(
            RoleAssignment.role == role,
            RoleAssignment.scope_kind == ScopeKind.BATCH,
            RoleAssignment.scope_id == batch_id,
            authority.runs(offices.today(session, now)),
        )
        .order_by(col(RoleAssignment.id))
    ).all()
    return dict(rows)
