"""Whose tutor somebody is: tutors of a class, each for the people of some schools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.people import offices
from storage.people.authority import Act, check_with
from storage.people.tables import OrgUnit
from storage.refusals import NotFound
from storage.training import structure
from storage.training.classes import batch_of
from storage.training.remote.looking import appointed, given_to
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
    names = appointed(session, batch_id, now=now)
    given = given_to(session, batch_id)
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
    if tutor_id is not None and tutor_id not in appointed(session, batch_id, now=now):
        raise NotFound("tutor")
    if set(unit_ids) - {unit_id for unit_id, _name, _people in _schools(session, batch_id)}:
        raise NotFound("unit")
    before = given_to(session, batch_id)
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
