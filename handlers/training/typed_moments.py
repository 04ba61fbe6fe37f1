"""Moments as people type them: a day, and an hour of the working day if they say one."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from storage.moments import at, local_day
from storage.sheets import as_day

CLOSES = 17 * 60
"""A day without an hour means the end of the working day."""

_HOUR = re.compile(r"(?<![\d-])(\d{1,2})[:点時时](\d{2})?")
_SHORT = re.compile(r"^\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


def read_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Read ``2026-12-01 17:00``, ``12月1日 9:30`` or ``12-01``; None for anything else.

    A day without a year is the next such day.
    """
    said = unicodedata.normalize("NFKC", text).strip()
    hour = _HOUR.search(said)
    minute = CLOSES
    if hour is not None:
        minute = int(hour.group(1)) * 60 + int(hour.group(2) or 0)
        said = said[: hour.start()].strip()
    if not 0 <= minute < 24 * 60:
        return None
    day = as_day(said)
    short = _SHORT.fullmatch(said)
    if day is None and short is not None:
        today = local_day(now, zone)
        for year in (today.year, today.year + 1):
            day = as_day(f"{year}-{short.group(1)}-{short.group(2)}")
            if day is not None and day >= today:
                break
    return None if day is None else at(day, minute, zone)
