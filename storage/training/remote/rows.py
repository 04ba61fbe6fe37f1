"""The rows of a platform's table: whom each means, and what it says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlmodel import Session, select

from storage.people import phones
from storage.people.matching import Doubt, People
from storage.people.tables import Office
from storage.sheets import Book, as_day, plain
from storage.training.remote import mapping, reading
from storage.training.remote.counting import Counted, Item
from storage.training.remote.reading import NotAFigure, Unit
from storage.training.remote.tables import ProgressMatch

OPEN_KEPT = 1_000  # rows that a person may settle; the rest stands in the annotated copy

Tell = Callable[[int, int], None]


class RowState(StrEnum):
    """What a row of a platform's table comes to."""

    NEW = "new"  # the first that is known of somebody
    FORWARD = "forward"
    BACK = "back"  # less than before
    SAME = "same"
    UNKNOWN = "unknown"  # nobody of this class
    AMBIGUOUS = "ambiguous"  # several people of this name
    MISMATCH = "mismatch"  # the number is somebody else's than the name
    FOREIGN = "foreign"  # somebody has said that it is nobody of ours
    TWICE = "twice"  # other figures of the same person stand in the file before
    NOT_UNDERSTOOD = "not_understood"


UNDERSTOOD = (RowState.NEW, RowState.FORWARD, RowState.BACK, RowState.SAME)


OPEN = (RowState.AMBIGUOUS, RowState.MISMATCH, RowState.UNKNOWN)
"""Rows of which a person may say whom they mean."""


DOUBTS = {
    Doubt.UNKNOWN: RowState.UNKNOWN,
    Doubt.SEVERAL: RowState.AMBIGUOUS,
    Doubt.OTHER_NAME: RowState.MISMATCH,
}


@dataclass
class Line:
    """What a file says of one participant."""

    figures: dict[int, float]
    score: float | None
    active: date | None


@dataclass
class File:
    """A file, read: whom it means and what it says, and the rows of which that is not clear."""

    lines: dict[int, Line] = field(default_factory=dict)
    problems: list[tuple[str, int, RowState]] = field(default_factory=list)
    open: list[list[Any]] = field(default_factory=list)
    counts: Counter[RowState] = field(default_factory=Counter)
    rows: int = 0


def said_of(staff_no: str, name: str, school: str, tail: str) -> str:
    return "|".join((staff_no.upper(), "".join(name.split()), school, tail))


class Matcher:
    """Finds whom a row means."""

    def __init__(self, session: Session, people: Sequence[Any], platform_id: int) -> None:
        self._rows = people
        # Nearly every row says number and name, or name and school, just as the roster does.
        self._exact: dict[tuple[str, str], int] = {
            (row.staff_no, row.name): row.id for row in people
        }
        placed = Counter((row.name, row.unit) for row in people)
        self._placed: dict[tuple[str, str], int] = {
            (row.name, row.unit): row.id for row in people if placed[row.name, row.unit] == 1
        }
        self._by_teacher: dict[int, int] = {row.teacher_id: row.id for row in people}
        self._by_phone = {row.phone_hash: row for row in people if row.phone_hash}
        self._salt = session.exec(select(Office.salt)).first() or ""
        self._matches = dict(
            session.exec(
                select(ProgressMatch.said, ProgressMatch.teacher_id).where(
                    ProgressMatch.platform_id == platform_id
                )
            ).all()
        )

    @cached_property
    def _people(self) -> People[int]:
        return People(
            (row.id, row.staff_no, row.name, (row.unit, row.short_name)) for row in self._rows
        )

    def find(self, staff_no: str, name: str, school: str, phone: str) -> int | RowState:
        """The registration that the row means, or why there is none."""
        if self._matches:
            said = said_of(plain(staff_no), plain(name), plain(school), tail_of(phone))
            if said in self._matches:
                teacher_id = self._matches[said]
                if teacher_id is None:
                    return RowState.FOREIGN
                if teacher_id in self._by_teacher:
                    return self._by_teacher[teacher_id]
        if staff_no:
            exact = self._exact.get((staff_no, name))
        else:
            exact = self._placed.get((name, school)) if school else None
        if exact is not None:
            return exact
        found = self._people.find(staff_no, name, school)
        if found is Doubt.UNKNOWN and plain(staff_no) and name and school:
            # A platform may number people in its own way.
            found = self._people.find("", name, school)
        if found is Doubt.SEVERAL and phones.normalised(phone):
            owner = self._by_phone.get(phones.hashed(phone, self._salt))
            if owner is not None and plain(owner.name) == plain(name):
                return int(owner.id)
        return DOUBTS[found] if isinstance(found, Doubt) else found


def tail_of(phone: str) -> str:
    """The last four digits of a number, which is as much as anything of it is kept."""
    return "".join(c for c in plain(phone) if c.isdigit())[-4:]


@dataclass
class _Form:
    """Where the columns of one form stand."""

    person: dict[str, int]
    items: list[tuple[int, Item, Unit, dict[str, float | None]]]
    """Each with what its cells were read as: a column says the same few things over and over."""
    score: int | None
    active: int | None
    scores: dict[str, float | None] = field(default_factory=dict)
    days: dict[str, date | None] = field(default_factory=dict)


def read_file(
    book: Book, found: Mapping[str, Any], counts: Counted, matcher: Matcher, tell: Tell
) -> File:
    forms = {form["shape"]: form["columns"] for form in found.get("forms", ())}
    grids = reading.grids(book)
    of = sum(len(book.sheets[grid.sheet].rows) - grid.header for grid in grids)
    read = File()
    for grid in grids:
        rows = book.sheets[grid.sheet].rows[grid.header :]
        form = _form(grid.headings, forms.get(grid.shape, {}), counts, rows)
        if not form.person:
            continue
        for number, row in enumerate(rows, grid.header + 1):
            _read_row(read, grid.name, number, row, form, matcher)
            if read.rows % 1000 == 0:
                tell(read.rows, of)
    return read


def _form(
    headings: Sequence[str],
    meant: Mapping[str, str],
    counts: Counted,
    rows: Sequence[Sequence[str]],
) -> _Form:
    by_id = {str(item.id): item for item in counts.items}
    at = {meant[h]: c for c, h in enumerate(headings) if h and meant.get(h)}
    items: list[tuple[int, Item, Unit, dict[str, float | None]]] = []
    for meaning, c in at.items():
        if meaning in by_id:
            item = by_id[meaning]
            unit = reading.unit_of(headings[c], item.measure)
            if unit is Unit.PERCENT and reading.is_share(row[c] for row in rows if c < len(row)):
                unit = Unit.SHARE
            items.append((c, item, unit, {}))
    person = {m: at[m] for m in mapping.PERSONAL if m in at}
    return _Form(person, items, at.get(mapping.SCORE), at.get(mapping.ACTIVE))


def _read_row(
    read: File, sheet: str, number: int, row: Sequence[str], form: _Form, matcher: Matcher
) -> None:
    def cell(at: int | None) -> str:
        return row[at] if at is not None and at < len(row) else ""

    staff_no = cell(form.person.get(mapping.STAFF_NO))
    name = cell(form.person.get(mapping.NAME))
    if not (staff_no or name) or reading.is_total(name or staff_no):
        return
    read.rows += 1
    school, phone = cell(form.person.get(mapping.SCHOOL)), cell(form.person.get(mapping.PHONE))
    line = _line(row, form)
    who = matcher.find(staff_no, name, school, phone)
    if line is None:
        who = RowState.NOT_UNDERSTOOD
    if not isinstance(who, RowState) and line is not None:
        earlier = read.lines.setdefault(who, line)
        if earlier is line or _joins(earlier, line):
            return
        who = RowState.TWICE
    assert isinstance(who, RowState)
    read.counts[who] += 1
    if who is not RowState.FOREIGN:
        read.problems.append((sheet, number, who))
    if (
        who in OPEN
        and line is not None
        and (who is not RowState.UNKNOWN or read.counts[who] <= OPEN_KEPT)
    ):
        said = plain(staff_no), plain(name), plain(school), tail_of(phone)
        figures = {str(id_): figure for id_, figure in line.figures.items()}
        active = line.active and line.active.isoformat()
        read.open.append([sheet, number, who.value, *said, figures, line.score, active])


def _line(row: Sequence[str], form: _Form) -> Line | None:
    """What the row says, or None where a figure cannot be understood."""
    width = len(row)
    figures: dict[int, float] = {}
    try:
        for c, item, unit, known in form.items:
            text = row[c] if c < width else ""
            if text not in known:
                known[text] = reading.figure(text, item.measure, item.required, unit)
            value = known[text]
            if value is not None:
                figures[item.id] = value
        text = row[form.score] if form.score is not None and form.score < width else ""
        if text not in form.scores:
            form.scores[text] = reading.figure(text, mapping.SCORED, 100, Unit.PLAIN)
        score = form.scores[text]
    except NotAFigure:
        return None
    text = row[form.active] if form.active is not None and form.active < width else ""
    if text not in form.days:
        form.days[text] = as_day(text)
    return Line(figures, score, form.days[text])


def _joins(earlier: Line, line: Line) -> bool:
    """Add what another sheet says of the same person; False where the two contradict."""
    if any(earlier.figures.get(id_, figure) != figure for id_, figure in line.figures.items()):
        return False
    earlier.figures.update(line.figures)
    earlier.score = line.score if earlier.score is None else earlier.score
    earlier.active = max(filter(None, (earlier.active, line.active)), default=None)
    return True
