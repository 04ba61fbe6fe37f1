"""Tables of progress as platforms export them: where the people stand, and what a cell says.

A platform's table has any columns, under a title or two, on one sheet or several; what the
columns mean is said once (``storage.training.remote.mapping``).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from storage.sheets import HEAD_ROWS, NUMBERING, Book, key
from storage.training.remote.tables import Measure

STAFF_NO = (
    "工号",
    "教师工号",
    "职工号",
    "教工号",
    "人员编号",
    "教师编号",
    "员工编号",
    "继教号",
    "staff number",
    "staff id",
    "employee id",
    "user id",
    "staff no",
    "employee no",
)
NAME = ("姓名", "教师姓名", "学员姓名", "真实姓名", "学员", "教师", "name", "full name", "teacher")
SCHOOL = (
    "学校",
    "单位",
    "所在学校",
    "所在单位",
    "工作单位",
    "任教学校",
    "学校名称",
    "单位名称",
    "所属学校",
    "所属单位",
    "school",
    "unit",
    "organisation",
    "organization",
    "institution",
)
PHONE = (
    "手机",
    "手机号",
    "手机号码",
    "电话",
    "联系电话",
    "联系方式",
    "手机尾号",
    "手机后四位",
    "phone",
    "mobile",
    "phone tail",
)
_PEOPLE = frozenset(map(key, (*STAFF_NO, *NAME)))
_PROGRESS = re.compile(
    "时长|時長|分钟|分鐘|观看|觀看|视频|視頻|影片|进度|進度|完成率|完成度|完成数|学习|學習|研修"
    "|作业|作業|发帖|發帖|回帖|论坛|論壇|研讨|研討|互动|互動|互评|互評|最近登录|最后登录"
    "|minutes|watch|progress|homework|forum|posts|seminar|last active|studied",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"(20\d{2})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]*(\d{1,2})[:：](\d{2}))?"
)
_PACKED_DAY = re.compile(
    r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?:[-_ T]?(\d{2})(\d{2})(?:\d{2})?)?(?!\d)"
)
_DATED = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}月\d{1,2}日|截至|截止")
SAMPLES = 3


class Unit(StrEnum):
    """In what a column counts, where its cells do not say so themselves."""

    PLAIN = "plain"
    HOURS = "hours"
    CLASS_HOURS = "class_hours"  # 学时 of 45 minutes
    SECONDS = "seconds"
    PERCENT = "percent"
    SHARE = "share"  # a percentage as a spreadsheet keeps one: 0.85


class NotAFigure(ValueError):
    """What stands there says no figure."""


@dataclass(frozen=True)
class Grid:
    """A sheet in which people stand: its headings, and where its rows begin."""

    sheet: int  # among the book's, from 0
    name: str
    header: int  # the row number of the (last) heading, from 1
    headings: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]  # by column: the first different cells

    @property
    def shape(self) -> str:
        """What makes two exports the same form: their headings, in any order."""
        said = "\n".join(sorted(signature(each) for each in self.headings if each))
        return hashlib.sha256(said.encode()).hexdigest()[:20]


def signature(heading: str) -> str:
    """What a heading says, without spaces, and without the day that some platforms put in."""
    text = "".join(unicodedata.normalize("NFKC", heading).lower().split())
    return _DATED.sub("", text)


def fits(book: Book) -> bool:
    """Whether this is a table of progress: people, and at least one column of study."""
    return any(any(_PROGRESS.search(each) for each in grid.headings) for grid in grids(book))


def grids(book: Book) -> tuple[Grid, ...]:
    """Return the sheets in which people stand, each with its headings."""
    found = (_grid(number, sheet.name, sheet.rows) for number, sheet in enumerate(book.sheets))
    return tuple(grid for grid in found if grid is not None)


def _grid(number: int, name: str, rows: Sequence[Sequence[str]]) -> Grid | None:
    for at, row in enumerate(rows[:HEAD_ROWS]):
        people = [c for c, cell in enumerate(row) if cell and key(cell) in _PEOPLE]
        if not people or len(set(filter(None, row))) < 2:
            continue
        headings = [cell.strip() for cell in row]
        last = at
        # A heading of two storeys says the same of the people in both, or nothing below.
        while last + 1 < len(rows) and _is_storey(rows[last], rows[last + 1], people):
            last += 1
            for c, cell in enumerate(rows[last]):
                if c >= len(headings):
                    headings.append(cell.strip())
                elif cell and cell.strip() not in headings[c]:
                    headings[c] = f"{headings[c]} {cell.strip()}".strip()
        return Grid(number, name, last + 1, _told_apart(headings), _samples(rows, last + 1))
    return None


def _is_storey(above: Sequence[str], below: Sequence[str], people: Iterable[int]) -> bool:
    said = [below[c] if c < len(below) else "" for c in people]
    if not any(below):
        return False
    first = [above[c] if c < len(above) else "" for c in people]
    return said == first or (not any(said) and not any(re.search(r"\d", cell) for cell in below))


def _told_apart(headings: Iterable[str]) -> tuple[str, ...]:
    """Number those that are said twice; a column of running numbers has none."""
    seen: dict[str, int] = {}
    made = []
    for heading in headings:
        text = " ".join(heading.split())[:60]
        if key(text) in NUMBERING:
            text = ""
        seen[text] = seen.get(text, 0) + 1
        made.append(f"{text} ({seen[text]})" if text and seen[text] > 1 else text)
    return tuple(made)


def _samples(rows: Sequence[Sequence[str]], start: int) -> tuple[tuple[str, ...], ...]:
    width = max((len(row) for row in rows[:start]), default=0)
    found: list[list[str]] = [[] for _ in range(width)]
    for row in rows[start : start + 40]:
        for c, cell in enumerate(row[:width]):
            if cell and len(found[c]) < SAMPLES and cell not in found[c]:
                found[c].append(cell[:40])
    return tuple(tuple(each) for each in found)


# --- as of when ---------------------------------------------------------------------------------


def said_moment(
    book: Book, found: Iterable[Grid], zone: ZoneInfo, *, now: datetime
) -> datetime | None:
    """Return the moment of which the export says that it is, or None where it does not.

    It stands above the headings or in the file's name; of several the newest that is not to
    come. A day without an hour is meant to its end.
    """
    texts = [
        cell
        for grid in found
        for row in book.sheets[grid.sheet].rows[: grid.header]
        for cell in dict.fromkeys(row)
        if cell
    ]
    for some in (texts, [book.name]):
        moments = [moment for text in some for moment in _moments(text, zone, now)]
        if moments:
            return max(moments)
    return None


def _moments(text: str, zone: ZoneInfo, now: datetime) -> Iterable[datetime]:
    plain = unicodedata.normalize("NFKC", text)
    for match in (*_DAY.finditer(plain), *_PACKED_DAY.finditer(plain)):
        year, month, day, hour, minute = match.groups()
        try:
            on = date(int(year), int(month), int(day))
            clock = time(int(hour), int(minute)) if hour else None
        except ValueError:
            continue
        if clock is not None:
            moment = datetime.combine(on, clock, zone)
        else:
            moment = datetime.combine(on + timedelta(days=1), time(), zone) - timedelta(minutes=1)
            if on == now.astimezone(zone).date():
                moment = now
        if moment <= now:
            yield moment.astimezone(now.tzinfo)


# --- figures ------------------------------------------------------------------------------------

_DONE = frozenset(
    "是 有 √ ✓ ✔ 完成 已完成 已提交 已参加 已參加 合格 通过 通過 达标 達標 优秀 优 良好 "  # noqa: SIM905
    "yes y done pass passed true".split()
)
_NOT_DONE = frozenset(
    "否 无 無 × ✗ x 未完成 未提交 未参加 未參加 未开始 未開始 未学习 未學習 不合格 未通过 "  # noqa: SIM905
    "未通過 未达标 未達標 no n false fail failed".split()
)
_NOTHING = frozenset(("", "-", "--", "—", "——", "/", "n/a", "null", "none"))
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(.*)")
_PARTS = re.compile(
    r"(?:(\d+(?:\.\d+)?)(?:小时|小時|时|時|hours?|h))?"
    r"(?:(\d+(?:\.\d+)?)(?:分钟|分鐘|分|minutes?|mins?|m|'))?"
    r"(?:(\d+(?:\.\d+)?)(?:秒钟|秒鐘|秒|seconds?|secs?|s))?"
)
_CLOCK = re.compile(r"(\d{1,4}):(\d{2})(?::(\d{2}))?")
_OF = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")
_COUNTERS = frozenset(
    (
        "",
        "次",
        "个",
        "個",
        "篇",
        "条",
        "條",
        "份",
        "场",
        "場",
        "分",
        "帖",
        "人次",
        "points",
        "point",
    )
)


def unit_of(heading: str, measure: Measure) -> Unit:
    """In what the column counts, as its heading has it."""
    text = signature(heading)
    if re.search(r"%|率|百分比|百分|进度|進度|完成度|percent|progress", text):
        return Unit.PERCENT
    if measure is Measure.MINUTES:
        if re.search(r"分钟|分鐘|minute|\(分\)", text):
            return Unit.PLAIN
        if re.search(r"小时|小時|hour|\(h\)", text):
            return Unit.HOURS
        if re.search(r"学时|學時|课时|課時", text):
            return Unit.CLASS_HOURS
        if re.search(r"秒|second", text):
            return Unit.SECONDS
    return Unit.PERCENT if measure is Measure.PERCENT else Unit.PLAIN


def is_share(cells: Iterable[str]) -> bool:
    """Whether a column of percentages is kept as hundredths: none of its figures is above 1."""
    is_any = False
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            if cell.strip():
                return False
            continue
        if value > 1:
            return False
        is_any = is_any or value > 0
    return is_any


def figure(text: str, measure: Measure, required: float, unit: Unit) -> float | None:
    """Read a cell in the measure of its item; None where it says nothing. Raises NotAFigure.

    Minutes may be written as 750, 12.5 小时, 12小时30分 or 12:30:00; work as 2, 2篇, 2/3 or 已完成,
    which is all that is required; and any of it as a percentage of what is required.
    """
    cell = "".join(unicodedata.normalize("NFKC", text).lower().split())
    cell = _GROUPED.sub("", cell)
    if cell in _NOTHING:
        return None
    if cell in _DONE:
        return required
    if cell in _NOT_DONE:
        return 0.0
    if measure is Measure.MINUTES:
        minutes = _minutes(cell)
        if minutes is not None:
            return minutes
    of = _OF.fullmatch(cell)
    if of is not None:
        return _of(float(of[1]), float(of[2]), measure)
    number = _NUMBER.fullmatch(cell)
    if number is None:
        raise NotAFigure(text)
    value, counter = float(number[1]), number[2]
    if counter in ("%", "％") or (not counter and unit is Unit.PERCENT):
        return _percent(value, measure, required)
    if not counter and unit is Unit.SHARE:
        return _percent(value * 100, measure, required)
    if measure is Measure.MINUTES:
        if counter in ("学时", "學時", "课时", "課時") or (
            not counter and unit is Unit.CLASS_HOURS
        ):
            return value * 45
        if counter:
            raise NotAFigure(text)
        return value * 60 if unit is Unit.HOURS else value / 60 if unit is Unit.SECONDS else value
    if counter not in _COUNTERS:
        raise NotAFigure(text)
    return value


def _minutes(cell: str) -> float | None:
    clock = _CLOCK.fullmatch(cell)
    if clock is not None:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return round(hours * 60 + minutes + seconds / 60, 2)
    parts = _PARTS.fullmatch(cell)
    if parts is None or not any(parts.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return round(hours * 60 + minutes + seconds / 60, 2)


def _of(done: float, of: float, measure: Measure) -> float:
    if measure is Measure.PERCENT:
        return round(100 * done / of, 2) if of else 0.0
    return done


def _percent(value: float, measure: Measure, required: float) -> float:
    if measure is Measure.PERCENT:
        return value
    return round(required * value / 100, 4)
