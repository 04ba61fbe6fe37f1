"""What the columns of a platform's export mean: guessed, put right, and remembered.

Said once for a platform and a form of table (its headings); the next export of that form is
understood without a question. What is remembered names an item by its kind and title, so that
it holds for the next class on the same platform too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.moments import local_day
from storage.people import authority, imports, offices
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotFound, Refusal
from storage.sheets import Book, key, plain
from storage.training import aiming
from storage.training.aiming import Candidate
from storage.training.remote import reading
from storage.training.remote.counting import Counted, Item, counted
from storage.training.remote.reading import Grid, Unit, signature
from storage.training.remote.tables import Measure, PlatformSheet, ProgressItem
from storage.training.tables import Batch, Programme

KIND = "progress"
SAMPLE = 300  # rows by which the class is found

STAFF_NO, NAME, SCHOOL, PHONE = "staff_no", "name", "school", "phone"
SCORE, ACTIVE, NOTHING = "score", "last_active", ""
PERSONAL = (STAFF_NO, NAME, SCHOOL, PHONE)
ONCE = (*PERSONAL, SCORE, ACTIVE)
"""What a column may be beside an item; an item's meaning is its id, as text."""

_HEADINGS = {
    meaning: frozenset(map(key, headings))
    for meaning, headings in (
        (STAFF_NO, reading.STAFF_NO),
        (NAME, reading.NAME),
        (SCHOOL, reading.SCHOOL),
        (PHONE, reading.PHONE),
    )
}
_SPEAKS_OF = {
    ACTIVE: re.compile("最近|最后|最後|last"),
    SCORE: re.compile("成绩|成績|总分|總分|总评|總評|得分|score|mark|total"),
}
_SEMINAR = re.compile("校本|研讨|研討|线下|線下|研修活动|研修活動|seminar")
_KINDS = {
    "homework": re.compile("作业|作業|成果|homework|assignment|^hw"),
    "forum": re.compile("发帖|發帖|回帖|帖|论坛|論壇|讨论|討論|评论|評論|互动|互動|forum|post"),
    "peer_review": re.compile("互评|互評|评课|評課|peer"),
    "seminar": _SEMINAR,
    "school_seminar": _SEMINAR,
    "exam": re.compile("考试|考試|测试|測試|测验|測驗|exam|quiz"),
    "watch_minutes": re.compile(
        "时长|時長|分钟|分鐘|观看|觀看|视频|視頻|影片|课程|課程|学时|學時|小时|小時|学习|學習"
        "|minutes|hours|watch|video|study"
    ),
}


SCORED = Measure.POINTS
"""A score is points, of whatever item."""


class NothingCounts(Refusal):
    """The class has no progress items, or no platform: its settings come first."""


class NoRows(Refusal):
    """The table has headings, and nobody below them."""


class OthersImport(Refusal):
    """The reader runs no class that studies on a platform: who runs it imports its progress."""


class Unfinished(Refusal):
    """A form cannot be used like this; ``lacks`` is ``person`` or ``figures``."""

    def __init__(self, lacks: str) -> None:
        super().__init__(f"no column of {lacks}")
        self.lacks = lacks


@dataclass(frozen=True)
class Said:
    """One column: its heading, what stands in it, what it is taken for, and how that reads."""

    number: int  # from 0
    heading: str
    samples: tuple[str, ...]
    meaning: str
    item: Item | None
    reads: float | None  # the first sample, in the item's measure


@dataclass(frozen=True)
class Columns:
    """One form of table: what each of its columns is taken for."""

    job_id: int
    batch_id: int
    title: str
    file_name: str
    form: int  # among the file's forms, from 0
    of: int
    sheets: tuple[str, ...]
    columns: tuple[Said, ...]
    items: tuple[Item, ...]


# --- which class --------------------------------------------------------------------------------


def sample(book: Book) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return some of the staff numbers and names of the table, from all over it.

    Raises NoRows.
    """
    check_rows(book)
    numbers: set[str] = set()
    names: set[str] = set()
    for grid in reading.grids(book):
        rows = book.sheets[grid.sheet].rows[grid.header :]
        meant = {c: m for c, h in enumerate(grid.headings) if (m := _personal(h))}
        for row in rows[:: max(1, len(rows) // SAMPLE)]:
            for c, meaning in meant.items():
                cell = plain(row[c]) if c < len(row) else ""
                if cell and meaning == STAFF_NO:
                    numbers.add(cell.upper())
                elif cell and meaning == NAME:
                    names.add("".join(cell.split()))
    return tuple(sorted(numbers)), tuple(sorted(names))


def check_rows(book: Book) -> None:
    """Raise NoRows for a table in which nothing stands below the headings."""
    if not any(
        any(row)
        for grid in reading.grids(book)
        for row in book.sheets[grid.sheet].rows[grid.header :]
    ):
        raise NoRows


def _personal(heading: str) -> str:
    said = key(heading)
    return next((m for m, headings in _HEADINGS.items() if said in headings), "")


def candidates(
    session: Session,
    actor_id: int,
    numbers: Sequence[str],
    names: Sequence[str],
    *,
    now: datetime,
) -> tuple[Candidate, ...]:
    """Return the classes that the table may be about, those first whose people it names.

    Only classes that have begun and that count something on a platform. Raises OthersImport
    for whoever imports the progress of none.
    """
    counts = sa.exists().where(col(ProgressItem.batch_id) == col(Batch.id))
    stands = col(Batch.cancelled_at).is_(None)
    found = aiming.candidates(session, actor_id, numbers, names, stands, counts, now=now)
    if not found:
        today = offices.today(session, now)
        mine = authority.batches(session, actor_id, Act.ENTER_RESULTS, today=today)
        own = select(Batch.id).where(col(Batch.id).in_(mine), stands, counts)
        if session.exec(own).first() is None:
            raise OthersImport
    return found


def check(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> None:
    """Raise NotAllowed unless this person may import the progress of this class."""
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.ENTER_RESULTS, batch_id, today=today)


# --- what the columns mean ----------------------------------------------------------------------


def aim(
    session: Session,
    actor_id: int,
    job_id: int,
    batch_id: int,
    found: Sequence[Grid],
    *,
    now: datetime,
) -> Columns | None:
    """Say which class the table is about; return the form that is to be explained, if any.

    Raises NotAllowed, NotFound, NoLongerWaiting, or NothingCounts.
    """
    check(session, actor_id, batch_id, now=now)
    job = own(session, actor_id, job_id)
    counts = counted(session, batch_id)
    if not counts.items or counts.platform_id is None:
        raise NothingCounts
    forms: dict[str, dict[str, Any]] = {}
    for grid in found:
        form = forms.setdefault(
            grid.shape,
            {
                "shape": grid.shape,
                "sheets": [],
                "headings": list(grid.headings),
                "samples": [list(each) for each in grid.samples],
            },
        )
        form["sheets"].append(grid.name)
    for form in forms.values():
        kept = remembered(session, counts, form["shape"], form["headings"])
        form["columns"] = guess(form["headings"], form["samples"], counts) if kept is None else kept
        form["is_known"] = kept is not None
    job.subject_id = batch_id
    job.found = {"forms": list(forms.values())}
    session.flush()
    return next_form(session, actor_id, job_id, now=now)


def own(session: Session, actor_id: int, job_id: int) -> ImportJob:
    """The actor's own import of progress that waits. Raises also NoLongerWaiting."""
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    return job


def aimed(job: ImportJob) -> int:
    """The class that the import is about. Raises NotFound before that was said."""
    if job.subject_id is None:
        raise NotFound("import")
    return job.subject_id


def guess(
    headings: Sequence[str], samples: Sequence[Sequence[str]], counts: Counted
) -> dict[str, str]:
    """Guess what the columns mean: by their headings, each meaning once."""
    meant: dict[str, str] = {heading: NOTHING for heading in headings if heading}
    taken: set[str] = set()

    def take(heading: str, meaning: str) -> None:
        if meaning and meaning not in taken and not meant[heading]:
            meant[heading] = meaning
            taken.add(meaning)

    for heading in meant:
        take(heading, _personal(heading))
    for heading in meant:
        if _SPEAKS_OF[ACTIVE].search(signature(heading)):
            take(heading, ACTIVE)
    for item in counts.items:  # what is called just so
        for heading in meant:
            if key(item.title) and key(item.title) == key(heading):
                take(heading, str(item.id))
    by_heading = dict(zip(headings, samples, strict=False))
    for item in counts.items:
        speaks = _KINDS.get(item.kind)
        fitting = [
            heading
            for heading in meant
            if not meant[heading]
            and speaks is not None
            and speaks.search(signature(heading))
            and not _SPEAKS_OF[SCORE].search(signature(heading))
            and _reads(heading, by_heading.get(heading, ()), item) is not None
        ]
        # A plain figure says more than a percentage of it.
        fitting.sort(key=lambda each: reading.unit_of(each, item.measure) is Unit.PERCENT)
        if fitting:
            take(fitting[0], str(item.id))
    for heading in meant:
        if _SPEAKS_OF[SCORE].search(signature(heading)):
            take(heading, SCORE)
    return meant


def _reads(heading: str, samples: Sequence[str], item: Item) -> float | None:
    """The first sample as this item's figure; None where no sample is one."""
    for text in samples:
        try:
            unit = reading.unit_of(heading, item.measure)
            if unit is Unit.PERCENT and reading.is_share(samples):
                unit = Unit.SHARE
            value = reading.figure(text, item.measure, item.required, unit)
        except reading.NotAFigure:
            return None
        if value is not None:
            return value
    return 0.0 if not samples else None


def remembered(
    session: Session, counts: Counted, shape: str, headings: Sequence[str]
) -> dict[str, str] | None:
    """What the columns of this form were said to mean on this platform; None if never.

    Also None when nothing that was said fits what this class counts.
    """
    kept = session.exec(
        select(PlatformSheet.columns).where(
            PlatformSheet.platform_id == counts.platform_id, PlatformSheet.shape == shape
        )
    ).first()
    if kept is None:
        return None
    meant = {}
    for heading in headings:
        if heading:
            meant[heading] = _of_class(kept.get(signature(heading), NOTHING), counts)
    return meant if _lacks(meant) is None else None


def _of_class(said: str, counts: Counted) -> str:
    """A remembered meaning for this class: an item by kind and title, else by its kind alone."""
    if not said.startswith("item:"):
        return said
    kind, _, title = said.removeprefix("item:").partition("/")
    same = [item for item in counts.items if item.kind == kind]
    called = [item for item in same if item.title == title]
    meant = called or same
    return str(meant[0].id) if len(meant) == 1 else NOTHING


def _lasting(meaning: str, counts: Counted) -> str:
    item = next((each for each in counts.items if str(each.id) == meaning), None)
    return meaning if item is None else f"item:{item.kind}/{item.title}"


def _lacks(columns: Mapping[str, str]) -> str | None:
    said = set(columns.values())
    if not said & {STAFF_NO, NAME}:
        return "person"
    if not said - {*PERSONAL, NOTHING}:
        return "figures"
    return None


def next_form(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Columns | None:
    """Return the first form that nobody has explained yet; None when all are known."""
    job = own(session, actor_id, job_id)
    for number, form in enumerate(job.found.get("forms", ())):
        if not form["is_known"]:
            return columns(session, actor_id, job_id, number, now=now)
    return None


def columns(
    session: Session, actor_id: int, job_id: int, form: int = 0, *, now: datetime
) -> Columns:
    """Return what the columns of one form of the file are taken for."""
    job = own(session, actor_id, job_id)
    forms = job.found.get("forms", ())
    if job.subject_id is None or not 0 <= form < len(forms):
        raise NotFound("import")
    check(session, actor_id, job.subject_id, now=now)
    counts = counted(session, job.subject_id)
    items = {str(item.id): item for item in counts.items}
    one = forms[form]
    said = []
    for number, (heading, samples) in enumerate(zip(one["headings"], one["samples"], strict=False)):
        if not heading:
            continue
        meaning = one["columns"].get(heading, NOTHING)
        item = items.get(meaning)
        reads = None if item is None else _reads(heading, samples, item)
        said.append(Said(number, heading, tuple(samples), meaning, item, reads))
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == job.subject_id)
    ).one()
    return Columns(
        job_id,
        job.subject_id,
        title,
        job.file_name,
        form,
        len(forms),
        tuple(one["sheets"]),
        tuple(said),
        counts.items,
    )


def choose(
    session: Session,
    actor_id: int,
    job_id: int,
    form: int,
    column: int,
    meaning: str,
    *,
    now: datetime,
) -> Columns:
    """Take a column of a form for something else; whatever was taken for that is not any more."""
    before = columns(session, actor_id, job_id, form, now=now)
    known = {*ONCE, NOTHING, *(str(item.id) for item in before.items)}
    said = next((each for each in before.columns if each.number == column), None)
    if said is None or meaning not in known:
        raise NotFound("import")
    job = own(session, actor_id, job_id)
    forms = [dict(each) for each in job.found["forms"]]
    kept = {
        heading: NOTHING if was == meaning else was
        for heading, was in forms[form]["columns"].items()
    }
    kept[said.heading] = meaning
    forms[form] |= {"columns": kept, "is_known": False}
    job.found = {"forms": forms}
    session.flush()
    return columns(session, actor_id, job_id, form, now=now)


def confirm(
    session: Session, actor_id: int, job_id: int, form: int, *, now: datetime
) -> Columns | None:
    """Remember what the columns of this form mean; return the next form to explain, if any.

    Raises Unfinished when nobody or nothing could be read from it.
    """
    facts = columns(session, actor_id, job_id, form, now=now)
    meant = {each.heading: each.meaning for each in facts.columns}
    lacks = _lacks(meant)
    if lacks is not None:
        raise Unfinished(lacks)
    counts = counted(session, facts.batch_id)
    job = own(session, actor_id, job_id)
    forms = [dict(each) for each in job.found["forms"]]
    lasting = {signature(h): _lasting(m, counts) for h, m in meant.items() if m}
    session.exec(
        insert_new(session, PlatformSheet).values(
            platform_id=counts.platform_id, shape=forms[form]["shape"], columns={}, mapped_at=now
        )
    )
    session.exec(
        sa.update(PlatformSheet)
        .where(
            col(PlatformSheet.platform_id) == counts.platform_id,
            col(PlatformSheet.shape) == forms[form]["shape"],
        )
        .values(columns=lasting, mapped_at=now)
    )
    forms[form]["is_known"] = True
    job.found = {"forms": forms}
    session.flush()
    return next_form(session, actor_id, job_id, now=now)
