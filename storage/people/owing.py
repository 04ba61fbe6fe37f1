"""Who still owes it: what offices owe, such as somebody who looks after a school."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.moments import local_day
from storage.people import authority, offices
from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
    UnitKind,
)

Owing = sa.Select[int]
OFFICE = (
    Role.SCHOOL_COORDINATOR,
    Role.GROUP_COORDINATOR,
    Role.AREA_COORDINATOR,
    Role.COUNTY_COORDINATOR,
    Role.CITY_COORDINATOR,
)
"""Who runs what belongs to their unit."""


def owes(
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> Owing | None:
    """Return the select of those who still owe this; None for a kind that is none of ours.

    A school without a coordinator is the county's to give one, in every school year.
    """
    if kind != "role_gap":
        return None
    gap = untended(session, kind, subject_id, now).subquery()
    who = holders(session, (Role.COUNTY_COORDINATOR,), now=now).where(
        sa.exists(sa.select(gap.c.unit_id))
    )
    return who if teacher_id is None else who.where(who.selected_columns[0] == teacher_id)


def untended(session: Session, _kind: str, _subject_id: int, now: datetime) -> sa.Select[int, int]:
    """Return the schools with people in them and nobody to look after these, each as one."""
    held = holders(session, (Role.SCHOOL_COORDINATOR,), of=col(OrgUnit.id), now=now)
    return sa.select(col(OrgUnit.id).label("unit_id"), sa.literal(1).label("number")).where(
        col(OrgUnit.kind) == UnitKind.SCHOOL,
        col(OrgUnit.active),
        ~held.correlate(OrgUnit).exists(),
        sa.exists().where(
            col(Posting.unit_id) == col(OrgUnit.id),
            col(Posting.is_primary),
            col(Posting.until).is_(None),
        ),
    )


def holders(
    session: Session,
    roles: Collection[Role],
    *,
    now: datetime,
    of: Any = None,
    batch_id: int | None = None,
) -> Owing:
    """Return the select of who holds one of these roles today, each once.

    ``of`` is the unit or a select of units, ``batch_id`` a class; with neither it is anywhere.
    """
    day = local_day(now, offices.zone(session))
    held = (
        sa.select(col(RoleAssignment.teacher_id))
        .distinct()
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.role).in_(roles),
            authority.runs(day),
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
        )
    )
    if batch_id is not None:
        return held.where(
            col(RoleAssignment.scope_kind) == ScopeKind.BATCH,
            col(RoleAssignment.scope_id) == batch_id,
        )
    if of is None:
        return held
    scope = col(RoleAssignment.scope_id)
    return held.where(
        col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
        scope.in_(of) if isinstance(of, sa.SelectBase) else scope == of,
    )


def nearest(session: Session, roles: Collection[Role], *, of: Any, now: datetime) -> Owing:
    """Return the select of who answers for what belongs to a unit, each once.

    Whoever holds one of these roles there, or in the next unit above in which anybody does: a
    training centre that has nobody of its own is the county's. ``of`` is the unit, or a select
    of units, each of which has its own nearest.
    """
    first = col(OrgUnit.id)
    where = first.in_(of) if isinstance(of, sa.SelectBase) else first == of
    asked = sa.select(first.label("unit_id")).where(where).cte(recursive=True)
    has_none = ~holders(session, roles, of=asked.c.unit_id, now=now).correlate(asked).exists()
    asked = asked.union(
        sa.select(col(OrgUnit.parent_id)).where(
            first == asked.c.unit_id, col(OrgUnit.parent_id).is_not(None), has_none
        )
    )
    return holders(session, roles, of=sa.select(asked.c.unit_id), now=now)
