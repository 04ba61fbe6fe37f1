"""The rows of a platform's table: whom each means, and what it says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import zip_longest
from typing import Any

from sqlmodel import Session, select

from storage.people import phones
from storage.people.matching import Doubt, People, squeezed
from storage.people.tables import Office
from storage.sheets import Book, as_day, is_total, plain
from storage.training.remote import mapping, reading
from storage.training.remote.counting import Counted
from storage.training.remote.folding import Line
from storage.training.remote.reading import NotAFigure, Unit
from storage.training.remote.tables import Measure, ProgressMatch

PART = 1_000  # rows that are read at a time
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
    EXEMPT = "exempt"  # need not study, so the row is passed over
    TWICE = "twice"  # other figures of the same person stand in the file before
    NOT_UNDERSTOOD = "not_understood"


PASSED_OVER = (RowState.FOREIGN, RowState.EXEMPT)
"""Nothing is wrong with these rows, and nothing of them is taken over."""

UNDERSTOOD = (RowState.NEW, RowState.FORWARD, RowState.BACK, RowState.SAME)


OPEN = (RowState.AMBIGUOUS, RowState.MISMATCH, RowState.UNKNOWN)
"""Rows of which a person may say whom they mean."""


DOUBTS = {
    Doubt.UNKNOWN: RowState.UNKNOWN,
    Doubt.SEVERAL: RowState.AMBIGUOUS,
    Doubt.OTHER_NAME: RowState.MISMATCH,
}


@dataclass
class File:
    """A file, read: whom it means and what it says, and the rows of which that is not clear."""

    lines: dict[int, Line] = field(default_factory=dict)
    problems: list[tuple[str, int, RowState]] = field(default_factory=list)
    open: list[list[Any]] = field(default_factory=list)
    counts: Counter[RowState] = field(default_factory=Counter)
    rows: int = 0


def said_of(staff_no: str, name: str, school: str, tail: str) -> str:
    return "|".join((staff_no.upper(), squeezed(name), school, tail))


class Matcher:
    """Finds whom a row means.

    ``people`` are registrations, each with teacher, number, name, school, its short name, and
    the hash of the phone; ``exempt`` are those of whoever need not study.
    """

    def __init__(
        self,
        session: Session,
        people: Sequence[Any],
        platform_id: int,
        exempt: Sequence[Any] = (),
    ) -> None:
        columns = tuple(zip(*people, strict=True)) or ((),) * 7
        self._ids, self._teachers, self._numbers, self._names, *_ = columns
        self._units, self._short_names, self._phones = columns[4:]
        self._exempt = [
            (id_, no, name, (unit, short)) for id_, _, no, name, unit, short, _ in exempt
        ]
        self._salt = session.exec(select(Office.salt)).first() or ""
        self._matches = dict(
            session.exec(
                select(ProgressMatch.said, ProgressMatch.teacher_id).where(
                    ProgressMatch.platform_id == platform_id
                )
            ).all()
        )

    @cached_property
    def _exact(self) -> dict[tuple[str, str], int]:
        return dict(zip(zip(self._numbers, self._names, strict=True), self._ids, strict=True))

    @cached_property
    def _placed(self) -> dict[tuple[str, str], int]:
        placed = tuple(zip(self._names, self._units, strict=True))
        times = Counter(placed)
        return {who: id_ for who, id_ in zip(placed, self._ids, strict=True) if times[who] == 1}

    @cached_property
    def _by_teacher(self) -> dict[int, int]:
        return dict(zip(self._teachers, self._ids, strict=True))

    @cached_property
    def _by_phone(self) -> dict[str, tuple[int, str]]:
        people = zip(self._ids, self._names, strict=True)
        return dict(zip(self._phones, people, strict=True))

    @cached_property
    def _people(self) -> People[int]:
        schools = zip(self._units, self._short_names, strict=True)
        return People(zip(self._ids, self._numbers, self._names, schools, strict=True))

    @cached_property
    def _exempted(self) -> People[int]:
        return People(self._exempt)

    @cached_property
    def _settled(self) -> set[str]:
        """The names, and whatever else, of the rows about which somebody has said something."""
        return {part for said in self._matches for part in said.split("|")}

    def exact(
        self, numbers: Sequence[str], names: Sequence[str], schools: Sequence[str]
    ) -> Iterable[int | None]:
        """Return the registrations of those rows that say whom they mean just as the roster does.

        Nearly every row says number and name, or name and school, like that.
        """
        found: Iterable[int | None]
        if any(numbers):
            found = map(self._exact.get, zip(numbers, names, strict=True))
        else:
            found = map(self._placed.get, zip(names, schools, strict=True))
        if not self._matches:
            return found
        # What somebody has said about a row goes before what it says itself.
        return (
            None if squeezed(name) in self._settled else one
            for name, one in zip(names, found, strict=True)
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
            if owner is not None and plain(owner[1]) == plain(name):
                return owner[0]
        if found is Doubt.UNKNOWN and self._is_exempt(staff_no, name, school):
            return RowState.EXEMPT
        return DOUBTS[found] if isinstance(found, Doubt) else found

    def _is_exempt(self, staff_no: str, name: str, school: str) -> bool:
        """Whether the row means somebody who need not study; a name of several of them will do."""
        found = self._exempted.find(staff_no, name, school)
        return found is Doubt.SEVERAL or not isinstance(found, Doubt)


def tail_of(phone: str) -> str:
    """The last four digits of a number, which is as much as anything of it is kept."""
    return "".join(c for c in plain(phone) if c.isdigit())[-4:]


class _Cells(dict[str, Any]):
    """What the cells of one column were read as: it says the same few things over and over."""

    def __init__(self, at: int, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._at = at
        self._read = read

    def __missing__(self, text: str) -> Any:
        value = self[text] = self._read(text)
        return value

    def of(self, part: _Part) -> Iterable[Any]:
        return map(self.__getitem__, part.column(self._at))


class _Part:
    """Some rows of a sheet, by column; what stands in no column is empty."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self.size = len(rows)
        self._columns = tuple(zip_longest(*rows, fillvalue=""))

    def column(self, at: int | None) -> Sequence[str]:
        if at is None or at >= len(self._columns):
            return ("",) * self.size
        return self._columns[at]


_BAD = object()  # what stands there says no figure


def _figures(measure: Measure, required: float, unit: Unit) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return reading.figure(text, measure, required, unit)
        except NotAFigure:
            return _BAD

    return read


@dataclass
class _Form:
    """Where the columns of one form stand, and how each is read."""

    person: dict[str, int]
    items: dict[int, _Cells]  # by item
    score: _Cells | None
    active: _Cells | None

    def lines(self, part: _Part) -> Iterator[Line | None]:
        """What each row says, None where a figure cannot be understood."""
        nothing = (None,) * part.size
        ids = tuple(self.items)
        scores = nothing if self.score is None else self.score.of(part)
        days = nothing if self.active is None else self.active.of(part)
        figures = (cells.of(part) for cells in self.items.values())
        for score, active, *said in zip(scores, days, *figures, strict=True):
            if score is _BAD or _BAD in said:
                yield None
            else:
                yield {i: f for i, f in zip(ids, said, strict=True) if f is not None}, score, active


def read_file(
    book: Book, found: Mapping[str, Any], counts: Counted, matcher: Matcher, until: date, tell: Tell
) -> File:
    """Read all rows; a last study after ``until``, the day of the figures, is none."""
    forms = {form["shape"]: form["columns"] for form in found.get("forms", ())}
    grids = reading.grids(book)
    of = sum(len(book.sheets[grid.sheet].rows) - grid.header for grid in grids)
    read = File()
    for grid in grids:
        rows = book.sheets[grid.sheet].rows
        form = _form(grid.headings, forms.get(grid.shape, {}), counts, rows[grid.header :], until)
        if form.person:
            for first in range(grid.header, len(rows), PART):
                part = _Part(rows[first : first + PART])
                _read_part(read, grid.name, first + 1, part, form, matcher)
                tell(read.rows, of)
    return read


def _form(
    headings: Sequence[str],
    meant: Mapping[str, str],
    counts: Counted,
    rows: Sequence[Sequence[str]],
    until: date,
) -> _Form:
    at = {meant[h]: c for c, h in enumerate(headings) if h and meant.get(h)}
    items: dict[int, _Cells] = {}
    for item in counts.items:
        c = at.get(str(item.id))
        if c is not None:
            unit = reading.unit_of(headings[c], item.measure)
            if unit is Unit.PERCENT and reading.is_share(row[c] for row in rows if c < len(row)):
                unit = Unit.SHARE
            items[item.id] = _Cells(c, _figures(item.measure, item.required, unit))
    score, active = at.get(mapping.SCORE), at.get(mapping.ACTIVE)
    return _Form(
        {m: at[m] for m in mapping.PERSONAL if m in at},
        items,
        None if score is None else _Cells(score, _figures(mapping.SCORED, 100, Unit.PLAIN)),
        None if active is None else _Cells(active, lambda text: _day(text, until)),
    )


def _day(text: str, until: date) -> date | None:
    day = as_day(text)
    return None if day is None or day > until else day


def _read_part(
    read: File,
    sheet: str,
    first: int,
    part: _Part,
    form: _Form,
    matcher: Matcher,
) -> None:
    """Read some rows of a sheet, column by column; ``first`` is the number of the first."""
    said = [part.column(form.person.get(meaning)) for meaning in mapping.PERSONAL]
    numbers, names, schools, _phones = said
    exact = matcher.exact(numbers, names, schools)
    each = zip(exact, form.lines(part), zip(*said, strict=True), strict=True)
    for number, (registration_id, line, person) in enumerate(each, first):
        who: int | RowState
        if registration_id is not None:
            who = registration_id
        elif not (person[0] or person[1]) or is_total(person[1] or person[0]):
            continue
        else:
            who = matcher.find(*person)
        read.rows += 1
        if line is None:
            _set_aside(read, sheet, number, RowState.NOT_UNDERSTOOD, person, line)
        elif isinstance(who, RowState):
            _set_aside(read, sheet, number, who, person, line)
        elif not _takes(read.lines, who, line):
            _set_aside(read, sheet, number, RowState.TWICE, person, line)


def _takes(lines: dict[int, Line], who: int, line: Line) -> bool:
    """Add what a row says of somebody; False where another has said otherwise."""
    earlier = lines.setdefault(who, line)
    if earlier is line:
        return True
    figures, score, active = earlier
    if any(figures.get(id_, figure) != figure for id_, figure in line[0].items()):
        return False
    lines[who] = (
        figures | line[0],
        line[1] if score is None else score,
        max(filter(None, (active, line[2])), default=None),
    )
    return True


def _set_aside(
    read: File,
    sheet: str,
    number: int,
    state: RowState,
    person: tuple[str, ...],
    line: Line | None,
) -> None:
    """Note a row that is not taken over, and keep it where a person may settle it."""
    read.counts[state] += 1
    if state not in PASSED_OVER:
        read.problems.append((sheet, number, state))
    if state not in OPEN or line is None:
        return
    if state is RowState.UNKNOWN and read.counts[state] > OPEN_KEPT:
        return
    staff_no, name, school, phone = person
    said = plain(staff_no), plain(name), plain(school), tail_of(phone)
    figures, score, active = line
    by_item = {str(id_): figure for id_, figure in figures.items()}
    day = active and active.isoformat()
    read.open.append([sheet, number, state.value, *said, by_item, score, day])
