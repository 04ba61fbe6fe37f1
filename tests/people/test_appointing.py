"""Roles given, deputies named, a role handed over: who may, until when, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people import appointing, authority, roles
from storage.people.appointing import AlreadyHeld, BadTerm, NoSubject
from storage.people.authority import Act
from storage.people.tables import Posting, Role, Teacher, TeacherState
from storage.refusals import NotAllowed
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = date(2026, 11, 20)
WEEK = TODAY + timedelta(days=7)
COORDINATOR = Role.SCHOOL_COORDINATOR


@dataclass(frozen=True)
class Cast:
    """A school's coordinator with two colleagues, somebody elsewhere, and the county's."""

    school: int
    other_school: int
    county: int
    luo: int
    lin: int
    gu: int
    stranger: int
    above: int


def cast(session: Session) -> Cast:
    made = Cast(
        school=make.school(session, "实验小学"),
        other_school=make.school(session, "第二小学"),
        county=make.county(session),
        luo=make.teacher(session, "罗佳宁", at="实验小学"),
        lin=make.teacher(session, "林若溪", at="实验小学"),
        gu=make.teacher(session, "顾念", at="实验小学"),
        stranger=make.teacher(session, "石晓岚", at="第二小学"),
        above=make.teacher(session, "钱川", at="第二小学"),
    )
    roles.appoint(session, made.luo, COORDINATOR, made.school, today=TODAY, now=NOW)
    roles.appoint(session, made.above, Role.COUNTY_COORDINATOR, made.county, today=TODAY, now=NOW)
    make.account(session, made.lin)
    return made


def may_see(session: Session, teacher_id: int, unit_id: int, day: date = TODAY) -> bool:
    return authority.may(session, teacher_id, Act.SEE_PEOPLE, unit_id, today=day)


async def test_a_deputy_may_do_the_same_to_the_last_day(database: Database) -> None:
    here = await database.write(cast)
    given = await database.write(
        appointing.deputise, here.luo, here.lin, COORDINATOR, here.school, until=WEEK, now=NOW
    )
    assert (given.name, given.until, given.is_new) == ("林若溪", WEEK, True)
    for day, runs in ((TODAY, True), (WEEK, True), (WEEK + timedelta(days=1), False)):
        assert await database.read(may_see, here.lin, here.school, day) is runs
    assert await database.read(may_see, here.luo, here.school)
    again = await database.write(
        appointing.deputise, here.luo, here.lin, COORDINATOR, here.school, until=WEEK, now=NOW
    )
    assert not again.is_new
    told = await database.read(
        lambda session: session.exec(select(OutboxMessage.kind, OutboxMessage.facts)).all()
    )
    assert [(kind, facts["deputy_of"]) for kind, facts in told] == [("role_given", "罗佳宁")]


async def test_a_deputy_names_no_deputy_and_gives_nothing_away(database: Database) -> None:
    here = await database.write(cast)
    await database.write(
        appointing.deputise, here.luo, here.lin, COORDINATOR, here.school, until=WEEK, now=NOW
    )
    with pytest.raises(NotAllowed):
        await database.write(
            appointing.deputise, here.lin, here.gu, COORDINATOR, here.school, until=WEEK, now=NOW
        )
    for act in (appointing.hand_over, appointing.give):
        with pytest.raises(NotAllowed):
            await database.write(act, here.lin, here.gu, COORDINATOR, here.school, now=NOW)


@pytest.mark.parametrize("days", [-1, 400])
async def test_a_deputys_term_begins_before_it_ends_and_within_a_year(
    sqlite: Database, days: int
) -> None:
    here = await sqlite.write(cast)
    with pytest.raises(BadTerm):
        await sqlite.write(
            appointing.deputise,
            here.luo,
            here.lin,
            COORDINATOR,
            here.school,
            until=TODAY + timedelta(days=days),
            now=NOW,
        )


async def test_who_holds_the_role_already_is_nobodys_deputy(sqlite: Database) -> None:
    here = await sqlite.write(cast)
    await sqlite.write(appointing.give, here.luo, here.lin, COORDINATOR, here.school, now=NOW)
    with pytest.raises(AlreadyHeld):
        await sqlite.write(
            appointing.deputise, here.luo, here.lin, COORDINATOR, here.school, until=WEEK, now=NOW
        )


async def test_nobody_out_of_reach_is_appointed_and_no_higher_role_is_given(
    database: Database,
) -> None:
    here = await database.write(cast)
    for who, role, unit in (
        (here.stranger, COORDINATOR, here.school),
        (here.lin, COORDINATOR, here.other_school),
        (here.lin, Role.PRINCIPAL, here.school),
        (here.lin, Role.COUNTY_COORDINATOR, here.county),
        (here.lin, Role.COUNTY_COORDINATOR, here.school),
    ):
        with pytest.raises(NotAllowed):
            await database.write(appointing.give, here.luo, who, role, unit, now=NOW)
    assert not await database.read(may_see, here.lin, here.school)


async def test_nobody_becomes_research_officer_for_no_subject(database: Database) -> None:
    def without(session: Session, teacher_id: int) -> None:
        session.exec(
            sa.update(Posting).where(col(Posting.teacher_id) == teacher_id).values(subjects=[])
        )

    here = await database.write(cast)
    await database.write(without, here.lin)
    with pytest.raises(NoSubject):
        await database.write(
            appointing.give, here.above, here.lin, Role.RESEARCH_OFFICER, here.county, now=NOW
        )
    given = await database.write(
        appointing.give,
        here.above,
        here.lin,
        Role.RESEARCH_OFFICER,
        here.county,
        subjects=["数学"],
        now=NOW,
    )
    assert given.is_new


async def test_the_county_appoints_in_a_school_that_has_nobody(database: Database) -> None:
    here = await database.write(cast)
    seen = await database.read(appointing.units, here.above, now=NOW)
    assert seen.lines[0].name == "第二小学"
    assert seen.lines[0].holders == 0
    there = await database.read(appointing.unit_roles, here.above, here.other_school, now=NOW)
    assert set(there.may_give) == {COORDINATOR, Role.PRINCIPAL}
    await database.write(
        appointing.give, here.above, here.stranger, Role.PRINCIPAL, here.other_school, now=NOW
    )
    assert await database.read(may_see, here.stranger, here.other_school)
    lines = await database.read(
        lambda session: session.exec(
            select(AuditLog.thing).where(
                AuditLog.action == "appoint", AuditLog.actor_id == here.above
            )
        ).all()
    )
    assert list(lines) == [f"teacher:{here.stranger}"]


async def test_a_hand_over_moves_the_role_and_can_be_undone(database: Database) -> None:
    here = await database.write(cast)
    await database.write(
        appointing.deputise, here.luo, here.gu, COORDINATOR, here.school, until=WEEK, now=NOW
    )
    given = await database.write(
        appointing.hand_over, here.luo, here.lin, COORDINATOR, here.school, now=NOW
    )
    sees = [await database.read(may_see, who, here.school) for who in (here.luo, here.lin, here.gu)]
    assert sees == [False, True, False]  # whose deputy one was has laid the role down
    assert given.deed_id is not None
    with pytest.raises(NotAllowed):  # only who did it takes it back
        await database.write(undoing.undo, here.lin, given.deed_id, now=NOW)
    assert await database.write(undoing.undo, here.luo, given.deed_id, now=NOW)
    assert not await database.write(undoing.undo, here.luo, given.deed_id, now=NOW)
    sees = [await database.read(may_see, who, here.school) for who in (here.luo, here.lin)]
    assert sees == [True, False]


async def test_a_hand_over_is_told_when_it_can_no_longer_be_undone(database: Database) -> None:
    here = await database.write(cast)
    given = await database.write(
        appointing.hand_over, here.luo, here.lin, COORDINATOR, here.school, now=NOW
    )
    waits = select(OutboxMessage.kind, OutboxMessage.not_before, OutboxMessage.state)

    def told(session: Session) -> list[tuple[str, datetime, str]]:
        return [(kind, at, state) for kind, at, state in session.exec(waits)]

    later = NOW + timedelta(minutes=10)
    assert await database.read(told) == [("role_given", later, OutboxState.PENDING)]
    assert given.deed_id is not None
    await database.write(undoing.undo, here.luo, given.deed_id, now=NOW)
    assert await database.read(told) == [("role_given", later, OutboxState.SKIPPED)]


async def test_a_hand_over_stands_after_ten_minutes_or_when_it_was_passed_on(
    database: Database,
) -> None:
    here = await database.write(cast)
    given = await database.write(
        appointing.hand_over, here.luo, here.lin, COORDINATOR, here.school, now=NOW
    )
    assert given.deed_id is not None
    with pytest.raises(TooLateToUndo):
        await database.write(undoing.undo, here.luo, given.deed_id, now=NOW + timedelta(minutes=10))
    await database.write(appointing.hand_over, here.lin, here.gu, COORDINATOR, here.school, now=NOW)
    with pytest.raises(ChangedSince):
        await database.write(undoing.undo, here.luo, given.deed_id, now=NOW)
    assert await database.read(may_see, here.gu, here.school)


async def test_who_has_left_takes_no_hand_over_back(database: Database) -> None:
    here = await database.write(cast)
    given = await database.write(
        appointing.hand_over, here.luo, here.lin, COORDINATOR, here.school, now=NOW
    )
    assert given.deed_id is not None

    def leave(session: Session) -> None:
        session.get_one(Teacher, here.luo).state = TeacherState.LEFT

    await database.write(leave)
    with pytest.raises(NotAllowed):
        await database.write(undoing.undo, here.luo, given.deed_id, now=NOW)
    assert await database.read(may_see, here.lin, here.school)


async def test_a_role_is_ended_by_its_holder_or_by_who_may_give_it(database: Database) -> None:
    here = await database.write(cast)
    await database.write(appointing.give, here.luo, here.lin, COORDINATOR, here.school, now=NOW)
    (held,) = [
        each
        for each in (
            await database.read(appointing.unit_roles, here.above, here.school, now=NOW)
        ).holders
        if each.teacher_id == here.lin
    ]
    with pytest.raises(NotAllowed):
        await database.write(appointing.end, here.gu, held.assignment_id, now=NOW)
    ended = await database.write(appointing.end, here.above, held.assignment_id, now=NOW)
    assert ended is not None
    assert ended.name == "林若溪"
    assert await database.write(appointing.end, here.above, held.assignment_id, now=NOW) is None
    assert not await database.read(may_see, here.lin, here.school)


async def test_a_role_ends_with_working_life(database: Database) -> None:
    here = await database.write(cast)

    def retire(session: Session) -> None:
        session.get_one(Teacher, here.luo).state = TeacherState.RETIRED

    await database.write(retire)
    assert not await database.read(may_see, here.luo, here.school)
    with pytest.raises(NotAllowed):
        await database.write(
            appointing.deputise, here.luo, here.lin, COORDINATOR, here.school, until=WEEK, now=NOW
        )


async def _school(stage: Stage) -> tuple[Actor, Actor]:
    luo, lin = await stage.teacher("罗佳宁"), await stage.teacher("林若溪")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        unit_id = make.school(session)
        roles.appoint(session, luo.teacher_id, COORDINATOR, unit_id, today=TODAY, now=NOW)

    await stage.database.write(appoint)
    return luo, lin


async def test_a_coordinator_on_a_journey_names_a_deputy_by_name(stage: Stage) -> None:
    luo, lin = await _school(stage)
    await luo.says("/desk")
    await luo.taps("Roles, deputies")
    await luo.taps("school training coordinator")
    await luo.taps("Name a deputy")
    assert "Whom do you mean" in await luo.says("罗佳")
    await luo.taps("罗佳宁")
    assert "Nobody stands in for themselves" in luo.alert
    await luo.taps("Search again")
    assert "Nobody of yours fits" in await luo.says("若西")
    assert "Whom do you mean" in await luo.says("若溪")
    assert "Until when" in await luo.taps("林若溪")
    assert "could not read a day" in await luo.says("soon")
    assert "within a year" in await luo.says("2029-01-01")
    assert "until Tue 1 Dec" in await luo.says("Dec 1")
    assert "until Wed 2 Dec" in await luo.says("Dec 2")
    await luo.taps("Back")
    await luo.taps("school training coordinator")
    await luo.taps("Name a deputy")
    await luo.says("若溪")
    await luo.taps("林若溪")
    assert "You keep your role" in await luo.taps("27 Nov")
    assert "林若溪 is now" in await luo.taps("Yes, do it")
    await stage.deliver()
    assert "In the stead of 罗佳宁" in lin.sees()
    await lin.taps("My desk")
    assert "实验小学" in lin.sees()
    await luo.taps("Back")
    assert "Deputy: 林若溪" in await luo.taps("school training coordinator")
    await luo.taps("End: 林若溪")
    await luo.taps("Yes, end it")
    assert "does not hold this role any more" in luo.alert
    await lin.says("/desk")
    assert "right to do this" in lin.sees()


async def test_a_hand_over_in_the_chat_can_be_undone_in_the_chat(stage: Stage) -> None:
    luo, _lin = await _school(stage)
    await luo.says("/desk")
    await luo.taps("Roles, deputies")
    await luo.taps("school training coordinator")
    await luo.taps("Hand over")
    await luo.says("林")
    assert "You will not hold it any more" in await luo.taps("林若溪")
    await luo.taps("Yes, do it")
    assert "is told in ten minutes" in luo.sees()
    assert "Undo" in luo.labels()
    await luo.taps("Undo")
    assert "Undone" in luo.alert
    assert "school training coordinator" in luo.sees()


async def test_a_forged_button_gives_no_role(stage: Stage) -> None:
    luo, lin = await _school(stage)
    await lin.says("/menu")
    assert luo.teacher_id is not None
    assert lin.teacher_id is not None
    for data in (
        f"rog:1:county_coordinator:give:{lin.teacher_id}:0:1",
        f"rog:2:school_coordinator:give:{lin.teacher_id}:0:1",
        "roe:1:2:1",
        "rog:2:emperor:give:1:0:1",
        f"rog:2:school_coordinator:deputy:{lin.teacher_id}:99999999:0",
    ):
        assert await lin.sends_data(data)
    assert not await stage.database.read(may_see, lin.teacher_id, 2)
