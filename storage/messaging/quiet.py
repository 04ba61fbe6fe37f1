"""When a person's phone may ring: pure arithmetic on their hours and the working calendar.

The limits are those of the field (domain, reminders 5.2): working days, inside the hours that
the person has set, never at night whatever they set. On a day off the phone rings only for
what would be over before the next working day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from storage import moments

EARLIEST, LATEST = 7 * 60 + 30, 21 * 60  # minutes of the local day
LONGEST_BREAK = 90  # days; a calendar without working days must not hang us


class Calendar(Protocol):
    """What this module needs to know of the office's days."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days these are."""

    def is_workday(self, day: date) -> bool:
        """Whether people work on this day."""


@dataclass(frozen=True)
class Hours:
    """A person's own hours, in minutes of the local day."""

    brief: int
    quiet_from: int
    quiet_until: int

    @property
    def opens(self) -> int:
        """The first minute at which the phone may ring."""
        return max(self.quiet_until, EARLIEST)

    @property
    def closes(self) -> int:
        """The first minute after it at which it may not."""
        return max(min(self.quiet_from, LATEST), self.opens + 1)

    @property
    def brief_minute(self) -> int:
        """The minute of the daily brief, inside the open hours."""
        return min(max(self.brief, self.opens), self.closes - 1)


def in_hours(moment: datetime, hours: Hours, zone: ZoneInfo) -> bool:
    """Whether the clock, on whatever day, stands inside the person's hours."""
    return hours.opens <= moments.minute_of_day(moment, zone) < hours.closes


def may_ring(moment: datetime, hours: Hours, calendar: Calendar) -> bool:
    """Whether an ordinary message may ring now."""
    day = moments.local_day(moment, calendar.zone)
    return in_hours(moment, hours, calendar.zone) and calendar.is_workday(day)


def opening(moment: datetime, hours: Hours, calendar: Calendar) -> datetime:
    """Return the soonest moment, this one included, inside the hours of a working day."""
    if may_ring(moment, hours, calendar):
        return moment
    day = moments.local_day(moment, calendar.zone)
    if moments.minute_of_day(moment, calendar.zone) >= hours.opens:
        day += timedelta(days=1)
    return moments.at(_workday(day, calendar), hours.opens, calendar.zone)


def opening_any_day(moment: datetime, hours: Hours, zone: ZoneInfo) -> datetime:
    """Return the soonest moment, this one included, inside the hours of any day."""
    if in_hours(moment, hours, zone):
        return moment
    day = moments.local_day(moment, zone)
    if moments.minute_of_day(moment, zone) >= hours.opens:
        day += timedelta(days=1)
    return moments.at(day, hours.opens, zone)


def ring_at(
    moment: datetime, hours: Hours, calendar: Calendar, *, lapses: datetime | None
) -> datetime:
    """Return when something may ring that is no use once it ``lapses``.

    On a day off only if it would lapse before the next working day opens. The answer can lie
    at or after ``lapses``: then no allowed moment is left.
    """
    soonest = opening(moment, hours, calendar)
    if lapses is None or soonest < lapses:
        return soonest
    return opening_any_day(moment, hours, calendar.zone)


def brief_at(moment: datetime, hours: Hours, calendar: Calendar) -> datetime:
    """Return when the next daily brief goes out: today's if it can still be, else the next.

    Once today's minute has passed, a brief still goes out inside today's hours: at once.
    """
    day = moments.local_day(moment, calendar.zone)
    if calendar.is_workday(day):
        todays = moments.at(day, hours.brief_minute, calendar.zone)
        if moment <= todays:
            return todays
        if in_hours(moment, hours, calendar.zone):
            return moment
    return brief_after(day, hours, calendar)


def brief_after(day: date, hours: Hours, calendar: Calendar) -> datetime:
    """Return the moment of the first daily brief on a later day than this."""
    following = _workday(day + timedelta(days=1), calendar)
    return moments.at(following, hours.brief_minute, calendar.zone)


def _workday(day: date, calendar: Calendar) -> date:
    for ahead in range(LONGEST_BREAK):
        if calendar.is_workday(day + timedelta(days=ahead)):
            return day + timedelta(days=ahead)
    return day
