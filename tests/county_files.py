"""The sample county as the files that a real office would have: tables in its own words.

Made from the county's plan, so that a county that is built from files alone can be compared
with the one that was loaded.
"""

from __future__ import annotations

import csv
import io
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
DUTIES = {
    "homeroom": "班主任",
    "grade_head": "年级组长",
    "group_head": "教研组长",
    "middle_leader": "中层干部",
    "vice_principal": "副校长",
    "principal": "校长",
    "remote_admin": "远程管理员",
    "counsellor": "心理教师",
    "school_cio": "首席信息官",
}
ROLES = {"school_coordinator": "学校培训管理员", "principal": "校长"}
STATES = {
    "active": "在岗",
    "long_leave": "长期请假",
    "seconded": "借调",
    "retired": "退休",
    "left": "离职",
}


def plan() -> dict[str, Any]:
    """The county's plan as it stands in its file."""
    loaded: dict[str, Any] = YAML(typ="safe").load(plan_text())
    return loaded


def schools(county: dict[str, Any]) -> bytes:
    """学校名单.xlsx: every school of the county."""
    rows: list[list[Any]] = [["学校代码", "学校名称", "简称", "学段", "类别", "学生数"]]
    for each in county["units"]["schools"]:
        stages = "、".join(STAGES[stage] for stage in each["stages"])
        rows.append(
            [
                each["code"],
                each["name"],
                each["short"],
                stages,
                AREAS[each["area"]],
                each["pupils"],
            ]
        )
    return sheets.write([("学校名单", rows)])


def of_schools(county: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the county's people who work in a school."""
    codes = {each["code"] for each in county["units"]["schools"]}
    return [each for each in county["teachers"] if each["unit"] in codes]


def roster_rows(county: dict[str, Any], people: list[dict[str, Any]]) -> list[list[Any]]:
    """教师花名册: a heading over the table, as offices like it, then one row a person."""
    names = {each["code"]: each["name"] for each in county["units"]["schools"]}
    rows: list[list[Any]] = [
        [
            "序号",
            "工号",
            "姓名",
            "所在学校",
            "学段",
            "任教学科",
            "职务",
            "参加工作时间",
            "手机号码",
            "状态",
            "培训角色",
        ]
    ]
    for number, each in enumerate(people, 1):
        duties = str(each.get("duties", "")).split()
        roles = each.get("roles", "")
        kept = [role for role in (str(roles).split() if isinstance(roles, str) else []) if role]
        rows.append(
            [
                number,
                each["no"],
                each["name"],
                names[each["unit"]],
                STAGES.get(str(each.get("stage", "")), ""),
                "、".join(str(each.get("subject", "")).split()),
                "、".join(DUTIES[duty] for duty in duties),
                str(each.get("hire", "")).replace("-", "."),
                each.get("phone", ""),
                STATES[each.get("state", "active")],
                "、".join(ROLES[role] for role in kept if role in ROLES),
            ]
        )
    return rows


def roster(county: dict[str, Any]) -> bytes:
    """教师花名册.xlsx: everybody in the schools, with a heading above the table."""
    rows = roster_rows(county, of_schools(county))
    heading = [["澄禾县中小学教师花名册（2026年秋季）"]]
    return sheets.write([("花名册", [*heading, *rows])])


def as_gb18030(rows: list[list[Any]]) -> bytes:
    """The same rows as a CSV file in the encoding of older machines."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("gb18030")
