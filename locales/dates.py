"""Days, moments and lengths of time as people read them, with the weekday and the hour.

Moments come in as aware times and are said in the zone of the office. ``today`` is the reader's
day: the year is said when it is another one; without ``today`` it is not said.
"""

from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from babel.dates import format_date
from babel.units import format_unit

from locales import known

_DAY = {"zh": "M月d日（EEE）", "en": "EEE d MMM"}
_DAY_WITH_YEAR = {"zh": "y年M月d日（EEE）", "en": "EEE d MMM y"}
_DATE = {"zh": "y年M月d日", "en": "EEE d MMM y"}
_DAY_OF_MONTH = {"zh": "d日（EEE）", "en": "EEE d"}

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY_LENGTH = timedelta(days=1)


def day(value: date, language: str, today: date | None = None) -> str:
    """``12月4日（周五）``, ``12月4日（週五）``, ``Fri 4 Dec``."""
    language = known(language)
    patterns = _DAY if today is None or value.year == today.year else _DAY_WITH_YEAR
    return format_date(value, patterns[language[:2]], locale=language)


def dated(value: date, language: str) -> str:
    """The day under a letter, with its year: ``2026年12月4日``, ``Fri 4 Dec 2026``."""
    language = known(language)
    return format_date(value, _DATE[language[:2]], locale=language)


def moment(value: datetime, zone: tzinfo, language: str, today: date | None = None) -> str:
    """``12月4日（周五）17:00``, ``Fri 4 Dec, 17:00``."""
    local = value.astimezone(zone)
    return _at(local.date(), f"{local:%H:%M}", language, today)


def before(value: datetime, zone: tzinfo, language: str, today: date | None = None) -> str:
    """A deadline: ``12月4日（周五）17:00前``, ``by Fri 4 Dec, 17:00``.

    Midnight is said as 24:00 of the day that ends with it, since ``12月5日00:00前`` is read as
    a day more than there is.
    """
    text = _at(*_end(value.astimezone(zone)), language, today)
    return f"by {text}" if known(language) == "en" else f"{text}前"


def span(
    start: datetime, end: datetime, zone: tzinfo, language: str, today: date | None = None
) -> str:
    """From when to when: within a day its two hours, otherwise the two days.

    ``12月4日（周五）14:00–17:00``; ``10月19日（周一）至30日（周五）``.
    """
    first = start.astimezone(zone)
    last_day, last_hour = _end(end.astimezone(zone)) if end > start else (first.date(), "")
    if first.date() != last_day:
        return days(first.date(), last_day, language, today)
    hours = f"{first:%H:%M}–{last_hour}" if last_hour else f"{first:%H:%M}"
    return _at(last_day, hours, language, today)


def days(first: date, last: date, language: str, today: date | None = None) -> str:
    """Several days: ``10月19日（周一）至30日（周五）``, ``Mon 19 – Fri 30 Oct``."""
    language = known(language)
    if first == last:
        return day(first, language, today)
    # A range over New Year says both years, even to a reader who gave no day of his own.
    seen_from = today if first.year == last.year else date.min
    if language == "en":
        # English says month and year at the end, Chinese at the beginning.
        return f"{_shortened(first, last, language)} – {day(last, language, seen_from)}"
    return f"{day(first, language, seen_from)}至{_shortened(last, first, language)}"


def duration(length: timedelta, language: str) -> str:
    """A length of time in at most two units: ``2小时``, ``1小时30分钟``, ``3 days``.

    Rounded down, so that nobody is promised more than there is; never less than a minute.
    """
    language = known(language)
    left = max(length, _MINUTE)
    whole_days, left = divmod(left, _DAY_LENGTH)
    whole_hours, left = divmod(left, _HOUR)
    whole_minutes = left // _MINUTE
    counted = [("day", whole_days), ("hour", whole_hours), ("minute", whole_minutes)]
    while not counted[0][1]:
        counted.pop(0)
    # CLDR knows one length of the Chinese words and Babel finds it as the short one.
    width: Literal["long", "short"] = "long" if language == "en" else "short"
    parts = [
        format_unit(number, f"duration-{unit}", width, locale=language)
        for unit, number in counted[:2]
        if number
    ]
    # CLDR sets a space before the unit in traditional Chinese; our messages do not.
    return " ".join(parts) if language == "en" else "".join(parts).replace(" ", "")


def minute(minute_of_day: int) -> str:
    """A minute of the local day as a clock shows it: ``16:40``."""
    hour, minutes = divmod(minute_of_day, 60)
    return f"{hour:02}:{minutes:02}"


def _at(value: date, hour: str, language: str, today: date | None) -> str:
    text = day(value, language, today)
    return f"{text}, {hour}" if known(language) == "en" else f"{text}{hour}"


def _end(local: datetime) -> tuple[date, str]:
    if (local.hour, local.minute) == (0, 0):
        return local.date() - _DAY_LENGTH, "24:00"
    return local.date(), f"{local:%H:%M}"


def _shortened(value: date, other: date, language: str) -> str:
    """One end of a range without what the other end says already."""
    if value.year != other.year:
        return day(value, language, date.min)
    patterns = _DAY_OF_MONTH if value.month == other.month else _DAY
    return format_date(value, patterns[language[:2]], locale=language)
