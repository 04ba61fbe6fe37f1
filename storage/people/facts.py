"""What eligibility asks about a teacher, as rows: kept equal to roster, posting and roles."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    OrgUnit,
    Posting,
    RoleAssignment,
    Teacher,
    TeacherFact,
)

GIVEN = ("tier", "cert")
"""Facts that nothing else in the database says; whoever grants them writes them."""

DERIVED = (
    "stage",
    "subject",
    "duty",
    "post",
    "role",
    "entry_route",
    "hire_year",
    "area_type",
    "unit",
)
"""Facts that follow from other rows and are rewritten by ``refresh``."""

KEYS = (*DERIVED, *GIVEN)

POSTS = ("principal", "vice_principal", "middle_leader")
"""Duties that are leading posts: kept under ``post`` instead of ``duty``."""

FEW = 5_000  # so many ids fit into one statement on both engines


def refresh(session: Session, teacher_ids: Collection[int] | None = None) -> int:
    """Rewrite the derived facts of these teachers, or of everybody.

    Returns how many teachers' facts were changed.

    A fact's ``unit`` is the code of the school and of every group and area it belongs to.
    Postings and roles that have an end do not count. Running it twice changes nothing.
    """
    if teacher_ids is not None and len(teacher_ids) > FEW:
        # By the people who are meant, however many there are in the office.
        ids = sorted(teacher_ids)
        parts = [ids[start : start + FEW] for start in range(0, len(ids), FEW)]
        return sum(refresh(session, part) for part in parts)
    wanted = _derived(session, teacher_ids)
    return _write(session, wanted, DERIVED, teacher_ids)


def give(session: Session, key: str, values: Mapping[int, str]) -> int:
    """Set a given fact of each teacher, "" for none; return how many changed."""
    if key not in GIVEN:
        raise ValueError(f"{key} is not given but derived")
    wanted = {(teacher_id, key, value) for teacher_id, value in values.items() if value}
    return _write(session, wanted, (key,), values.keys())


def _derived(session: Session, teacher_ids: Collection[int] | None) -> set[tuple[int, str, str]]:
    units: dict[int, tuple[str, str]] = {
        unit_id: (code, area)
        for unit_id, code, area in session.exec(
            select(OrgUnit.id, OrgUnit.code, OrgUnit.area_type)
        ).all()
    }
    circles: dict[int, list[str]] = defaultdict(list)
    for circle_id, member_id in session.exec(
        select(OrgMembership.unit_id, OrgMembership.member_unit_id).where(
            OrgMembership.kind != MembershipKind.PAIRED_SUPPORT
        )
    ).all():
        circles[member_id].append(units[circle_id][0])

    facts: set[tuple[int, str, str]] = set()
    roster = select(Teacher.id, Teacher.entry_route, col(Teacher.hire_date))
    for teacher_id, route, hired in session.exec(_only(roster, Teacher.id, teacher_ids)).all():
        facts.add((teacher_id, "entry_route", route))
        facts.add((teacher_id, "hire_year", str(hired.year) if hired else ""))

    postings = sa.select(
        col(Posting.teacher_id),
        col(Posting.unit_id),
        col(Posting.stage),
        col(Posting.subjects),
        col(Posting.duties),
    ).where(col(Posting.until).is_(None))
    for teacher_id, unit_id, stage, subjects, duties in session.exec(
        _only(postings, Posting.teacher_id, teacher_ids)
    ).all():
        code, area = units[unit_id]
        facts.add((teacher_id, "stage", stage))
        facts.add((teacher_id, "area_type", area))
        facts.update((teacher_id, "unit", each) for each in (code, *circles[unit_id]))
        facts.update((teacher_id, "subject", subject) for subject in subjects)
        facts.update((teacher_id, "post" if duty in POSTS else "duty", duty) for duty in duties)

    roles = select(RoleAssignment.teacher_id, RoleAssignment.role).where(
        col(RoleAssignment.until).is_(None)
    )
    for teacher_id, role in session.exec(
        _only(roles, RoleAssignment.teacher_id, teacher_ids)
    ).all():
        facts.add((teacher_id, "role", role.value))
    return {fact for fact in facts if fact[2]}


def _write(
    session: Session,
    wanted: set[tuple[int, str, str]],
    keys: tuple[str, ...],
    teacher_ids: Collection[int] | None,
) -> int:
    kept = select(TeacherFact.teacher_id, TeacherFact.key, TeacherFact.value, TeacherFact.id).where(
        col(TeacherFact.key).in_(keys)
    )
    present = {
        (teacher_id, key, value): fact_id
        for teacher_id, key, value, fact_id in session.exec(
            _only(kept, TeacherFact.teacher_id, teacher_ids)
        ).all()
    }
    if teacher_ids is not None:
        # Where the ids were not named one by one, others were read as well.
        among = set(teacher_ids)
        wanted = {fact for fact in wanted if fact[0] in among}
        present = {fact: fact_id for fact, fact_id in present.items() if fact[0] in among}

    gone = [fact_id for fact, fact_id in present.items() if fact not in wanted]
    for start in range(0, len(gone), FEW):
        session.exec(
            sa.delete(TeacherFact).where(col(TeacherFact.id).in_(gone[start : start + FEW]))
        )
    _insert(session, sorted(wanted - present.keys()))
    touched = {fact[0] for fact in present.keys() ^ wanted}
    return len(touched)


def _insert(session: Session, rows: list[tuple[int, str, str]]) -> None:
    """Insert facts past the ORM and past the preparing of each row: there are tens of thousands.

    Whoever imports a roster holds up everybody else's taps for as long as this takes.
    """
    if not rows:
        return
    connection = session.connection()
    names = ("teacher_id", "key", "value")
    table = SQLModel.metadata.tables["teacher_fact"]
    compiled = sa.insert(table).compile(dialect=connection.dialect, column_keys=names)
    if connection.dialect.positional:
        assert getattr(compiled, "positiontup", None) == list(names)
        connection.exec_driver_sql(str(compiled), rows)
    else:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), named)


def _only(statement: Any, column: Any, teacher_ids: Collection[int] | None) -> Any:
    """Narrow to these teachers; those between them come along where they are few."""
    if not teacher_ids:
        return statement if teacher_ids is None else statement.where(sa.false())
    first, last = min(teacher_ids), max(teacher_ids)
    # The people of a roster follow one another: naming thousands takes longer than reading them.
    if last - first < 2 * len(teacher_ids):
        return statement.where(col(column).between(first, last))
    return statement.where(col(column).in_(teacher_ids))
