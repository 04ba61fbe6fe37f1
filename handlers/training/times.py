"""Days and hours as people type them: 12月4日 14:00-17:00, 明天下午2点, 周五 9:00, Dec 4 2pm.

Pure functions of the text, the present moment and the office's zone. What can be meant in two
ways, or contradicts itself (a weekday that the date does not have), is not guessed: the answer
is None, and somebody asks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOOK_BACK = 60  # days: a date without a year that is longer past is next year's
NOON = 12

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_WEEKDAYS = {c: n for n, c in enumerate("一二三四五六日")} | {"天": 6}
_ENGLISH_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_NUMERAL = re.compile(r"[零〇一二两兩三四五六七八九十]{1,3}(?=[点點时時月日号號])")
_WEEKDAY = (
    r"(?:[周週](?P<zh1>[一二三四五六日天1-7])|(?:星期|礼拜|禮拜)(?P<zh2>[一二三四五六日天1-7])"
    r"|(?P<en>mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?\b\.?)"
)
_WHICH = r"(?P<which>下下(?:个|個)?|下(?:个|個)?|本|这(?:个|個)?|這(?:个|個)?|next |this )?\s*"
_EN_MONTH = r"(?P<{0}>" + "|".join(_MONTHS) + r")[a-z]*\.?"

_DAYS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})(?!\d)\s*[日号號]?",
        r"(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})(?!\d)\s*[日号號]?",
        r"(?P<m>\d{1,2})[/.](?P<d>\d{1,2})(?![\d:/.%])",
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+" + _EN_MONTH.format("mon") + r"(?:,?\s+(?P<y>\d{4}))?",
        _EN_MONTH.format("mon")
        + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?(?![\d:])(?:,?\s+(?P<y>\d{4}))?",
        r"(?P<near>大后天|大後天|后天|後天|明天|明日|今天|今日|today|tomorrow)",
        _WHICH + _WEEKDAY,
        r"(?P<d>\d{1,2})\s*[日号號]",
    )
)
_BESIDE = re.compile(r"\s*[(（]?\s*" + _WEEKDAY + r"\s*[)）]?,?", re.IGNORECASE)
_NEAR = {"今": 0, "明": 1, "后": 2, "後": 2, "大": 3}

# "9点30分", and not the beginning of "17:00 分组研讨".
_MINUTES = r"(?:(?<=\d)(?<!:\d\d)分|(?<=\d)分(?=[\s~–—―至到-]|$))?"
_TIME = (
    r"(?P<part{0}>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚)?\s*"
    r"(?P<h{0}>\d{{1,2}})"
    r"(?:\s*(?P<mark{0}>[:点點时時])\s*(?P<min{0}>\d{{1,2}}(?!\d)|半|一刻|三刻)?"
    + _MINUTES
    + r"|(?!\d))"
    r"\s*(?P<ap{0}>am|pm|a\.m\.|p\.m\.)?"
)
_TO = r"\s*(?:-|~|–|—|―|至|到|to|until)\s*"
_SPAN = re.compile(_TIME.format(1) + _TO + _TIME.format(2), re.IGNORECASE)
_ONE = re.compile(_TIME.format(1), re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,，、]*(?:的|at\b)?\s*", re.IGNORECASE)
_EDGES = " \t,，、;；:：|·-–—"


@dataclass(frozen=True)
class Span:
    """From when until when; both in the zone of the office."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class TypedMeeting:
    """A line of a timetable: when, what, and where; ``place`` is empty when none was said."""

    span: Span
    title: str
    place: str


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read one moment and nothing else: a day with an hour, or an hour of today."""
    found = _read(_plain(text), now, zone)
    if found is None or found.end is not None or found.start is None or found.rest.strip(_EDGES):
        return None
    return _on(found.day, found.start, zone)


def due(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read by when something is due: a moment, or a day, which is due when it ends."""
    plain = re.sub(r"[之以]?前$|^by\s+", "", _plain(text).strip())
    found = _read(plain, now, zone)
    if found is None or found.end is not None or found.rest.strip(_EDGES):
        return None
    return _on(found.day, found.start if found.start is not None else 24 * 60, zone)


def span(text: str, now: datetime, zone: ZoneInfo) -> Span | None:
    """Read from when until when within a day, and nothing else."""
    found = _read(_plain(text), now, zone)
    return None if found is None or found.rest.strip(_EDGES) else _span(found, zone)


def days(text: str, now: datetime, zone: ZoneInfo) -> Span | None:
    """Read a day, or from which to which day; the span ends when the last day does."""
    text = _plain(text).strip()
    first = _day(text, now.astimezone(zone).date())
    if first is None:
        return None
    day, rest = first
    last = day
    joint = re.match(_TO, rest)
    if joint is not None:
        tail = rest[joint.end() :]
        second = _last_day(tail, day)
        if second is None:
            return None
        last, rest = second
    if rest.strip(_EDGES) or last < day:
        return None
    return Span(_on(day, 0, zone), _on(last, 24 * 60, zone))


def meeting(line: str, now: datetime, zone: ZoneInfo) -> TypedMeeting | None:
    """Read a line such as "12月4日 14:00-17:00 开班仪式 @报告厅"; the place may be left out."""
    found = _read(_plain(line), now, zone)
    if found is None:
        return None
    when = _span(found, zone)
    title, _, place = found.rest.partition("@")
    title, place = title.strip(_EDGES), place.strip(_EDGES)
    return TypedMeeting(when, title, place) if when is not None and title else None


@dataclass(frozen=True)
class _Found:
    day: date
    start: int | None  # minutes of the day
    end: int | None
    rest: str


def _plain(text: str) -> str:
    """Full-width forms made plain, and Chinese numerals before a unit made digits."""
    text = unicodedata.normalize("NFKC", text)
    return _NUMERAL.sub(lambda found: str(_number(found.group())), text)


def _number(numeral: str) -> int:
    tens, has_ten, ones = numeral.rpartition("十")
    if has_ten:
        return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
    value = 0
    for digit in ones:
        value = value * 10 + _DIGITS[digit]
    return value


def _read(text: str, now: datetime, zone: ZoneInfo) -> _Found | None:
    """Read a day and the hours behind it from the beginning of the text."""
    local = now.astimezone(zone)
    text = text.strip()
    found = _day(text, local.date())
    day, rest = found if found is not None else (None, text)
    between = _BETWEEN.match(rest)
    tail = rest[between.end() :] if between is not None else rest
    start = end = None
    hours = _SPAN.match(tail)
    if hours is not None and not _is_span(hours, tail):
        hours = None
    if hours is not None:
        pair = _both(hours)
        if pair is None:
            return None
        (start, end), rest = pair, tail[hours.end() :]
    else:
        one = _ONE.match(tail)
        if one is not None and _is_hour(one, 1):
            start = _minute(one, 1)
            if start is None:
                return None
            rest = tail[one.end() :]
    if day is None:
        if start is None:
            return None
        day = local.date()
    is_today = found is not None and start is not None and day == local.date()
    if is_today and _is_bare_weekday(text) and _on(day, start or 0, zone) <= local:
        day += timedelta(days=7)  # "周五 9:00" said on a Friday at ten is next week's
    return _Found(day, start, end, rest)


def _day(text: str, today: date) -> tuple[date, str] | None:
    """The day at the beginning of the text, and what follows it."""
    for pattern in _DAYS:
        match = pattern.match(text)
        if match is None:
            continue
        day = _meant(match.groupdict(), today)
        if day is None:
            return None
        rest = text[match.end() :]
        groups = match.groupdict()
        if not any(groups.get(name) for name in ("zh1", "zh2", "en", "near")):
            beside = _BESIDE.match(rest)
            if beside is not None:
                if _weekday(beside.groupdict()) != day.weekday():
                    return None
                rest = rest[beside.end() :]
        return day, rest
    return None


def _meant(said: dict[str, str | None], today: date) -> date | None:
    near = said.get("near")
    if near is not None:
        near = near.lower()
        ahead = {"today": 0, "tomorrow": 1}.get(near)
        return today + timedelta(days=_NEAR[near[0]] if ahead is None else ahead)
    weekday = _weekday(said)
    if weekday is not None:
        return _on_weekday(weekday, (said.get("which") or "").strip().lower(), today)
    number = int(said["d"] or 0)
    month = said.get("m")
    named = said.get("mon")
    if month is None and named is None:
        return _this_or_next_month(number, today)
    which = _MONTHS.index(named.lower()) + 1 if named else int(month or 0)
    if said.get("y"):
        return _date(int(said["y"] or 0), which, number)
    day = _date(today.year, which, number)
    if day is None or day < today - timedelta(days=LOOK_BACK):
        return _date(today.year + 1, which, number)
    return day


def _on_weekday(weekday: int, which: str, today: date) -> date:
    monday = today - timedelta(days=today.weekday())
    if which.startswith("下下"):
        return monday + timedelta(days=14 + weekday)
    if which.startswith("下") or which == "next":
        return monday + timedelta(days=7 + weekday)
    if which:
        return monday + timedelta(days=weekday)
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def _this_or_next_month(number: int, today: date) -> date | None:
    day = _date(today.year, today.month, number)
    if day is not None and day >= today:
        return day
    year, month = divmod(today.year * 12 + today.month, 12)
    return _date(year, month + 1, number)


def _last_day(text: str, first: date) -> tuple[date, str] | None:
    """The second of two days: in the year and month of the first where it does not say."""
    alone = re.match(r"(\d{1,2})\s*[日号號]?(?![\d月/.年])", text)
    if alone is not None:
        day = _date(first.year, first.month, int(alone.group(1)))
        return None if day is None else (day, text[alone.end() :])
    return _day(text, first)


def _weekday(said: dict[str, str | None]) -> int | None:
    named = said.get("zh1") or said.get("zh2")
    if named is not None:
        return int(named) - 1 if named.isdigit() else _WEEKDAYS[named]
    english = said.get("en")
    return None if english is None else _ENGLISH_DAYS.index(english.lower())


def _is_bare_weekday(text: str) -> bool:
    match = _DAYS[6].match(text)
    return match is not None and not match.group("which")


def _is_hour(found: re.Match[str], n: int) -> bool:
    """Whether a number says by itself that it is an hour."""
    return any(found.group(f"{name}{n}") for name in ("part", "mark", "ap"))


def _is_span(found: re.Match[str], text: str) -> bool:
    """Whether two numbers are hours: one of them says so, and no unit of days follows."""
    if re.match(r"\s*[日号號月年级級]", text[found.end() :]):
        return False
    return _is_hour(found, 1) or _is_hour(found, 2)


def _both(found: re.Match[str]) -> tuple[int, int] | None:
    start, end = _minute(found, 1), _minute(found, 2)
    if start is None or end is None:
        return None
    half = NOON * 60
    says1 = found.group("part1") or found.group("ap1")
    says2 = found.group("part2") or found.group("ap2")
    if says1 and not says2 and end <= start and end + half > start:
        end += half  # 下午2点到4点
    if says2 and not says1 and start + half < end and found.group("ap2"):
        start += half  # 2-4pm
    return (start, end) if start < end <= 24 * 60 else None


def _minute(found: re.Match[str], n: int) -> int | None:
    """The minute of the day that one half of the match says; None for no hour at all."""
    hour = int(found.group(f"h{n}"))
    said = found.group(f"min{n}") or "0"
    minutes = {"半": 30, "一刻": 15, "三刻": 45}.get(said)
    minutes = int(said) if minutes is None else minutes
    if found.group(f"mark{n}") == ":" and not found.group(f"min{n}"):
        return None
    part = (found.group(f"part{n}") or "").lower()
    ap = (found.group(f"ap{n}") or "").lower().replace(".", "")
    if ap and not 1 <= hour <= NOON:
        return None
    if part in ("下午", "傍晚", "晚上", "晚") or ap == "pm":
        if hour < NOON:
            hour += NOON
        elif hour == NOON and part in ("晚上", "晚"):
            hour = 24
    elif part == "中午":
        if hour < 3:
            hour += NOON
    elif (part == "凌晨" or ap == "am") and hour == NOON:
        hour = 0
    total = hour * 60 + minutes
    return total if minutes < 60 and total <= 24 * 60 else None


def _span(found: _Found, zone: ZoneInfo) -> Span | None:
    if found.start is None or found.end is None:
        return None
    return Span(_on(found.day, found.start, zone), _on(found.day, found.end, zone))


def _on(day: date, minute: int, zone: ZoneInfo) -> datetime:
    whole, rest = divmod(minute, 24 * 60)
    return datetime.combine(day + timedelta(days=whole), time(rest // 60, rest % 60), zone)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
