"""The days of the sample county, and a make-up workday besides, as a calendar for tests."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from storage.calendar.tables import DayKind
from storage.calendar.workdays import WorkCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")

SPANS = [
    (date(2026, 10, 1), date(2026, 10, 7), DayKind.HOLIDAY),
    (date(2026, 10, 10), date(2026, 10, 10), DayKind.MAKEUP_WORKDAY),  # a Saturday
    (date(2027, 1, 1), date(2027, 1, 1), DayKind.HOLIDAY),
    (date(2027, 1, 23), date(2027, 2, 21), DayKind.SCHOOL_BREAK),
    (date(2027, 4, 5), date(2027, 4, 5), DayKind.HOLIDAY),
    (date(2027, 5, 1), date(2027, 5, 5), DayKind.HOLIDAY),
    (date(2027, 7, 10), date(2027, 8, 31), DayKind.SCHOOL_BREAK),
]
DAYS = {
    first + timedelta(days=number): kind
    for first, last, kind in SPANS
    for number in range((last - first).days + 1)
}
COUNTY = WorkCalendar(SHANGHAI, DAYS)


def at(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    """The moment that a clock in the county shows, in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
