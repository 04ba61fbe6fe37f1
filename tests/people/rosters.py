"""Rosters for tests: tables without a file, the units they name, and what is kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import undoing
from storage.people import roles, roster
from storage.people.roster import Applied
from storage.people.roster_comparing import Comparison
from storage.people.roster_reading import Roster, read_roster
from storage.people.tables import OrgUnit, Posting, Role, Teacher, UnitKind
from storage.sheets import Book, Sheet
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
HEAD = ["工号", "姓名", "学校", "学段", "学科", "职务", "状态", "手机", "到校日期"]


def table(*rows: list[str], head: list[str] | None = None) -> Book:
    every = (tuple(head or HEAD), *(tuple(row) for row in rows))
    return Book("名册.xlsx", (Sheet("名册", every),))


def roster_of(*rows: list[str], head: list[str] | None = None) -> Roster:
    read = read_roster(table(*rows, head=head))
    assert read is not None
    return read


def units(session: Session) -> dict[str, int]:
    """The county, two primary schools and one of two stages, by short name."""
    county = make.county(session)
    ids = {"县": county}
    for code, name, short, stages in (
        ("S06", "澄禾县实验小学", "实小", ["primary"]),
        ("S07", "城东小学", "城东", ["primary"]),
        ("S04", "柳渡镇中心学校", "柳渡", ["primary", "junior"]),
    ):
        unit = OrgUnit(
            kind=UnitKind.SCHOOL,
            code=code,
            name=name,
            short_name=short,
            parent_id=county,
            stages=stages,
            area_type="town",
        )
        session.add(unit)
        session.flush()
        ids[short] = unit.id
    return ids


def coordinator(session: Session, at: str = "澄禾县实验小学", **more: Any) -> int:
    """The coordinator of a school; without one that of the county."""
    teacher_id = make.teacher(session, "罗佳宁", at=at, **{"staff_no": "900001", **more})
    unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == teacher_id)).one()
    roles.appoint(session, teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)
    return teacher_id


def of_county(session: Session) -> int:
    teacher_id = make.teacher(session, "何静山", at="澄禾县", staff_no="900002", stage="")
    unit_id = make.county(session)
    roles.appoint(session, teacher_id, Role.COUNTY_COORDINATOR, unit_id, today=TODAY, now=NOW)
    return teacher_id


def looked(session: Session, actor_id: int, read: Roster) -> Comparison:
    return roster.look(session, actor_id, read, now=NOW)


def imported(session: Session, actor_id: int, read: Roster, *, now: Any = NOW) -> Applied:
    """Preview and apply at once."""
    comparison = roster.look(session, actor_id, read, now=now)
    kept = roster.keep_preview(
        session, actor_id, "名册.xlsx", repr(read).encode(), comparison, now=now
    )
    return roster.apply(session, actor_id, kept.job_id, read, now=now)


def undone(session: Session, actor_id: int, applied: Applied, *, now: Any = NOW) -> bool:
    return undoing.undo(session, actor_id, applied.deed_id, now=now)


KEPT = ("teacher", "posting", "teacher_fact", "role_assignment", "org_unit", "org_membership")


def everything(session: Session) -> dict[str, list[Any]]:
    """All that is kept about people and units; facts without their ids."""
    session.flush()
    found = {}
    for name in KEPT:
        columns = [
            column
            for column in SQLModel.metadata.tables[name].columns
            if not (name == "teacher_fact" and column.name == "id")
        ]
        rows = session.connection().execute(sa.select(*columns)).all()
        found[name] = sorted(repr(tuple(row)) for row in rows)
    return found


def teacher_of(session: Session, staff_no: str) -> Teacher:
    return session.exec(select(Teacher).where(Teacher.staff_no == staff_no)).one()


def history_of(session: Session, staff_no: str) -> list[tuple[str, date, date | None]]:
    """A teacher's postings: the school, and from when until when."""
    rows = session.connection().execute(
        sa.select(col(OrgUnit.short_name), col(Posting.since), col(Posting.until))
        .join(Posting, col(Posting.unit_id) == col(OrgUnit.id))
        .join(Teacher, col(Teacher.id) == col(Posting.teacher_id))
        .where(col(Teacher.staff_no) == staff_no)
        .order_by(col(Posting.since))
    )
    return [(school, since, until) for school, since, until in rows]
