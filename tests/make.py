"""Rows for tests: each maker states only what matters and fills in the rest.

All are plain operations: ``await database.write(make.teacher, name="林若溪")`` returns the id.
"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, select

from storage.people import roles
from storage.people.tables import (
    Account,
    Office,
    OrgUnit,
    Posting,
    Role,
    Teacher,
    TeacherFact,
    UnitKind,
)
from storage.training.tables import Batch, Enrolment, Level, Mode, Programme, Quota

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday, 9:00 in Shanghai

_numbers = itertools.count(1)


def _with(usual: dict[str, Any], differs: dict[str, Any]) -> dict[str, Any]:
    return usual | differs


def office(session: Session, /, **differs: Any) -> int:
    """The office of 澄禾县 and its county unit; there is one office, made on first call."""
    found = session.exec(select(Office)).first()
    if found is not None:
        return found.id
    county = OrgUnit(kind=UnitKind.COUNTY, code="CH", name="澄禾县")
    session.add(county)
    session.flush()
    usual = {"tenant": "chenghe", "name": "澄禾县", "unit_id": county.id, "salt": "5a17"}
    row = Office(**_with(usual, differs))
    session.add(row)
    session.flush()
    return row.id


def county(session: Session, /) -> int:
    """The county unit's id."""
    office(session)
    unit_id = session.exec(select(Office)).one().unit_id
    assert unit_id is not None
    return unit_id


def school(session: Session, /, name: str = "澄禾县实验小学", **differs: Any) -> int:
    """A school by name, made once."""
    found = session.exec(select(OrgUnit).where(OrgUnit.name == name)).first()
    if found is not None:
        return found.id
    row = OrgUnit(
        **_with(
            {
                "kind": UnitKind.SCHOOL,
                "code": f"S{next(_numbers)}",
                "name": name,
                "parent_id": county(session),
                "stages": ["primary"],
                "area_type": "urban",
            },
            differs,
        )
    )
    session.add(row)
    session.flush()
    return row.id


def teacher(
    session: Session,
    /,
    name: str = "林若溪",
    *,
    at: str = "澄禾县实验小学",
    subject: str = "语文",
    stage: str = "primary",
    facts: dict[str, str] | None = None,
    **differs: Any,
) -> int:
    """A teacher with a primary posting and the facts that follow from it."""
    unit_id = school(session, at)
    row = Teacher(**_with({"staff_no": f"T{next(_numbers):06}", "name": name}, differs))
    session.add(row)
    session.flush()
    session.add(
        Posting(
            teacher_id=row.id,
            unit_id=unit_id,
            since=date(2020, 9, 1),
            stage=stage,
            subjects=[subject],
        )
    )
    for key, value in {"stage": stage, "subject": subject, **(facts or {})}.items():
        session.add(TeacherFact(teacher_id=row.id, key=key, value=value))
    session.flush()
    return row.id


def role(session: Session, /, teacher_id: int, role: Role) -> None:
    """Let a teacher hold a role, over the own school or, if it is one of these, the county."""
    own = select(Posting.unit_id).where(Posting.teacher_id == teacher_id, Posting.is_primary)
    unit_id = county(session) if role in roles.OVER_THE_OFFICE else session.exec(own).one()
    roles.appoint(session, teacher_id, role, unit_id, today=NOW.date(), now=NOW)


def account(session: Session, /, teacher_id: int | None = None, **differs: Any) -> int:
    """An account, linked when a teacher is given; its id, not its Telegram id."""
    row = Account(
        **_with(
            {
                "tg_user_id": 7_000_000_000 + next(_numbers),
                "teacher_id": teacher_id,
                "started_at": NOW,
                "linked_at": NOW if teacher_id else None,
            },
            differs,
        )
    )
    session.add(row)
    session.flush()
    return row.id


def batch(
    session: Session,
    /,
    title: str = "作业设计专题培训",
    *,
    seats: int | None = 40,
    audience: dict[str, list[str]] | None = None,
    programme: dict[str, Any] | None = None,
    **differs: Any,
) -> int:
    """An open county programme with one batch and, unless ``seats`` is None, a pool of seats."""
    number = next(_numbers)
    owner = county(session)
    kept = Programme(
        **_with(
            {
                "code": f"P{number}",
                "title": title,
                "level": Level.COUNTY,
                "category": "post_skill",
                "mode": Mode.FACE_TO_FACE,
                "enrolment": Enrolment.OPEN,
                "owner_unit_id": owner,
                "planned_hours": Decimal(8),
                "audience": audience or {},
            },
            programme or {},
        )
    )
    session.add(kept)
    session.flush()
    row = Batch(
        **_with(
            {
                "programme_id": kept.id,
                "starts_at": NOW + timedelta(days=20),
                "ends_at": NOW + timedelta(days=21),
                "reg_open": NOW - timedelta(days=7),
                "reg_close": NOW + timedelta(days=10),
                "place": "教师发展中心三楼报告厅",
            },
            differs,
        )
    )
    session.add(row)
    session.flush()
    if seats is not None:
        session.add(Quota(batch_id=row.id, unit_id=owner, seats=seats, is_pool=True))
        session.flush()
    return row.id
