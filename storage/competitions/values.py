"""Reading what organisers type: a quota, a rubric, what is handed in, awards.

The same texts stand in the cells of a plan sheet. Lists are a line each; ``；`` or ``;`` begins
a new line too, so that a whole list fits into one cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from storage import sheets
from storage.competitions.usual import MOST_MB
from storage.people.tables import OrgUnit
from storage.training.making import WrongValue

LONGEST = 120
LONGEST_TEXT = 2000
MOST_LINES = 20
MOST_POINTS = 1000
MOST_JUDGES = 30
MOST_DROPPED = 3
MOST_IN_TEAM = 10
MOST_YEARS = 10

LINK = "link"
KINDS = ("docx", "pptx", "xlsx", "pdf", "jpg", "png", "mp4", LINK)
"""What can be handed in."""

MEDIAN, BEST, LOT = "median", "best", "lot"
CRITERION = "criterion:"
FEWEST_DAYS = 5
"""Working days for which a list is on public display at least."""

# Digits, letters and signs of a full width; the comma and the stop of a sentence stay Chinese.
_WIDE = {ord(wide): unicodedata.normalize("NFKC", wide) for wide in "％（）．　"} | {
    code: chr(code - 0xFEE0)
    for first, last in (("０", "９"), ("Ａ", "Ｚ"), ("ａ", "ｚ"))
    for code in range(ord(first), ord(last) + 1)
}
_WITHOUT = frozenset(
    map(
        sheets.key,
        ("", "不限", "不限制", "无", "無", "没有", "全部", "没有限制", "none", "all", "no"),
    )
)
_KIND_WORDS = {
    **{kind: kind for kind in KINDS},
    "doc": "docx",
    "word": "docx",
    "ppt": "pptx",
    "excel": "xlsx",
    "jpeg": "jpg",
    "链接": LINK,
    "連結": LINK,
    "鏈接": LINK,
    "网址": LINK,
    "網址": LINK,
    "视频": "mp4",
    "視頻": "mp4",
}
_OPTIONAL = ("选交", "選交", "可选", "可選", "自愿", "自願", "optional")
_REQUIRED = ("必交", "必须", "必須", "required")
_TIE_WORDS: Mapping[str, tuple[str, ...]] = {
    MEDIAN: ("中位数", "中位數", "median"),
    BEST: ("最高分", "highest", "best"),
    LOT: ("抽签", "抽籤", "lot"),
}
_TIERS: Mapping[str, tuple[str, ...]] = {
    "rising_star": ("教坛新秀", "教壇新秀", "rising star"),
    "backbone": ("骨干教师", "骨干", "骨幹教師", "骨幹", "backbone"),
    "named_leader": ("名师", "名師", "named teacher"),
}
TIERS = tuple(_TIERS)
"""The tiers that an award can lead to, the lowest first."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, without empty ones; ``；`` begins a line too."""
    plain = text.translate(_WIDE)
    found = [" ".join(line.split()) for line in re.split(r"[\n;；]", plain)]
    return [line for line in found if line]


def short(text: str, field: str, *, empty: bool = False) -> str:
    """Read a title or a name. Raises WrongValue."""
    said = " ".join(text.split())
    if (not said and not empty) or len(said) > LONGEST:
        raise WrongValue(field)
    return said


def whole(text: str, field: str, least: int, most: int) -> int:
    """Read a whole number from ``least`` to ``most``. Raises WrongValue."""
    number = sheets.as_number(text)
    if number is None or number != int(number) or not least <= number <= most:
        raise WrongValue(field)
    return int(number)


def share(text: str, field: str) -> float:
    """Read a share: 40%, 0.4, 40. Raises WrongValue for what is not above 0 and at most 1."""
    number = sheets.as_number(text)
    if number is None:
        raise WrongValue(field)
    if number > 1:  # 40 is what many type for 40%
        number /= 100
    if not 0 < number <= 1:
        raise WrongValue(field)
    return float(number)


def is_without(text: str) -> bool:
    """Whether it says that there is no limit."""
    return sheets.key(text) in _WITHOUT


def quota(session: Session, text: str) -> dict[str, Any]:
    """Read how many go on: ``40%``, ``40% 至少1``, ``2``, and lines such as ``实验小学 3``.

    Empty is without a limit. Raises WrongValue, whose field is ``unit`` for a name that no
    unit, or more than one, has.
    """
    if is_without(text):
        return {}
    first, *rest = lines_of(text)
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%\D*(?:(\d+)\D*)?", first)
    if percent is not None:
        if rest:
            raise WrongValue("quota")
        part = float(Decimal(percent[1]) / 100)
        if not 0 < part <= 1:
            raise WrongValue("quota")
        return {"share": part, "min": int(percent[2] or 0)}
    number = re.fullmatch(r"\D*?(\d{1,4})\D*", first)
    if number is None:
        raise WrongValue("quota")
    units: dict[str, int] = {}
    for line in rest:
        found = re.fullmatch(r"(.+?)[\s:：,，]*(\d{1,4})\D?", line)
        if found is None:
            raise WrongValue("quota")
        units[str(_unit(session, found[1]))] = int(found[2])
    return {"each": int(number[1]), "units": units}


def _unit(session: Session, name: str) -> int:
    wanted = name.strip(" :：,，")
    ids = session.exec(
        select(OrgUnit.id).where(
            (col(OrgUnit.name) == wanted)
            | (col(OrgUnit.short_name) == wanted)
            | (col(OrgUnit.code) == wanted),
            col(OrgUnit.active),
        )
    ).all()
    if len(ids) != 1:
        ids = session.exec(
            select(OrgUnit.id).where(
                col(OrgUnit.name).contains(wanted, autoescape=True), col(OrgUnit.active)
            )
        ).all()
    if len(ids) != 1:
        raise WrongValue("unit")
    return ids[0]


def unit_most(text: str) -> int | None:
    """Read how many may go on from one unit in a track; None is without a limit."""
    return None if is_without(text) else whole(text, "unit_most", 1, 1000)


def materials(text: str, known: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Read what is handed in, a line each: ``教学设计 docx pdf 20MB 必交``.

    What was there under the same title keeps its key. Raises WrongValue.
    """
    if is_without(text):
        return []
    keys = {each["title"]: each["key"] for each in known}
    found: list[dict[str, Any]] = []
    for line in _few(lines_of(text), "materials"):
        title: list[str] = []
        kinds: list[str] = []
        most, required = MOST_MB, True
        for word in re.split(r"[\s,，、/]+", line):
            low = word.lower().lstrip(".")
            size = re.fullmatch(r"(\d{1,4})\s*mb?", low)
            if size:
                most = int(size[1])
            elif low in _KIND_WORDS and title:
                kinds.append(_KIND_WORDS[low])
            elif low in _OPTIONAL:
                required = False
            elif low not in _REQUIRED and word:
                title.append(word)
        name = short(" ".join(title), "materials")
        if not kinds or not 1 <= most <= 2000:
            raise WrongValue("materials")
        found.append(
            {
                "key": keys.get(name, ""),
                "title": name,
                "kinds": list(dict.fromkeys(kinds)),
                "most_mb": most,
                "required": required,
            }
        )
    return _keyed(found, "materials", "m")


def rubric(text: str, known: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Read by what it is judged, a line each: ``教学目标 20 目标明确，符合课标``.

    What was there under the same title keeps its key. Raises WrongValue.
    """
    if is_without(text):
        return []
    keys = {each["title"]: each["key"] for each in known}
    found: list[dict[str, Any]] = []
    for line in _few(lines_of(text), "rubric"):
        parts = re.fullmatch(r"(.+?)[\s:：]*\(?(\d{1,4})\s*(?:分|points?)?\)?[\s:：,，]*(.*)", line)
        if parts is None or not 1 <= int(parts[2]) <= MOST_POINTS:
            raise WrongValue("rubric")
        name = short(parts[1], "rubric")
        hint = short(parts[3], "rubric", empty=True)
        found.append(
            {"key": keys.get(name, ""), "title": name, "most": int(parts[2]), "hint": hint}
        )
    return _keyed(found, "rubric", "c")


def awards(text: str) -> list[dict[str, Any]]:
    """Read the awards, the best first, a line each: ``一等奖 15% 18学时 骨干教师``.

    Raises WrongValue, also where their shares are more than everybody.
    """
    if is_without(text):
        return []
    found: list[dict[str, Any]] = []
    for line in _few(lines_of(text), "awards"):
        name: list[str] = []
        part: Decimal | None = None
        hours, tier = Decimal(0), ""
        for word in line.split(" "):
            percent = re.fullmatch(r"(\d+(?:\.\d+)?)%", word)
            worth = re.fullmatch(r"(\d+(?:\.\d)?)(?:学时|學時|h|hours?)", word.lower())
            of_tier = next((key for key, words in _TIERS.items() if word.lower() in words), None)
            if percent:
                part = Decimal(percent[1]) / 100
            elif worth:
                hours = Decimal(worth[1])
            elif of_tier is not None and name:
                tier = of_tier
            elif part is not None or hours:
                raise WrongValue("awards")  # behind its share stands no name, but a slip
            else:
                name.append(word)
        title = short(" ".join(name), "awards")
        if part is None or not 0 < part <= 1 or hours > 360:
            raise WrongValue("awards")
        found.append({"name": title, "share": float(part), "tier": tier, "hours": str(hours)})
    names = [each["name"] for each in found]
    if len(set(names)) < len(names) or sum(each["share"] for each in found) > 1.000001:
        raise WrongValue("awards")
    return found


def ties(text: str, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Read what decides between equals, in its order: 教学过程、中位数、抽签.

    A criterion is known by its title. Raises WrongValue.
    """
    if is_without(text):
        return []
    by_title = {sheets.key(each["title"]): CRITERION + each["key"] for each in lines}
    words = {sheets.key(word): key for key, some in _TIE_WORDS.items() for word in some}
    found = []
    for word in re.split(r"[\n;；,，、>→]+", text):
        if not word.strip():
            continue
        key = sheets.key(word)
        one = by_title.get(key) or words.get(key)
        if one is None:
            raise WrongValue("ties")
        found.append(one)
    return list(dict.fromkeys(found))


def barred(text: str) -> dict[str, Any]:
    """Read which winners may not enter: ``2 一等奖、二等奖``; years alone bar all winners."""
    if is_without(text):
        return {"barred_years": 0, "barred_awards": []}
    found = re.fullmatch(
        r"\D*?(\d{1,2})\s*(?:年|years?)?内?[\s:：,，]*(.*)", " ".join(lines_of(text))
    )
    if found is None or int(found[1]) > MOST_YEARS:
        raise WrongValue("barred")
    names = [name for name in re.split(r"[\s,，、]+", found[2]) if name]
    return {"barred_years": int(found[1]), "barred_awards": names}


def hired_within(years: int, today: date) -> list[str]:
    """Return the years of coming into service of those with so many years of it at most."""
    return [str(today.year - each) for each in range(years + 1)]


def _few(lines: list[str], field: str) -> list[str]:
    if not lines or len(lines) > MOST_LINES:
        raise WrongValue(field)
    return lines


def _keyed(found: list[dict[str, Any]], field: str, letter: str) -> list[dict[str, Any]]:
    """Give a key to what has none; two of one title would be one thing twice."""
    titles = [each["title"] for each in found]
    if len(set(titles)) < len(titles):
        raise WrongValue(field)
    taken = {each["key"] for each in found}
    number = 0
    for each in found:
        while not each["key"]:
            number += 1
            if f"{letter}{number}" not in taken:
                each["key"] = f"{letter}{number}"
                taken.add(each["key"])
    return found
