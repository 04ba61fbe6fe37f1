"""Reading units: what a unit is called, and what stands below and above it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people.tables import MembershipKind, Office, OrgMembership, OrgUnit

CROSSING = (MembershipKind.GROUP_MEMBER, MembershipKind.AREA_MEMBER)
"""How a school belongs to a unit that does not stand above it in the tree."""


def name_of(session: Session, unit_id: int | None) -> str:
    """Return the unit's name; without a unit that of the office, empty before the first load."""
    name = None
    if unit_id is not None:
        name = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    return name or session.exec(select(Office.name)).first() or ""


def signature(session: Session, unit_id: int) -> str:
    """Return who signs for the unit: for the county, or city, that the office serves, the office.

    A role over the whole county is held at the office; the county itself writes no notices.
    """
    office = session.exec(select(Office.name).where(Office.unit_id == unit_id)).first()
    return office or name_of(session, unit_id)


def below(unit_ids: Collection[int], *, across: bool = True) -> Any:
    """Select the ids of these units and of all below them.

    With ``across`` also the schools of a group or an area, which stand elsewhere in the tree.
    """
    roots: sa.ColumnElement[bool] = col(OrgUnit.id).in_(unit_ids)
    if across:
        members = sa.select(col(OrgMembership.member_unit_id)).where(
            col(OrgMembership.unit_id).in_(unit_ids), col(OrgMembership.kind).in_(CROSSING)
        )
        roots = sa.or_(roots, col(OrgUnit.id).in_(members))
    tree = sa.select(col(OrgUnit.id)).where(roots).cte(recursive=True)
    child = sa.orm.aliased(OrgUnit)
    tree = tree.union(sa.select(col(child.id)).join(tree, col(child.parent_id) == tree.c.id))
    return sa.select(tree.c.id)


def with_all_above(session: Session, unit_ids: Collection[int]) -> set[int]:
    """Return these units and whatever stands above them, in the tree and across it."""
    every, new = set(unit_ids), set(unit_ids)
    while new:
        parents = session.exec(
            select(OrgUnit.parent_id).where(
                col(OrgUnit.id).in_(new), col(OrgUnit.parent_id).is_not(None)
            )
        ).all()
        across = session.exec(
            select(OrgMembership.unit_id).where(col(OrgMembership.member_unit_id).in_(new))
        ).all()
        new = {unit_id for unit_id in (*parents, *across) if unit_id is not None} - every
        every |= new
    return every
