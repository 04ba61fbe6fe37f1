"""Founding an office: its row, its county, and the first person who may do anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from storage import audit
from storage.credits import profiles
from storage.moments import local_day
from storage.people import facts, linking, offices, postings, roles
from storage.people.tables import Office, OrgUnit, Role, Teacher, UnitKind
from storage.refusals import Refusal

FIRST_ROLES = (Role.SYSADMIN, Role.COUNTY_COORDINATOR)


class AlreadyFounded(Refusal):
    """This database belongs to an office, and to other people, already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"this database belongs to {name}")
        self.name = name


@dataclass(frozen=True)
class Founded:
    """The office's first administrator, with a code to link by; ``is_new`` once."""

    office: str
    name: str
    code: str
    is_new: bool


def found(
    session: Session,
    *,
    county_code: str,
    county: str,
    office: str,
    staff_no: str,
    name: str,
    timezone: str,
    language: str,
    now: datetime,
) -> Founded:
    """Make the office, its county and its first administrator, with a link code.

    Asking again for the same administrator makes a new code and nothing else. Raises
    AlreadyFounded when the office is there with somebody else.
    """
    offices.settle_in(session, timezone=timezone, language=language)
    row = session.exec(select(Office)).one()
    today = local_day(now, offices.zone(session))
    teacher = session.exec(select(Teacher).where(Teacher.staff_no == staff_no)).first()
    if row.unit_id is not None:
        held = teacher is not None and any(
            teacher.id in roles.holders(session, role, row.unit_id, today=today)
            for role in FIRST_ROLES
        )
        if teacher is None or not held:
            raise AlreadyFounded(row.name)
        code = linking.issue_code(session, teacher.id, now=now)
        return Founded(row.name, teacher.name, code, is_new=False)
    unit = session.exec(select(OrgUnit).where(OrgUnit.code == county_code)).first()
    if unit is None:
        unit = OrgUnit(kind=UnitKind.COUNTY, code=county_code, name=county)
        session.add(unit)
        session.flush()
    row.tenant, row.name = county_code.lower(), office or county
    row.unit_id, row.timezone, row.language = unit.id, timezone, language
    profiles.keep_profile(session, profiles.current(session, row.credit_profile))
    if teacher is None:
        teacher = Teacher(staff_no=staff_no, name=name)
        session.add(teacher)
        session.flush()
        says = {"stage": "", "subjects": [], "duties": []}
        postings.write(session, new=[postings.opening(teacher.id, unit.id, today, says)])
    teacher_id, teacher_name = teacher.id, teacher.name
    roles.appoint(session, teacher_id, Role.SYSADMIN, None, today=today, now=now)
    roles.appoint(session, teacher_id, Role.COUNTY_COORDINATOR, unit.id, today=today, now=now)
    facts.refresh(session, [teacher_id])
    audit.record(session, None, "found_office", f"office:{row.id}", now=now)
    session.flush()
    code = linking.issue_code(session, teacher_id, now=now)
    return Founded(row.name, teacher_name, code, is_new=True)


def is_founded(session: Session) -> bool:
    """Whether the office was founded by hand, and no plan was loaded into it."""
    row = session.exec(select(Office.unit_id, Office.loaded_sha256)).first()
    return row is not None and row[0] is not None and not row[1]
