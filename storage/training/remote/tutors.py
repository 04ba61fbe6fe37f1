"""Whose tutor somebody is: tutors of a class, each for the people of some schools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.people import authority, offices
from storage.people.authority import Act, check_with
from storage.people.tables import OrgUnit, Role, RoleAssignment, ScopeKind, Teacher
from storage.refusals import NotFound
from storage.training import structure
from storage.training.classes import batch_of
from storage.training.remote.tables import TutorUnit
from storage.training.tables import Registration, RegistrationState

NOT_TUTORED = (
    RegistrationState.RETURNED,
    RegistrationState.REJECTED,
    RegistrationState.DECLINED,
    RegistrationState.WITHDRAWN,
    RegistrationState.EXEMPT,
)


@dataclass(frozen=True)
class Tutor:
    """A tutor of the class: of so many schools, and of so many people in them."""

    teacher_id: int
    name: str
    schools: int
    people: int


@dataclass(frozen=True)
class SchoolLine:
    """A school with people in the class, and its tutor; 0 and empty without one."""

    unit_id: int
    name: str
    people: int
    tutor_id: int
    tutor: str


@dataclass(frozen=True)
class Tutors:
    """Who tutors whom in a class."""

    batch_id: int
    title: str
    tutors: tuple[Tutor, ...]
    schools: tuple[SchoolLine, ...]

    @property
    def without(self) -> int:
        """How many schools have no tutor."""
        return sum(not school.tutor_id for school in self.schools)


def tutors(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Tutors:
    """Return who tutors whom, for who runs the class. Raises NotFound or NotAllowed."""
    today = offices.today(session, now)
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    _batch, programme = batch_of(session, batch_id)
    names = _appointed(session, batch_id, now=now)
    given = _given(session, batch_id)
    schools = tuple(
        SchoolLine(
            unit_id=unit_id,
            name=name,
            people=people,
            tutor_id=given[unit_id] if given.get(unit_id) in names else 0,
            tutor=names.get(given.get(unit_id, 0), ""),
        )
        for unit_id, name, people in _schools(session, batch_id)
    )
    people, places = Counter[int](), Counter[int]()
    for school in schools:
        people[school.tutor_id] += school.people
        places[school.tutor_id] += 1
    return Tutors(
        batch_id,
        programme.title,
        tuple(Tutor(one, name, places[one], people[one]) for one, name in names.items()),
        schools,
    )


def assign(
    session: Session,
    actor_id: int,
    batch_id: int,
    unit_ids: Collection[int],
    tutor_id: int | None,
    *,
    now: datetime,
) -> None:
    """Let the people of these schools have this tutor, or none of their own.

    Raises NotAllowed, ProgrammeCancelled, or NotFound for somebody who is no tutor of the class
    and for a school without people in it.
    """
    batch, _programme = structure.to_change(session, actor_id, batch_id, now)
    if tutor_id is not None and tutor_id not in _appointed(session, batch_id, now=now):
        raise NotFound("tutor")
    if set(unit_ids) - {unit_id for unit_id, _name, _people in _schools(session, batch_id)}:
        raise NotFound("unit")
    before = _given(session, batch_id)
    changed = [one for one in sorted(unit_ids) if before.get(one) != tutor_id]
    if not changed:
        return
    _put(session, batch_id, dict.fromkeys(changed, tutor_id))
    after = {"units": changed, "tutor_id": tutor_id}
    structure.note(
        session, actor_id, "assign_tutor", f"batch:{batch_id}", batch, now=now, after=after
    )


def share_out(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> int:
    """Give each school without a tutor to whoever has the fewest people; how many were given.

    The largest schools first, so that the tutors come out with about as many people each; who
    has a tutor keeps them. Raises NotAllowed, NotFound or ProgrammeCancelled.
    """
    batch, _programme = structure.to_change(session, actor_id, batch_id, now)
    facts = tutors(session, actor_id, batch_id, now=now)
    if not facts.tutors:
        return 0
    load = {one.teacher_id: one.people for one in facts.tutors}
    given: dict[int, int | None] = {}
    for school in sorted(facts.schools, key=lambda one: (-one.people, one.unit_id)):
        if not school.tutor_id:
            least = min(load, key=lambda one: (load[one], one))
            load[least] += school.people
            given[school.unit_id] = least
    if given:
        _put(session, batch_id, given)
        after = {"units": {str(unit): tutor for unit, tutor in given.items()}}
        structure.note(
            session, actor_id, "share_out_tutors", f"batch:{batch_id}", batch, now=now, after=after
        )
    return len(given)


def tutor_of(session: Session, registration_id: int, *, now: datetime) -> int | None:
    """Return who helps this participant: the tutor of their school, else the class teacher.

    None when the class has neither. Of several class teachers the first appointed one.
    """
    tutor, leads, _others = _helpers(session, registration_id, now=now)
    return next(iter(tutor or leads), None)


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
    given = _given(session, of.batch_id)
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
    every = _appointed(session, batch_id, now=now)
    given = _given(session, batch_id)
    tutor_id = given.get(unit_id)
    own = (tutor_id,) if tutor_id is not None and tutor_id in every else ()
    leads = tuple(_appointed(session, batch_id, now=now, role=Role.CLASS_TEACHER))
    return own, leads, tuple(one for one in every if one not in given.values())


def _schools(session: Session, batch_id: int) -> list[tuple[int, str, int]]:
    """Each school with people in the class: id, name, how many; by its code."""
    rows = session.exec(
        select(OrgUnit.id, OrgUnit.name, func.count())
        .join(Registration, col(Registration.unit_id_at) == col(OrgUnit.id))
        .where(Registration.batch_id == batch_id, col(Registration.state).not_in(NOT_TUTORED))
        .group_by(col(OrgUnit.id), col(OrgUnit.name), col(OrgUnit.code))
        .order_by(col(OrgUnit.code))
    ).all()
    return [(unit_id, name, people) for unit_id, name, people in rows]


def _given(session: Session, batch_id: int) -> dict[int, int]:
    return dict(
        session.exec(
            select(TutorUnit.unit_id, TutorUnit.tutor_id).where(TutorUnit.batch_id == batch_id)
        ).all()
    )


def _appointed(
    session: Session, batch_id: int, *, now: datetime, role: Role = Role.TUTOR
) -> dict[int, str]:
    """Who holds the role in the class today, the first appointed first: id and name."""
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


def _put(session: Session, batch_id: int, given: dict[int, int | None]) -> None:
    session.exec(
        sa.delete(TutorUnit).where(
            col(TutorUnit.batch_id) == batch_id, col(TutorUnit.unit_id).in_(given)
        )
    )
    session.add_all(
        TutorUnit(batch_id=batch_id, unit_id=unit_id, tutor_id=tutor_id)
        for unit_id, tutor_id in given.items()
        if tutor_id is not None
    )
    session.flush()
