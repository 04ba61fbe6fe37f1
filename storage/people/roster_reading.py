"""Reading a roster: what the rows of a table say about teachers, whatever words it uses.

Nothing is looked up here and nothing is guessed: a cell that says nothing known makes its row
one that is not understood, and the reason names the column. An empty cell says nothing; ``无``
says that there is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from storage import sheets
from storage.people import phones
from storage.people.tables import Role, TeacherState
from storage.sheets import Book, Line, Table

REQUIRED = ("staff_no", "name")

HEADERS: dict[str, tuple[str, ...]] = {
    "staff_no": (
        "工号", "工號", "教师工号", "教師工號", "职工号", "職工號", "教工号", "教工號", "人员编号",
        "人員編號", "教师编号", "教師編號", "员工编号", "員工編號", "职工编号", "編號", "编号",
        "Staff number", "Staff no", "Staff ID", "Employee number", "Employee ID", "Teacher ID",
        "Teacher number",
    ),
    "name": (
        "姓名", "教师姓名", "教師姓名", "老师姓名", "老師姓名", "教师", "教師", "名字",
        "Name", "Full name", "Teacher", "Teacher name",
    ),
    "former_name": (
        "曾用名", "原姓名", "原名", "更正前姓名", "Former name", "Previous name",
    ),
    "school": (
        "学校", "學校", "学校名称", "學校名稱", "单位", "單位", "单位名称", "單位名稱", "所在学校",
        "所在學校", "所在单位", "所在單位", "工作单位", "工作單位", "任职学校", "任職學校",
        "School", "School name", "Unit", "Unit name", "Workplace",
    ),
    "school_code": (
        "学校代码", "學校代碼", "单位代码", "單位代碼", "学校编码", "學校編碼", "单位编码",
        "School code", "Unit code",
    ),
    "stage": (
        "学段", "學段", "任教学段", "任教學段", "Stage", "Phase", "Level of school",
    ),
    "subjects": (
        "学科", "學科", "任教学科", "任教學科", "科目", "任教科目", "主教学科", "所教学科",
        "Subject", "Subjects", "Subjects taught",
    ),
    "duties": (
        "职务", "職務", "岗位", "崗位", "担任职务", "擔任職務", "兼任职务", "兼任職務", "行政职务",
        "行政職務", "Duty", "Duties", "Post", "Position",
    ),
    "title": (
        "职称", "職稱", "专业技术职务", "專業技術職務", "技术职称", "Professional title",
        "Professional rank",
    ),
    "hire_date": (
        "入职日期", "入職日期", "入职时间", "入職時間", "参加工作时间", "參加工作時間",
        "参加工作日期",
        "任教时间", "任教時間", "入编时间", "入编日期", "Hire date", "Hired", "Date of hire",
        "Start of service",
    ),
    "phone": (
        "手机", "手機", "手机号", "手機號", "手机号码", "手機號碼", "电话", "電話", "联系电话",
        "聯繫電話", "聯絡電話", "联系方式", "Phone", "Phone number", "Mobile", "Mobile number",
    ),
    "state": (
        "状态", "狀態", "在岗状态", "在崗狀態", "人员状态", "人員狀態", "在职状态", "在職狀態",
        "是否在岗", "是否在崗", "State", "Status", "Working state", "Employment status",
    ),
    "full_time": (
        "专任", "專任", "是否专任", "是否專任", "专任教师", "是否专任教师", "专兼职", "專兼職",
        "Full-time", "Full time", "Is full-time",
    ),
    "since": (
        "任职起始日期", "任職起始日期", "到岗日期", "到崗日期", "到校日期", "到校时间", "到校時間",
        "调入日期", "調入日期", "调动日期", "調動日期", "生效日期", "变动日期", "變動日期",
        "Since", "Posted since", "Effective date", "Date of transfer",
    ),
    "entry_route": (
        "入职途径", "入職途徑", "入职方式", "入職方式", "补充渠道", "来源渠道", "Way of entry",
        "Entry route",
    ),
    "roles": (
        "角色", "培训角色", "培訓角色", "系统角色", "系統角色", "管理角色", "平台角色", "管理权限",
        "管理權限", "Role",
        "Roles",
    ),
}  # fmt: skip
"""The headers that mean a field; case, spaces, widths and what stands in brackets is all one."""

OF_A_ROSTER = frozenset(HEADERS) - {"staff_no", "name", "school", "school_code"}
"""A table with none of these columns may be a list of marks, or of who comes."""

STAGES = {
    "kindergarten": ("kindergarten", "幼儿园", "幼兒園", "幼教", "学前", "學前", "学前教育"),
    "primary": ("primary", "小学", "小學", "primaryschool", "elementary"),
    "junior": ("junior", "初中", "juniorsecondary", "juniorhigh", "middleschool"),
    "senior": ("senior", "高中", "普通高中", "普高", "seniorsecondary", "seniorhigh", "highschool"),
    "vocational": (
        "vocational",
        "中职",
        "中職",
        "职高",
        "職高",
        "职教",
        "職教",
        "vocationalschool",
    ),
}
STATES = {
    TeacherState.ACTIVE: (
        "active", "在岗", "在崗", "在职", "在職", "在编在岗", "在編在崗", "是", "yes", "inservice",
        "正常", "返岗", "返崗",
    ),
    TeacherState.LONG_LEAVE: (
        "long_leave", "长假", "長假", "长期请假", "長期請假", "病假", "产假", "產假", "长病假",
        "長病假",
        "哺乳假", "事假", "longleave", "onleave", "onlongleave", "leave",
    ),
    TeacherState.SECONDED: (
        "seconded", "借调", "借調", "借出", "外借", "支教", "挂职", "掛職", "onsecondment",
    ),
    TeacherState.RETIRED: ("retired", "退休", "内退", "內退", "已退休"),
    TeacherState.LEFT: (
        "left", "离职", "離職", "调出", "調出", "辞职", "辭職", "离岗", "離崗", "解聘", "开除",
        "開除",
        "去世", "死亡", "已离职", "已離職", "resigned", "gone",
    ),
}  # fmt: skip
DUTIES = {
    "homeroom": ("homeroom", "班主任", "班导师", "classteacher", "homeroomteacher"),
    "grade_head": ("grade_head", "年级组长", "年級組長", "年级主任", "年級主任", "gradehead"),
    "group_head": (
        "group_head", "教研组长", "教研組長", "备课组长", "備課組長", "学科组长", "學科組長",
        "grouphead",
        "headofdepartment",
    ),
    "middle_leader": (
        "middle_leader", "中层", "中層", "中层干部", "中層幹部", "教务主任", "教務主任", "教导主任",
        "教導主任", "德育主任", "政教主任", "总务主任", "總務主任", "教科室主任", "办公室主任",
        "辦公室主任", "教务处主任", "middleleader",
    ),
    "vice_principal": (
        "vice_principal", "副校长", "副校長", "副园长", "副園長", "viceprincipal", "deputyhead",
    ),
    "principal": ("principal", "校长", "校長", "园长", "園長", "headteacher"),
    "remote_admin": (
        "remote_admin", "远程培训管理员", "遠程培訓管理員", "网管", "remoteadmin",
    ),
    "counsellor": ("counsellor", "心理教师", "心理教師", "心理辅导员", "心理輔導員", "counselor"),
    "school_cio": ("school_cio", "首席信息官", "信息主管", "cio", "schoolcio"),
}  # fmt: skip
TITLES = {
    "senior_full": ("senior_full", "正高级教师", "正高級教師", "正高级", "正高級", "正高"),
    "senior_associate": (
        "senior_associate", "高级教师", "高級教師", "副高级", "副高級", "副高", "中小学高级教师",
        "中学高级教师", "中小學高級教師",
    ),
}  # fmt: skip
ROUTES = {
    "open_exam": ("open_exam", "公开招聘", "公開招聘", "公招", "考编", "招考", "openexam"),
    "special_post": ("special_post", "特岗", "特崗", "特岗教师", "特崗教師", "specialpost"),
    "general_subject": ("general_subject", "全科", "全科教师", "全科教師", "generalsubject"),
    "free_normal": ("free_normal", "公费师范生", "公費師範生", "免费师范生", "freenormal"),
    "transfer": ("transfer", "调入", "調入", "选调", "選調", "调动", "調動"),
    "contract": ("contract", "合同", "合同制", "编外", "編外", "聘用", "代课"),
}
ROLES = {
    Role.SCHOOL_COORDINATOR: (
        "school_coordinator", "校级管理员", "校級管理員", "学校管理员", "學校管理員",
        "校级培训管理员",
        "校級培訓管理員", "学校培训管理员", "培训管理员", "培訓管理員", "管理员", "管理員",
        "schoolcoordinator", "coordinator", "schooltrainingcoordinator",
    ),
    Role.PRINCIPAL: ("principal", "校长", "校長", "园长", "園長", "headteacher"),
    Role.COUNTY_COORDINATOR: (
        "county_coordinator", "县级管理员", "縣級管理員", "县级培训管理员", "縣級培訓管理員",
        "区级管理员",
        "區級管理員", "countycoordinator", "countytrainingcoordinator",
    ),
    Role.RESEARCH_OFFICER: (
        "research_officer", "教研员", "教研員", "researchofficer",
    ),
    Role.BUREAU_VIEWER: (
        "bureau_viewer", "教育局查看员", "教育局檢視員", "查看员", "檢視員", "bureauviewer",
        "viewer",
    ),
}  # fmt: skip
NONE = frozenset(("无", "無", "none", "—", "-", "/", "\\", "没有", "沒有"))
_BETWEEN = re.compile(r"[、，,;；/|＋+&\s]+")
_BETWEEN_LATIN = re.compile(r"[、，,;；/|]+")  # English subjects are of several words
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,31}")
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LONGEST_NAME = 60
LONGEST_WORD = 30
MOST_WORDS = 12


@dataclass(frozen=True)
class Trouble:
    """Why a row is not applied: ``kind`` for the words, ``what`` for the place or the thing."""

    kind: str
    what: str = ""


@dataclass(frozen=True)
class Entry:
    """One row. ``says`` has the fields with something in them; ``school`` is as it was typed."""

    row: int
    staff_no: str
    name: str
    former_name: str = ""
    school: str = ""
    school_code: str = ""
    says: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    trouble: Trouble | None = None


@dataclass(frozen=True)
class TableRead:
    """What a table itself is like. ``header`` is its row number, from 1."""

    sheet: str = ""
    header: int = 0
    unknown: tuple[str, ...] = ()
    hidden_rows: int = 0
    hidden_columns: tuple[str, ...] = ()
    hidden_sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roster(TableRead):
    """A table of teachers."""

    entries: tuple[Entry, ...] = ()


def is_roster(book: Book) -> bool:
    """Whether this table, which nobody has asked for, is meant as a roster."""
    table = sheets.find_table(book, HEADERS, REQUIRED)
    if table is None:
        return False
    # Number, name and school alone are a roster too; with something else beside them, a list.
    is_plain = len(table.columns) > len(REQUIRED) and not table.unknown
    return is_plain or bool(OF_A_ROSTER & table.columns.keys())


def read_roster(book: Book) -> Roster | None:
    """Read the first sheet that has staff numbers and names; None when none has."""
    table = sheets.find_table(book, HEADERS, REQUIRED)
    if table is None:
        return None
    width = _usual_width(table)
    return Roster(
        entries=tuple(_entry(line, width) for line in table.lines),
        unknown=table.unknown,
        sheet=table.sheet,
        header=table.header,
        hidden_rows=table.hidden_rows,
        hidden_columns=table.hidden_columns,
        hidden_sheets=book.hidden,
    )


def staff_number(text: str) -> str:
    """A staff number as it is kept: half-width, without spaces, capitals."""
    return "".join(sheets.plain(text).split()).upper()


def person_name(text: str) -> str:
    """A name as it is kept: rosters spread short Chinese names, 张　三."""
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"[•・‧．]", "·", text)
    return "".join(text.split()) if _CHINESE.search(text) else " ".join(text.split())


def same_name(one: str, other: str) -> bool:
    """Whether two names are one, but for spaces, widths, case and the kind of dot."""
    return _name_key(one) == _name_key(other)


def _name_key(name: str) -> str:
    return re.sub(r"[\s·•・‧.．]", "", unicodedata.normalize("NFKC", name)).casefold()


def _usual_width(table: Table) -> int:
    """How many digits a staff number of digits has in this file, where one begins with 0."""
    numbers = [staff_number(line.values.get("staff_no", "")) for line in table.lines]
    widths = Counter(len(number) for number in numbers if number.isdigit())
    kept = {len(number) for number in numbers if number.isdigit() and number.startswith("0")}
    if len(kept) == 1 and (width := kept.pop()) >= max(widths):
        return width
    return 0


def _entry(line: Line, width: int) -> Entry:
    values = line.values
    staff_no = staff_number(values.get("staff_no", ""))
    name = person_name(values.get("name", ""))
    if staff_no.isdigit():
        staff_no = staff_no.zfill(width)
    says: dict[str, Any] = {}
    trouble: Trouble | None = None
    roles: tuple[Role, ...] = ()
    if not staff_no or not _NUMBER.fullmatch(staff_no):
        trouble = Trouble("no_number", staff_no[:LONGEST_WORD])
    elif not name or len(name) > LONGEST_NAME or name.isdigit():
        trouble = Trouble("no_name", name[:LONGEST_WORD])
    else:
        for column, read in _READ.items():
            text = sheets.plain(values.get(column, ""))
            if not text:
                continue
            try:
                says[column] = read(text)
            except _NotUnderstoodError:
                # A phone number is not repeated on cards and in logs.
                shown = "" if column == "phone" else text[:LONGEST_WORD]
                trouble = trouble or Trouble(f"not_read:{column}", shown)
        if "roles" in says:
            roles = says.pop("roles")
    return Entry(
        row=line.number,
        staff_no=staff_no,
        name=name,
        former_name=person_name(values.get("former_name", "")),
        school=values.get("school", ""),
        school_code=sheets.plain(values.get("school_code", "")),
        says=says,
        roles=roles,
        trouble=trouble,
    )


class _NotUnderstoodError(ValueError):
    """A cell says nothing known."""


def _word(text: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _meaning(table: Mapping[Any, tuple[str, ...]]) -> dict[str, Any]:
    return {_word(word): meant for meant, words in table.items() for word in words}


_STAGES, _STATES, _DUTIES = _meaning(STAGES), _meaning(STATES), _meaning(DUTIES)
_TITLES, _ROUTES, _ROLES = _meaning(TITLES), _meaning(ROUTES), _meaning(ROLES)
_YES = frozenset(
    map(
        _word,
        [
            "是",
            "专任",
            "專任",
            "专职",
            "專職",
            "全职",
            "全職",
            "yes",
            "y",
            "true",
            "1",
            "full-time",
            "fulltime",
            "✓",
            "√",
        ],
    )
)
_NO = frozenset(
    map(
        _word,
        [
            "否",
            "兼职",
            "兼職",
            "非专任",
            "非專任",
            "no",
            "n",
            "false",
            "0",
            "part-time",
            "parttime",
            "×",
        ],
    )
)


def _known(meanings: Mapping[str, Any], text: str) -> Any:
    found = meanings.get(_word(text))
    if found is None:
        raise _NotUnderstoodError(text)
    return found


def _stage(text: str) -> str:
    return str(_known(_STAGES, text))


def _state(text: str) -> TeacherState:
    return TeacherState(_known(_STATES, text))


def _is_full_time(text: str) -> bool:
    if _word(text) in _YES:
        return True
    if _word(text) in _NO:
        return False
    raise _NotUnderstoodError(text)


def _words(text: str) -> tuple[str, ...]:
    if text.casefold() in NONE:
        return ()
    between = _BETWEEN if _CHINESE.search(text) else _BETWEEN_LATIN
    words = tuple(dict.fromkeys(word.strip() for word in between.split(text) if word.strip()))
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise _NotUnderstoodError(text)
    return words


def _duties(text: str) -> tuple[str, ...]:
    words = _words(text)
    return tuple(dict.fromkeys(_DUTIES.get(_word(word), word) for word in words))


def _title(text: str) -> str:
    if text.casefold() in NONE:
        return ""
    if len(text) > LONGEST_WORD:
        raise _NotUnderstoodError(text)
    return str(_TITLES.get(_word(text), text))


def _route(text: str) -> str:
    return str(_known(_ROUTES, text))


def _day(text: str) -> date:
    """A day; of a month its first."""
    day = sheets.as_day(text)
    if day is None:
        found = re.fullmatch(r"(\d{4})\s*[-/年]\s*(\d{1,2})\s*月?份?", text)
        found = found or re.fullmatch(r"(\d{4})\.?(\d{2})", text)
        if found is not None and 1 <= int(found[2]) <= 12:
            day = date(int(found[1]), int(found[2]), 1)
    if day is None or not 1940 <= day.year <= 2100:
        raise _NotUnderstoodError(text)
    return day


def _phone(text: str) -> str:
    if not phones.normalised(text):
        raise _NotUnderstoodError(text)
    return text


def _roles(text: str) -> tuple[Role, ...]:
    words = _words(text)
    return tuple(dict.fromkeys(Role(_known(_ROLES, word)) for word in words))


_READ: dict[str, Any] = {
    "stage": _stage,
    "subjects": _words,
    "duties": _duties,
    "title": _title,
    "hire_date": _day,
    "phone": _phone,
    "state": _state,
    "full_time": _is_full_time,
    "since": _day,
    "entry_route": _route,
    "roles": _roles,
}
