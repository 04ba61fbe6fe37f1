"""What each role may do, where, and until when: every role, every act, own and foreign units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from storage.audit import AuditLog
from storage.database import Database
from storage.people import authority, linking, staff
from storage.people.authority import MAY, WITH_PROGRAMMES, Act
from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    OrgUnit,
    Role,
    RoleAssignment,
    ScopeKind,
    UnitKind,
)
from storage.refusals import NotAllowed, NotFound
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Place:
    """A county with two schools; the actor works in the first."""

    county: int
    own: int
    other: int
    actor: int
    colleague: int
    stranger: int


def place(session: Session) -> Place:
    own, other = make.school(session, "实验小学"), make.school(session, "第二小学")
    county = session.exec(select(OrgUnit.id).where(OrgUnit.kind == UnitKind.COUNTY)).one()
    return Place(
        county=county,
        own=own,
        other=other,
        actor=make.teacher(session, "罗佳宁", at="实验小学"),
        colleague=make.teacher(session, "林若溪", at="实验小学"),
        stranger=make.teacher(session, "石晓岚", at="第二小学"),
    )


def appoint(
    session: Session,
    teacher_id: int,
    role: Role,
    unit_id: int | None,
    *,
    since: date = TODAY,
    until: date | None = None,
) -> None:
    session.add(
        RoleAssignment(
            teacher_id=teacher_id,
            role=role,
            scope_kind=ScopeKind.TENANT if unit_id is None else ScopeKind.UNIT,
            scope_id=unit_id or 0,
            since=since,
            until=until,
        )
    )
    session.flush()


@pytest.mark.parametrize("role", Role)
def test_every_role_has_its_line(role: Role) -> None:
    assert role in MAY


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
async def test_a_role_reaches_its_unit_and_no_other(sqlite: Database, role: Role, act: Act) -> None:
    def look(session: Session) -> tuple[bool, ...]:
        here = place(session)
        appoint(session, here.actor, role, here.own)
        return tuple(
            authority.may(session, here.actor, act, unit, today=TODAY)
            for unit in (here.own, here.other, here.county)
        )

    assert await sqlite.write(look) == (act in MAY[role], False, False)


async def test_the_organiser_of_a_class_may_run_it_and_its_own_staff_do_their_part(
    sqlite: Database,
) -> None:
    """The county's class: who may do which act with it, role by role, over the county."""

    def look(session: Session) -> dict[Role, set[Act]]:
        here = place(session)
        class_id = make.batch(session)
        found = {}
        for role in Role:
            who = make.teacher(session, role.value, at="实验小学")
            over = class_id if role in (Role.CLASS_TEACHER, Role.TUTOR) else here.county
            appoint(session, who, role, over)
            if over == class_id:
                held = session.exec(
                    select(RoleAssignment).where(RoleAssignment.teacher_id == who)
                ).one()
                held.scope_kind = ScopeKind.BATCH
                session.flush()
            found[role] = {
                act
                for act in WITH_PROGRAMMES
                if authority.may_with(session, who, act, class_id, today=TODAY)
            }
        return found

    assert await sqlite.write(look) == {role: MAY[role] & WITH_PROGRAMMES for role in Role}


async def test_a_class_of_the_county_is_not_the_schools_to_run(database: Database) -> None:
    def look(session: Session) -> list[Act]:
        here = place(session)
        class_id = make.batch(session)
        appoint(session, here.actor, Role.PRINCIPAL, here.own)
        appoint(session, here.colleague, Role.TUTOR, here.own)
        return [
            act
            for act in WITH_PROGRAMMES
            for who in (here.actor, here.colleague)
            if authority.may_with(session, who, act, class_id, today=TODAY)
        ]

    assert await database.write(look) == []


async def test_a_research_officer_reaches_the_programmes_of_the_own_subject(
    database: Database,
) -> None:
    def look(session: Session) -> list[bool]:
        here = place(session)
        classes = [
            make.batch(session, audience=audience)
            for audience in ({"subject": ["语文"]}, {"subject": ["语文", "数学"]}, {})
        ]
        appoint(session, here.actor, Role.RESEARCH_OFFICER, here.county)
        held = session.exec(
            select(RoleAssignment).where(RoleAssignment.teacher_id == here.actor)
        ).one()
        held.subjects = ["语文"]
        session.flush()
        return [
            authority.may_with(session, here.actor, Act.RUN_PROGRAMME, batch_id, today=TODAY)
            for batch_id in classes
        ]

    assert await database.write(look) == [True, False, False]


async def test_a_group_counts_its_schools_and_runs_its_own_programmes_only(
    database: Database,
) -> None:
    def look(session: Session) -> tuple[bool, ...]:
        here = place(session)
        group = OrgUnit(kind=UnitKind.GROUP, code="G1", name="教育集团", parent_id=here.county)
        session.add(group)
        session.flush()
        session.add(
            OrgMembership(
                unit_id=group.id, member_unit_id=here.own, kind=MembershipKind.GROUP_MEMBER
            )
        )
        session.flush()
        appoint(session, here.actor, Role.GROUP_COORDINATOR, group.id)
        return tuple(
            authority.may(session, here.actor, act, unit, today=TODAY)
            for act in (Act.COUNT_PEOPLE, Act.RUN_PROGRAMME, Act.SEE_PEOPLE)
            for unit in (here.own, here.other, group.id)
        )

    assert await database.write(look) == (True, False, True, False, False, True, *[False] * 3)


@pytest.mark.parametrize("over_all", [True, False])
async def test_a_role_over_the_county_reaches_all_below_it(
    database: Database, over_all: bool
) -> None:
    def look(session: Session) -> list[bool]:
        here = place(session)
        appoint(session, here.actor, Role.COUNTY_COORDINATOR, None if over_all else here.county)
        return [
            authority.may(session, here.actor, Act.SEE_PEOPLE, unit, today=TODAY)
            for unit in (here.own, here.other, here.county)
        ]

    assert await database.write(look) == [True] * 3


@pytest.mark.parametrize(
    ("since", "until", "runs"), [(0, 0, True), (1, None, False), (-9, -1, False)]
)
async def test_a_role_lasts_as_long_as_its_term(
    sqlite: Database, since: int, until: int | None, runs: bool
) -> None:
    def look(session: Session) -> bool:
        here = place(session)
        appoint(
            session,
            here.actor,
            Role.PRINCIPAL,
            here.own,
            since=TODAY + timedelta(days=since),
            until=None if until is None else TODAY + timedelta(days=until),
        )
        return authority.may(session, here.actor, Act.SEE_PEOPLE, here.own, today=TODAY)

    assert await sqlite.write(look) is runs


async def test_a_teacher_without_a_role_has_no_desk_and_sees_nobody(database: Database) -> None:
    here = await database.write(place)
    assert not await database.read(staff.has_desk, here.actor, now=NOW)
    for operation, subject in (
        (staff.people, here.own),
        (staff.person, here.colleague),
        (staff.issue_code, here.colleague),
    ):
        with pytest.raises(NotAllowed):
            await database.write(operation, here.actor, subject, now=NOW)
    with pytest.raises(NotAllowed):
        await database.read(staff.desk, here.actor, now=NOW)


async def test_a_coordinator_sees_the_own_school_and_no_other(database: Database) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.SCHOOL_COORDINATOR, here.own)
    mine = await database.read(staff.desk, here.actor, now=NOW)
    assert [(unit.name, unit.people, unit.linked) for unit in mine.units] == [("实验小学", 2, 0)]
    listed = await database.write(staff.people, here.actor, here.own, now=NOW)
    assert {line.name for line in listed.lines} == {"罗佳宁", "林若溪"}
    with pytest.raises(NotAllowed):
        await database.write(staff.people, here.actor, here.other, now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(staff.person, here.actor, here.stranger, now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(staff.issue_code, here.actor, here.stranger, now=NOW)
    with pytest.raises(NotFound):
        await database.write(staff.people, here.actor, 999, now=NOW)


async def test_a_code_from_the_coordinator_links_and_the_log_knows_who_gave_it(
    database: Database,
) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.SCHOOL_COORDINATOR, here.own)
    issued = await database.write(staff.issue_code, here.actor, here.colleague, now=NOW)
    shown = await database.write(staff.person, here.actor, here.colleague, now=NOW)
    assert (shown.is_linked, shown.code_until) == (False, issued.until)

    def link(session: Session) -> object:
        return linking.link_by_code(session, make.account(session), issued.code, now=NOW)

    assert isinstance(await database.write(link), linking.Linked)
    listed = await database.write(staff.people, here.actor, here.own, only_unlinked=True, now=NOW)
    assert [line.name for line in listed.lines] == ["罗佳宁"]
    assert (listed.total, listed.unlinked) == (2, 1)
    lines = await database.read(
        lambda session: session.exec(
            select(AuditLog.action).where(AuditLog.actor_id == here.actor)
        ).all()
    )
    assert list(lines) == ["issue_link_code", "look_at_person"]


async def test_a_school_without_coordinator_or_principal_is_shown_to_its_county(
    database: Database,
) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.COUNTY_COORDINATOR, here.county)
    await database.write(appoint, here.stranger, Role.PRINCIPAL, here.other)
    seen = await database.read(staff.desk, here.actor, now=NOW)
    assert {unit.name: unit.is_unattended for unit in seen.units} == {
        "实验小学": True,
        "第二小学": False,
    }


async def test_pages_stay_within_the_list(sqlite: Database) -> None:
    here = await sqlite.write(place)
    await sqlite.write(appoint, here.actor, Role.PRINCIPAL, here.own)

    def more(session: Session) -> None:
        for number in range(20):
            make.teacher(session, f"教师{number}", at="实验小学")

    await sqlite.write(more)
    last = await sqlite.write(staff.people, here.actor, here.own, page=99, now=NOW)
    assert (last.page, last.pages, last.total, len(last.lines)) == (2, 3, 22, 6)
    first = await sqlite.write(staff.people, here.actor, here.own, page=-5, now=NOW)
    assert (first.page, len(first.lines)) == (0, staff.PAGE)


async def test_nobody_gives_a_code_for_whoever_holds_more_than_they_do(
    database: Database,
) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.SCHOOL_COORDINATOR, here.own)
    await database.write(appoint, here.colleague, Role.COUNTY_COORDINATOR, here.county)
    with pytest.raises(NotAllowed):
        await database.write(staff.issue_code, here.actor, here.colleague, now=NOW)
    await database.write(appoint, here.stranger, Role.SYSADMIN, None)
    with pytest.raises(NotAllowed):  # not even the county, for who keeps the system
        await database.write(staff.issue_code, here.colleague, here.stranger, now=NOW)
    await database.write(staff.issue_code, here.colleague, here.actor, now=NOW)


async def test_a_look_at_a_school_from_above_is_written_down(database: Database) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.COUNTY_COORDINATOR, here.county)
    await database.write(appoint, here.colleague, Role.PRINCIPAL, here.own)
    for who in (here.actor, here.colleague):
        await database.write(staff.people, who, here.own, now=NOW)
    lines = await database.read(
        lambda session: session.exec(
            select(AuditLog.actor_id, AuditLog.thing).where(AuditLog.action == "look_at_people")
        ).all()
    )
    assert list(lines) == [(here.actor, f"unit:{here.own}")]


async def test_who_may_only_count_is_shown_figures_and_no_names(database: Database) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.BUREAU_VIEWER, here.county)
    seen = await database.read(staff.desk, here.actor, now=NOW)
    assert (seen.sees_people, len(seen.units)) == (False, 2)
    with pytest.raises(NotAllowed):
        await database.write(staff.search, here.actor, "林", now=NOW)


async def test_a_name_is_found_whatever_the_size_of_its_letters(database: Database) -> None:
    here = await database.write(place)
    await database.write(appoint, here.actor, Role.PRINCIPAL, here.own)
    await database.write(make.teacher, "John Smith", at="实验小学")
    found = await database.write(staff.search, here.actor, "smith", now=NOW)
    assert [line.name for line in found.lines] == ["John Smith"]
