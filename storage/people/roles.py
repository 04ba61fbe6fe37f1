"""Who may do what: roles with a scope and a term."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people.tables import OrgUnit, Posting, Role, RoleAssignment, ScopeKind


def holders(session: Session, role: Role, unit_id: int, *, today: date) -> list[int]:
    """Return the teachers who hold the role for this unit today."""
    return list(
        session.exec(
            select(RoleAssignment.teacher_id).where(
                RoleAssignment.role == role,
                RoleAssignment.scope_kind == ScopeKind.UNIT,
                RoleAssignment.scope_id == unit_id,
                col(RoleAssignment.since) <= today,
                sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= today),
            )
        ).all()
    )


def responsible_for(session: Session, teacher_id: int, *, today: date) -> list[int]:
    """Return who answers for this teacher: the school's coordinators, else its principal,
    else the coordinators of the units above."""
    unit_id = session.exec(
        select(Posting.unit_id).where(
            Posting.teacher_id == teacher_id, col(Posting.is_primary), col(Posting.until).is_(None)
        )
    ).first()
    while unit_id is not None:
        for role in (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL, Role.COUNTY_COORDINATOR):
            found = [t for t in holders(session, role, unit_id, today=today) if t != teacher_id]
            if found:
                return found
        unit_id = session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)).first()
    return []
