"""Reading a plan: from text to a checked form; whatever is wrong is named with its line."""

import hashlib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from storage.people import facts
from storage.plan.form import PlanPart, ProgrammePart, RunPart
from storage.plan.lines import Lines, NotYaml, Path
from storage.refusals import Refusal

STARTS = time(8, 30)  # local; what a mere date means for something that starts
ENDS = time(17, 0)  # and for something that ends or closes
MOST_SHOWN = 10


class PlanError(Refusal):
    """The plan cannot be loaded, and nothing of it was; ``line`` counts from 1."""

    def __init__(self, name: str, problems: list[tuple[int, str, str]]) -> None:
        self.name = name
        self.problems = tuple(sorted(problems, key=lambda problem: problem[0]))
        self.line, self.place, self.problem = self.problems[0]
        super().__init__(str(self))

    def __str__(self) -> str:
        told = [
            f"{self.name}, line {line}: {place}: {problem}"
            if place
            else f"{self.name}, line {line}: {problem}"
            for line, place, problem in self.problems[:MOST_SHOWN]
        ]
        more = len(self.problems) - len(told)
        return "\n".join([*told, *([f"and {more} more"] if more else [])])


@dataclass(frozen=True)
class Plan:
    """A plan whose form is right; whether what it names exists shows when it is loaded."""

    name: str
    sha256: str
    form: PlanPart
    lines: Lines = field(repr=False)

    def wrong(self, path: Path, problem: str, *, of_key: bool = False) -> PlanError:
        """Return the error for one place of the file, to be raised."""
        line = self.lines.line(path, of_key=of_key)
        return PlanError(self.name, [(line, _place(path), problem)])


def read_plan(text: str, name: str) -> Plan:
    """Read a plan from YAML text; ``name`` is what errors call the file.

    Raises PlanError with every place that is wrong.
    """
    try:
        lines = Lines(text)
        content = lines.content()
    except NotYaml as error:
        raise PlanError(name, [(error.line, "", error.problem)]) from None
    if not isinstance(content, dict):
        raise PlanError(name, [(1, "", "empty, or not a mapping (key: value)")])
    try:
        form = PlanPart.model_validate(content)
    except ValidationError as error:
        raise PlanError(name, _problems(error, lines)) from None
    problems = [
        (lines.line(path, of_key=of_key), _place(path), problem)
        for path, problem, of_key in _contradictions(form)
    ]
    if problems:
        raise PlanError(name, problems)
    return Plan(name, digest(text), form, lines)


def digest(text: str) -> str:
    """Return the fingerprint by which a file is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def starts(when: date | datetime, zone: ZoneInfo) -> datetime:
    """Return the moment meant by a start: 08:30 local when no hour is given."""
    return _moment(when, STARTS, zone)


def ends(when: date | datetime, zone: ZoneInfo) -> datetime:
    """Return the moment meant by an end or a deadline: 17:00 local when no hour is given."""
    return _moment(when, ENDS, zone)


def _moment(when: date | datetime, hour: time, zone: ZoneInfo) -> datetime:
    if not isinstance(when, datetime):
        when = datetime.combine(when, hour)
    return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ", did you mean …?" when something known is close to the word."""
    return "".join(f", did you mean {each}?" for each in _close(word, known))


def _close(word: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(word, list(known), n=1, cutoff=0.6)


def _place(path: Path) -> str:
    place = ""
    for step in path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
    return place


# -- what the form itself refuses --------------------------------------------------------

_SAID = {
    "missing": "missing",
    "list_type": "not a list",
    "dict_type": "not a mapping (key: value)",
    "model_type": "not a mapping (key: value)",
    "model_attributes_type": "not a mapping (key: value)",
    "string_type": "not a text",
    "string_too_short": "empty",
    "too_short": "empty",
    "int_parsing": "not a whole number",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "float_parsing": "not a number",
    "float_type": "not a number",
    "decimal_parsing": "not a number",
    "decimal_type": "not a number",
    "decimal_max_places": "finer than a tenth of an hour",
    "bool_parsing": "neither true nor false",
    "bool_type": "neither true nor false",
}
_WITH_INPUT = ("int_parsing", "float_parsing", "decimal_parsing", "bool_parsing")


def _problems(error: ValidationError, lines: Lines) -> list[tuple[int, str, str]]:
    errors = error.errors()
    # A key that is misspelt is not missing as well.
    misspelt = {
        (*path, meant)
        for each in errors
        if each["type"] == "extra_forbidden"
        for *path, key in [each["loc"]]
        for meant in _close(str(key), _keys_at(tuple(path)))
    }
    return [
        _problem(each, lines)
        for each in errors
        if each["type"] != "missing" or each["loc"] not in misspelt
    ]


def _problem(error: Any, lines: Lines) -> tuple[int, str, str]:
    kind, given = error["type"], error["input"]
    # A form that may be one of two adds its own name to the path, which the file has not.
    path: Path = tuple(
        step for step in error["loc"] if isinstance(step, int) or not step.startswith("literal[")
    )
    if kind == "extra_forbidden":
        known = _keys_at(path[:-1])
        said = f"unknown key{suggestion(str(path[-1]), known)}"
        return lines.line(path, of_key=True), _place(path), said
    if kind == "value_error":
        said = str(error["ctx"]["error"])
    elif kind in ("enum", "literal_error"):
        expected = str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        said = f"{given} is not one of {expected}"
        said += suggestion(str(given), expected.split(", "))
    elif kind in _WITH_INPUT:
        said = f"{_SAID[kind]}: {given}"
    else:
        said = _SAID.get(kind) or f"{error['msg'][0].lower()}{error['msg'][1:]}: {given}"
    return lines.line(path), _place(path), said


def _keys_at(path: Path) -> list[str]:
    """Return the keys that the form knows at this path."""
    part: Any = PlanPart
    for step in path:
        if isinstance(step, str) and step in getattr(part, "model_fields", {}):
            part = _model_in(part.model_fields[step].annotation)
    return list(getattr(part, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


# -- what contradicts itself -------------------------------------------------------------

Contradiction = tuple[Path, str, bool]


def _contradictions(form: PlanPart) -> Iterator[Contradiction]:
    units = form.units
    codes: list[tuple[Path, Hashable]] = [
        (("units", level, "code"), unit.code)
        for level in ("province", "city", "county")
        if (unit := getattr(units, level)) is not None
    ]
    for kind in ("bodies", "schools", "groups", "areas"):
        codes += [
            (("units", kind, n, "code"), unit.code) for n, unit in enumerate(getattr(units, kind))
        ]
    yield from _twice(codes)
    yield from _twice(
        (("units", "pairings", n), (pair.supporter, pair.supported))
        for n, pair in enumerate(units.pairings)
    )
    yield from _twice((("teachers", n, "no"), each.no) for n, each in enumerate(form.teachers))
    for t, teacher in enumerate(form.teachers):
        yield from _twice(
            (("teachers", t, "also", n, "unit"), each.unit) for n, each in enumerate(teacher.also)
        )
    yield from _twice(
        (("programmes", n, "code"), each.code) for n, each in enumerate(form.programmes)
    )
    yield from _twice((("chats", n, "id"), each.id) for n, each in enumerate(form.chats))
    yield from _twice((("ledger", n, "no"), each.no) for n, each in enumerate(form.ledger))
    for n, line in enumerate(form.ledger):
        yield from _twice((("ledger", n, "teachers"), no) for no in line.teachers)
    yield from _in_calendar(form)
    for n, programme in enumerate(form.programmes):
        yield from _in_programme(("programmes", n), programme)


def _in_calendar(form: PlanPart) -> Iterator[Contradiction]:
    calendar = form.calendar
    spans: list[tuple[Path, Any]] = [
        (("calendar", "terms", n), term) for n, term in enumerate(calendar.terms)
    ]
    spans += [
        (("calendar", each), getattr(calendar, each))
        for each in ("school_year", "cycle")
        if getattr(calendar, each) is not None
    ]
    for path, span in spans:
        if span.end < span.start:
            yield (*path, "end"), f"before the start ({span.start})", False
    if calendar.terms and calendar.school_year is None:
        yield ("calendar", "terms"), "terms need a school_year", True
    yield from _twice(
        (("calendar", "terms", n, "kind"), term.kind) for n, term in enumerate(calendar.terms)
    )
    for n, day in enumerate(calendar.days):
        if day.to is not None and day.to < day.date:
            yield ("calendar", "days", n, "to"), f"before the first day ({day.date})", False
    yield from _twice(
        (("calendar", "days", n), date.fromordinal(ordinal))
        for n, day in enumerate(calendar.days)
        for ordinal in range(day.date.toordinal(), (day.to or day.date).toordinal() + 1)
    )


def _in_programme(path: Path, programme: ProgrammePart) -> Iterator[Contradiction]:
    own = set(RunPart.model_fields) & programme.model_fields_set
    for key in sorted(own):
        if programme.batches:
            yield (*path, key), "belongs to a batch, since the programme lists batches", True
        elif programme.start is None:
            yield (*path, key), "needs a start and an end", True
    for key in programme.audience:
        if key not in facts.KEYS:
            said = f"nothing is known by this name{suggestion(key, facts.KEYS)}"
            yield (*path, "audience", key), said, True
    yield from _twice(
        ((*path, "batches", n, "no"), each.no) for n, each in enumerate(programme.batches)
    )
    for n, batch in enumerate(programme.batches):
        if batch.start is None:
            yield (*path, "batches", n), "start: missing", False
    for below, _no, _title, run in programme.runs():
        yield from _in_run((*path, *below), run)


def _in_run(path: Path, run: RunPart) -> Iterator[Contradiction]:
    zone = ZoneInfo("UTC")  # only compared with one another

    def order(first: str, then: str) -> Iterator[Contradiction]:
        earlier, later = getattr(run, first), getattr(run, then)
        if earlier is not None and later is not None and ends(later, zone) < starts(earlier, zone):
            yield (*path, then), f"before {first} ({earlier})", False

    if run.start is not None and run.end is None:
        yield path, "end: missing", False
    yield from order("start", "end")
    yield from order("reg_open", "reg_close")
    if run.quotas:
        if run.seats is None:
            yield (*path, "quotas"), "quotas need seats", True
        elif (total := sum(run.quotas.values())) > run.seats:
            said = f"{total} seats are given to schools, but there are only {run.seats}"
            yield (*path, "quotas"), said, True
    elif run.release is not None:
        yield (*path, "release"), "nothing to release without quotas", True
    for n, session in enumerate(run.sessions):
        if ends(session.end, zone) <= starts(session.start, zone):
            yield (*path, "sessions", n, "end"), f"not after the start ({session.start})", False
    yield from _twice(
        ((*path, "sessions", n, "start"), starts(each.start, zone))
        for n, each in enumerate(run.sessions)
    )
    yield from _twice(
        ((*path, "registrations", n, "teachers"), no)
        for n, each in enumerate(run.registrations)
        for no in each.teachers
    )


def _twice(found: Iterable[tuple[Path, Hashable]]) -> Iterator[Contradiction]:
    seen: set[Hashable] = set()
    for path, value in found:
        if value in seen:
            yield path, f"{value} stands here for the second time", False
        seen.add(value)
