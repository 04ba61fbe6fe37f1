"""Who is not in the file: closed only when the coordinator says that the list is complete."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from storage import audit, deeds
from storage.deeds import Deed
from storage.moments import local_day
from storage.people import authority, imports, offices, roster_undoing
from storage.people.authority import Act
from storage.people.imports import PreviewOutdated
from storage.people.postings import GONE
from storage.people.roster import KIND, Applied, Figures, write
from storage.people.roster_comparing import Changed, Comparison, Kind, RowResult, Work, pieces
from storage.people.tables import (
    ImportState,
    Posting,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
)
from storage.refusals import NotFound

MISSING = "roster_missing"
NAMES = 10


@dataclass(frozen=True)
class Missing:
    """Who works in the file's schools and does not stand in it: the first names, and how many."""

    job_id: int
    names: tuple[str, ...]
    total: int


def missing(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Missing:
    """Who still works in the schools of an applied file without standing in it."""
    job = imports.own(session, actor_id, job_id, KIND)
    today = local_day(now, offices.zone(session))
    rows = _missing(session, actor_id, job.found.get("missing_ids", []), today)
    return Missing(job.id, tuple(row.name for row in rows[:NAMES]), len(rows))


def _missing(
    session: Session, actor_id: int, teacher_ids: Collection[int], today: Any
) -> list[Any]:
    """Those who still work where the actor may import, and are not above the actor."""
    reach = authority.reaches(session, actor_id, Act.IMPORT_ROSTER, today=today)
    reached = {row[0] for row in session.connection().execute(reach)}
    found: list[Any] = []
    for some in pieces(sorted(teacher_ids)):
        above = sa.exists().where(
            col(RoleAssignment.teacher_id) == col(Teacher.id),
            sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= today),
            sa.or_(
                col(RoleAssignment.scope_kind) == ScopeKind.TENANT,
                sa.and_(
                    col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
                    col(RoleAssignment.scope_id).not_in(reached),
                ),
            ),
        )
        found += session.connection().execute(
            sa.select(
                col(Teacher.id), col(Teacher.name), col(Posting.id).label("posting_id"),
                col(Posting.since), col(Teacher.state),
            )
            .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
            .where(
                col(Teacher.id).in_(some),
                col(Teacher.id) != actor_id,
                col(Teacher.state).not_in(GONE),
                col(Posting.is_primary),
                col(Posting.until).is_(None),
                col(Posting.unit_id).in_(reached),
                ~above,
            )
            .order_by(col(Teacher.staff_no))
        ).all()  # fmt: skip
    return found


def close_missing(
    session: Session, actor_id: int, job_id: int, expected: int, *, now: datetime
) -> Applied:
    """Mark whoever is not in the complete list as left, after the coordinator has said so.

    ``expected`` is how many the coordinator was shown. Raises PreviewOutdated when there are
    others by now, NotFound for an import that was not applied.
    """
    offices.lock(session)
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is not ImportState.APPLIED:
        raise NotFound("import")
    if done := job.found.get("missing_deed"):
        deed = session.get_one(Deed, done)
        return Applied(job.id, Figures(leavers=expected), deed.id, deed.until, is_new=False)
    today = local_day(now, offices.zone(session))
    rows = _missing(session, actor_id, job.found.get("missing_ids", []), today)
    if len(rows) != expected or not rows:
        raise PreviewOutdated
    works = []
    posting = SQLModel.metadata.tables["posting"]
    held = SQLModel.metadata.tables["role_assignment"]
    run = session.connection().execute
    ends: dict[int, list[Any]] = {}
    closes: dict[int, list[Any]] = {}
    for some in pieces([row.id for row in rows]):
        running = sa.or_(held.c.until.is_(None), held.c.until >= today)
        for role in run(sa.select(held).where(held.c.teacher_id.in_(some), running)):
            ends.setdefault(role.teacher_id, []).append(role)
        for each in run(
            sa.select(posting).where(posting.c.teacher_id.in_(some), posting.c.until.is_(None))
        ):
            closes.setdefault(each.teacher_id, []).append((each, max(each.since, today)))
    for row in rows:
        result = RowResult(
            0, Kind.CHANGED, "", row.name, row.id, moves="leaves",
            changes=(Changed("state", row.state.value, TeacherState.LEFT.value),),
        )  # fmt: skip
        works.append(
            Work(
                result,
                teacher={"state": TeacherState.LEFT},
                before={"state": row.state},
                closes=closes.get(row.id, []),
                ends=ends.get(row.id, []),
            )
        )
    data = write(session, actor_id, job_id, Comparison(tuple(works), (), ()), today, now=now)
    deed_id = deeds.done(session, MISSING, actor_id, data, now=now, undo_for=deeds.DAY)
    job.found = job.found | {"missing_deed": deed_id}
    audit.record(
        session,
        actor_id,
        "close_missing",
        f"import_job:{job_id}",
        now=now,
        after={"left": len(rows)},
    )
    session.flush()
    return Applied(job_id, Figures(leavers=len(rows)), deed_id, now + deeds.DAY)


def undo_missing(session: Session, deed: Deed, now: datetime) -> None:
    """Take back that they were marked as left."""
    roster_undoing.undo(session, deed, now)
    job = imports.own(session, deed.actor_id, deed.data["job_id"], KIND)
    job.found = {name: value for name, value in job.found.items() if name != "missing_deed"}
    session.flush()
