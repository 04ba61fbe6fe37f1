"""When one person's phone may ring: their own hours on the working calendar.

The limits themselves are ``storage.calendar.quiet``'s. On a day off the phone rings only for
what would be over before the next working day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage import moments
from storage.calendar.quiet import NIGHT_BEGINS, NIGHT_ENDS, may_push, next_push
from storage.calendar.workdays import WorkCalendar as Calendar

__all__ = ["Calendar", "Hours", "brief_after", "brief_at", "may_ring", "opening", "ring_at"]


@dataclass(frozen=True)
class Hours:
    """A person's own hours, in minutes of the local day."""

    brief: int
    quiet_from: int
    quiet_until: int

    @property
    def brief_minute(self) -> int:
        """The minute of the daily brief, inside the hours in which the phone may ring."""
        opens, closes = max(self.quiet_until, NIGHT_ENDS), min(self.quiet_from, NIGHT_BEGINS)
        return min(max(self.brief, opens), closes - 1)


def may_ring(moment: datetime, hours: Hours, calendar: Calendar) -> bool:
    """Whether an ordinary message may ring now."""
    return may_push(calendar, moment, hours.quiet_until, hours.quiet_from)


def opening(
    moment: datetime, hours: Hours, calendar: Calendar, *, any_day: bool = False
) -> datetime:
    """Return the soonest moment, this one included, in the person's hours.

    On a working day, unless any day will do.
    """
    soonest = next_push(calendar, moment, hours.quiet_until, hours.quiet_from)
    if not any_day or soonest == moment:
        return soonest
    today = moments.local_day(moment, calendar.zone)
    for day in (today, date.fromordinal(today.toordinal() + 1)):
        found = next_push(calendar, moment, hours.quiet_until, hours.quiet_from, event_day=day)
        soonest = min(soonest, found)
    return soonest


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
    return opening(moment, hours, calendar, any_day=True)


def brief_at(moment: datetime, hours: Hours, calendar: Calendar) -> datetime:
    """Return when the next daily brief goes out: today's if it can still be, else the next.

    Once today's minute has passed, a brief still goes out inside today's hours: at once.
    """
    day = moments.local_day(moment, calendar.zone)
    if calendar.is_workday(day):
        todays = moments.at(day, hours.brief_minute, calendar.zone)
        if moment <= todays:
            return todays
        if may_ring(moment, hours, calendar):
            return moment
    return brief_after(day, hours, calendar)


def brief_after(day: date, hours: Hours, calendar: Calendar) -> datetime:
    """Return the moment of the first daily brief on a later day than this."""
    return moments.at(calendar.shift(day, 1), hours.brief_minute, calendar.zone)
