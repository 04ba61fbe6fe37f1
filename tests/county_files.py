"""The sample county as the files that a real office would have: tables in its own words.

Made from the county's plan, so that a county that is built from files alone can be compared
with the one that was loaded.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from ruamel.yaml import YAML

from bot.sandbox.county import plan_text
from storage import sheets

STAGES = {
    "kindergarten": "幼儿园",
    "primary": "小学",
    "junior": "初中",
    "senior": "高中",
    "vocational": "中职",
}
AREAS = {"urban": "城区", "town": "镇区", "rural": "乡村"}
BODIES = {
    "bureau": "教育局",
    "teacher_dev_center": "教师发展中心",
    "research_office": "教研室",
}
DUTIES = {
    "homeroom": "班主任",
    "grade_head": "年级组长",
    "group_head": "教研组长",
    "middle_leader": "中层干部",
    "vice_principal": "副校长",
    "principal": "校长",
    "counsellor": "心理教师",
    "school_cio": "首席信息官",
}
ROLES = {
    "school_coordinator": "学校培训管理员",
    "principal": "校长",
    "county_coordinator": "县级培训管理员",
    "research_officer": "教研员",
}
STATES = {
    "active": "在岗",
    "long_leave": "长期请假",
    "seconded": "借调",
    "retired": "退休",
    "left": "离职",
}
ROUTES = {
    "open_exam": "公开招聘",
    "special_post": "特岗教师",
    "general_subject": "全科教师",
    "free_normal": "公费师范生",
    "transfer": "调入",
    "contract": "合同制",
}
TITLES = {"senior_full": "正高级教师", "senior_associate": "高级教师"}
ROSTER = (
    "序号", "工号", "姓名", "所在单位", "学段", "任教学科", "职务", "职称", "参加工作时间",
    "入职途径", "手机号码", "在岗状态", "培训角色", "备注",
)  # fmt: skip
MODES = {
    "face_to_face": "集中面授",
    "remote": "网络研修",
    "shadowing": "跟岗实践",
    "blended": "线上线下混合",
    "outreach": "送教下乡",
    "live": "直播",
}
ENROLMENTS = {
    "open": "自主报名",
    "nomination": "学校推荐",
    "automatic": "全员参加",
    "invitation": "特邀",
}
PROGRAMMES = {
    "KC26-01": ("岗位技能", "小学语文教师"),
    "KC26-04": ("新课标", "小学、初中教师"),
    "KC26-06": ("岗位技能", "小学、初中"),
    "CH26-06": ("新教师结业", "2025年新教师"),
    "CH26-11": ("师德师风", "全体教师"),
}
"""The programmes of the plan sheet by their codes: the kind and the audience as it says them."""
PLAN = (
    "序号", "项目名称", "类别", "级别", "培训方式", "报名方式", "培训对象", "学时", "开始时间",
    "结束时间", "地点", "人数", "报名截止",
)  # fmt: skip


def plan() -> dict[str, Any]:
    """The county's plan as it stands in its file."""
    loaded: dict[str, Any] = YAML(typ="safe").load(plan_text())
    return loaded


def schools(county: dict[str, Any]) -> bytes:
    """学校名单.xlsx: every unit below the county, with its group and its area."""
    units = county["units"]
    circles = {
        kind: {code: circle["name"] for circle in units[kind] for code in circle["members"]}
        for kind in ("groups", "areas")
    }
    head = ["序号", "学校代码", "学校名称", "简称", "类别", "学段", "城乡类型", "学生数"]
    rows: list[list[Any]] = [[*head, "教育集团", "片区"]]

    def add(each: dict[str, Any], kind: str) -> None:
        rows.append(
            [
                len(rows),
                each["code"],
                each["name"],
                each.get("short", ""),
                kind,
                "、".join(STAGES[stage] for stage in each.get("stages", ())),
                AREAS.get(each.get("area", ""), ""),
                each.get("pupils", ""),
                circles["groups"].get(each["code"], ""),
                circles["areas"].get(each["code"], ""),
            ]
        )

    for body in units["bodies"]:
        add(body, BODIES[body["kind"]])
    for school in units["schools"]:
        add(school, "学校")
    for group in units["groups"]:
        add(group, "教育集团")
    for area in units["areas"]:
        add(area, "片区")
    return sheets.write([("学校名单", [["澄禾县学校名单（2026年秋季）"], *rows])])


def people_of(county: dict[str, Any], *codes: str) -> list[dict[str, Any]]:
    """Those of the county's people who work in these units; without a unit, everybody."""
    return [each for each in county["teachers"] if not codes or each["unit"] in codes]


def roster_rows(
    county: dict[str, Any], people: Iterable[dict[str, Any]], *, without: Collection[str] = ()
) -> list[list[Any]]:
    """教师花名册: the header, then one row a person."""
    units = county["units"]
    names = {each["code"]: each["name"] for each in (*units["schools"], *units["bodies"])}
    rows: list[list[Any]] = [list(ROSTER)]
    for number, each in enumerate(people, 1):
        roles = str(each.get("roles") or "").split()
        rows.append(
            [
                number,
                each["no"],
                each["name"],
                names[each["unit"]],
                STAGES.get(each.get("stage", ""), ""),
                each.get("subject", ""),
                "、".join(DUTIES[duty] for duty in str(each.get("duties", "")).split()),
                TITLES.get(each.get("title", ""), ""),
                _day(each.get("hire")),
                ROUTES.get(each.get("route", ""), ""),
                str(each.get("phone", "")),
                STATES[each.get("state", "active")],
                "、".join(ROLES[role] for role in roles),
                "",
            ]
        )
    left_out = [ROSTER.index(name) for name in without]
    return [[cell for n, cell in enumerate(row) if n not in left_out] for row in rows]


def roster(county: dict[str, Any], people: Sequence[dict[str, Any]] | None = None) -> bytes:
    """教师花名册.xlsx: a heading over the table, as offices like it."""
    rows = roster_rows(county, county["teachers"] if people is None else people)
    return sheets.write([("花名册", [["澄禾县教师花名册（2026年秋季）"], *rows])])


def school_roster(county: dict[str, Any], code: str) -> bytes:
    """花名册.csv: one school's own, without naming the school, as older machines write it."""
    text = io.StringIO()
    rows = roster_rows(county, people_of(county, code), without=("所在单位", "培训角色"))
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("gb18030")


def plan_sheet(county: dict[str, Any]) -> bytes:
    """培训计划表.xlsx: some of the county's programmes."""
    rows: list[list[Any]] = [["澄禾县2026—2027学年教师培训计划表"], list(PLAN)]
    by_code = {each["code"]: each for each in county["programmes"]}
    for number, (code, (category, audience)) in enumerate(PROGRAMMES.items(), 1):
        each = by_code[code]
        rows.append(
            [
                number,
                each["title"],
                category,
                "县级",
                MODES[each["mode"]],
                ENROLMENTS[each["enrolment"]],
                audience,
                f"{each['hours']}学时",
                _moment(each["start"]),
                _moment(each["end"]),
                each.get("place", ""),
                f"{each['seats']}人" if "seats" in each else "",
                _moment(each.get("reg_close")),
            ]
        )
    return sheets.write([("计划", rows)])


def _day(day: date | None) -> str:
    """2026.8.20, as personnel files write days."""
    return f"{day.year}.{day.month}.{day.day}" if day else ""


def _moment(moment: Any) -> str:
    return str(moment).replace("T", " ") if moment else ""
