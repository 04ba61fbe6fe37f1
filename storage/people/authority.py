"""Authority: what a person may do beyond themselves, where, and until when.

One table says which role may do what; a role reaches over its unit and everything below it,
as long as its term runs. Each operation on somebody else asks here, in its own transaction:
what a card showed a moment ago gives no right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
)
from storage.refusals import NotAllowed


class Act(StrEnum):
    """What can be done about other people (domain, model 2.9)."""

    COUNT_PEOPLE = "count_people"
    """See how many there are, and how many are linked."""
    SEE_PEOPLE = "see_people"
    """See the names."""
    ISSUE_CODE = "issue_code"
    """Give a teacher a link code."""


MAY: dict[Role, frozenset[Act]] = {
    Role.SCHOOL_COORDINATOR: frozenset(Act),
    Role.PRINCIPAL: frozenset(Act),
    Role.GROUP_COORDINATOR: frozenset({Act.COUNT_PEOPLE}),
    # The county helps a school that has nobody: looking at a name is written down.
    Role.COUNTY_COORDINATOR: frozenset(Act),
    Role.CITY_COORDINATOR: frozenset({Act.COUNT_PEOPLE}),
    Role.RESEARCH_OFFICER: frozenset(),
    Role.BUREAU_VIEWER: frozenset({Act.COUNT_PEOPLE}),
    Role.SYSADMIN: frozenset(),
}

OVERSEES = frozenset({Role.COUNTY_COORDINATOR, Role.CITY_COORDINATOR, Role.BUREAU_VIEWER})
"""Roles that look at units from above; for the others a unit is their own."""


@dataclass(frozen=True)
class Grant:
    """One role that runs today, and the unit that it reaches over; None is the whole office."""

    role: Role
    unit_id: int | None


def grants(session: Session, teacher_id: int, *, today: date) -> tuple[Grant, ...]:
    """Return the roles over units, or over the office, that this person holds today."""
    rows = session.exec(
        select(RoleAssignment.role, RoleAssignment.scope_kind, RoleAssignment.scope_id)
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            RoleAssignment.teacher_id == teacher_id,
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
            col(RoleAssignment.scope_kind).in_([ScopeKind.UNIT, ScopeKind.TENANT]),
            col(RoleAssignment.since) <= today,
            sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= today),
        )
        .order_by(col(RoleAssignment.id))
    ).all()
    return tuple(
        Grant(Role(role), None if kind is ScopeKind.TENANT else scope_id)
        for role, kind, scope_id in rows
    )


def reaches(session: Session, teacher_id: int, act: Act, *, today: date, own: bool = False) -> Any:
    """Select the ids of the units in which this person may do this today.

    With ``own`` only those that are this person's to tend, not those looked at from above.
    """
    may = [
        grant
        for grant in grants(session, teacher_id, today=today)
        if act in MAY[grant.role] and not (own and grant.role in OVERSEES)
    ]
    if any(grant.unit_id is None for grant in may):
        return sa.select(col(OrgUnit.id))
    below = (
        sa.select(col(OrgUnit.id))
        .where(col(OrgUnit.id).in_([grant.unit_id for grant in may]))
        .cte("below", recursive=True)
    )
    child = sa.orm.aliased(OrgUnit)
    below = below.union(sa.select(col(child.id)).join(below, col(child.parent_id) == below.c.id))
    return sa.select(below.c.id)


def may(
    session: Session, teacher_id: int, act: Act, unit_id: int, *, today: date, own: bool = False
) -> bool:
    """Whether this person may do this in this unit today; with ``own`` as one who tends it."""
    where = reaches(session, teacher_id, act, today=today, own=own).subquery()
    return (
        session.exec(sa.select(where.c.id).where(where.c.id == unit_id)).first()  # type: ignore[call-overload]
        is not None
    )


def check(session: Session, teacher_id: int, act: Act, unit_id: int, *, today: date) -> None:
    """Raise NotAllowed unless this person may do this in this unit today."""
    if not may(session, teacher_id, act, unit_id, today=today):
        raise NotAllowed


def check_about(session: Session, actor_id: int, act: Act, teacher_id: int, *, today: date) -> int:
    """Raise NotAllowed unless the actor may do this about this teacher; return their unit.

    The unit is that of the primary posting on the day. Somebody without one is nobody's.
    """
    unit_id = session.exec(
        select(Posting.unit_id)
        .where(
            Posting.teacher_id == teacher_id,
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .order_by(col(Posting.since).desc(), col(Posting.id).desc())
    ).first()
    if unit_id is None:
        raise NotAllowed
    check(session, actor_id, act, unit_id, today=today)
    return unit_id


def check_covers(
    session: Session, actor_id: int, act: Act, teacher_id: int, *, today: date
) -> None:
    """Raise NotAllowed when this teacher's own roles reach further than the actor may do this.

    Whoever could hand out a link code for a superior would hold the superior's rights.
    """
    for grant in grants(session, teacher_id, today=today):
        if grant.unit_id is None:
            raise NotAllowed
        check(session, actor_id, act, grant.unit_id, today=today)
