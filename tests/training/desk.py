"""Who runs programmes in the tests, and what they ask for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, select

from storage.people import roles
from storage.people.tables import Posting, Role
from storage.training import making
from storage.training.making import Form, Made
from storage.training.tables import Level
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
START = NOW + timedelta(days=20)


def county_coordinator(session: Session, /, name: str = "顾岩") -> int:
    """A coordinator of the county."""
    teacher_id = make.teacher(session, name, at="教师发展中心")
    county = make.county(session)
    roles.appoint(session, teacher_id, Role.COUNTY_COORDINATOR, county, today=TODAY, now=NOW)
    return teacher_id


def school_coordinator(session: Session, /, name: str = "罗佳宁", **roster: Any) -> int:
    """A coordinator of the school where they work."""
    teacher_id = make.teacher(session, name, **roster)
    appoint_at_school(session, teacher_id)
    return teacher_id


def appoint_at_school(session: Session, teacher_id: int, /) -> None:
    """Make this teacher coordinator of their school."""
    unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == teacher_id)).one()
    roles.appoint(session, teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)


def appoint_in_county(session: Session, teacher_id: int, /) -> None:
    """Make this teacher a coordinator of the county."""
    county = make.county(session)
    roles.appoint(session, teacher_id, Role.COUNTY_COORDINATOR, county, today=TODAY, now=NOW)


def form(session: Session, /, **differs: Any) -> Form:
    """What a county's draft says."""
    usual: dict[str, Any] = {
        "owner_unit_id": make.county(session),
        "title": "作业设计专题培训",
        "category": "post_skill",
        "starts_at": START,
        "ends_at": START + timedelta(days=1),
        "level": Level.COUNTY,
        "place": "三楼报告厅",
        "seats": 40,
    }
    return Form(**(usual | differs))


def draft(session: Session, actor_id: int, /, **differs: Any) -> Made:
    """A draft of the county."""
    return making.create(session, actor_id, form(session, **differs), now=NOW)
