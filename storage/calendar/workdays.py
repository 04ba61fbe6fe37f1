"""Working days as a value: which days people work on, and arithmetic in these days.

Monday to Friday, less holidays and school breaks, and the make-up workdays (调休) besides. In a
school break nobody is at work as far as reminding goes (domain/5-reminders.md §5.2, §5.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from storage.calendar.tables import CalendarDay, DayKind
from storage.people.tables import Office

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class WorkCalendar:
    """The office's zone and the days that differ from what their weekday says.

    The days are few and end somewhere, so that a search for a working day ends too.
    """

    zone: ZoneInfo
    special: Mapping[date, DayKind] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "special", MappingProxyType(dict(self.special)))

    def is_workday(self, day: date) -> bool:
        """Whether people work on this day."""
        kind = self.special.get(day)
        if kind is None:
            return day.weekday() < _SATURDAY
        return kind is DayKind.MAKEUP_WORKDAY

    def shift(self, day: date, workdays: int) -> date:
        """Return the working day that lies so many working days later, or earlier if negative.

        Counted from a day off, T-1 is the last working day before it and so is T-0: what would
        fall on a day off runs earlier, never later (domain/5-reminders.md §5.2).
        """
        if workdays == 0:
            return day if self.is_workday(day) else self.shift(day, -1)
        step = _ONE_DAY if workdays > 0 else -_ONE_DAY
        left = abs(workdays)
        while left:
            day += step
            left -= self.is_workday(day)
        return day

    def workday_from(self, day: date) -> date:
        """Return the day itself if people work on it, else the next day on which they do."""
        return day if self.is_workday(day) else self.shift(day, 1)

    def workdays_between(self, first: date, last: date) -> int:
        """How many working days ``last`` lies after ``first``; negative when it lies before.

        Between two working days it is what ``shift`` needs to come from one to the other.
        """
        if last < first:
            return -self._count(last, first - _ONE_DAY)
        return self._count(first + _ONE_DAY, last)

    def _count(self, first: date, last: date) -> int:
        """Count the working days from first to last, both included."""
        days = (last - first).days + 1
        return sum(self.is_workday(first + timedelta(days=number)) for number in range(days))


def load(session: Session) -> WorkCalendar:
    """Read the office's calendar; without an office it is in UTC."""
    zone = ZoneInfo(session.exec(select(Office.timezone)).first() or "UTC")
    days = session.exec(select(col(CalendarDay.day), col(CalendarDay.kind))).all()
    return WorkCalendar(zone, dict(days))
