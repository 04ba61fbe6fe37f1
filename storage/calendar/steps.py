"""The steps of a deadline: from offsets such as ``T-7`` and ``T-3h`` to moments.

An offset counts from the deadline T, in working days unless it ends in ``h`` (hours) or ``d``
(calendar days). ``T-0`` is the deadline's own day and still before it; ``T+0`` and later ones
follow it. ``weekly`` is every Monday at 10:00 until the deadline (domain/5-reminders.md §5.1),
``weekly_after`` every Monday from the second week after it on, for a school term at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from zoneinfo import ZoneInfo

from storage.calendar import quiet
from storage.calendar.workdays import WorkCalendar
from storage.moments import at, local_day, minute_of_day

WEEKLY = "weekly"
WEEKLY_AFTER = "weekly_after"
PRESETS: Mapping[str, tuple[str, ...]] = {
    "gentle": ("T-5", "T-1"),
    "standard": ("T-7", "T-3", "T-1", "T-3h"),
    "early_and_often": ("T-10", "T-5", "T-3", "T-1", "T-3h"),
    "long": ("T-60", "T-30", "T-14", "T-7", "T-1"),
    "weekly": (WEEKLY,),
    "exam": ("T-3", "T-1", "T-2h"),
}

DAY_STARTS = 8 * 60
WEEK_STARTS = 10 * 60
BRIEF_MINUTE = 16 * 60 + 40
USEFUL_AFTERWARDS = 3  # working days
WEEKS_AFTERWARDS = range(2, 14)
# What is moved to the end of a day leaves the sender this many minutes before it is quiet.
TIME_TO_SEND = 30

_OFFSET = re.compile(r"T([+-])(\d{1,3})([hd]?)")
_MICROSECOND = timedelta(microseconds=1)


class Count(StrEnum):
    """What an offset counts in."""

    WORKDAYS = ""
    DAYS = "d"
    HOURS = "h"


@dataclass(frozen=True)
class Offset:
    """A distance from the deadline; ``after`` tells T+0 from T-0."""

    name: str
    number: int
    count: Count
    after: bool


@dataclass(frozen=True)
class PlannedStep:
    """A step of a deadline: due from one moment, of use until before another.

    One that breaks out rings by itself; the others ride in the person's brief of that day.
    """

    name: str
    due_at: datetime
    useful_until: datetime
    breaks_out: bool


@dataclass(frozen=True)
class _Step:
    """A step without its neighbours; ``meant`` is when it would be if nothing moved it."""

    name: str
    meant: datetime
    due_at: datetime
    by_hours: bool = False
    after: bool = False


def offsets_of(preset: str) -> tuple[str, ...]:
    """Return the offsets of a preset by its name, or those written out: ``"T-7 T-3h"``.

    Raises ``ValueError`` for what is neither.
    """
    if preset in PRESETS:
        return PRESETS[preset]
    offsets = tuple(preset.replace(",", " ").split())
    if not offsets:
        raise ValueError("a preset is empty")
    for offset in offsets:
        if offset not in (WEEKLY, WEEKLY_AFTER):
            parse_offset(offset)
    return offsets


def parse_offset(text: str) -> Offset:
    """Read ``T-7``, ``T-14d``, ``T-3h``, ``T+0``; raises ``ValueError`` for anything else."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(f"not an offset from a deadline: {text!r}")
    sign, number, count = match.groups()
    return Offset(text, int(number), Count(count), after=sign == "+")


def plan_steps(
    deadline: datetime,
    offsets: Iterable[str],
    calendar: WorkCalendar,
    *,
    now: datetime,
    brief_default_minute: int = BRIEF_MINUTE,
    event_day: date | None = None,
) -> list[PlannedStep]:
    """Lay the steps of a deadline out in time, soonest first.

    A day's step is due at 8:00 of its working day and of use until the next step or the
    deadline. An hour's step rings by itself and is moved earlier out of quiet time. Steps that
    follow the deadline are of use for three working days. Of two steps that fall together the
    one that was meant first stays; what is of no use any more at ``now`` is not planned. On
    ``event_day`` pushes run even if it is a day off.

    Raises ``ValueError`` for an offset that cannot be read.
    """
    # In UTC three hours are three hours, also in the night of a clock change.
    deadline = deadline.astimezone(UTC)
    offsets = tuple(offsets)
    parsed = [parse_offset(offset) for offset in offsets if offset not in (WEEKLY, WEEKLY_AFTER)]
    earlier = [offset for offset in parsed if not offset.after]
    steps = [
        _day_step(offset, deadline, calendar)
        for offset in earlier
        if offset.count is not Count.HOURS
    ]
    if WEEKLY in offsets:
        steps += _weekly_steps(deadline, calendar, now)
    if WEEKLY_AFTER in offsets:
        steps += _weeks_afterwards(deadline, calendar)
    by_hours = [
        _hour_step(offset, steps, deadline, calendar, event_day)
        for offset in earlier
        if offset.count is Count.HOURS
    ]
    steps += [step for step in by_hours if step is not None]
    steps += [
        _later_step(offset, deadline, calendar, event_day) for offset in parsed if offset.after
    ]
    kept = _kept(steps)
    planned = [
        PlannedStep(
            step.name,
            step.due_at,
            _useful_until(step, following, deadline, calendar),
            _breaks_out(step, kept, deadline, calendar.zone, brief_default_minute),
        )
        for step, following in zip_longest(kept, kept[1:])
        if step is not None
    ]
    return [step for step in planned if step.useful_until > now]


def _day_step(offset: Offset, deadline: datetime, calendar: WorkCalendar) -> _Step:
    # A deadline at midnight belongs to the day that ends with it.
    last_day = local_day(deadline - _MICROSECOND, calendar.zone)
    if offset.count is Count.DAYS:
        day = calendar.shift(last_day - timedelta(days=offset.number), 0)
    else:
        day = calendar.shift(last_day, -offset.number)
    if at(day, DAY_STARTS, calendar.zone) >= deadline:
        day = calendar.shift(day, -1)
    meant = deadline - timedelta(days=offset.number)
    return _Step(offset.name, meant, at(day, DAY_STARTS, calendar.zone))


def _weekly_steps(deadline: datetime, calendar: WorkCalendar, now: datetime) -> Iterator[_Step]:
    """One step a week, on Monday or the week's first working day; ``W-0`` is the last week's."""
    last_day = local_day(deadline - _MICROSECOND, calendar.zone)
    monday = last_day - timedelta(days=last_day.weekday())
    number = 0
    while monday + timedelta(days=7) > local_day(now, calendar.zone):
        day = calendar.workday_from(monday)
        due_at = at(day, WEEK_STARTS, calendar.zone)
        # A week that is all holiday has none. One that has begun does not catch up on its own:
        # what opens on a Wednesday is not late.
        if day < monday + timedelta(days=7) and now <= due_at < deadline:
            yield _Step(f"W-{number}", due_at, due_at)
        monday -= timedelta(days=7)
        number += 1


def _weeks_afterwards(deadline: datetime, calendar: WorkCalendar) -> Iterator[_Step]:
    """One step a week, ``W+2`` and so on, on Monday or the week's first working day."""
    last_day = local_day(deadline - _MICROSECOND, calendar.zone)
    monday = last_day - timedelta(days=last_day.weekday())
    for number in WEEKS_AFTERWARDS:
        first = monday + timedelta(days=7 * number)
        day = calendar.workday_from(first)
        if day < first + timedelta(days=7):
            due_at = at(day, WEEK_STARTS, calendar.zone)
            yield _Step(f"W+{number}", due_at, due_at, after=True)


def _hour_step(
    offset: Offset,
    day_steps: Iterable[_Step],
    deadline: datetime,
    calendar: WorkCalendar,
    event_day: date | None,
) -> _Step | None:
    meant = deadline - timedelta(hours=offset.number)
    if quiet.may_push(calendar, meant, event_day=event_day):
        return _Step(offset.name, meant, meant, by_hours=True)
    day = local_day(quiet.last_push(calendar, meant, event_day=event_day), calendar.zone)
    # Moved into an earlier day it would say on that day what a day's step says there already.
    if day < local_day(meant, calendar.zone) and any(
        local_day(step.due_at, calendar.zone) >= day for step in day_steps
    ):
        return None
    due_at = at(day, quiet.UNTIL_MINUTE - TIME_TO_SEND, calendar.zone)
    return _Step(offset.name, meant, due_at, by_hours=True)


def _later_step(
    offset: Offset, deadline: datetime, calendar: WorkCalendar, event_day: date | None
) -> _Step:
    if offset.count is Count.HOURS:
        meant = deadline + timedelta(hours=offset.number)
        due_at = quiet.next_push(calendar, meant, event_day=event_day)
        return _Step(offset.name, meant, due_at, by_hours=True, after=True)
    day = local_day(deadline, calendar.zone)
    if offset.count is Count.DAYS:
        day = calendar.workday_from(day + timedelta(days=offset.number))
    elif offset.number or (day != event_day and not calendar.is_workday(day)):
        day = calendar.shift(day, max(offset.number, 1))
    due_at = max(at(day, DAY_STARTS, calendar.zone), deadline)
    return _Step(offset.name, deadline + timedelta(days=offset.number), due_at, after=True)


def _kept(steps: Iterable[_Step]) -> list[_Step]:
    """Put the steps in order; where several fall together one stays, a day's before an hour's."""
    kept: list[_Step] = []
    for step in sorted(steps, key=lambda step: (step.due_at, step.by_hours, step.meant)):
        if not kept or kept[-1].due_at < step.due_at:
            kept.append(step)
    return kept


def _useful_until(
    step: _Step, following: _Step | None, deadline: datetime, calendar: WorkCalendar
) -> datetime:
    end = deadline
    if step.after:
        due_day = local_day(step.due_at, calendar.zone)
        end = at(
            calendar.shift(due_day, USEFUL_AFTERWARDS),
            minute_of_day(step.due_at, calendar.zone),
            calendar.zone,
        )
    return end if following is None else min(following.due_at, end)


def _breaks_out(
    step: _Step, steps: Iterable[_Step], deadline: datetime, zone: ZoneInfo, brief_minute: int
) -> bool:
    """Whether a step rings by itself: by hours, or when that day's brief would be too late.

    Not where a step by hours follows on the same day and rings anyway.
    """
    if step.by_hours or step.after:
        return step.by_hours
    day = local_day(step.due_at, zone)
    return at(day, brief_minute, zone) >= deadline and not any(
        other.by_hours and local_day(other.due_at, zone) == day for other in steps
    )
