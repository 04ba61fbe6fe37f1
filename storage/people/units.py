"""Reading units: what a unit is called."""

from __future__ import annotations

from sqlmodel import Session, select

from storage.people.tables import Office, OrgUnit


def name_of(session: Session, unit_id: int | None) -> str:
    """Return the unit's name; without a unit that of the office, empty before the first load."""
    name = None
    if unit_id is not None:
        name = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    return name or session.exec(select(Office.name)).first() or ""
