"""What is usual for a competition: its rounds, what is handed in, how it is judged, its awards.

A new competition begins with this; all of it can be changed while it is a draft. The words are
in the office's language, for they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.competitions.tables import CompetitionKind, RoundLevel
from storage.people.tables import UnitKind

Words = tuple[str, str, str]
"""In simplified and traditional Chinese, and in English."""


def said(words: Words, language: str) -> str:
    """Return the words in this language."""
    return words[{"zh_Hans": 0, "zh_Hant": 1}.get(language, 2)]


@dataclass(frozen=True)
class UsualRound:
    """A round that can be chosen by its key."""

    key: str
    name: Words
    level: RoundLevel
    season: str
    external: bool = False


ROUNDS: Mapping[str, UsualRound] = {
    each.key: each
    for each in (
        UsualRound("group", ("初赛", "初賽", "Preliminary"), RoundLevel.TEACHING_GROUP, "autumn"),
        UsualRound("school", ("复赛", "複賽", "Semi-final"), RoundLevel.SCHOOL, "autumn"),
        UsualRound("area", ("片区赛", "片區賽", "Area round"), RoundLevel.AREA, "spring"),
        UsualRound("county", ("决赛", "決賽", "Final"), RoundLevel.COUNTY, "spring"),
        UsualRound(
            "city", ("推送市赛", "推送市賽", "On to the city"), RoundLevel.CITY, "spring", True
        ),
        UsualRound(
            "province",
            ("推送省赛", "推送省賽", "On to the province"),
            RoundLevel.PROVINCE,
            "spring",
            True,
        ),
    )
}

_SCHOOL = {
    "group": ROUNDS["group"],
    "school": UsualRound("school", ("决赛", "決賽", "Final"), RoundLevel.SCHOOL, "autumn"),
    "county": UsualRound(
        "county", ("推送县赛", "推送縣賽", "On to the county"), RoundLevel.COUNTY, "spring", True
    ),
}


def rounds_of(kind: str) -> Mapping[str, UsualRound]:
    """Return the rounds that a unit of this kind usually holds, in their order."""
    return _SCHOOL if kind in (UnitKind.SCHOOL, UnitKind.GROUP) else ROUNDS


def first_choice(kind: str) -> tuple[str, ...]:
    """Return the rounds that are ticked from the beginning."""
    if kind in (UnitKind.SCHOOL, UnitKind.GROUP):
        return ("group", "school")
    return ("group", "school", "county", "city")


_PLAN: Words = ("教学设计", "教學設計", "Lesson plan")
_SLIDES: Words = ("课件", "課件", "Slides")
_VIDEO: Words = ("课堂实录", "課堂實錄", "Video of the lesson")
_WORK: Words = ("作品", "作品", "Work")
_TEXT: Words = ("文本", "文本", "Text")
_PAPER: Words = ("试题与说明", "試題與說明", "Items with notes")
_FILM: Words = ("视频", "視頻", "Video")

_DOC, _DECK, _CLIP = ("docx", "pdf"), ("pptx", "pdf"), ("link", "mp4")

Slot = tuple[str, Words, tuple[str, ...], bool]
"""Key, title, kinds, and whether everybody has to hand it in."""

_MATERIALS: Mapping[CompetitionKind, tuple[Slot, ...]] = {
    CompetitionKind.CLASSROOM: (
        ("plan", _PLAN, _DOC, True),
        ("slides", _SLIDES, _DECK, False),
        ("video", _VIDEO, _CLIP, False),
    ),
    CompetitionKind.YOUNG_TEACHER: (("plan", _PLAN, _DOC, True), ("slides", _SLIDES, _DECK, False)),
    CompetitionKind.ITEM_WRITING: (("paper", _PAPER, _DOC, True),),
    CompetitionKind.QUALITY_LESSON: (
        ("plan", _PLAN, _DOC, True),
        ("video", _VIDEO, _CLIP, True),
    ),
    CompetitionKind.MICRO_LESSON: (("video", _FILM, _CLIP, True), ("plan", _PLAN, _DOC, False)),
    CompetitionKind.MICRO_FILM: (("video", _FILM, _CLIP, True),),
    CompetitionKind.MORAL_CASE: (("text", _TEXT, _DOC, True),),
    CompetitionKind.CASE_WRITING: (("text", _TEXT, _DOC, True),),
}
_OTHER: tuple[Slot, ...] = (("work", _WORK, ("docx", "pdf", "pptx", "link"), True),)

Line = tuple[str, Words, int]

_LESSON: tuple[Line, ...] = (
    ("aims", ("教学目标", "教學目標", "Aims"), 20),
    ("process", ("教学过程", "教學過程", "Course of the lesson"), 40),
    ("effect", ("教学效果", "教學效果", "Effect"), 25),
    ("teacher", ("教师素养", "教師素養", "The teacher"), 15),
)
_ITEMS: tuple[Line, ...] = (
    ("right", ("科学规范", "科學規範", "Sound"), 40),
    ("fit", ("符合课标", "符合課標", "Fits the curriculum"), 30),
    ("fresh", ("创新", "創新", "Original"), 30),
)
_WRITTEN: tuple[Line, ...] = (
    ("theme", ("主题", "主題", "Theme"), 30),
    ("content", ("内容", "內容", "Content"), 40),
    ("form", ("表达", "表達", "Form"), 30),
)
_RUBRICS: Mapping[CompetitionKind, tuple[Line, ...]] = {
    CompetitionKind.CLASSROOM: _LESSON,
    CompetitionKind.YOUNG_TEACHER: _LESSON,
    CompetitionKind.QUALITY_LESSON: _LESSON,
    CompetitionKind.MICRO_LESSON: _LESSON,
    CompetitionKind.ITEM_WRITING: _ITEMS,
}

MOST_MB = 20
"""What a bot can fetch from Telegram, and so what can be checked."""


def materials(kind: CompetitionKind, language: str) -> list[dict[str, Any]]:
    """Return what is usually handed in."""
    return [
        {
            "key": key,
            "title": said(title, language),
            "kinds": list(kinds),
            "most_mb": MOST_MB,
            "required": required,
        }
        for key, title, kinds, required in _MATERIALS.get(kind, _OTHER)
    ]


def rubric(kind: CompetitionKind, language: str) -> list[dict[str, Any]]:
    """Return by what it is usually judged, 100 points in all."""
    return [
        {"key": key, "title": said(title, language), "most": most, "hint": ""}
        for key, title, most in _RUBRICS.get(kind, _WRITTEN)
    ]


def ties(lines: list[dict[str, Any]]) -> list[str]:
    """Return what usually decides between equals: the weightiest criterion, median, lot."""
    weightiest = max(lines, key=lambda line: line["most"])
    return [f"criterion:{weightiest['key']}", "median", "lot"]


def awards(language: str) -> list[dict[str, Any]]:
    """Return the usual awards of the deciding round."""
    names: tuple[tuple[Words, float], ...] = (
        (("一等奖", "一等獎", "First prize"), 0.15),
        (("二等奖", "二等獎", "Second prize"), 0.25),
        (("三等奖", "三等獎", "Third prize"), 0.30),
    )
    return [
        {"name": said(name, language), "share": share, "tier": "", "hours": "0"}
        for name, share in names
    ]


QUOTA: Mapping[str, Any] = {"share": 0.4, "min": 1}
"""How many usually go on from a round of our own."""

STAGES: Mapping[str, Words] = {
    "kindergarten": ("学前", "學前", "Kindergarten"),
    "primary": ("小学", "小學", "Primary"),
    "junior": ("初中", "初中", "Junior"),
    "senior": ("高中", "高中", "Senior"),
    "vocational": ("中职", "中職", "Vocational"),
}


def track(stage: str, subject: str, language: str) -> str:
    """Return what the track of a stage and a subject is usually called: 小学语文."""
    words = [said(STAGES[stage], language) if stage in STAGES else "", subject]
    return (" " if language == "en" else "").join(word for word in words if word)
