"""The calendar from a file: holidays, make-up workdays and school breaks of a year.

The file says all of the days that it spans, from its first to its last: a day in between that
it does not name follows its weekday. It is looked at first, then applied, and can be undone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds, sheets
from storage.calendar import workdays
from storage.calendar.tables import CalendarDay, DayKind
from storage.calendar.workdays import WorkCalendar
from storage.deeds import ChangedSince, Deed
from storage.messaging import replanning
from storage.moments import local_day
from storage.people import authority, imports
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.people.tables import ImportState
from storage.refusals import NotAllowed, Refusal
from storage.sheets import Book

KIND = "calendar"
LONGEST = 60  # characters of a label
MOST_DAYS = 800  # that a file may name: two years of breaks and more
LONGEST_EVENT = timedelta(days=120)
FAR = timedelta(days=150)
"""Longer than a year goes without a day off: what lies further from all others is a stray."""

FIELDS = {
    "day": ("日期", "日", "day", "date", "开始日期", "開始日期", "start", "start date"),
    "until": ("结束日期", "結束日期", "止", "至", "end", "end date", "until"),
    "kind": ("类型", "類型", "类别", "類別", "type", "kind"),
    "label": ("名称", "名稱", "说明", "說明", "备注", "備註", "name", "label", "holiday", "节日"),
}
_MAKEUP = ("调休上班", "補班", "补班", "调休", "調休", "上班", "makeup", "make-up", "workday")
_BREAK = ("寒假", "暑假", "假期", "学校放假", "學校放假", "break", "vacation")
_HOLIDAY = ("休", "放假", "节", "節", "holiday", "元旦", "除夕", "春节", "day off")


class NotACalendar(Refusal):
    """The file names no day that is understood, or says in ``rows`` what is not.

    Each is the row's number as the person sees it, 0 outside of a table, and what it says.
    """

    def __init__(self, *rows: tuple[int, str]) -> None:
        super().__init__(f"no calendar: {rows!r}")
        self.rows = rows


@dataclass(frozen=True)
class Day:
    """A day that differs from what its weekday says."""

    day: date
    kind: DayKind
    label: str = ""
    also: DayKind | None = field(default=None, compare=False)
    """What another row of the file makes of it, where both cannot be meant."""


@dataclass(frozen=True)
class Preview:
    """What a file would do: days new, changed and removed, and the steps that would move."""

    job_id: int
    first: date
    last: date
    new: tuple[Day, ...]
    changed: tuple[Day, ...]
    was: tuple[Day, ...]
    """What the changed days are until then."""
    removed: tuple[Day, ...]
    steps: int
    doubtful: tuple[Day, ...] = ()
    """Days of which the file says two things."""
    strays: tuple[Day, ...] = ()
    """Days so far from the others that they may be a slip."""

    @property
    def total(self) -> int:
        return len(self.new) + len(self.changed) + len(self.removed)


@dataclass(frozen=True)
class Applied:
    """What applying a file came to."""

    days: int
    steps: int
    deed_id: int | None


@dataclass(frozen=True)
class Month:
    """A month of the calendar with its special days."""

    year: int
    month: int
    days: tuple[Day, ...]
    workdays: int
    may_load: bool


# --- reading files -----------------------------------------------------------------------------


def is_calendar(book: Book) -> bool:
    """Whether a table lists days with what kind they are, and nothing about people."""
    table = sheets.find_table(book, FIELDS, ("day", "kind"))
    return table is not None and any(sheets.as_day(line.values["day"]) for line in table.lines[:5])


def of_table(book: Book) -> tuple[Day, ...]:
    """Read a table of days. Raises NotACalendar."""
    table = sheets.find_table(book, FIELDS, ("day", "kind"))
    if table is None:
        raise NotACalendar
    found: list[Day] = []
    wrong: list[tuple[int, str]] = []
    for line in table.lines:
        said = line.values["day"]
        first = sheets.as_day(said)
        until = line.values.get("until", "")
        last = sheets.as_day(until) if until else first
        label = line.values.get("label", "")
        kind = kind_of(line.values["kind"]) or kind_of(label)
        if first is None or last is None or kind is None:
            said = said if first is None else until if last is None else line.values["kind"]
            wrong.append((line.number, said))
        elif not _is_stretch(first, last):
            wrong.append((line.number, f"{said}-{until}"))
        else:
            found += _days(first, last, kind, label)
    if wrong:
        raise NotACalendar(*wrong)
    return _whole(found)


def of_ics(content: bytes) -> tuple[Day, ...]:
    """Read the whole-day events of an iCalendar file. Raises NotACalendar."""
    from icalendar import Calendar  # takes long to load, and few need it

    try:
        calendar = Calendar.from_ical(content)
    except (ValueError, IndexError, KeyError) as error:
        raise NotACalendar from error
    found: list[Day] = []
    for event in calendar.walk("VEVENT"):
        start, end = _decoded(event, "DTSTART"), _decoded(event, "DTEND")
        label = str(event.get("SUMMARY", ""))
        if start is None:
            raise NotACalendar((0, label or "VEVENT"))
        last = max(start, (end or start + timedelta(days=1)) - timedelta(days=1))
        said = f"{event.get('CATEGORIES').to_ical().decode() if event.get('CATEGORIES') else ''}"
        kind = kind_of(said) or kind_of(label) or DayKind.HOLIDAY
        if not _is_stretch(start, last):
            raise NotACalendar((0, f"{start}-{last}"))
        found += _days(start, last, kind, label)
    return _whole(found)


def _decoded(event: Any, name: str) -> date | None:
    if event.get(name) is None:
        return None
    value = event.decoded(name)
    return value.date() if isinstance(value, datetime) else value


def kind_of(text: str) -> DayKind | None:
    """Understand what kind of day a word says; None for what says nothing known."""
    said = unicodedata.normalize("NFKC", text).strip().lower()
    if not said:
        return None
    if said in {kind.value for kind in DayKind}:
        return DayKind(said)
    # A label such as 国庆节调休上班 names the feast, too: the day is what people do on it.
    for words, kind in (
        (_MAKEUP, DayKind.MAKEUP_WORKDAY),
        (_BREAK, DayKind.SCHOOL_BREAK),
        (_HOLIDAY, DayKind.HOLIDAY),
    ):
        if any(word in said for word in words):
            return kind
    return None


def _is_stretch(first: date, last: date) -> bool:
    return first <= last <= first + LONGEST_EVENT


def _days(first: date, last: date, kind: DayKind, label: str) -> list[Day]:
    label = " ".join(label.split())[:LONGEST]
    return [Day(first + timedelta(days=n), kind, label) for n in range((last - first).days + 1)]


def _whole(found: Iterable[Day]) -> tuple[Day, ...]:
    """Each day once: a make-up workday stands above a holiday, and that above a break."""
    order = (DayKind.SCHOOL_BREAK, DayKind.HOLIDAY, DayKind.MAKEUP_WORKDAY)
    by_day: dict[date, Day] = {}
    for one in sorted(found, key=lambda each: order.index(each.kind)):
        below = by_day.get(one.day)
        # A feast or a make-up workday within a break is usual; off and at work is a slip.
        both = one.kind is DayKind.MAKEUP_WORKDAY and below is not None
        off = below.kind if below is not None and below.kind is DayKind.HOLIDAY else None
        by_day[one.day] = replace(one, also=off or (below.also if below else None)) if both else one
    if not by_day or len(by_day) > MOST_DAYS:
        raise NotACalendar
    return tuple(by_day[day] for day in sorted(by_day))


def strays(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """Return the days that lie far from the others: all but the largest of the groups."""
    groups: list[list[Day]] = []
    for one in days:
        if groups and one.day - groups[-1][-1].day <= FAR:
            groups[-1].append(one)
        else:
            groups.append([one])
    most = max(groups, key=lambda group: (len(group), group[0].day), default=[])
    return tuple(one for group in groups if group is not most for one in group)


def without_strays(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """Return the days without those that lie far from the others."""
    far = {one.day for one in strays(days)}
    return tuple(one for one in days if one.day not in far)


# --- looking, applying, undoing ----------------------------------------------------------------


def check(session: Session, actor_id: int, *, now: datetime) -> None:
    """Raise NotAllowed unless the actor sets the calendar of the office."""
    today = local_day(now, workdays.load(session).zone)
    if Act.SET_CALENDAR not in authority.acts(session, actor_id, today=today):
        raise NotAllowed


def preview(
    session: Session,
    actor_id: int,
    days: tuple[Day, ...],
    *,
    name: str,
    content: bytes,
    now: datetime,
) -> Preview:
    """Say what these days would change, and keep the file for that. Raises NotAllowed."""
    check(session, actor_id, now=now)
    known = _known(session, days)
    wanted = {one.day: one for one in days}
    found = {"days": len(days), "first": days[0].day.isoformat(), "last": days[-1].day.isoformat()}
    job_id = imports.keep_preview(session, actor_id, KIND, name, content, found, now=now)
    changed = tuple(one for one in days if one.day in known and known[one.day] != one)
    return Preview(
        job_id=job_id,
        first=days[0].day,
        last=days[-1].day,
        new=tuple(one for one in days if one.day not in known),
        changed=changed,
        was=tuple(known[one.day] for one in changed),
        removed=tuple(one for day, one in known.items() if day not in wanted),
        steps=replanning.moved(session, _with(session, known, wanted), now=now),
        doubtful=tuple(one for one in days if one.also is not None),
        strays=strays(days),
    )


def apply(
    session: Session, actor_id: int, job_id: int, days: tuple[Day, ...], *, now: datetime
) -> Applied:
    """Take the file over and move every step that is still to come; twice returns the first.

    Raises NotAllowed, NotFound, or NoLongerWaiting for one that was cancelled or undone.
    """
    check(session, actor_id, now=now)
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED:
        return Applied(job.found["changed"], job.found["steps"], job.deed_id)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    known = _known(session, days)
    wanted = {one.day: one for one in days}
    touched = {day for day in known.keys() | wanted.keys() if known.get(day) != wanted.get(day)}
    _put(session, touched, wanted)
    steps = replanning.replan(session, workdays.load(session), now=now)
    data = {
        "before": _plain(known[day] for day in sorted(touched & known.keys())),
        "after": _plain(wanted[day] for day in sorted(touched & wanted.keys())),
        "days": [day.isoformat() for day in sorted(touched)],
    }
    deed_id = deeds.done(session, KIND, actor_id, data, now=now, undo_for=deeds.DAY)
    found = job.found | {"changed": len(touched), "steps": steps}
    imports.settle(session, job, ImportState.APPLIED, now=now, found=found, deed_id=deed_id)
    audit.record(
        session,
        actor_id,
        "set_calendar",
        "office",
        now=now,
        after={"days": len(touched), "steps": steps},
    )
    return Applied(len(touched), steps, deed_id)


def cancel(session: Session, actor_id: int, job_id: int, *, now: datetime) -> None:
    """Forget a file that was only looked at. Raises NotAllowed or NotFound."""
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.PREVIEWED:
        imports.settle(session, job, ImportState.CANCELLED, now=now)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the days back as they were, and the steps with them. Raises ChangedSince."""
    check(session, deed.actor_id, now=now)
    days = [date.fromisoformat(day) for day in deed.data["days"]]
    now_there = {
        one.day: Day(one.day, one.kind, one.label)
        for one in session.exec(select(CalendarDay).where(col(CalendarDay.day).in_(days)))
    }
    after = {one.day: one for one in _read(deed.data["after"])}
    if now_there != after:
        raise ChangedSince("calendar")
    _put(session, set(days), {one.day: one for one in _read(deed.data["before"])})
    replanning.replan(session, workdays.load(session), now=now)


def month(session: Session, actor_id: int, year: int, number: int, *, now: datetime) -> Month:
    """Return a month of the calendar, for anybody who looks after something."""
    calendar = workdays.load(session)
    today = local_day(now, calendar.zone)
    acts = authority.acts(session, actor_id, today=today)
    if not acts:
        raise NotAllowed
    first = date(year, number, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    rows = session.exec(
        select(CalendarDay)
        .where(CalendarDay.day >= first, CalendarDay.day <= last)
        .order_by(col(CalendarDay.day))
    ).all()
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Month(
        year,
        number,
        tuple(Day(row.day, row.kind, row.label) for row in rows),
        sum(calendar.is_workday(day) for day in every),
        Act.SET_CALENDAR in acts,
    )


def _known(session: Session, days: tuple[Day, ...]) -> dict[date, Day]:
    """What the calendar says now of the days that the file spans."""
    rows = session.exec(
        select(CalendarDay)
        .where(CalendarDay.day >= days[0].day, CalendarDay.day <= days[-1].day)
        .order_by(col(CalendarDay.day))
    ).all()
    return {row.day: Day(row.day, row.kind, row.label) for row in rows}


def _with(session: Session, known: Mapping[date, Day], wanted: Mapping[date, Day]) -> WorkCalendar:
    """The calendar as it would be."""
    calendar = workdays.load(session)
    special = {day: kind for day, kind in calendar.special.items() if day not in known}
    return WorkCalendar(calendar.zone, special | {day: one.kind for day, one in wanted.items()})


def _put(session: Session, days: set[date], wanted: Mapping[date, Day]) -> None:
    session.exec(sa.delete(CalendarDay).where(col(CalendarDay.day).in_(days)))
    session.add_all(
        CalendarDay(day=day, kind=wanted[day].kind, label=wanted[day].label)
        for day in sorted(days & wanted.keys())
    )
    session.flush()


def _plain(days: Iterable[Day]) -> list[list[str]]:
    return [[one.day.isoformat(), one.kind.value, one.label] for one in days]


def _read(rows: Iterable[list[str]]) -> list[Day]:
    return [Day(date.fromisoformat(day), DayKind(kind), label) for day, kind, label in rows]
