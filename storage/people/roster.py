"""The roster from a file: looked at, applied in one transaction, and taken back within a day.

Nobody is ever deleted who has left a trace: who moves keeps the former posting, who leaves is
closed. What a file does not say stays as it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit, deeds
from storage.deeds import Deed
from storage.moments import local_day
from storage.people import facts, imports, offices, postings, roles
from storage.people.imports import NoLongerWaiting, PreviewOutdated
from storage.people.postings import Values
from storage.people.roster_comparing import (
    Changed,
    Comparison,
    Kind,
    RowResult,
    Tell,
    Work,
    compare,
    pieces,
)
from storage.people.roster_reading import Roster
from storage.people.tables import (
    ImportState,
    RoleAssignment,
    Teacher,
)
from storage.training import enrolment
from storage.training.tables import (
    Batch,
    Enrolment,
    Programme,
    ProgrammeState,
)

KIND = "roster"
EXAMPLES = 3

__all__ = ["Changed", "Kind", "RowResult"]


def nothing(_done: int, _of: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class Figures:
    """A roster in figures."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    conflicts: int = 0
    not_understood: int = 0
    transfers: int = 0
    leavers: int = 0
    returning: int = 0
    roles: int = 0
    missing: int = 0

    @property
    def applies(self) -> int:
        """How many rows change anything."""
        return self.new + self.changed


@dataclass(frozen=True)
class Preview:
    """What applying the file would do. ``results`` has every row, in the file's order."""

    job_id: int
    figures: Figures
    results: tuple[RowResult, ...]

    def examples(self, kind: Kind) -> tuple[RowResult, ...]:
        """The first rows of a kind."""
        return tuple(row for row in self.results if row.kind is kind)[:EXAMPLES]


@dataclass(frozen=True)
class Applied:
    """What applying the file did. ``undo_until`` is when it stops being undoable."""

    job_id: int
    figures: Figures
    deed_id: int
    undo_until: datetime
    is_new: bool = True  # False: it had been applied before


def look(
    session: Session, actor_id: int, roster: Roster, *, now: datetime, tell: Tell = nothing
) -> Comparison:
    """Compare the file with what is kept; nothing is written. Raises NotAllowed."""
    today = local_day(now, offices.zone(session))
    return compare(session, actor_id, roster, today=today, tell=tell)


def keep_preview(
    session: Session,
    actor_id: int,
    file_name: str,
    content: bytes,
    comparison: Comparison,
    *,
    now: datetime,
    kind: str = KIND,
) -> Preview:
    """Keep the file and what it would do, until it is applied or given up."""
    figures = figures_of(comparison)
    found = _kept(figures) | {"digest": comparison.digest(), "missing_ids": []}
    job_id = imports.keep_preview(session, actor_id, kind, file_name, content, found, now=now)
    return Preview(job_id, figures, comparison.results())


def figures_of(comparison: Comparison) -> Figures:
    """Count what the rows would do."""
    results = comparison.results()
    kinds = Counter(result.kind for result in results)
    moves = Counter(result.moves for result in results)
    return Figures(
        rows=len(results),
        new=kinds[Kind.NEW],
        changed=kinds[Kind.CHANGED],
        same=kinds[Kind.SAME],
        conflicts=kinds[Kind.CONFLICT],
        not_understood=kinds[Kind.NOT_UNDERSTOOD],
        transfers=moves["transfer"],
        leavers=moves["leaves"],
        returning=moves["returns"],
        roles=sum(len(work.gives) for work in comparison.works),
        missing=len(comparison.missing),
    )


def _kept(figures: Figures) -> dict[str, Any]:
    return dict(figures.__dict__)


def kept_figures(found: dict[str, Any]) -> Figures:
    """The figures as an import keeps them."""
    return Figures(**{name: found.get(name, 0) for name in Figures.__dataclass_fields__})


def apply(
    session: Session,
    actor_id: int,
    job_id: int,
    roster: Roster,
    *,
    now: datetime,
    tell: Tell = nothing,
) -> Applied:
    """Do what the preview said, all of it or nothing. Applying twice returns the first.

    Raises NotFound, NotAllowed, NoLongerWaiting, or PreviewOutdated when the same file would
    do something else now.
    """
    offices.lock(session)
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED and job.deed_id is not None:
        deed = session.get_one(Deed, job.deed_id)
        return Applied(job.id, kept_figures(job.found), deed.id, deed.until, is_new=False)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    today = local_day(now, offices.zone(session))
    comparison = compare(session, actor_id, roster, today=today, tell=tell)
    if comparison.digest() != job.found["digest"]:
        raise PreviewOutdated
    figures = figures_of(comparison)
    data = write(session, actor_id, job_id, comparison, today, now=now)
    deed_id = deeds.done(session, KIND, actor_id, data, now=now, undo_for=deeds.DAY)
    found = _kept(figures) | {
        "units": list(comparison.unit_ids),
        "missing_ids": list(comparison.missing),
    }
    imports.settle(session, job, ImportState.APPLIED, now=now, found=found, deed_id=deed_id)
    audit.record(
        session,
        actor_id,
        "import_roster",
        f"import_job:{job_id}",
        now=now,
        after={"sha256": job.sha256, **_kept(figures)},
    )
    session.flush()
    return Applied(job_id, figures, deed_id, now + deeds.DAY)


def write(
    session: Session,
    actor_id: int,
    job_id: int,
    comparison: Comparison,
    today: date,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Write all rows by a few statements; return what it takes to undo them."""
    new = [work for work in comparison.works if work.result.kind is Kind.NEW]
    changed = [work for work in comparison.works if work.result.kind is Kind.CHANGED]
    run = session.connection().execute
    teacher = SQLModel.metadata.tables["teacher"]
    ids: dict[str, int] = {}
    prints: dict[str, str] = {}
    if new:
        run(sa.insert(teacher), [work.teacher for work in new])
        for numbers in pieces([work.result.staff_no for work in new]):
            for row in run(sa.select(teacher).where(teacher.c.staff_no.in_(numbers))):
                ids[row.staff_no] = row.id
                prints[str(row.id)] = _fingerprint(row)
    update_teachers(session, [(_id(work, ids), work.teacher) for work in changed])
    _write_postings(session, [*new, *changed], ids)
    held = _write_roles(session, actor_id, [*new, *changed], ids, today, now)
    touched = [_id(work, ids) for work in (*new, *changed)]
    moved = [_id(work, ids) for work in changed if work.opens or work.closes or work.changes]
    if touched:
        facts.refresh(session, touched)
    opens = {_id(w, ids): w.opens for w in (*new, *changed) if w.opens is not None}
    opened = _open_postings(session, opens)
    _let_in(session, now)
    _log(session, actor_id, job_id, changed, now)
    return {
        "job_id": job_id,
        "new": prints,
        "teachers": {
            str(_id(work, ids)): {
                column: [plain_value(work.before[column]), plain_value(value)]
                for column, value in work.teacher.items()
            }
            for work in changed
            if work.teacher
        },
        "opened": opened,
        "changed": [
            [row.id, posting_said(row), _posting_said_after(after)]
            for work in changed
            if work.changes is not None
            for row, after in [work.changes]
        ],
        "closed": [
            [row.id, row.teacher_id, until.isoformat()]
            for work in changed
            for row, until in work.closes
        ],
        "moved": moved,
        "roles": held,
    }


def _id(work: Work, ids: dict[str, int]) -> int:
    known = work.result.teacher_id
    return ids[work.result.staff_no] if known is None else known


def update_teachers(session: Session, rows: Sequence[tuple[int, Values]]) -> None:
    """Update by one statement for each set of columns, whatever the number of teachers."""
    table = SQLModel.metadata.tables["teacher"]
    by_columns: dict[tuple[str, ...], list[Values]] = {}
    for teacher_id, values in rows:
        if values:
            by_columns.setdefault(tuple(sorted(values)), []).append(
                {"row_id": teacher_id} | {f"to_{name}": value for name, value in values.items()}
            )
    for columns, params in by_columns.items():
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("row_id"))
            .values({name: sa.bindparam(f"to_{name}") for name in columns}),
            params,
        )
    session.expire_all()


def _write_postings(session: Session, works: Sequence[Work], ids: dict[str, int]) -> None:
    new = []
    for work in works:
        if work.opens is not None:
            says = {name: work.opens[name] for name in ("stage", "subjects", "duties")}
            new.append(
                postings.opening(_id(work, ids), work.opens["unit_id"], work.opens["since"], says)
            )
    changed = []
    for work in works:
        if work.changes is not None:
            row, after = work.changes
            says = {name: after[name] for name in ("stage", "subjects", "duties")}
            changed.append(postings.changing(row.id, after["since"], says))
    closed = [postings.closing(row.id, until) for work in works for row, until in work.closes]
    postings.write(session, new=new, changed=changed, closed=closed)


def _open_postings(session: Session, opens: dict[int, Values]) -> list[list[Any]]:
    """The postings that were just opened, by teacher: id, teacher, and what they say."""
    table = SQLModel.metadata.tables["posting"]
    return [
        [row.id, row.teacher_id, opens[row.teacher_id]["unit_id"], *_posting_said_after(said)]
        for some in pieces(opens)
        for row in session.connection().execute(
            sa.select(table.c.id, table.c.teacher_id).where(
                table.c.teacher_id.in_(some), table.c.is_primary, table.c.until.is_(None)
            )
        )
        for said in [opens[row.teacher_id]]
    ]


def fingerprints(session: Session, teacher_ids: Collection[int]) -> dict[str, str]:
    """What the roster says of each teacher, as a short hash by id: it tells a change since."""
    table = SQLModel.metadata.tables["teacher"]
    return {
        str(row.id): _fingerprint(row)
        for some in pieces(teacher_ids)
        for row in session.connection().execute(sa.select(table).where(table.c.id.in_(some)))
    }


def _fingerprint(row: Any) -> str:
    return hashlib.sha256(repr(tuple(row)).encode()).hexdigest()[:12]


def posting_said(row: Any) -> list[Any]:
    return [row.since.isoformat(), row.stage, list(row.subjects), list(row.duties)]


def _posting_said_after(values: Values) -> list[Any]:
    return [values["since"].isoformat(), values["stage"], values["subjects"], values["duties"]]


def plain_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _write_roles(
    session: Session,
    actor_id: int,
    works: Sequence[Work],
    ids: dict[str, int],
    today: date,
    now: datetime,
) -> dict[str, Any]:
    """Give and end roles; return what it takes to undo it.

    Who only stood in for somebody whose role ends stands in for nobody.
    """
    table = SQLModel.metadata.tables["role_assignment"]
    run = session.connection().execute
    ended: dict[int, Any] = {row.id: row for work in works for row in work.ends}
    for row in _deputies(session, list(ended.values()), today):
        ended[row.id] = row
        after = {"role": row.role.value, "unit_id": row.scope_id}
        thing = f"teacher:{row.teacher_id}"
        audit.record(session, actor_id, "dismiss", thing, now=now, after=after)
    yesterday = date.fromordinal(today.toordinal() - 1)
    kept: dict[str, Any] = {"new": [], "changed": []}
    for row in ended.values():
        kept["changed"].append(
            [row.id, term(row), [row.since.isoformat(), yesterday.isoformat(), False, *_held(row)]]
        )
    for some in pieces(list(ended)):
        run(sa.update(table).where(table.c.id.in_(some)).values(until=yesterday, by_plan=False))
    # As roles.appoint does: who gives the same role by hand meanwhile comes before or after.
    for some in pieces(sorted(_id(work, ids) for work in works if work.gives)):
        kept_still = select(Teacher.id).where(col(Teacher.id).in_(some)).order_by(col(Teacher.id))
        session.exec(kept_still.with_for_update(key_share=True)).all()
    for work in works:
        for role, scope_kind, scope_id in work.gives:
            teacher_id = _id(work, ids)
            known = session.exec(
                select(RoleAssignment).where(
                    RoleAssignment.teacher_id == teacher_id,
                    RoleAssignment.role == role,
                    RoleAssignment.scope_kind == scope_kind,
                    RoleAssignment.scope_id == scope_id,
                )
            ).first()
            if known is None:
                known = RoleAssignment(
                    teacher_id=teacher_id,
                    role=role,
                    scope_kind=scope_kind,
                    scope_id=scope_id,
                    since=today,
                    by_plan=False,
                    subjects=sorted(work.subjects) if role in roles.FOR_SUBJECTS else [],
                )
                session.add(known)
                session.flush()
                kept["new"].append(known.id)
            else:
                before = term(known)
                known.since, known.until, known.by_plan = today, None, False
                # Who was somebody's deputy once holds it in their own right now.
                known.deputy_of = None
                known.subjects = sorted(work.subjects) if role in roles.FOR_SUBJECTS else []
                session.flush()
                kept["changed"].append([known.id, before, term(known)])
    return kept


def _deputies(session: Session, ended: Sequence[Any], today: date) -> list[Any]:
    """The running roles of whoever stands in for somebody in one of these."""
    table = SQLModel.metadata.tables["role_assignment"]
    own = {(row.teacher_id, row.role, row.scope_kind, row.scope_id) for row in ended}
    return [
        row
        for some in pieces(sorted({row.teacher_id for row in ended}))
        for row in session.connection().execute(
            sa.select(table).where(
                table.c.deputy_of.in_(some),
                sa.or_(table.c.until.is_(None), table.c.until >= today),
            )
        )
        if (row.deputy_of, row.role, row.scope_kind, row.scope_id) in own
    ]


def term(row: Any) -> list[Any]:
    """How a role is held: from when, until when, by the plan, for what, in whose stead."""
    until = row.until.isoformat() if row.until else None
    return [row.since.isoformat(), until, row.by_plan, *_held(row)]


def _held(row: Any) -> list[Any]:
    return [list(row.subjects), row.deputy_of]


def _let_in(session: Session, now: datetime) -> None:
    """Enrol whoever is due now in what everybody concerned is enrolled in."""
    running = session.exec(
        select(Batch.id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Programme.enrolment == Enrolment.AUTOMATIC,
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Batch.ends_at > now,
        )
    ).all()
    for batch_id in running:
        enrolment.enrol_all_due(session, batch_id, now=now)


def _log(
    session: Session, actor_id: int, job_id: int, works: Sequence[Work], now: datetime
) -> None:
    """One line for each person whose entry is corrected: they may ask what was changed."""
    lines = [
        {
            "at": now,
            "actor_id": actor_id,
            "action": "import_change",
            "thing": f"teacher:{work.result.teacher_id}",
            "before": {change.field: change.before for change in work.result.changes},
            "after": {change.field: change.after for change in work.result.changes},
            "reason": f"import_job:{job_id}",
        }
        for work in works
    ]
    if lines:
        session.connection().execute(sa.insert(SQLModel.metadata.tables["audit_log"]), lines)
