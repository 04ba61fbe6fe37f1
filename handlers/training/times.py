"""Days and hours of a timetable as people type them: 12月4日 14:00-17:00, 明天下午2点, Dec 4 2pm.

What ``storage.calendar.saying`` understands, with what it means for a meeting, a phase or a
task. What can be meant in two ways, or contradicts itself, is not guessed: the answer is None,
and somebody asks. All moments are aware, in the zone of the office.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, Said, Span, WrongWeekday
from storage.moments import local_day
from storage.training.structure import EndsFirst

LOOK_BACK = timedelta(days=60)  # a date without a year that is longer past is next year's
DAY = 24 * 60
_EDGES = " \t,，、;；:：|·-–—"


@dataclass(frozen=True)
class TypedMeeting:
    """A line of a timetable: when, what, and where; ``place`` is empty when none was said."""

    span: Span
    title: str
    place: str


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read one moment and nothing else: a day with an hour, or an hour of today."""
    said = _whole(text, now, zone)
    return None if said is None or said.minute is None else _single(said, said.minute, zone)


def due(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read by when something is due: a moment, or a day, which is due when it ends."""
    said = _whole(text, now, zone)
    if said is None:
        return None
    return _single(said, DAY if said.minute is None else said.minute, zone)


def span(text: str, now: datetime, zone: ZoneInfo) -> Span | None:
    """Read from when until when within a day, and nothing else."""
    said = _whole(text, now, zone)
    return None if said is None else _hours(said, zone)


def days(text: str, now: datetime, zone: ZoneInfo) -> Span | None:
    """Read a day, or from which to which day; the span ends when the last day does.

    Raises EndsFirst where the last day lies before the first.
    """
    said = _whole(text, now, zone)
    if said is None or said.minute is not None or said.last_minute is not None:
        return None
    last = said.last_day or said.day
    if last < said.day:
        raise EndsFirst
    return Span(_on(said.day, 0, zone), _on(last, DAY, zone))


def meeting(line: str, now: datetime, zone: ZoneInfo) -> TypedMeeting | None:
    """Read a line such as "12月4日 14:00-17:00 开班仪式 @报告厅"; the place may be left out."""
    found = _begin(line, now, zone)
    if found is None:
        return None
    said, rest = found
    when = _hours(said, zone)
    title, _, place = rest.partition("@")
    title, place = title.strip(_EDGES), place.strip(_EDGES)
    return TypedMeeting(when, title, place) if when is not None and title else None


def _begin(text: str, now: datetime, zone: ZoneInfo) -> tuple[Said, str] | None:
    today = local_day(now, zone)
    try:
        said, rest = saying.begin(text, today, since=today - LOOK_BACK, hour_alone=True)
    except (NotUnderstood, WrongWeekday):
        return None
    is_over = said.minute is not None and _on(said.day, said.minute, zone) <= now
    if said.is_weekday and is_over:  # "周五 9:00" said on a Friday at ten is next week's
        said = replace(said, day=said.day + timedelta(days=7))
    return said, rest


def _whole(text: str, now: datetime, zone: ZoneInfo) -> Said | None:
    found = _begin(text, now, zone)
    return None if found is None or not saying.is_nothing(found[1]) else found[0]


def _single(said: Said, minute: int, zone: ZoneInfo) -> datetime | None:
    is_one = said.last_day is None and said.last_minute is None
    return _on(said.day, minute, zone) if is_one else None


def _hours(said: Said, zone: ZoneInfo) -> Span | None:
    if said.minute is None or said.last_minute is None or said.last_day is not None:
        return None
    if said.last_minute <= said.minute:
        return None
    return Span(_on(said.day, said.minute, zone), _on(said.day, said.last_minute, zone))


def _on(day: date, minute: int, zone: ZoneInfo) -> datetime:
    whole, rest = divmod(minute, DAY)
    return datetime.combine(day + timedelta(days=whole), time(rest // 60, rest % 60), zone)
