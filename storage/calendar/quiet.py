"""When a push may go out: the hard limits of domain/5-reminders.md §5.2 on a working calendar.

A window is a person's own, in minutes of the local day: pushes run from ``from_minute``
(``Account.quiet_until``) up to but not including ``until_minute`` (``Account.quiet_from``).
Whatever a person has chosen, none go out between 21:00 and 7:30, and none on a day off unless
the event that they are about falls on that day (``event_day``).

The source leaves out 12:00 to 14:00 in one sentence and prefers 12:10 to 13:30 on school days in
the next: teachers can look at their phone when they are not teaching. So noon is allowed here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from storage.calendar.workdays import WorkCalendar
from storage.moments import at, local_day, minute_of_day

FROM_MINUTE, UNTIL_MINUTE = 8 * 60, 18 * 60  # the window of those who have chosen none
NIGHT_ENDS, NIGHT_BEGINS = 7 * 60 + 30, 21 * 60

_MINUTE = timedelta(minutes=1)
_ONE_DAY = timedelta(days=1)


def may_push(
    calendar: WorkCalendar,
    moment: datetime,
    from_minute: int = FROM_MINUTE,
    until_minute: int = UNTIL_MINUTE,
    event_day: date | None = None,
) -> bool:
    """Whether a push may go out at this moment."""
    opens, closes = _window(from_minute, until_minute)
    return opens <= minute_of_day(moment, calendar.zone) < closes and _is_open(
        calendar, local_day(moment, calendar.zone), event_day
    )


def next_push(
    calendar: WorkCalendar,
    moment: datetime,
    from_minute: int = FROM_MINUTE,
    until_minute: int = UNTIL_MINUTE,
    event_day: date | None = None,
) -> datetime:
    """Return the earliest allowed moment that is not before this one."""
    if may_push(calendar, moment, from_minute, until_minute, event_day):
        return moment
    opens, _closes = _window(from_minute, until_minute)
    day = local_day(moment, calendar.zone)
    if minute_of_day(moment, calendar.zone) >= opens:
        day += _ONE_DAY
    while not _is_open(calendar, day, event_day):
        day += _ONE_DAY
    return at(day, opens, calendar.zone)


def last_push(
    calendar: WorkCalendar,
    moment: datetime,
    from_minute: int = FROM_MINUTE,
    until_minute: int = UNTIL_MINUTE,
    event_day: date | None = None,
) -> datetime:
    """Return the latest allowed moment that is not after this one, in whole minutes if moved.

    What quiet time moves runs earlier, never after the deadline.
    """
    if may_push(calendar, moment, from_minute, until_minute, event_day):
        return moment
    _opens, closes = _window(from_minute, until_minute)
    day = local_day(moment, calendar.zone)
    if minute_of_day(moment, calendar.zone) < closes:
        day -= _ONE_DAY
    while not _is_open(calendar, day, event_day):
        day -= _ONE_DAY
    return at(day, closes - 1, calendar.zone)


def push_at(
    calendar: WorkCalendar,
    wanted: datetime,
    deadline: datetime,
    from_minute: int = FROM_MINUTE,
    until_minute: int = UNTIL_MINUTE,
    *,
    not_before: datetime | None = None,
    event_day: date | None = None,
) -> datetime | None:
    """Return when a push that is wanted at one moment goes out, before the deadline.

    At the wanted moment if that is allowed, else at the last allowed one before it. If that is
    before ``not_before`` (usually the present), at the first allowed one from there on; None
    when there is none before the deadline.
    """
    wanted = min(wanted, deadline - _MINUTE)
    chosen = last_push(calendar, wanted, from_minute, until_minute, event_day)
    if not_before is not None and chosen < not_before:
        chosen = next_push(calendar, not_before, from_minute, until_minute, event_day)
    return chosen if chosen < deadline else None


def _is_open(calendar: WorkCalendar, day: date, event_day: date | None) -> bool:
    return day == event_day or calendar.is_workday(day)


def _window(from_minute: int, until_minute: int) -> tuple[int, int]:
    """Take the night out of a person's window; one that was all night is as if not chosen."""
    opens, closes = max(from_minute, NIGHT_ENDS), min(until_minute, NIGHT_BEGINS)
    return (opens, closes) if opens < closes else (FROM_MINUTE, UNTIL_MINUTE)
