"""Whom messages do not reach, who was spoken with, and what a colleague's card shows to whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from storage import colleague
from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.people import reaching, roles
from storage.people.reaching import Why
from storage.people.tables import Role
from storage.refusals import NotAllowed
from storage.training import registration
from storage.training.tables import Mode
from tests import make
from tests.make import NOW
from tests.stage import Stage

TODAY = date(2026, 11, 20)


def school(session: Session) -> dict[str, int]:
    """A coordinator who is linked, one teacher who is not, one who blocked, one who is reached."""
    people = {name: make.teacher(session, name) for name in ("罗佳宁", "林若溪", "顾念", "石晓岚")}
    for name in ("罗佳宁", "石晓岚"):
        make.account(session, people[name])
    make.account(session, people["顾念"], reachable=False)
    people["school"] = make.school(session)
    people["above"] = make.teacher(session, "钱川", at="第二小学")
    roles.appoint(
        session,
        people["罗佳宁"],
        Role.SCHOOL_COORDINATOR,
        people["school"],
        today=TODAY,
        now=NOW,
    )
    roles.appoint(
        session,
        people["above"],
        Role.COUNTY_COORDINATOR,
        make.county(session),
        today=TODAY,
        now=NOW,
    )
    return people


def lose(session: Session, teacher_id: int) -> None:
    outbox.put(
        session,
        "reminder",
        teacher_id=teacher_id,
        facts={},
        priority=Priority.BRIEF,
        not_before=NOW,
        dedupe_key=f"lost:{teacher_id}",
        now=NOW,
    )


async def test_those_who_lost_most_and_were_not_spoken_with_come_first(database: Database) -> None:
    people = await database.write(school)
    await database.write(lose, people["顾念"])
    seen = await database.write(
        reaching.unreached, people["罗佳宁"], people["school"], now=NOW + timedelta(minutes=1)
    )
    assert [(line.name, line.why, line.lost) for line in seen.lines] == [
        ("顾念", Why.CLOSED, 1),
        ("林若溪", Why.NOT_LINKED, 0),
    ]
    assert await database.write(reaching.mark_contacted, people["罗佳宁"], people["顾念"], now=NOW)
    seen = await database.write(reaching.unreached, people["罗佳宁"], people["school"], now=NOW)
    assert [line.name for line in seen.lines] == ["林若溪", "顾念"]
    assert (seen.total, seen.contacted) == (2, 1)
    later = NOW + timedelta(days=31)
    seen = await database.write(reaching.unreached, people["罗佳宁"], people["school"], now=later)
    assert (seen.contacted, [line.lost for line in seen.lines]) == (0, [0, 0])


async def test_a_note_is_taken_back_on_the_day_and_made_anew_on_another(database: Database) -> None:
    people = await database.write(school)
    me, whom = people["罗佳宁"], people["林若溪"]
    noted = [
        await database.write(reaching.mark_contacted, me, whom, now=NOW + timedelta(hours=hours))
        for hours in (0, 1, 2, 24)
    ]
    assert noted == [True, False, True, True]


async def test_a_stranger_is_neither_listed_nor_noted(database: Database) -> None:
    people = await database.write(school)
    with pytest.raises(NotAllowed):
        await database.write(reaching.unreached, people["石晓岚"], people["school"], now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(reaching.mark_contacted, people["罗佳宁"], people["above"], now=NOW)


async def test_the_school_sees_hours_and_registrations_and_the_county_its_own_programmes(
    database: Database,
) -> None:
    people = await database.write(school)

    def register(session: Session) -> None:
        own = make.school(session)
        for title, owner in (("县级培训", None), ("校本培训", own)):
            batch = make.batch(
                session,
                title,
                programme={"mode": Mode.REMOTE} | ({"owner_unit_id": own} if owner else {}),
            )
            registration.register(session, people["林若溪"], batch, now=NOW)

    await database.write(register)
    for_school = await database.write(
        colleague.colleague, people["罗佳宁"], people["林若溪"], now=NOW
    )
    assert {title for title, _ in for_school.registrations} == {"县级培训", "校本培训"}
    assert for_school.hours is not None
    for_county = await database.write(
        colleague.colleague, people["above"], people["林若溪"], now=NOW
    )
    assert for_county.hours is None
    looks = await database.read(
        lambda session: session.exec(
            select(AuditLog.actor_id).where(AuditLog.action == "look_at_person")
        ).all()
    )
    assert list(looks) == [people["罗佳宁"], people["above"]]


async def test_a_coordinator_goes_down_the_list_with_the_phone_in_hand(stage: Stage) -> None:
    luo = await stage.teacher("罗佳宁")
    await stage.database.write(make.teacher, "林若溪")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        unit_id = make.school(session)
        roles.appoint(
            session, luo.teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW
        )

    await stage.database.write(appoint)
    await luo.says("/desk")
    await luo.taps("实验小学")
    assert "do not reach 1 teacher; 0 spoken with" in await luo.taps("Not reached")
    assert "1 teacher; 1 spoken with" in await luo.taps("○ 林若溪")
    assert "Noted" in luo.alert
    assert "0 spoken with" in await luo.taps("✓ 林若溪")
    await luo.taps("Back")
    assert "This year" in await luo.taps("林若溪")
    assert "Last spoken with" in await luo.taps("Mark as contacted")
