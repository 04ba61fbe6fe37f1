"""A competition from a workbook of two sheets: its rounds (轮次) and its tracks (组别).

The preview reads the file and changes nothing; applying reads the same file again and makes the
draft. A workbook with anything wrong in it makes nothing: it goes back with what is wrong in
each row, to be mended and dropped again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from functools import partial
from typing import Any

from sqlmodel import Session

from storage import sheets
from storage.calendar import workdays
from storage.calendar.saying import NotUnderstood, WrongWeekday, YearLeftOut
from storage.calendar.workdays import WorkCalendar
from storage.competitions import editing, making, usual, values
from storage.competitions.editing import PublicityTooShort, What
from storage.competitions.making import Form, RoundForm, TrackForm
from storage.competitions.tables import CompetitionKind, RoundLevel
from storage.moments import local_day
from storage.people import imports
from storage.people.imports import NoLongerWaiting
from storage.people.tables import ImportState
from storage.sheets import Book, Line, Table
from storage.training.making import DatesNotInOrder, WrongValue

KIND = "competition_plan"
"""The kind of the import."""

ROUNDS: Mapping[str, tuple[str, ...]] = {
    "title": ("比赛名称", "比賽名稱", "大赛名称", "大賽名稱", "competition"),
    "kind": ("比赛类别", "比賽類別", "赛事类别", "kind of competition"),
    "year": ("学年", "學年", "school year"),
    "name": ("轮次", "輪次", "轮次名称", "赛程", "round"),
    "level": ("级别", "級別", "组织级别", "level"),
    "entry": ("报名时间", "報名時間", "entering"),
    "days": ("比赛时间", "比賽時間", "days of the round"),
    "material_due": ("材料截止", "材料截止时间", "材料截止時間", "materials due"),
    "result_due": ("结果截止", "結果截止", "结果上报", "list due"),
    "publicity": ("公示", "公示时间", "公示時間", "publicity"),
    "forward_due": ("推荐上报截止", "推薦上報截止", "上报截止", "上報截止", "forwarding due"),
    "quota": ("晋级名额", "晉級名額", "推荐名额", "推薦名額", "how many go on"),
    "unit_most": ("单位最多", "單位最多", "每校最多", "most of a unit"),
    "materials": ("参赛材料", "參賽材料", "提交材料", "what to hand in"),
    "rubric": ("评分标准", "評分標準", "rubric"),
    "judges": ("评委人数", "評委人數", "judges"),
    "drops": ("去掉最高最低", "去掉高低分", "marks left out"),
    "ties": ("并列规则", "並列規則", "并列处理", "ties"),
}
TRACKS: Mapping[str, tuple[str, ...]] = {
    "track": ("组别", "組別", "组别名称", "track"),
    "stage": ("学段", "學段", "stage"),
    "subject": ("学科", "學科", "subject"),
}
_LEVELS: Mapping[RoundLevel, tuple[str, ...]] = {
    RoundLevel.TEACHING_GROUP: ("教研组", "教研組", "research group"),
    RoundLevel.SCHOOL: ("学校", "學校", "校级", "校級", "school"),
    RoundLevel.AREA: ("片区", "片區", "area"),
    RoundLevel.COUNTY: ("县", "縣", "县级", "縣級", "区", "區", "county"),
    RoundLevel.CITY: ("市", "市级", "市級", "city"),
    RoundLevel.PROVINCE: ("省", "省级", "省級", "province"),
    RoundLevel.NATIONAL: ("国家", "國家", "国家级", "國家級", "nation"),
}
_KINDS: Mapping[CompetitionKind, tuple[str, ...]] = {
    CompetitionKind.CLASSROOM: ("课堂大赛", "課堂大賽", "课堂教学大赛", "课堂教学", "classroom"),
    CompetitionKind.YOUNG_TEACHER: ("青年教师", "青年教師", "青年教师大赛", "young teachers"),
    CompetitionKind.ITEM_WRITING: ("命题", "命題", "命题大赛", "命題大賽", "item writing"),
    CompetitionKind.QUALITY_LESSON: ("优课", "優課", "quality lessons"),
    CompetitionKind.MICRO_LESSON: ("微课", "微課", "微课大赛", "micro-lessons"),
    CompetitionKind.MICRO_FILM: ("微电影", "微電影", "micro-films"),
    CompetitionKind.MORAL_CASE: ("德育案例", "德育课程案例", "moral education"),
    CompetitionKind.SHOWCASE: ("展示", "展示课", "showcase"),
    CompetitionKind.CASE_WRITING: ("案例", "案例评选", "cases"),
    CompetitionKind.OTHER: ("其他", "其它", "other"),
}
_STAGES: Mapping[str, tuple[str, ...]] = {
    "kindergarten": ("学前", "學前", "幼儿园", "幼兒園", "kindergarten"),
    "primary": ("小学", "小學", "primary"),
    "junior": ("初中", "junior"),
    "senior": ("高中", "senior"),
    "vocational": ("中职", "中職", "职业", "vocational"),
}
_OUTSIDE = (RoundLevel.CITY, RoundLevel.PROVINCE, RoundLevel.NATIONAL)
_NAMES = (("轮次", "组别"), ("輪次", "組別"), ("Rounds", "Tracks"))
_LANGUAGES = {"zh_Hans": 0, "zh_Hant": 1}


_UNREADABLE = (
    WrongValue,
    NotUnderstood,
    WrongWeekday,
    YearLeftOut,
    DatesNotInOrder,
    PublicityTooShort,
)


@dataclass(frozen=True)
class Problem:
    """What is wrong in a cell: its sheet and row, what it should say, and what it says."""

    sheet: str
    row: int
    field: str
    said: str
    read: Mapping[str, Any] = dataclass_field(default_factory=dict)
    """Dates by column: those of a round where they are not in order, or until when at least the
    list hangs."""


@dataclass(frozen=True)
class Preview:
    """What applying the workbook would make, or what is wrong in it."""

    job_id: int
    file_name: str
    form: Form | None
    problems: tuple[Problem, ...]


def is_plan(book: Book) -> bool:
    """Whether this is the plan of a competition: one sheet of rounds, one of tracks."""
    return all(table is not None for table in _tables(book))


def headers(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the columns of the two sheets are called, by field."""
    return _called(ROUNDS, language), _called(TRACKS, language)


def choices(language: str) -> dict[str, tuple[str, ...]]:
    """Return the words that a column takes, for those that do not take any text."""
    some: dict[str, Mapping[Any, tuple[str, ...]]] = {
        "kind": _KINDS,
        "level": _LEVELS,
        "stage": _STAGES,
    }
    return {field: tuple(_called(words, language).values()) for field, words in some.items()}


def blank(language: str, name: str, guide: Sequence[Sequence[str]]) -> bytes:
    """Return an empty workbook, with a sheet of this name that says how it is filled in."""
    rounds, tracks = _NAMES[_LANGUAGES.get(language, 2)]
    columns = [list(each.values()) for each in headers(language)]
    return sheets.write([(rounds, [columns[0]]), (tracks, [columns[1]]), (name, guide)])


def _called(words: Mapping[Any, tuple[str, ...]], language: str) -> dict[Any, str]:
    """Return of each thing's words the one to write in this language."""
    at = _LANGUAGES.get(language, -1)
    return {
        key: some[-1] if at < 0 else some[min(at, len(some) - 2)] for key, some in words.items()
    }


def preview(
    session: Session,
    actor_id: int,
    book: Book,
    content: bytes,
    *,
    language: str,
    now: datetime,
) -> Preview:
    """Read the workbook and keep it, to be applied or not. Raises NotAllowed."""
    form, problems = _read(session, actor_id, book, language, now=now)
    job_id = imports.keep_preview(session, actor_id, KIND, book.name, content, now=now)
    job = imports.own(session, actor_id, job_id)
    job.found = {"problems": len(problems)}
    session.flush()
    return Preview(job_id, book.name, form, problems)


def apply(
    session: Session, actor_id: int, job_id: int, book: Book, *, language: str, now: datetime
) -> int:
    """Make the draft and return its id; applying twice returns the first.

    ``book`` is the kept file, read before the transaction. Raises NotFound, NotAllowed for
    anybody but whoever dropped it, WrongValue, or NoLongerWaiting.
    """
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED and "made" in job.found:
        return int(job.found["made"])
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    form, _problems = _read(session, actor_id, book, language, now=now)
    if form is None:
        raise WrongValue("plan")
    made = making.create(session, actor_id, form, language=language, now=now)
    found = job.found | {"made": made}
    imports.settle(session, job, ImportState.APPLIED, now=now, found=found, forget=False)
    return made


def annotated(book: Book, notes: Mapping[tuple[str, int], str], label: str) -> bytes:
    """Write the workbook again, with a last column that says what is wrong in each row."""
    made = []
    tables = {table.sheet: table for table in _tables(book) if table is not None}
    for sheet in book.sheets:
        rows = [list(row) for row in sheet.rows]
        table = tables.get(sheet.name)
        if table is not None:
            width = max(len(row) for row in rows)
            if rows[table.header - 1] and rows[table.header - 1][-1] == label:
                width -= 1  # it has been sent back before
            for at, row in enumerate(rows, 1):
                del row[width:]
                row += [""] * (width - len(row))
                row.append(label if at == table.header else notes.get((sheet.name, at), ""))
        made.append((sheet.name, rows))
    return sheets.write(made)


def _tables(book: Book) -> tuple[Table | None, Table | None]:
    return (
        sheets.find_table(book, ROUNDS, ("name", "level")),
        sheets.find_table(book, TRACKS, ("track",)),
    )


def _read(
    session: Session, actor_id: int, book: Book, language: str, *, now: datetime
) -> tuple[Form | None, tuple[Problem, ...]]:
    home = making.homes(session, actor_id, now=now)[0]
    rounds, tracks = _tables(book)
    assert rounds is not None
    assert tracks is not None
    calendar = workdays.load(session)
    problems: list[Problem] = []

    def cell(line: Line, field: str, read: Callable[[str], Any], usually: Any) -> Any:
        said = line.values.get(field, "").strip()
        if not said:
            return usually
        try:
            return read(said)
        except PublicityTooShort as error:
            until = {"publicity_until": error.until}
            problems.append(Problem(rounds.sheet, line.number, field, said, until))
        except _UNREADABLE:
            problems.append(Problem(rounds.sheet, line.number, field, said))
        return usually

    first = next(iter(rounds.lines), Line(rounds.header, {}))
    title = cell(first, "title", lambda said: values.short(said, "title"), "")
    if not title:
        problems.append(Problem(rounds.sheet, first.number, "title", ""))
    kind = cell(first, "kind", lambda said: _meant(said, _KINDS, "kind"), CompetitionKind.OTHER)
    this = making.school_year(local_day(now, calendar.zone))
    year = cell(first, "year", _year, this)

    made = []
    for line in rounds.lines:
        name = line.values.get("name", "").strip()
        level = cell(line, "level", lambda said: _meant(said, _LEVELS, "level"), None)
        if not name or level is None:
            missing = "level" if name else "name"
            if not line.values.get("level", "").strip() or not name:
                problems.append(Problem(rounds.sheet, line.number, missing, ""))
        columns: dict[str, Any] = {}
        for what in editing.DATED:
            read = partial(_dates, what, calendar, now)
            columns |= cell(line, what.value, read, {})
        more = _rules(session, line, cell, usual.rubric(kind, language))
        if not name or level is None:
            continue
        made.append(RoundForm(name, level, external=level in _OUTSIDE, **columns, more=more))
        try:
            making.check_order(made[-1])
        except DatesNotInOrder:
            read_as = columns | {"external": level in _OUTSIDE}
            problems.append(Problem(rounds.sheet, line.number, "order", "", read_as))
    if not made:
        problems.append(Problem(rounds.sheet, first.number, "name", ""))
    found: list[TrackForm] = []
    for line in tracks.lines:
        said = line.values.get("stage", "").strip()
        stage = next((key for key, words in _STAGES.items() if said.lower() in words), "")
        track = line.values.get("track", "").strip()
        if track in {one.title for one in found}:
            problems.append(Problem(tracks.sheet, line.number, "track", ""))
        elif not track or len(track) > values.LONGEST:
            problems.append(Problem(tracks.sheet, line.number, "track", track))
        elif said and not stage:
            problems.append(Problem(tracks.sheet, line.number, "stage", said))
        else:
            found.append(TrackForm(track, stage, line.values.get("subject", "").strip()))
    if len(found) > making.MOST_TRACKS:
        problems.append(Problem(tracks.sheet, tracks.header + 1, "track", ""))
    if problems:
        return None, tuple(problems)
    form = Form(
        home.unit_id,
        title,
        kind,
        year,
        tuple(found),
        making.with_usual_dates(made, calendar),
    )
    return form, ()


def _dates(what: What, calendar: WorkCalendar, now: datetime, said: str) -> dict[str, Any]:
    return editing.read_dates(what, said, None, calendar, now=now)


def _rules(
    session: Session,
    line: Line,
    cell: Callable[[Line, str, Callable[[str], Any], Any], Any],
    usually: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the columns of the round's rules that the row says."""
    readers: dict[str, Callable[[str], Any]] = {
        "quota": lambda said: values.quota(session, said),
        "unit_most": values.unit_most,
        "materials": values.materials,
        "rubric": values.rubric,
        "judges": lambda said: values.whole(said, "judges", 1, values.MOST_JUDGES),
        "drops": lambda said: values.whole(said, "drops", 0, values.MOST_DROPPED),
    }
    nothing = object()
    more: dict[str, Any] = {}
    for field, read in readers.items():
        value = cell(line, field, read, nothing)
        if value is not nothing:
            more[field] = value
    rubric = more.get("rubric") or usually
    broken = cell(line, "ties", lambda said: values.ties(said, rubric), nothing)
    if broken is not nothing:
        more["ties"] = broken
    elif more.get("rubric"):
        more["ties"] = usual.ties(more["rubric"])
    return more


def _year(said: str) -> str:
    digits = [part for part in said.replace("—", "-").replace("–", "-").split("-") if part]
    years = [int(part[:4]) for part in digits if part[:4].isdigit()]
    if not years or not 2000 <= years[0] <= 2100 or years[1:] not in ([], [years[0] + 1]):
        raise WrongValue("year")
    return f"{years[0]}-{years[0] + 1}"


def _meant(said: str, words: Mapping[Any, Iterable[str]], field: str) -> Any:
    """Return what is meant by a cell: one of its words, whatever their case and spaces."""
    key = sheets.key(said)
    found = next(
        (value for value, some in words.items() if key in {sheets.key(word) for word in some}), None
    )
    if found is None:
        raise WrongValue(field)
    return found
