"""Progress imports: what a platform's export says of a class, seen first, then taken over.

Each applied table is an import with one snapshot a person. Where somebody stands
(``Progress``) is, item by item, what the newest snapshot says that says anything of it; so a
table that is older than another fills gaps and overwrites nothing, and taking an import back
leaves what the others have said.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage import audit, deeds
from storage.deeds import Deed
from storage.moments import local_day
from storage.people import imports, offices
from storage.people.imports import NoLongerWaiting, PreviewOutdated
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotAllowed, NotFound
from storage.sheets import Book
from storage.tables import DOCUMENT
from storage.training import schedule, seats
from storage.training.remote import mapping, reading, study_claims
from storage.training.remote.counting import Counted, counted
from storage.training.remote.folding import (
    Stand,
    by_item,
    folded,
    insert_snapshots,
    overlay,
    parts,
    recount,
    said_by,
    stands_of,
)
from storage.training.remote.mapping import KIND, NothingCounts, aimed, check
from storage.training.remote.rows import (
    OPEN,
    OPEN_KEPT,
    PASSED_OVER,
    UNDERSTOOD,
    Matcher,
    RowState,
    read_file,
)
from storage.training.remote.tables import (
    Platform,
    Progress,
    ProgressImport,
    ProgressSnapshot,
    StudyClaim,
    StudyClaimState,
)
from storage.training.results import TAKES_PART
from storage.training.tables import Batch, Presence, Programme, Registration, RegistrationState

DEED = "progress"
SHOWN = 4  # imports in the list of a class


CAME = (Presence.PRESENT, Presence.LATE)


Tell = Callable[[int, int], None]


class AsOfFrom(StrEnum):
    """Where the moment of the figures comes from."""

    FILE = "file"
    NOW = "now"  # the file says nothing
    SET = "set"  # somebody has said it
    SAME = "same"  # the same file was imported before


@dataclass(frozen=True)
class Applied:
    """An import in the list of a class."""

    as_of: datetime
    applied_at: datetime
    people: int
    is_undone: bool


@dataclass(frozen=True)
class Imports:
    """What was imported of a class, newest first; without a platform and items nothing can be."""

    batch_id: int
    title: str
    platform: str
    is_ready: bool
    lines: tuple[Applied, ...]


@dataclass(frozen=True)
class Preview:
    """What a table of progress would do; nothing has been done yet unless it is APPLIED."""

    job_id: int
    batch_id: int
    title: str
    platform: str
    file_name: str
    state: ImportState
    as_of: datetime
    as_of_from: AsOfFrom
    newest: datetime | None  # as of which the newest import before this one is
    rows: int
    counts: dict[RowState, int]
    people: int  # who take part
    started: tuple[int, int]  # of them, before and after
    learned: tuple[int, int]
    open: int  # rows of which somebody may say whom they mean
    settled: int
    problems: int  # rows that are not taken over, and stand in the annotated copy
    skipped: tuple[str, ...]  # sheets in which nobody stands
    is_known: bool  # this file was imported before
    changes: int  # people of whom something new is said; 0 means that there is nothing to apply
    deed_id: int | None

    @property
    def matched(self) -> int:
        """How many people it says something of."""
        return sum(self.counts.get(state, 0) for state in UNDERSTOOD)

    @property
    def is_older(self) -> bool:
        """Whether newer figures are there, which stay."""
        return self.newest is not None and self.as_of < self.newest

    @property
    def absent(self) -> int:
        """How many who take part do not stand in the file."""
        return max(0, self.people - self.matched - self.settled)


@dataclass(frozen=True)
class Looked:
    """A file compared with what is kept, ready to be kept as a preview."""

    found: dict[str, Any]


def look(
    session: Session,
    actor_id: int,
    job_id: int,
    book: Book,
    *,
    now: datetime,
    tell: Tell = lambda _done, _of: None,
) -> Looked:
    """Compare the file with what is kept; nothing is written.

    Raises NotFound, NotAllowed, NoLongerWaiting, or NothingCounts.
    """
    job = _own(session, actor_id, job_id)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    batch_id = aimed(job)
    check(session, actor_id, batch_id, now=now)
    counts = counted(session, batch_id)
    if not counts.items or counts.platform_id is None:
        raise NothingCounts
    people = _people(session, batch_id)
    exempt = _people(session, batch_id, (RegistrationState.EXEMPT,))
    matcher = Matcher(session, people, counts.platform_id, exempt)
    newest = _newest(session, batch_id)
    earlier = _same_file(session, batch_id, job.sha256)
    as_of, origin = _as_of(session, job, book, earlier, now)
    read = read_file(
        book, job.found, counts, matcher, local_day(as_of, offices.zone(session)), tell
    )
    stands = stands_of(session, batch_id)
    is_newest = newest is None or as_of >= newest
    before = stands if is_newest else folded(session, batch_id, counts, until=as_of)
    lines = []
    started = learned = 0
    changed = 0
    moved: dict[RowState, int] = defaultdict(int)
    said_before = {} if earlier is None else said_by(session, earlier[0])
    for registration_id, line in read.lines.items():
        said, score, active = line
        had = stands.get(registration_id)
        base = before.get(registration_id)
        figures = said if base is None else base.figures | said
        percent = counts.percent(figures)
        is_learned = counts.is_learned(figures)
        day = active and active.isoformat()
        lines.append((registration_id, said, score, day, percent, is_learned))
        if is_newest:
            after = figures
        else:
            after = said if had is None else said | had.figures
            percent, is_learned = counts.percent(after), counts.is_learned(after)
        started += counts.is_started(percent) - (had is not None and had.is_started)
        learned += is_learned - (had is not None and had.is_learned)
        moved[_moved(had, after, percent, score if is_newest else None)] += 1
        changed += said_before.get(registration_id) != line
    read.counts.update(moved)
    is_nothing = (earlier is not None and not changed) or (
        newest == as_of and read.counts[RowState.SAME] == len(lines)
    )
    was_started = sum(each.is_started for each in stands.values())
    was_learned = sum(each.is_learned for each in stands.values())
    grids = reading.grids(book)
    read.open.sort(key=lambda each: OPEN.index(RowState(each[2])))
    return Looked(
        dict(job.found)
        | {
            "as_of": as_of.isoformat(),
            "as_of_from": origin.value,
            "newest": newest and newest.isoformat(),
            "rows": read.rows,
            "counts": {state.value: n for state, n in read.counts.items() if n},
            "people": len(people),
            "started": [was_started, was_started + started],
            "learned": [was_learned, was_learned + learned],
            "skipped": [
                sheet.name
                for number, sheet in enumerate(book.sheets)
                if number not in {grid.sheet for grid in grids}
            ],
            "is_known": earlier is not None,
            "changes": 0 if is_nothing else len(lines),
            "lines": _packed(lines),
            "problems": _packed([[s, n, state.value] for s, n, state in read.problems]),
            "open": read.open[:OPEN_KEPT],
            "settled": {},
            "base": _base(session, batch_id),
            "counted": counts.digest,
        }
    )


def keep(session: Session, actor_id: int, job_id: int, looked: Looked, *, now: datetime) -> Preview:
    """Keep what the file would do, until it is applied or given up."""
    job = mapping.own(session, actor_id, job_id)
    job.found = looked.found
    session.flush()
    return preview(session, actor_id, job_id, now=now)


def preview(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Preview:
    """Say what the import would do, or did. Raises NotFound before it was looked at."""
    job = _own(session, actor_id, job_id)
    batch_id = aimed(job)
    check(session, actor_id, batch_id, now=now)
    found = job.found
    if "as_of" not in found:
        raise NotFound("import")
    title, platform = _titles(session, batch_id)
    counts = Counter({RowState(state): n for state, n in found["counts"].items()})
    settled = [int(each) for each in found["settled"].values()]
    open_ = sum(counts[state] for state in OPEN) - len(settled)
    return Preview(
        job_id=job.id,
        batch_id=batch_id,
        title=title,
        platform=platform,
        file_name=job.file_name,
        state=job.state,
        as_of=datetime.fromisoformat(found["as_of"]),
        as_of_from=AsOfFrom(found["as_of_from"]),
        newest=datetime.fromisoformat(found["newest"]) if found["newest"] else None,
        rows=found["rows"],
        counts={state: n for state, n in counts.items() if n},
        people=found["people"],
        started=(found["started"][0], found["started"][1]),
        learned=(found["learned"][0], found["learned"][1]),
        open=open_,
        settled=sum(1 for each in settled if each),
        problems=sum(n for state, n in counts.items() if state not in (*UNDERSTOOD, *PASSED_OVER))
        - len(settled),
        skipped=tuple(found["skipped"]),
        is_known=found["is_known"],
        changes=found["changes"] + sum(1 for each in settled if each),
        deed_id=job.deed_id,
    )


def set_as_of(
    session: Session, actor_id: int, job_id: int, as_of: datetime, *, now: datetime
) -> None:
    """Say of which moment the figures are; the file is looked at again after that."""
    job = mapping.own(session, actor_id, job_id)
    check(session, actor_id, aimed(job), now=now)
    job.found = dict(job.found) | {"set_as_of": min(as_of, now).isoformat()}
    session.flush()


def remarks(
    session: Session, actor_id: int, job_id: int, *, now: datetime
) -> dict[str, dict[int, RowState]]:
    """What is wrong with which rows, by sheet, for the annotated copy; the log keeps it."""
    job = _own(session, actor_id, job_id)
    batch_id = aimed(job)
    check(session, actor_id, batch_id, now=now)
    audit.record(session, actor_id, "export_progress_problems", f"batch:{batch_id}", now=now)
    made: dict[str, dict[int, RowState]] = {}
    for sheet, number, state in _unsettled(job.found):
        made.setdefault(sheet, {})[number] = RowState(state)
    return made


def imports_of(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Imports:
    """What was imported of this class. Raises NotAllowed."""
    check(session, actor_id, batch_id, now=now)
    title, platform = _titles(session, batch_id)
    rows = session.exec(
        select(ProgressImport)
        .where(ProgressImport.batch_id == batch_id)
        .order_by(col(ProgressImport.id).desc())
        .limit(SHOWN)
    ).all()
    counts = counted(session, batch_id)
    return Imports(
        batch_id,
        title,
        platform,
        bool(counts.items) and counts.platform_id is not None,
        tuple(
            Applied(row.as_of, row.applied_at, row.matched, row.undone_at is not None)
            for row in rows
        ),
    )


def apply(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Preview:
    """Take over what the preview said, all of it or nothing; twice is once.

    Whoever has begun takes part from now on, and what was claimed as studied and is shown now
    waits for nobody any more. Raises NotAllowed, NotFound, NoLongerWaiting, or PreviewOutdated
    when figures were imported, or what counts was changed, since the preview.
    """
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED:
        return preview(session, actor_id, job_id, now=now)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    facts = preview(session, actor_id, job_id, now=now)
    batch_id = facts.batch_id
    seats.lock(session, batch_id)
    counts = counted(session, batch_id)
    found = job.found
    if found["base"] != _base(session, batch_id) or found["counted"] != counts.digest:
        raise PreviewOutdated
    if not facts.changes:
        imports.settle(session, job, ImportState.APPLIED, now=now, found=_short(found), forget=True)
        return preview(session, actor_id, job_id, now=now)
    kept = ProgressImport(
        batch_id=batch_id,
        job_id=job_id,
        platform_id=counts.platform_id,
        by_id=actor_id,
        as_of=facts.as_of,
        applied_at=now,
        rows=facts.rows,
        matched=0,
    )
    session.add(kept)
    session.flush()
    settled = _settled(session, batch_id, found, counts)
    kept.matched = insert_snapshots(session, kept, _text_of(found["lines"]))
    if settled:
        kept.matched += insert_snapshots(session, kept, json.dumps(settled))
    session.flush()
    if facts.is_older:
        recount(session, batch_id, _of_import(session, kept.id))
    else:
        overlay(session, kept, counts)
    _begin(session, kept, now=now)
    _catch_up(session, kept, counts, now=now)
    schedule.plan_deadlines(session, batch_id, now=now)
    deed_id = deeds.done(
        session,
        DEED,
        actor_id,
        {"import_id": kept.id, "batch_id": batch_id},
        now=now,
        undo_for=deeds.DAY,
    )
    audit.record(
        session,
        actor_id,
        "import_progress",
        f"batch:{batch_id}",
        now=now,
        after={"rows": kept.matched, "as_of": facts.as_of.isoformat(), "sha256": job.sha256},
    )
    imports.settle(
        session,
        job,
        ImportState.APPLIED,
        now=now,
        found=_short(found),
        deed_id=deed_id,
        forget=False,
    )
    session.expire_all()
    return preview(session, actor_id, job_id, now=now)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Take an import back: what the others have said holds, as if it had never been."""
    batch_id, import_id = int(deed.data["batch_id"]), int(deed.data["import_id"])
    check(session, deed.actor_id, batch_id, now=now)
    seats.lock(session, batch_id)
    kept = session.get(ProgressImport, import_id)
    if kept is None or kept.undone_at is not None:
        return
    kept.undone_at = now
    session.flush()
    ids = set(
        session.exec(
            select(ProgressSnapshot.registration_id).where(ProgressSnapshot.import_id == import_id)
        )
    )
    session.exec(sa.delete(ProgressSnapshot).where(col(ProgressSnapshot.import_id) == import_id))
    recount(session, batch_id, ids)
    _begin_not(session, kept, actor_id=deed.actor_id, now=now)
    schedule.plan_deadlines(session, batch_id, now=now)
    session.exec(
        sa.update(StudyClaim)
        .where(
            col(StudyClaim.state) == StudyClaimState.CAUGHT_UP,
            col(StudyClaim.decided_at) == kept.applied_at,
            col(StudyClaim.registration_id).in_(_of(batch_id)),
        )
        .values(state=StudyClaimState.OPEN, decided_at=None)
    )
    session.expire_all()


def _own(session: Session, actor_id: int, job_id: int) -> ImportJob:
    """The actor's own import, not locked."""
    job = session.get(ImportJob, job_id, populate_existing=True)
    if job is None or job.kind != KIND:
        raise NotFound("import")
    if job.by_id != actor_id:
        raise NotAllowed
    return job


def _titles(session: Session, batch_id: int) -> tuple[str, str]:
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).one()
    platform_id = counted(session, batch_id).platform_id
    platform = session.get(Platform, platform_id) if platform_id is not None else None
    return title, "" if platform is None else platform.name


def _of(batch_id: int) -> Any:
    return sa.select(col(Registration.id)).where(col(Registration.batch_id) == batch_id)


def _of_import(session: Session, import_id: int) -> set[int]:
    """The registrations of which an import says anything."""
    query = select(ProgressSnapshot.registration_id).where(ProgressSnapshot.import_id == import_id)
    return set(session.exec(query))


def _newest(session: Session, batch_id: int) -> datetime | None:
    return session.exec(
        select(ProgressImport.as_of)
        .where(ProgressImport.batch_id == batch_id, col(ProgressImport.undone_at).is_(None))
        .order_by(col(ProgressImport.as_of).desc())
    ).first()


def _base(session: Session, batch_id: int) -> str:
    """Differs when something was imported or taken back."""
    newest, undone = session.exec(
        select(func.max(ProgressImport.id), func.count(col(ProgressImport.undone_at))).where(
            ProgressImport.batch_id == batch_id
        )
    ).one()
    return f"{newest}/{undone}"


def _same_file(session: Session, batch_id: int, sha256: str) -> tuple[int, datetime] | None:
    """The import of the very same file that holds, if there is one, and its moment."""
    return session.exec(
        select(ProgressImport.id, ProgressImport.as_of)
        .join(ImportJob, col(ImportJob.id) == col(ProgressImport.job_id))
        .where(
            ProgressImport.batch_id == batch_id,
            col(ProgressImport.undone_at).is_(None),
            ImportJob.sha256 == sha256,
        )
        .order_by(col(ProgressImport.id).desc())
    ).first()


def _as_of(
    session: Session,
    job: ImportJob,
    book: Book,
    earlier: tuple[int, datetime] | None,
    now: datetime,
) -> tuple[datetime, AsOfFrom]:
    if job.found.get("set_as_of"):
        return datetime.fromisoformat(job.found["set_as_of"]), AsOfFrom.SET
    if earlier is not None:
        return earlier[1], AsOfFrom.SAME
    said = reading.said_moment(book, reading.grids(book), offices.zone(session), now=now)
    return (now, AsOfFrom.NOW) if said is None else (said, AsOfFrom.FILE)


def _moved(
    had: Stand | None, figures: Mapping[int, float], percent: float, score: float | None
) -> RowState:
    if had is None:
        return RowState.NEW
    if percent < had.percent:
        return RowState.BACK
    is_same = figures == had.figures and (score is None or score == had.score)
    return RowState.SAME if is_same else RowState.FORWARD


def _people(
    session: Session, batch_id: int, states: Collection[RegistrationState] = TAKES_PART
) -> Sequence[Any]:
    registration, teacher, unit = (
        SQLModel.metadata.tables[name].c for name in ("registration", "teacher", "org_unit")
    )
    query = (
        sa.select(
            registration.id,
            registration.teacher_id,
            teacher.staff_no,
            teacher.name,
            unit.name.label("unit"),
            unit.short_name,
            teacher.phone_hash,
        )
        .select_from(SQLModel.metadata.tables["registration"])
        .join(SQLModel.metadata.tables["teacher"], teacher.id == registration.teacher_id)
        .join(SQLModel.metadata.tables["org_unit"], unit.id == registration.unit_id_at)
        .where(registration.batch_id == batch_id, registration.state.in_(states))
    )
    return session.connection().execute(query).all()


def _packed(lines: Sequence[Sequence[Any]]) -> str:
    """Lines as one short text: a document of a hundred thousand of them is slow to keep."""
    return base64.b64encode(zlib.compress(json.dumps(lines).encode(), 1)).decode()


def _text_of(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode() if packed else "[]"


def _unpacked(packed: str) -> list[Any]:
    made: list[Any] = json.loads(_text_of(packed))
    return made


def _short(found: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a preview once it is settled: no names, and not what anybody has done."""
    kept = {name: value for name, value in found.items() if name not in ("lines", "open")}
    return kept | {"problems": _packed(_unsettled(found))}


def _unsettled(found: Mapping[str, Any]) -> list[list[Any]]:
    """Sheet, number and state of the rows that are not taken over."""
    rows = found.get("open", ())
    said = [list(rows[int(at)][:2]) for at in found.get("settled", ()) if int(at) < len(rows)]
    return [each for each in _unpacked(found.get("problems", "")) if each[:2] not in said]


def _settled(
    session: Session, batch_id: int, found: Mapping[str, Any], counts: Counted
) -> list[list[Any]]:
    """The rows of which somebody has said whom they mean, as lines."""
    said = {int(at): id_ for at, id_ in found["settled"].items() if id_}
    if not said:
        return []
    as_of = datetime.fromisoformat(found["as_of"])
    stands = folded(session, batch_id, counts, until=as_of, ids=set(said.values()))
    seen = {line[0] for line in _unpacked(found["lines"])}
    lines = []
    for at, registration_id in said.items():
        if registration_id in seen:
            continue
        seen.add(registration_id)
        figures, score, active = found["open"][at][7:10]
        stand = stands.get(registration_id)
        whole = (stand.figures if stand is not None else {}) | by_item(figures)
        percent, is_learned = counts.percent(whole), counts.is_learned(whole)
        lines.append([registration_id, figures, score, active, percent, is_learned])
    return lines


def _begin(session: Session, kept: ProgressImport, *, now: datetime) -> None:
    """Whoever has begun to study takes part from now on, and reads so in /why."""
    registration = SQLModel.metadata.tables["registration"]
    progress = SQLModel.metadata.tables["progress"]
    # From week to week fewer are left who have not begun: they are asked, and not all.
    beginners = sa.select(registration.c.id).where(
        registration.c.batch_id == kept.batch_id,
        registration.c.state == RegistrationState.APPROVED,
        sa.exists().where(progress.c.registration_id == registration.c.id, progress.c.is_started),
    )
    facts = {"import_id": kept.id, "as_of": kept.as_of.isoformat()}
    _note(session, beginners, "first_progress", facts, kept.by_id, now)
    session.exec(
        sa.update(Registration)
        .where(col(Registration.id).in_(beginners))
        .values(state=RegistrationState.ATTENDING, changed_at=now)
        .execution_options(synchronize_session=False)
    )


def _begin_not(session: Session, kept: ProgressImport, *, actor_id: int, now: datetime) -> None:
    """Whoever took part by nothing but what was taken back is approved, as before."""
    registration = SQLModel.metadata.tables["registration"]
    decision = SQLModel.metadata.tables["decision"]
    progress = SQLModel.metadata.tables["progress"]
    came = SQLModel.metadata.tables["attendance"]
    back = sa.select(registration.c.id).where(
        registration.c.batch_id == kept.batch_id,
        registration.c.state == RegistrationState.ATTENDING,
        sa.exists().where(
            decision.c.registration_id == registration.c.id,
            decision.c.rule == "first_progress",
            decision.c.at == kept.applied_at,
        ),
        ~sa.exists().where(progress.c.registration_id == registration.c.id, progress.c.is_started),
        ~sa.exists().where(came.c.registration_id == registration.c.id, came.c.state.in_(CAME)),
    )
    _note(session, back, "progress_undone", {"import_id": kept.id}, actor_id, now)
    session.exec(
        sa.update(Registration)
        .where(col(Registration.id).in_(back))
        .values(state=RegistrationState.APPROVED, changed_at=now)
        .execution_options(synchronize_session=False)
    )


def _note(
    session: Session,
    who: Any,
    rule: str,
    facts: dict[str, Any],
    actor_id: int,
    now: datetime,
) -> None:
    """Leave the same line for all of them."""
    decision = SQLModel.metadata.tables["decision"]
    ids = who.subquery()
    session.connection().execute(
        sa.insert(decision).from_select(
            ["registration_id", "at", "rule", "facts", "actor_id"],
            sa.select(
                ids.c[0],
                sa.literal(now, decision.c.at.type),
                sa.literal(rule, decision.c.rule.type),
                sa.literal(facts, DOCUMENT),
                sa.literal(actor_id, decision.c.actor_id.type),
            ),
        )
    )


def _catch_up(session: Session, kept: ProgressImport, counts: Counted, *, now: datetime) -> None:
    """Close what was claimed as studied and is shown by now."""
    required = {item.id: item.required for item in counts.items}
    rows = session.exec(
        select(StudyClaim.id, StudyClaim.item_id, Progress.figures, Progress.is_learned)
        .join(Progress, col(Progress.registration_id) == col(StudyClaim.registration_id))
        .where(StudyClaim.state == StudyClaimState.OPEN, Progress.batch_id == kept.batch_id)
    ).all()
    done = [
        claim_id
        for claim_id, item_id, figures, is_learned in rows
        if is_learned
        or (
            item_id is not None
            and item_id in required
            and figures.get(str(item_id), 0) >= required[item_id]
        )
    ]
    for part in parts(done, 500):
        session.exec(
            sa.update(StudyClaim)
            .where(col(StudyClaim.id).in_(part))
            .values(state=StudyClaimState.CAUGHT_UP, decided_at=now)
        )
    study_claims.hush(session, kept.batch_id, now=now)
