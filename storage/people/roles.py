"""Who may do what: roles with a scope and a term."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.people import authority
from storage.people.tables import (
    Office,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
)
from storage.refusals import NotFound

OVER_THE_OFFICE = frozenset(
    {Role.COUNTY_COORDINATOR, Role.CITY_COORDINATOR, Role.BUREAU_VIEWER, Role.RESEARCH_OFFICER}
)
"""Roles that reach over the office's own unit unless another one is named."""

FOR_SUBJECTS = frozenset({Role.RESEARCH_OFFICER})
"""Roles that reach as far as their holder's subjects; nobody gives them without one by hand."""


def usual_scope(session: Session, teacher_id: int, role: Role, *, today: date) -> int | None:
    """Return the unit that this role usually reaches over; None is the whole office.

    Raises NotFound for a role in a school of somebody who works nowhere.
    """
    if role is Role.SYSADMIN:
        return None
    if role in OVER_THE_OFFICE:
        return session.exec(select(Office.unit_id)).first()
    unit_id = session.exec(
        select(Posting.unit_id)
        .where(
            Posting.teacher_id == teacher_id,
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .order_by(col(Posting.since).desc())
    ).first()
    if unit_id is None:
        raise NotFound("posting")
    return unit_id


def appoint(
    session: Session,
    teacher_id: int,
    role: Role,
    unit_id: int | None,
    *,
    today: date,
    now: datetime,
    until: date | None = None,
    subjects: Collection[str] = (),
    deputy_of: int | None = None,
    actor_id: int | None = None,
) -> bool:
    """Give the role from today, to its last day ``until``; False when it is held like that.

    Appointing again changes the term. Without a unit it reaches over the whole office.
    ``deputy_of`` is the teacher in whose stead it is held.
    """
    # Two who give it at once give it once.
    session.exec(
        select(Teacher.id).where(Teacher.id == teacher_id).with_for_update(key_share=True)
    ).all()
    held = _held(session, teacher_id, role, unit_id)
    wanted = until, sorted(subjects), deputy_of
    if (
        held is not None
        and _runs(held, today)
        and wanted == (held.until, sorted(held.subjects), held.deputy_of)
    ):
        return False
    if held is None:
        kind = ScopeKind.TENANT if unit_id is None else ScopeKind.UNIT
        session.add(
            RoleAssignment(
                teacher_id=teacher_id,
                role=role,
                scope_kind=kind,
                scope_id=unit_id or 0,
                since=today,
                until=until,
                by_plan=False,
                subjects=sorted(subjects),
                deputy_of=deputy_of,
            )
        )
    else:
        held.since = held.since if _runs(held, today) else today
        held.until = until
        held.subjects = sorted(subjects)
        held.deputy_of = deputy_of
        held.by_plan = False
    _record(session, "appoint", teacher_id, role, unit_id, now=now, actor_id=actor_id)
    return True


def dismiss(
    session: Session,
    teacher_id: int,
    role: Role,
    unit_id: int | None,
    *,
    today: date,
    now: datetime,
    actor_id: int | None = None,
) -> bool:
    """End the role with yesterday, whatever the plan says; False when it does not run."""
    held = _held(session, teacher_id, role, unit_id)
    if held is None or not _runs(held, today):
        return False
    held.until = today - timedelta(days=1)
    held.by_plan = False
    _record(session, "dismiss", teacher_id, role, unit_id, now=now, actor_id=actor_id)
    # Who only stood in for them stands in for nobody.
    deputies = session.exec(
        select(RoleAssignment).where(
            RoleAssignment.deputy_of == teacher_id,
            RoleAssignment.role == role,
            RoleAssignment.scope_kind == held.scope_kind,
            RoleAssignment.scope_id == held.scope_id,
        )
    ).all()
    for deputy in deputies:
        if _runs(deputy, today):
            deputy.until = held.until
            _record(
                session, "dismiss", deputy.teacher_id, role, unit_id, now=now, actor_id=actor_id
            )
    return True


def _held(
    session: Session, teacher_id: int, role: Role, unit_id: int | None
) -> RoleAssignment | None:
    return session.exec(
        select(RoleAssignment).where(
            RoleAssignment.teacher_id == teacher_id,
            RoleAssignment.role == role,
            RoleAssignment.scope_kind == (ScopeKind.TENANT if unit_id is None else ScopeKind.UNIT),
            RoleAssignment.scope_id == (unit_id or 0),
        )
    ).first()


def _runs(held: RoleAssignment, today: date) -> bool:
    return held.since <= today and (held.until is None or held.until >= today)


def _record(
    session: Session,
    act: str,
    teacher_id: int,
    role: Role,
    unit_id: int | None,
    *,
    now: datetime,
    actor_id: int | None,
) -> None:
    after = {"role": role.value, "unit_id": unit_id}
    audit.record(session, actor_id, act, f"teacher:{teacher_id}", now=now, after=after)
    session.flush()


def holders(session: Session, role: Role, unit_id: int, *, today: date) -> list[int]:
    """Return the teachers who hold the role for this unit today."""
    return list(
        session.exec(
            select(RoleAssignment.teacher_id).where(
                RoleAssignment.role == role,
                RoleAssignment.scope_kind == ScopeKind.UNIT,
                RoleAssignment.scope_id == unit_id,
                authority.runs(today),
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
