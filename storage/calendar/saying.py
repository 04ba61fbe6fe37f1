"""When, as people write it: understood tolerantly, to be confirmed in words before it counts.

``12月4日 14:00-17:00``, ``2026-12-04 14:00``, ``12月4日至6日``, ``下周五下午2点``, ``4-6 Dec``,
``next Friday 2 pm``. What contradicts itself, or names no day, is not guessed. For a programme
(``span``, ``deadline``, ``opening``) a day without an hour is not midnight: what starts then
starts at 8:30, what ends or closes then does so at 17:00, as in an office's plan; 24:00 is read
as 23:59.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from storage.moments import at
from storage.refusals import Refusal

STARTS, ENDS, LAST = 8 * 60 + 30, 17 * 60, 23 * 60 + 59
"""Minutes of the local day: what a mere day means for a start, an end, and the day's end."""
SHORTEST = 120  # minutes that something lasts when only its beginning in the evening is said
MORNING, AFTERNOON, EVENING = (510, 690), (840, 1020), (1140, 1260)
LONGEST_TEXT = 80
MOST_TOKENS = 12  # that say when, at the beginning of a text
HALF_A_DAY = 12 * 60
FARTHEST = 10  # years from today, either way
FAR_AHEAD = timedelta(days=300)
"""So far ahead a notice seldom looks: a day without a year is rather one that is over."""


class NotUnderstood(Refusal):
    """The text names no day that is understood; ``said`` is what could not be."""

    def __init__(self, said: str) -> None:
        super().__init__(f"not a time: {said!r}")
        self.said = said


class WrongWeekday(Refusal):
    """The day is another weekday than the text says, so one of the two is wrong."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} is another day of the week")
        self.day = day


class YearLeftOut(Refusal):
    """The day is only months ahead if it is next year's, and no year was said."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} is far ahead")
        self.day = day


@dataclass(frozen=True)
class Said:
    """What was said: a day or two, and an hour or two, in minutes of the local day."""

    day: date
    minute: int | None = None
    last_day: date | None = None
    last_minute: int | None = None
    is_weekday: bool = False
    """The first day is known by its day of the week only: today can be this week's or the next."""


@dataclass(frozen=True)
class Span:
    """From when to when; both aware."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class _Token:
    kind: str  # date, day, weekday, time, part, sep, number
    text: str
    year: int | None = None
    month: int | None = None
    number: int = 0
    weeks: int | None = None
    minute: int = 0
    half: str = ""  # am, pm, 下午, … where one was said
    end: int = 0  # where in the text it ends


_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_NUMERAL = re.compile(r"[零〇一二两兩三四五六七八九十]{1,3}(?=[点點时時月日号號])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAYS = {c: n % 7 for n, c in enumerate("一二三四五六日1234567")} | {"天": 6}
_WEEKDAY = (
    r"(?P<which>下下|下|本|[这這])?\s*[个個]?(?:[周週]|星期|[礼禮]拜)"
    r"(?P<week>[一二三四五六日天]|[1-7](?!\d))"
)
_ENGLISH_WEEKDAY = (
    rf"(?:(?P<which>next|this|on)\s+)?(?P<week>{'|'.join(_WEEK)})"
    r"(?:s?day|nesday|r?sday|urday|s|rs?)?\b\.?"
)
_HALF = r"(?:上午|早上|早晨|清晨|凌晨|中午|下午|傍晚|晚上|晚|早)"
_FULL = (
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month_no>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})(?!\d)"
    r"\s*[日号號]?(?:T(?=\d))?"
)
_HOUR = (
    rf"(?P<half>{_HALF})?\s*(?P<hour>\d{{1,2}})\s*[点點时時]"
    r"(?:(?P<quarter>半|一刻|三刻|整)|(?P<minute>\d{1,2})(?!\d)分?)?(?:[钟鐘])?"
)
_NOISE = (
    r"[,，、。;；()（）\[\]【】的起止在于]+|[之以]?前|截止|\b(?:from|at|on|by|the|and|before)\b"
)
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("date", _FULL),
        ("date", r"(?P<year>20\d{2})(?P<month_no>\d{2})(?P<day>\d{2})(?!\d)"),
        ("date", r"(?P<month_no>\d{1,2})\s*月\s*(?P<day>\d{1,2})(?!\d)\s*[日号號]?"),
        ("days", rf"(?P<day>\d{{1,2}})\s*[-–—]\s*(?P<last>\d{{1,2}})\s+{_MONTH}"),
        (
            "date",
            rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?",
        ),
        (
            "date",
            rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s+(?P<year>\d{{4}}))?",
        ),
        (
            "relative",
            r"大[后後]天|[后後]天|明天|明日|今天|今日|day after tomorrow|tomorrow|today",
        ),
        ("weekday", _WEEKDAY),
        ("weekday", _ENGLISH_WEEKDAY),
        ("time", r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>am|pm|a\.m\.|p\.m\.)"),
        (
            "time",
            rf"(?P<half>{_HALF})?\s*(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::\d{{2}})?(?!\d)",
        ),
        ("time", _HOUR),
        ("date", r"(?P<month_no>\d{1,2})[./](?P<day>\d{1,2})(?![\d./:%])"),
        ("date", r"(?P<month_no>\d{2})-(?P<day>\d{2})(?!\d|\s*[-:日号號月点點时時])"),
        ("part", r"全天|整天|all day"),
        ("part", r"上午|早上|下午|晚上|morning|afternoon|evening"),
        ("day", r"(?P<day>\d{1,2})\s*[日号號]"),
        ("sep", r"[-–—―~～→]+|至|到|起至|\bto\b|\buntil\b|\btill\b"),
        ("number", r"\d{1,2}(?!\d)"),
        ("noise", _NOISE),
    )
)
_SHORT_DAY = re.compile("([今明])([早晚])(?!上)")
_WHOLE = {"今": "今天", "明": "明天", "早": "早上", "晚": "晚上"}
_NOTHING = re.compile(rf"(?:\s|{_NOISE})*", re.IGNORECASE)


def read(text: str, today: date, *, since: date | None = None) -> Said:
    """Understand a text. A day without a year is the next one from ``since`` (today) on.

    Raises NotUnderstood, or WrongWeekday.
    """
    if len(text) > LONGEST_TEXT:
        raise NotUnderstood(text.strip()[:LONGEST_TEXT])
    said, rest = begin(text, today, since=since)
    if not is_nothing(rest):
        raise NotUnderstood(text.strip())
    return said


def begin(
    text: str, today: date, *, since: date | None = None, hour_alone: bool = False
) -> tuple[Said, str]:
    """Understand the beginning of a text, as far as it says when, and return what follows too.

    With ``hour_alone`` an hour without a day is today's. Raises NotUnderstood, or WrongWeekday.
    """
    plain = _plain(text)
    tokens = _tokens(plain)
    for count in range(len(tokens), 0, -1):
        try:
            said = _put_together(tokens[:count], today, since or today, hour_alone)
        except NotUnderstood:
            continue
        if said is not None:
            days = [said.day, *([said.last_day] if said.last_day is not None else [])]
            if any(abs(day.year - today.year) > FARTHEST for day in days):
                break  # a slip of the finger, which would stand in a plan for ever
            return said, plain[tokens[count - 1].end :]
    raise NotUnderstood(text.strip())


def check_year(text: str, said: Said, today: date) -> None:
    """Raise YearLeftOut where a day that is just over would be next year's, unless that is said."""
    is_far = said.day - today > FAR_AHEAD
    if is_far and str(said.day.year) not in _plain(text) and "明年" not in text:
        raise YearLeftOut(said.day)


def is_nothing(rest: str) -> bool:
    """Whether what follows a time says nothing more."""
    return _NOTHING.fullmatch(rest) is not None


def span(said: Said, zone: ZoneInfo) -> Span:
    """Return from when to when is meant; the end may lie before the start if it was said so."""
    last_day = said.last_day or said.day
    first = STARTS if said.minute is None else said.minute
    last = said.last_minute
    if last is None:
        last = ENDS
        if last_day == said.day and last <= first:
            last = min(first + SHORTEST, LAST)
    return Span(at(said.day, min(first, LAST), zone), at(last_day, min(last, LAST), zone))


def deadline(said: Said, zone: ZoneInfo) -> datetime:
    """Return the moment meant by when something closes: its last word, 17:00 for a mere day."""
    day = said.last_day or said.day
    minute = said.last_minute if said.last_minute is not None else said.minute
    if not minute:  # nobody means the midnight before the day that they name
        minute = ENDS if minute is None else LAST
    return at(day, min(minute, LAST), zone)


def opening(said: Said, zone: ZoneInfo) -> datetime:
    """Return the moment meant by when something opens: 8:30 for a mere day."""
    return at(said.day, min(STARTS if said.minute is None else said.minute, LAST), zone)


def _plain(text: str) -> str:
    """Full-width forms made plain, and Chinese numerals before a unit made digits."""
    text = unicodedata.normalize("NFKC", text).strip()
    text = _SHORT_DAY.sub(lambda found: _WHOLE[found[1]] + _WHOLE[found[2]], text)
    return _NUMERAL.sub(lambda found: str(_numeral(found.group())), text)


def _numeral(said: str) -> int:
    tens, has_ten, ones = said.rpartition("十")
    if has_ten:
        return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
    return int("".join(str(_DIGITS[digit]) for digit in ones))


def _tokens(text: str) -> list[_Token]:
    """The beginning of the text, as far as it can say when."""
    found: list[_Token] = []
    at_ = 0
    while at_ < len(text) and len(found) < MOST_TOKENS:
        if text[at_].isspace():
            at_ += 1
            continue
        for kind, pattern in _PATTERNS:
            match = pattern.match(text, at_)
            if match and match.end() > at_:
                if kind == "number" and match.end() < len(text) and text[match.end()].isalpha():
                    continue
                try:
                    tokens = _token(kind, match)
                except NotUnderstood:
                    return found
                found += [replace(token, end=match.end()) for token in tokens]
                at_ = match.end()
                break
        else:
            break
    return found


def _token(kind: str, match: re.Match[str]) -> list[_Token]:
    parts = {name: value for name, value in match.groupdict().items() if value is not None}
    text = match.group(0).strip().lower()
    year = int(parts["year"]) if "year" in parts else None
    month = (
        int(parts["month_no"])
        if "month_no" in parts
        else _MONTHS.index(parts["month"].lower()) + 1
        if "month" in parts
        else None
    )
    match kind:
        case "noise":
            return []
        case "days":
            first = _Token("date", text, None, month, int(parts["day"]))
            return [first, _Token("sep", "-"), replace(first, number=int(parts["last"]))]
        case "date":
            return [_Token("date", text, year, month, int(parts["day"]))]
        case "day" | "number":
            number = int(re.sub(r"\D", "", text))
            return [_Token(kind, text, number=number)]
        case "relative":
            ahead = {"今": 0, "明": 1, "后": 2, "後": 2, "大": 3, "tod": 0, "tom": 1, "day": 2}
            days = next(ahead[key] for key in (text[:3], text[:1]) if key in ahead)
            return [_Token("relative", text, number=days)]
        case "weekday":
            week = parts["week"].lower()
            number = _WEEK.index(week) if week in _WEEK else _WEEKDAYS[week]
            weeks = {"下下": 2, "下": 1, "next": 1, "本": 0, "这": 0, "這": 0, "this": 0}
            which = parts.get("which", "").lower()
            return [_Token("weekday", text, number=number, weeks=weeks.get(which))]
        case "time":
            return [_time(text, parts)]
    return [_Token(kind, text)]


def _time(text: str, parts: dict[str, str]) -> _Token:
    hour, half = int(parts["hour"]), parts.get("half", "").lower().replace(".", "")
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(parts.get("quarter", ""))
    if minute is None:
        minute = int(parts.get("minute", 0))
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise NotUnderstood(text)
    if half in ("am", "pm") and not 1 <= hour <= 12:
        raise NotUnderstood(text)
    is_late = half in ("下午", "傍晚", "晚上", "晚", "pm") or (half == "中午" and hour < 11)
    if (is_late and hour < 12) or (half in ("晚上", "晚") and hour == 12):
        hour += 12
    elif half in ("am", "凌晨") and hour == 12:
        hour = 0
    total = hour * 60 + minute
    if not half and not parts["hour"].startswith("0"):
        total = _by_day(total)
    return _Token("time", text, minute=total, half=half)


def _by_day(minute: int) -> int:
    """Nobody trains at two in the night: an hour up to 6 without more is in the afternoon."""
    return minute + HALF_A_DAY if 60 <= minute < 7 * 60 else minute


@dataclass
class _Side:
    day: date | None = None
    is_weekday: bool = False
    minute: int | None = None
    half: str = ""  # of the hour
    is_bare: bool = False  # the hour is a mere number
    last: int | None = None  # the end of a part of the day, or a second hour


def _put_together(tokens: list[_Token], today: date, since: date, hour_alone: bool) -> Said | None:
    seps = [n for n, token in enumerate(tokens) if token.kind == "sep"]
    if len(seps) > 1:
        return None
    cut = seps[0] if seps else len(tokens)
    left = _side(tokens[:cut], today, since, None)
    if left is None:
        return None
    if left.day is None:
        if not hour_alone or left.minute is None:
            return None
        left.day = today
    if not seps:
        known = Said(left.day, left.minute, None, left.last, left.is_weekday)
        return None if left.is_bare else known
    right = _side(tokens[cut + 1 :], today, left.day, left)
    if right is None or (right.day is None and right.minute is None):
        return None
    if right.day is not None and not any(token.year for token in tokens[cut + 1 :]):
        right.day = _not_a_year_on(right.day, left.day)
    if left.is_bare and (right.minute is None or right.is_bare):
        return None
    first, last = left.minute, right.last if right.last is not None else right.minute
    if right.day is None and first is not None and last is not None:
        if last <= first < last + HALF_A_DAY and last < HALF_A_DAY:
            last += HALF_A_DAY
        if right.half == "pm" and not left.half and first + HALF_A_DAY < last:
            first += HALF_A_DAY  # 7-9 pm
    return Said(left.day, first, right.day, last, left.is_weekday)


def _not_a_year_on(last: date, first: date) -> date:
    """The day meant as the end: nobody means nearly a year on without saying which year.

    Such an end lies before the beginning, and whoever reads it can say so.
    """
    if last - first <= FAR_AHEAD:
        return last
    try:
        return last.replace(year=last.year - 1)
    except ValueError:  # 29 February
        return last


def _side(tokens: list[_Token], today: date, since: date, before: _Side | None) -> _Side | None:
    side = _Side()
    weekday: _Token | None = None
    for token in tokens:
        is_day = token.kind in ("date", "relative", "day", "weekday")
        if is_day and before is not None and side.minute is not None:
            return None  # behind a second hour no day is named any more
        match token.kind:
            case "date" | "relative" | "day" if side.day is not None:
                return None
            case "date":
                side.day = _dated(token, since)
            case "relative":
                side.day = today + timedelta(days=token.number)
            case "day":
                side.day = _day_of_month(token.number, today, since, before)
            case "weekday" if weekday is None:
                weekday = token
            case "time" if side.minute is None:
                side.minute, side.half = token.minute, token.half
            case "time" if side.last is None:
                side.last = token.minute
            case "part" if side.minute is None:
                side.minute, side.last = _part(token.text)
            case "number" if side.minute is None and token.number <= 24:
                if before is None:
                    side.minute, side.is_bare = _by_day(token.number * 60), True
                elif before.minute is None and side.day is None:
                    side.day = _day_of_month(token.number, today, since, before)
                else:
                    side.minute, side.is_bare = token.number * 60, True
            case "number" if before is not None and before.minute is None and side.day is None:
                side.day = _day_of_month(token.number, today, since, before)
            case _:
                return None
    if weekday is not None:
        if side.day is None:
            side.is_weekday = weekday.weeks is None
            side.day = _on_weekday(weekday, today, since if before else max(since, today))
        elif side.day.weekday() != weekday.number:
            raise WrongWeekday(side.day)
    return side


def _part(text: str) -> tuple[int, int]:
    if text in ("上午", "早上", "morning"):
        return MORNING
    if text in ("下午", "afternoon"):
        return AFTERNOON
    if text in ("晚上", "evening"):
        return EVENING
    return STARTS, ENDS


def _dated(token: _Token, since: date) -> date:
    assert token.month is not None
    for year in (token.year,) if token.year else (since.year, since.year + 1):
        try:
            day = date(year, token.month, token.number)
        except ValueError:
            continue
        if token.year or day >= since:
            return day
    raise NotUnderstood(token.text)


def _day_of_month(number: int, today: date, since: date, before: _Side | None) -> date:
    """The next such day of a month; behind another day, that of the same month."""
    first = max(since, today) if before is None else since
    for months in range(3 if before is None else 1):
        month = first.month + months
        try:
            day = date(first.year + (month - 1) // 12, (month - 1) % 12 + 1, number)
        except ValueError:
            continue
        if day >= first:
            return day
    raise NotUnderstood(str(number))


def _on_weekday(token: _Token, today: date, since: date) -> date:
    monday = today - timedelta(days=today.weekday())
    if token.weeks is not None:
        return monday + timedelta(days=7 * token.weeks + token.number)
    return since + timedelta(days=(token.number - since.weekday()) % 7)
