"""Taking back what a roster did: everybody as they were, or nobody.

Whatever was built on the import since keeps it from being undone as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import authority, facts, offices, postings
from storage.people.authority import Act
from storage.people.roster import fingerprints, plain_value, posting_said, term, update_teachers
from storage.people.roster_comparing import pieces
from storage.people.tables import (
    Posting,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherFact,
    TeacherState,
)
from storage.refusals import NotAllowed
from storage.training.tables import Registration, Source

HARMLESS = frozenset(
    ("posting", "teacher_fact", "role_assignment", "link_code", "outbox_message", "news",
     "reminder", "reminder_mute", "contact", "registration")
)  # fmt: skip
"""Tables whose rows about a new teacher do not keep an import from being undone.

Roles and registrations are looked at one by one.
"""


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put everybody back as they were. Raises ChangedSince and leaves everything as it is.

    A new teacher to whom nothing is attached is removed. One who has got no more than a link
    code, a message or an automatic enrolment is closed instead; one who has linked, registered
    or was given a role since keeps the whole import from being undone.
    """
    offices.lock(session)
    data = deed.data
    today = local_day(now, offices.zone(session))
    new = [int(teacher_id) for teacher_id in data["new"]]
    _check_reach(session, deed.actor_id, data, today)
    _check_roles(session, data["roles"])
    _check_new(session, new, data)
    _check_changed(session, data, deed.at)

    run = session.connection().execute
    posting = SQLModel.metadata.tables["posting"]
    held = SQLModel.metadata.tables["role_assignment"]
    for some in pieces(data["roles"]["new"]):
        run(sa.delete(held).where(held.c.id.in_(some)))
    for row_id, (since, until, by_plan, subjects, deputy_of), _after in data["roles"]["changed"]:
        run(
            sa.update(held)
            .where(held.c.id == row_id)
            .values(
                since=date.fromisoformat(since),
                until=date.fromisoformat(until) if until else None,
                by_plan=by_plan,
                subjects=subjects,
                deputy_of=deputy_of,
            )
        )
    attached = _attached(session, new)
    gone = [teacher_id for teacher_id in new if teacher_id not in attached]
    for some in pieces(gone):
        for table in (TeacherFact, Posting):
            session.exec(sa.delete(table).where(col(table.teacher_id).in_(some)))
        session.exec(sa.delete(Teacher).where(col(Teacher.id).in_(some)))
    for some in pieces(sorted(attached)):
        session.exec(
            sa.update(Teacher).where(col(Teacher.id).in_(some)).values(state=TeacherState.LEFT)
        )
        since_or_today = sa.case((posting.c.since > today, posting.c.since), else_=today)
        run(
            sa.update(posting)
            .where(posting.c.teacher_id.in_(some), posting.c.until.is_(None))
            .values(until=since_or_today)
        )
    opened = [row[0] for row in data["opened"] if row[1] not in set(new)]
    for some in pieces(opened):
        run(sa.delete(posting).where(posting.c.id.in_(some)))
    reopened = [row[0] for row in data["closed"]]
    for some in pieces(reopened):
        run(sa.update(posting).where(posting.c.id.in_(some)).values(until=None))
    back = [
        postings.changing(
            row_id,
            date.fromisoformat(before[0]),
            {"stage": before[1], "subjects": before[2], "duties": before[3]},
        )
        for row_id, before, _after in data["changed"]
    ]
    postings.write(session, changed=back)
    update_teachers(
        session,
        [
            (
                int(teacher_id),
                {name: _typed(name, before) for name, (before, _after) in columns.items()},
            )
            for teacher_id, columns in data["teachers"].items()
        ],
    )
    touched = {*(int(t) for t in data["teachers"]), *data["moved"], *attached}
    touched |= {row[1] for row in data["closed"]} | _holders(session, data["roles"])
    touched -= set(gone)
    if touched:
        facts.refresh(session, touched)


def _check_reach(session: Session, actor_id: int, data: dict[str, Any], today: date) -> None:
    """Raise NotAllowed unless the actor may still import for everybody and all that changes."""
    run = session.connection().execute
    reach = authority.reaches(session, actor_id, Act.IMPORT_ROSTER, today=today)
    reached = {row[0] for row in run(reach)}
    posting = SQLModel.metadata.tables["posting"]
    held = SQLModel.metadata.tables["role_assignment"]
    people = {int(t) for t in (*data["new"], *data["teachers"], *data["moved"])}
    named: set[int] = set()
    for some in pieces(sorted(people)):
        # Where they work, or did last.
        last = (
            sa.select(posting.c.teacher_id, sa.func.max(posting.c.id).label("id"))
            .where(posting.c.teacher_id.in_(some), posting.c.is_primary)
            .group_by(posting.c.teacher_id)
            .subquery()
        )
        named |= set(
            run(sa.select(posting.c.unit_id).join(last, last.c.id == posting.c.id)).scalars()
        )
    for some in pieces([row[0] for row in (*data["opened"], *data["changed"], *data["closed"])]):
        named |= set(run(sa.select(posting.c.unit_id).where(posting.c.id.in_(some))).scalars())
    ids = [*data["roles"]["new"], *(row[0] for row in data["roles"]["changed"])]
    for some in pieces(ids):
        named |= set(
            run(
                sa.select(held.c.scope_id).where(
                    held.c.id.in_(some), held.c.scope_kind == ScopeKind.UNIT
                )
            ).scalars()
        )
    if not reached or named - reached:
        raise NotAllowed


def _typed(column: str, value: Any) -> Any:
    if value is not None and column in ("hire_date", "title_since", "service_end"):
        return date.fromisoformat(value)
    return TeacherState(value) if column == "state" else value


def _holders(session: Session, roles: dict[str, Any]) -> set[int]:
    ids = [row[0] for row in roles["changed"]]
    found: set[int] = set()
    for some in pieces(ids):
        found |= set(
            session.exec(
                select(RoleAssignment.teacher_id).where(col(RoleAssignment.id).in_(some))
            ).all()
        )
    return found


def _check_roles(session: Session, roles: dict[str, Any]) -> None:
    """Raise ChangedSince when a role that the import gave or ended is not so any more."""
    table = SQLModel.metadata.tables["role_assignment"]
    wanted = {row_id: after for row_id, _before, after in roles["changed"]}
    for some in pieces([*wanted, *roles["new"]]):
        rows = {
            row.id: row
            for row in session.connection().execute(sa.select(table).where(table.c.id.in_(some)))
        }
        for row_id in some:
            row = rows.get(row_id)
            if row is None:
                raise ChangedSince("role")
            after = wanted.get(row_id)
            said = term(row)
            if said != (after or [said[0], None, False, said[3], None]):
                raise ChangedSince("role")


def _check_new(session: Session, new: Sequence[int], data: dict[str, Any]) -> None:
    """Raise ChangedSince when somebody new has begun to live here."""
    given = set(data["roles"]["new"]) | {row[0] for row in data["roles"]["changed"]}
    for some in pieces(new):
        for table, column in _pointing_to_teachers():
            if table.name in HARMLESS:
                continue
            if (
                session.connection()
                .execute(sa.select(table.c.id).where(column.in_(some)).limit(1))
                .first()
            ):
                raise ChangedSince(table.name)
        registered = session.exec(
            select(Registration.id).where(
                col(Registration.teacher_id).in_(some), Registration.source != Source.AUTOMATIC
            )
        ).first()
        if registered is not None:
            raise ChangedSince("registration")
        roles = session.exec(
            select(RoleAssignment.id).where(col(RoleAssignment.teacher_id).in_(some))
        ).all()
        if set(roles) - given:
            raise ChangedSince("role")
    if fingerprints(session, new) != data["new"]:
        raise ChangedSince("teacher")
    _check_postings(session, data["opened"])


def _check_postings(session: Session, opened: Sequence[Sequence[Any]]) -> None:
    """Raise ChangedSince unless what was opened is open and says what it said."""
    table = SQLModel.metadata.tables["posting"]
    wanted = {row[0]: list(row[1:]) for row in opened}
    for some in pieces(list(wanted)):
        rows = session.connection().execute(
            sa.select(table).where(table.c.id.in_(some), table.c.until.is_(None))
        )
        found = {row.id: [row.teacher_id, row.unit_id, *posting_said(row)] for row in rows}
        if any(found.get(row_id) != wanted[row_id] for row_id in some):
            raise ChangedSince("posting")


def _check_changed(session: Session, data: dict[str, Any], since: datetime) -> None:
    """Raise ChangedSince when a changed entry was changed again, or was built upon."""
    teacher = SQLModel.metadata.tables["teacher"]
    posting = SQLModel.metadata.tables["posting"]
    run = session.connection().execute
    for some in pieces([int(teacher_id) for teacher_id in data["teachers"]]):
        rows = {
            row["id"]: row
            for row in run(sa.select(teacher).where(teacher.c.id.in_(some))).mappings()
        }
        for teacher_id in some:
            for name, (_before, after) in data["teachers"][str(teacher_id)].items():
                if teacher_id not in rows or plain_value(rows[teacher_id][name]) != after:
                    raise ChangedSince("teacher")
    changed = {row_id: after for row_id, _before, after in data["changed"]}
    closed = {row_id: until for row_id, _teacher_id, until in data["closed"]}
    for some in pieces([*changed, *closed]):
        found = {row.id: row for row in run(sa.select(posting).where(posting.c.id.in_(some)))}
        for row_id in some:
            row = found.get(row_id)
            if row is None:
                raise ChangedSince("posting")
            if row_id in changed and (
                row.until is not None or posting_said(row) != changed[row_id]
            ):
                raise ChangedSince("posting")
            if row_id in closed and plain_value(row.until) != closed[row_id]:
                raise ChangedSince("posting")
    moved = {row[1] for row in data["closed"]} | {row[1] for row in data["opened"]}
    for some in pieces(sorted(moved - {int(teacher_id) for teacher_id in data["new"]})):
        later = session.exec(
            select(Registration.id).where(
                col(Registration.teacher_id).in_(some),
                Registration.source != Source.AUTOMATIC,
                Registration.submitted_at >= since,
            )
        ).first()
        if later is not None:
            raise ChangedSince("registration")
        opened = session.exec(
            select(Posting.id).where(
                col(Posting.teacher_id).in_(some),
                col(Posting.is_primary),
                col(Posting.until).is_(None),
            )
        ).all()
        if set(opened) != {row[0] for row in data["opened"] if row[1] in set(some)}:
            raise ChangedSince("posting")


def _attached(session: Session, teacher_ids: Sequence[int]) -> set[int]:
    """Which of these teachers some row still points to, beside posting and facts."""
    found: set[int] = set()
    for some in pieces(teacher_ids):
        for table, column in _pointing_to_teachers():
            if table.name in ("posting", "teacher_fact"):
                continue
            found |= {
                row[0]
                for row in session.connection().execute(
                    sa.select(column).where(column.in_(some)).distinct()
                )
            }
    return found


def _pointing_to_teachers() -> list[tuple[sa.Table, sa.Column[Any]]]:
    return [
        (table, column)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        for foreign in column.foreign_keys
        if foreign.column.table.name == "teacher"
    ]
