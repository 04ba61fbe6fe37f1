"""The roster: teachers, where they work, what they may do, and what follows from it."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from storage.people import facts, phones, postings
from storage.people.postings import GONE
from storage.people.roles import OVER_THE_OFFICE
from storage.people.tables import (
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
)
from storage.plan.lines import Path
from storage.plan.load import Load, Transfer
from storage.plan.rows import Values


def keep_teachers(load: Load) -> None:
    """Keep everybody whom the file lists, and rewrite the facts that eligibility asks about."""
    rows = [
        {
            "staff_no": each.no,
            "name": each.name,
            "hire_date": each.hire,
            "entry_route": each.route,
            "service_end": each.service_end,
            "is_full_time": each.full_time,
            "title": each.title,
            "title_since": each.title_since,
            "phone_hash": phones.hashed(each.phone, load.office.salt) if each.phone else None,
            "state": each.state,
        }
        for each in load.form.teachers
    ]
    kept = load.keep("teacher", Teacher, ["staff_no"], rows)
    load.teachers = dict(load.session.exec(select(Teacher.staff_no, Teacher.id)).all())
    _postings(load)
    _roles(load)
    listed = {load.teachers[each.no]: each for each in load.form.teachers}
    if +load.new or +load.changed or load.transfers:
        facts.refresh(load.session)
    for key in facts.GIVEN:
        given = {teacher_id: getattr(each, key) for teacher_id, each in listed.items()}
        if (count := facts.give(load.session, key, given)) and not kept.new:
            load.changed[key] += count
    load.unit_of = dict(
        load.session.exec(
            select(Posting.teacher_id, Posting.unit_id)
            .where(col(Posting.is_primary))
            .order_by(
                # The open posting last, so that it is the one that counts.
                col(Posting.until).is_(None),
                col(Posting.since),
            )
        ).all()
    )


def _postings(load: Load) -> None:
    """Open, change and close postings: who moves has one more, who leaves has none open."""
    table = SQLModel.metadata.tables["posting"]
    present: dict[tuple[int, bool, int], Any] = {}
    main: dict[int, Any] = {}
    had_one: set[int] = set()
    opened_by: dict[int, list[Any]] = defaultdict(list)
    for each in load.session.connection().execute(sa.select(table)):
        had_one.add(each.teacher_id)
        if each.until is None:
            opened_by[each.teacher_id].append(each)
            present[each.teacher_id, each.is_primary, each.unit_id] = each
            if each.is_primary:
                main[each.teacher_id] = each
    codes = {unit_id: code for code, unit_id in load.units.items()}
    only_stage = postings.only_stages(load.session)
    new: list[Values] = []
    changed: list[Values] = []
    closed: list[Values] = []
    for n, teacher in enumerate(load.form.teachers):
        path: Path = ("teachers", n)
        teacher_id = load.teachers[teacher.no]
        unit_id = load.unit(teacher.unit, (*path, "unit"))
        says = {
            "stage": teacher.stage or only_stage.get(unit_id, ""),
            "subjects": list(teacher.subject),
            "duties": list(teacher.duties),
        }
        row = main.get(teacher_id)
        if teacher.state in GONE:
            closed += [
                postings.closing(each.id, max(each.since, load.today))
                for each in opened_by.get(teacher_id, ())
            ]
            if teacher_id not in had_one:
                since = teacher.since or teacher.hire or load.today
                opening = postings.opening(teacher_id, unit_id, since, says)
                new.append(opening | {"until": max(since, load.today)})
            continue
        if row is not None and row.unit_id == unit_id:
            since = teacher.since or row.since
            if (row.since, row.stage, row.subjects, row.duties) != (since, *says.values()):
                changed.append(postings.changing(row.id, since, says))
        else:
            since = teacher.since or teacher.hire or load.today
            if row is not None:
                since = teacher.since or load.today
                if since < row.since:
                    said = f"before the present posting began ({row.since})"
                    raise load.plan.wrong((*path, "since"), said)
                closed.append(postings.closing(row.id, postings.last_day(row.since, since)))
                load.transfers.append(Transfer(teacher.no, codes[row.unit_id], teacher.unit))
            elif teacher_id in had_one:
                since = teacher.since or load.today  # back after having left
            new.append(postings.opening(teacher_id, unit_id, since, says))
        for m, also in enumerate(teacher.also):
            also_id = load.unit(also.unit, (*path, "also", m, "unit"))
            says = {
                "stage": also.stage,
                "subjects": list(also.subject),
                "duties": list(also.duties),
            }
            row = present.get((teacher_id, False, also_id))
            since = also.since or (row.since if row else None) or teacher.hire or load.today
            if row is None:
                new.append(
                    postings.opening(teacher_id, also_id, since, says) | {"is_primary": False}
                )
            elif (row.since, row.stage, row.subjects, row.duties) != (since, *says.values()):
                changed.append(postings.changing(row.id, since, says))
    postings.write(load.session, new=new, changed=changed, closed=closed)
    if changed:
        load.changed["posting"] += len(changed)
    if new:
        load.new["posting"] += len(new)
    if left := len(closed) - len(load.transfers):
        load.changed["posting"] += left


def _roles(load: Load) -> None:
    """Give the roles that the file gives its teachers, and end those it no longer gives.

    What was given or ended by hand stays as it is, unless its holder has left.
    """
    wanted: dict[tuple[int, Role, ScopeKind, int], date] = {}
    listed: set[int] = set()
    gone: set[int] = set()
    for n, teacher in enumerate(load.form.teachers):
        teacher_id = load.teachers[teacher.no]
        listed.add(teacher_id)
        if teacher.state in GONE:
            gone.add(teacher_id)
            continue
        for m, part in enumerate(teacher.roles):
            kind, scope = ScopeKind.UNIT, load.units[teacher.unit]
            if part.unit:
                scope = load.unit(part.unit, ("teachers", n, "roles", m, "unit"))
            elif part.role is Role.SYSADMIN:
                kind, scope = ScopeKind.TENANT, 0
            elif part.role in OVER_THE_OFFICE and load.office.unit_id is not None:
                scope = load.office.unit_id
            since = min(load.today, teacher.since or teacher.hire or load.today)
            wanted[teacher_id, part.role, kind, scope] = since
    key = ("teacher_id", "role", "scope_kind", "scope_id")
    present = load.session.exec(select(RoleAssignment)).all()
    yesterday = load.today - timedelta(days=1)
    touched = 0
    kept: set[tuple[int, Role, ScopeKind, int]] = set()
    for row in present:
        each = (row.teacher_id, row.role, row.scope_kind, row.scope_id)
        runs = row.until is None or row.until >= load.today
        if each in wanted:
            kept.add(each)
            if not runs and row.by_plan:
                row.since, row.until = load.today, None
                touched += 1
        elif runs and (row.teacher_id in gone or (row.by_plan and row.teacher_id in listed)):
            row.until = yesterday
            touched += 1
    new = [
        dict(zip(key, each, strict=True)) | {"since": since, "until": None, "by_plan": True}
        for each, since in wanted.items()
        if each not in kept
    ]
    load.session.flush()
    if new:
        load.session.connection().execute(
            sa.insert(SQLModel.metadata.tables["role_assignment"]), new
        )
        load.new["role"] += len(new)
    if touched:
        load.changed["role"] += touched
