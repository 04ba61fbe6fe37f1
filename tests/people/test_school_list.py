"""Schools from a file, and a county built from files alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from bot.__main__ import app
from bot.sandbox import county
from storage import sheets, undoing
from storage.database import Database
from storage.deeds import ChangedSince
from storage.people import founding, imports, roles, roster, school_list
from storage.people.founding import AlreadyFounded
from storage.people.roster import Applied
from storage.people.roster_comparing import Kind
from storage.people.school_list import SchoolList, is_school_list, read_school_list
from storage.people.tables import Office, OrgMembership, OrgUnit, Posting, Role, Teacher, UnitKind
from storage.plan import read_plan
from storage.refusals import NotAllowed
from storage.sheets import Book, Sheet
from tests import make
from tests.make import NOW
from tests.people.rosters import TODAY, coordinator, everything, of_county, roster_of, table
from tests.stage import Actor, Stage

HEAD = [
    "学校代码",
    "学校名称",
    "简称",
    "学校类型",
    "学段",
    "城乡类型",
    "学生数",
    "教育集团",
    "片区",
]
ROWS = [
    ["CH-G1", "实验教育集团", "", "教育集团", "", "", "", "", ""],
    ["CH-A1", "城区片区", "", "片区", "", "", "", "", ""],
    ["CH-S06", "澄禾县实验小学", "实小", "小学", "", "城区", "2,480", "实验教育集团", "CH-A1"],
    ["CH-S04", "柳渡镇中心学校", "", "", "小学、初中", "镇区", "1140", "", "城区片区"],
]


def listed(*rows: list[str], head: list[str] | None = None) -> SchoolList:
    every = tuple(tuple(row) for row in [head or HEAD, *rows])
    read = read_school_list(Book("学校.xlsx", (Sheet("学校", every),)))
    assert read is not None
    return read


def imported(session: Session, actor_id: int, read: SchoolList) -> Applied:
    comparison = school_list.look(session, actor_id, read, now=NOW)
    kept = roster.keep_preview(
        session, actor_id, "学校.xlsx", repr(read).encode(), comparison, now=NOW, kind="units"
    )
    return school_list.apply(session, actor_id, kept.job_id, read, now=NOW)


def results(session: Session, actor_id: int, *rows: list[str], **more: Any) -> list[Any]:
    found = school_list.look(session, actor_id, listed(*rows, **more), now=NOW).results()
    return [(row.kind, row.trouble.kind if row.trouble else "") for row in found]


def test_a_list_of_schools_is_told_from_a_roster() -> None:
    schools = Book("x", (Sheet("x", (tuple(HEAD), tuple(ROWS[0]))),))
    assert is_school_list(schools)
    teachers = table(["1", "甲", "S06", "实小"], head=["工号", "姓名", "学校代码", "学校名称"])
    assert not is_school_list(teachers)
    assert read_school_list(teachers) is None
    places = Book("x", (Sheet("x", (("学校代码", "学校名称"), ("1", "x"))),))
    assert not is_school_list(places)


async def test_schools_groups_and_districts_are_made_and_taken_back(database: Database) -> None:
    def check(session: Session) -> None:
        he = of_county(session)
        before = everything(session)
        applied = imported(session, he, listed(*ROWS))
        assert applied.figures.new == 4
        units = {unit.code: unit for unit in session.exec(select(OrgUnit)).all()}
        school = units["CH-S06"]
        assert (school.short_name, school.stages, school.area_type, school.pupils) == (
            "实小",
            ["primary"],
            "urban",
            2480,
        )
        assert school.parent_id == units["CH"].id
        assert units["CH-S04"].stages == ["primary", "junior"]
        assert units["CH-G1"].kind is UnitKind.GROUP
        assert len(session.exec(select(OrgMembership)).all()) == 3
        after = everything(session)
        assert imported(session, he, listed(*ROWS)).figures.same == 4
        # Whoever does not look after the county any more takes no schools out of it.
        county = make.county(session)
        role = Role.COUNTY_COORDINATOR
        roles.dismiss(session, he, role, county, today=TODAY, now=NOW)
        with pytest.raises(NotAllowed), session.begin_nested():
            undoing.undo(session, he, applied.deed_id, now=NOW)
        roles.appoint(session, he, role, county, today=TODAY, now=NOW)
        assert everything(session) == after
        with session.begin_nested() as inner:
            make.teacher(session, "林若溪", at="澄禾县实验小学")
            with pytest.raises(ChangedSince):
                undoing.undo(session, he, applied.deed_id, now=NOW)
            inner.rollback()
        assert undoing.undo(session, he, applied.deed_id, now=NOW)
        assert everything(session) == before

    await database.write(check)


async def test_changes_of_schools_reach_the_facts_of_their_people(database: Database) -> None:
    def check(session: Session) -> None:
        he = of_county(session)
        imported(session, he, listed(*ROWS))
        read = roster_of(["060012", "林若溪", "实小", "", "语文", "", "", "", ""])
        comparison = roster.look(session, he, read, now=NOW)
        kept = roster.keep_preview(session, he, "x", b"x", comparison, now=NOW)
        roster.apply(session, he, kept.job_id, read, now=NOW)
        before = everything(session)
        changed = [[*ROWS[2][:5], "乡村", "2500", "无", ""]]
        applied = imported(session, he, listed(*changed))
        assert applied.figures.changed == 1
        after = everything(session)
        assert any("'rural'" in fact for fact in after["teacher_fact"])
        assert not any("'CH-G1'" in fact for fact in after["teacher_fact"])
        assert undoing.undo(session, he, applied.deed_id, now=NOW)
        assert everything(session) == before

    await database.write(check)


async def test_what_does_not_fit_is_named(database: Database) -> None:
    def check(session: Session) -> None:
        he = of_county(session)
        imported(session, he, listed(*ROWS))
        rest = [""] * 7
        assert results(
            session,
            he,
            ["", "无码小学", *rest],
            ["中文", "怪码小学", *rest],
            ["CH-S20", "", *rest],
            ["CH-S21", "类型不明", "", "大学", *[""] * 5],
            ["CH-S22", "城东小学", "", "", "", "", "很多", "", ""],
            ["CH-S23", "重复", *rest],
            ["ch-s23", "重复二", *rest],
            ["CH-S24", "澄禾县实验小学", *rest],
            ["CH-S25", "无此集团", "", "", "", "", "", "第九集团", ""],
            ["CH", "澄禾县", *rest],
            ["CH-S26", "好的小学", *rest],
        ) == [
            (Kind.NOT_UNDERSTOOD, "no_code"),
            (Kind.NOT_UNDERSTOOD, "no_code"),
            (Kind.NOT_UNDERSTOOD, "no_unit_name"),
            (Kind.NOT_UNDERSTOOD, "not_read:unit_kind"),
            (Kind.NOT_UNDERSTOOD, "not_read:unit_pupils"),
            (Kind.CONFLICT, "code_twice"),
            (Kind.CONFLICT, "code_twice"),
            (Kind.CONFLICT, "name_taken"),
            (Kind.CONFLICT, "unknown_unit"),
            (Kind.CONFLICT, "above_schools"),
            (Kind.NEW, ""),
        ]

    await database.write(check)


async def test_a_school_s_coordinator_brings_no_schools(database: Database) -> None:
    def check(session: Session) -> None:
        luo = coordinator(session)
        with pytest.raises(NotAllowed):
            school_list.look(session, luo, listed(*ROWS), now=NOW)
        chief = make.teacher(session, "系统管理员")
        roles.appoint(session, chief, Role.SYSADMIN, None, today=TODAY, now=NOW)
        assert school_list.look(session, chief, listed(*ROWS), now=NOW).works
        assert imports.forget_old(session, now=NOW) == 0

    await database.write(check)


async def test_an_office_is_founded_once(database: Database) -> None:
    wanted: dict[str, Any] = {
        "county_code": "CH",
        "county": "澄禾县",
        "office": "澄禾县教师发展中心",
        "staff_no": "CH000001",
        "name": "何静山",
        "timezone": "Asia/Shanghai",
        "language": "zh_Hans",
        "now": NOW,
    }

    def check(session: Session) -> None:
        first = founding.found(session, **wanted)
        again = founding.found(session, **wanted)
        assert (first.is_new, again.is_new) == (True, False)
        assert first.code != again.code
        assert len(session.exec(select(Posting.id)).all()) == 1
        assert founding.is_founded(session)
        with pytest.raises(AlreadyFounded):
            founding.found(session, **wanted | {"staff_no": "CH000002"})

    await database.write(check)


def test_the_command_line_founds_an_office(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINGLAN_DATABASE", str(tmp_path / "new" / "office.sqlite3"))
    monkeypatch.setattr("bot.__main__.set_up_logs", lambda _settings: None)
    words = ["found", "--county", "澄禾县", "--code", "CH", "--staff-no", "1", "--name", "何静山"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "澄禾县 is ready." in done.output
    assert "Link code of 何静山" in done.output
    assert "is there already" in CliRunner().invoke(app, words).output
    refused = CliRunner().invoke(app, [*words[:-3], "2", *words[-2:]])
    assert refused.exit_code == 1


async def test_a_county_is_built_from_files_alone(stage: Stage) -> None:
    """The 1,086 teachers of the sample county, from an office with one person in it."""
    form = read_plan(county.plan_text(), "chenghe.yaml").form

    def empty(session: Session) -> str:
        office = session.exec(select(Office)).one()
        office.unit_id = None
        session.flush()
        made = founding.found(
            session,
            county_code="CH",
            county="澄禾县",
            office="",
            staff_no="CH000001",
            name="何静山",
            timezone="Asia/Shanghai",
            language="zh_Hans",
            now=NOW,
        )
        return made.code

    code = await stage.database.write(empty)
    person = stage.world.add_person("何静山", language_code="en")
    he = Actor(stage, person.id, "何静山")
    await he.starts()
    assert "Linked" in await he.says(code)
    await he.says("/menu")
    await he.taps("My desk")
    assert "list of schools" in await he.taps("Import a roster")
    schools = [["代码", "名称", "简称", "类型", "学段", "城乡", "学生数", "集团", "片区"]]
    stages = {"primary": "小学", "junior": "初中", "senior": "高中", "vocational": "职高",
              "kindergarten": "幼儿园"}  # fmt: skip
    areas = {"urban": "城区", "town": "镇区", "rural": "乡村"}
    groups = {code: circle.code for circle in form.units.groups for code in circle.members}
    circles = {code: circle.code for circle in form.units.areas for code in circle.members}
    schools += [[each.code, each.name, "", "集团"] for each in form.units.groups]
    schools += [[each.code, each.name, "", "片区"] for each in form.units.areas]
    bodies = {"bureau": "教育局", "teacher_dev_center": "教师发展中心", "research_office": "教研室"}
    schools += [[each.code, each.name, "", bodies[each.kind]] for each in form.units.bodies]
    schools += [
        [each.code, each.name, each.short, "学校", "、".join(stages[s] for s in each.stages),
         areas[each.area], str(each.pupils), groups.get(each.code, ""), circles.get(each.code, "")]
        for each in form.units.schools
    ]  # fmt: skip
    shown = await he.sends_file("学校.xlsx", sheets.write([("学校", schools)]))
    assert "19 rows: 19 new" in shown
    await he.taps("Apply")
    people = [["工号", "姓名", "学校", "学段", "学科", "职务", "入职日期", "状态", "角色"]]
    titles = {"principal": "校长", "school_coordinator": "校级管理员", "county_coordinator":
              "县级管理员", "research_officer": "教研员"}  # fmt: skip
    people += [
        [each.no, each.name, each.unit, stages.get(each.stage, ""), "、".join(each.subject),
         "、".join(each.duties), str(each.hire or ""), str(each.state.value),
         "、".join(titles[part.role] for part in each.roles if part.role in titles)]
        for each in form.teachers
    ]  # fmt: skip
    shown = await he.sends_file("教师.xlsx", sheets.write([("教师", people)]))
    assert f"{len(form.teachers):d} rows" in shown
    assert "0 in conflict, 0 not understood" in shown
    await he.taps("Apply")

    def count(session: Session) -> tuple[int, int]:
        teachers = session.exec(select(Teacher.id)).all()
        principals = [
            holder
            for unit in session.exec(select(OrgUnit.id)).all()
            for holder in roles.holders(session, Role.PRINCIPAL, unit, today=TODAY)
        ]
        return len(teachers), len(principals)

    assert await stage.database.read(count) == (len(form.teachers) + 1, 12)
    assert "teachers" in await he.says("/desk")
