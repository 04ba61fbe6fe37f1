"""A county built from files alone, in the private chat, as a new office would do it.

Founded with nothing but a name and one person; then the list of schools, the roster, the codes
on paper and the plan of the year's training come as the tables that an office has. What is kept
in the end is what loading the county's plan keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from bot.sandbox.county import plan_text
from handlers import documents
from storage.database import Database
from storage.people import founding
from storage.people.founding import Founded
from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    Teacher,
    TeacherFact,
    UnitKind,
)
from storage.plan import load_plan, read_plan
from storage.schema import METADATA
from storage.training.tables import Programme, ProgrammeState, Registration, RegistrationState
from tests import county_files
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on

ADMINISTRATOR = "CHDC0001"
SCHOOL = "CH-S06"


def found(session: Session) -> Founded:
    """What ``python -m bot found`` does, at the hour of the play."""
    return founding.found(
        session,
        county_code="CH",
        county="澄禾县",
        office="澄禾县教师发展中心",
        staff_no=ADMINISTRATOR,
        name="顾岩",
        timezone="Asia/Shanghai",
        language="zh_Hans",
        now=NOW,
    )


def loaded(session: Session) -> None:
    load_plan(session, read_plan(plan_text(), "chenghe.yaml"), now=NOW)


def units(session: Session) -> set[tuple[Any, ...]]:
    """The county and what is below it; above it a founded office knows of nothing."""
    return {
        (u.code, u.name, u.short_name, u.kind, tuple(u.stages), u.area_type, u.pupils, u.active)
        for u in session.exec(select(OrgUnit)).all()
        if u.kind not in (UnitKind.PROVINCE, UnitKind.CITY)
    }


def circles(session: Session) -> set[tuple[str, str, MembershipKind]]:
    """Who is in which group and area. Pairs of schools are not in the list of schools."""
    codes = dict(session.exec(select(OrgUnit.id, OrgUnit.code)).all())
    return {
        (codes[row.unit_id], codes[row.member_unit_id], row.kind)
        for row in session.exec(select(OrgMembership)).all()
        if row.kind is not MembershipKind.PAIRED_SUPPORT
    }


def people(session: Session) -> dict[str, tuple[Any, ...]]:
    """Everybody with their one open posting, except the administrator's first day there."""
    rows = session.exec(
        select(Teacher, Posting, OrgUnit.code)
        .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
        .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
        .where(col(Posting.until).is_(None), Posting.is_primary)
    ).all()
    return {
        t.staff_no: (
            t.name, t.hire_date, t.entry_route, t.is_full_time, t.title, t.state,
            t.phone_hash is not None, unit, p.since, p.stage, tuple(p.subjects), tuple(p.duties),
        )
        for t, p, unit in rows
    }  # fmt: skip


def roles(session: Session) -> set[tuple[str, Role, str]]:
    codes = dict(session.exec(select(OrgUnit.id, OrgUnit.code)).all())
    return {
        (number, Role(role), codes.get(scope, ""))
        for number, role, scope in session.exec(
            select(Teacher.staff_no, RoleAssignment.role, RoleAssignment.scope_id)
            .join(RoleAssignment, col(RoleAssignment.teacher_id) == col(Teacher.id))
            .where(col(RoleAssignment.until).is_(None))
        ).all()
    }


def facts(session: Session) -> set[tuple[str, str, str]]:
    """What eligibility asks; tiers and certificates are granted, and stand in no roster."""
    return {
        (number, key, value)
        for number, key, value in session.exec(
            select(Teacher.staff_no, TeacherFact.key, TeacherFact.value).join(
                TeacherFact, col(TeacherFact.teacher_id) == col(Teacher.id)
            )
        ).all()
        if key not in ("tier", "cert")
    }


def everything(session: Session) -> dict[str, int]:
    """How many rows there are of each table that an import of people writes."""
    names = ("org_unit", "teacher", "posting", "role_assignment", "teacher_fact")
    return {
        name: session.connection()
        .execute(sa.select(func.count()).select_from(SQLModel.metadata.tables[name]))
        .scalar_one()
        for name in names
    }


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same county, loaded from its plan."""
    path: Path = tmp_path_factory.mktemp("planned") / "planned.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    database = Database(f"sqlite:///{path}")
    database.write_now(loaded)
    yield database
    database.close()


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What stands on the sheets that are printed in this test."""
    sheets: list[dict[str, Any]] = []
    render = documents.render

    def kept(name: str, data: dict[str, Any], **more: Any) -> Any:
        sheets.append(data)
        return render(name, data, **more)

    monkeypatch.setattr(documents, "render", kept)
    return sheets


async def founded(stage: Stage) -> Actor:
    """The first administrator, linked by the code that the command line printed."""
    made = await stage.database.write(found)
    gu = stage.newcomer("顾岩", language="en")
    await gu.starts()
    assert "Linked" in await gu.says(made.code)
    return gu


async def drops(actor: Actor, name: str, content: bytes) -> str:
    """Drop a table, look at what it would do, and apply it."""
    shown = await actor.sends_file(name, content)
    await actor.taps("Apply")
    return shown


async def test_a_county_is_built_from_files_alone(
    sqlite: Database, planned: Database, printed: list[dict[str, Any]]
) -> None:
    county = county_files.plan()
    async with stage_on(sqlite, founded=True) as stage:
        gu = await founded(stage)

        # The schools.
        shown = await drops(gu, "学校名单.xlsx", county_files.schools(county))
        assert "List of schools" in shown
        assert "19 rows: 19 new, 0 changed, 0 unchanged, 0 in conflict, 0 not" in shown
        assert "Next, please send me the roster" in gu.sees()

        # Their 1,086 teachers, and the three of the county's bodies.
        shown = await drops(gu, "教师花名册.xlsx", county_files.roster(county))
        assert "1089 rows: 1088 new, 1 changed, 0 unchanged, 0 in conflict, 0 not" in shown
        assert "Done: 1088 added, 1 changed." in gu.sees()

        def same(session: Session) -> tuple[Any, ...]:
            return units(session), circles(session), people(session), roles(session)

        from_files, from_plan = await sqlite.read(same), await planned.read(same)
        assert from_files[:2] == from_plan[:2]
        moved = from_files[2].pop(ADMINISTRATOR), from_plan[2].pop(ADMINISTRATOR)
        assert moved[0][7] == moved[1][7] == "CH-DC"
        assert len(from_files[2]) == 1088
        for bodys in ("CHRO0001", "CHRO0002"):  # who have no day of hire work there as of today
            assert from_files[2][bodys][7] == from_plan[2][bodys][7] == "CH-RO"
        assert from_files[2] == from_plan[2]
        assert from_files[3] == from_plan[3] | {(ADMINISTRATOR, Role.SYSADMIN, "")}
        assert await sqlite.read(facts) == (await planned.read(facts)) | {
            (ADMINISTRATOR, "role", "sysadmin")
        }

        # The same files again change nothing, whoever sends them and as whatever.
        before = await sqlite.read(everything)
        shown = await gu.sends_file("教师花名册.xlsx", county_files.roster(county))
        assert "0 new, 0 changed, 1089 unchanged" in shown
        assert "There is nothing to apply" in shown
        shown = await gu.sends_file("学校名单.xlsx", county_files.schools(county))
        assert "0 new, 0 changed, 19 unchanged" in shown

        # The codes of one school on paper; its people link with what stands there.
        await gu.says("/desk")
        await gu.taps("Schools and people")
        await gu.taps("›")
        await gu.taps("澄禾县实验小学")
        await gu.taps("Print link codes")
        await gu.taps("Make the sheet")
        name, pdf = gu.files()[-1]
        assert name.startswith("澄禾县实验小学")
        assert pdf.startswith(b"%PDF")
        codes = {slip["name"]: slip["code"] for slip in printed[-1]["slips"]}
        assert len(printed[-1]["slips"]) == 146
        lin, luo = (stage.newcomer(who, language="en") for who in ("林若溪", "罗佳宁"))
        for who in (lin, luo):
            await who.starts()
            assert "Linked" in await who.says(codes[who.name])

        # A school's own table, in the encoding of older machines and without the school's name.
        shown = await luo.sends_file("花名册.csv", county_files.school_roster(county, SCHOOL))
        assert "0 new, 0 changed, 146 unchanged" in shown
        assert await sqlite.read(everything) == before

        # The plan of the year's training becomes drafts; one is published and registered for.
        shown = await gu.sends_file("培训计划表.xlsx", county_files.plan_sheet(county))
        assert "5 rows: 5 new programmes with 5 classes, 0 left out as known, 0 not" in shown
        await gu.taps("Make the drafts")
        await gu.taps("See the drafts")
        await gu.taps("小学语文作业设计工作坊")
        await gu.taps("Check and publish")
        await gu.taps("Publish")
        assert await sqlite.read(published) == ["小学语文作业设计工作坊"]
        await stage.passes(hours=4)  # registration opens at half past twelve
        await lin.says("/programmes")
        await lin.taps("小学语文作业设计工作坊")
        await lin.taps("Register")
        assert await sqlite.read(registered) == [("CH060012", RegistrationState.APPROVED)]


def published(session: Session) -> list[str]:
    return list(
        session.exec(
            select(Programme.title).where(Programme.state == ProgrammeState.PUBLISHED)
        ).all()
    )


def registered(session: Session) -> list[tuple[str, RegistrationState]]:
    return [
        (number, RegistrationState(state))
        for number, state in session.exec(
            select(Teacher.staff_no, Registration.state).join(
                Registration, col(Registration.teacher_id) == col(Teacher.id)
            )
        ).all()
    ]
