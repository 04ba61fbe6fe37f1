"""Moments are aware and kept in UTC; the column type refuses anything else.

The type itself is SQLModel's ``UTCDateTime``, which every ``datetime`` field gets. This
module holds the little arithmetic between moments and an office's local days.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlmodel.sql.sqltypes import UTCDateTime as Moment

__all__ = ["Moment", "at", "local_day", "minute_of_day"]


def at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the moment at which the local clock shows ``minute`` (0-1439) on ``day``."""
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return local.astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day that the moment falls on in the zone."""
    return moment.astimezone(zone).date()


def minute_of_day(moment: datetime, zone: ZoneInfo) -> int:
    """Return minutes since local midnight, 0 to 1439."""
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute
