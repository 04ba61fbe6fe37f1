"""跟岗: a school that receives people hears of it, sees who comes, and marks who was there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging.tables import News, OutboxMessage
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed
from storage.training import (
    hosting,
    marking,
    meetings,
    programmes,
    shadowing,
    staffing,
    structure,
)
from storage.training.meetings import NewMeeting
from storage.training.programmes import DueKind
from storage.training.tables import Attendance, CheckIn
from tests import make
from tests.make import NOW
from tests.training.test_gates import DAY, HOST, START, Blended
from tests.training.test_structure import TODAY

COMES = START + 10 * DAY


def host(session: Session, it: Blended, name: str = "傅文岳", at: int | None = None) -> int:
    """Somebody who looks after the school that receives people."""
    unit_id = it.host_id if at is None else at
    who = make.teacher(session, name, at=HOST)
    roles.appoint(session, who, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)
    return who


def told(session: Session, kind: str) -> set[int]:
    return set(session.exec(select(News.teacher_id).where(News.kind == kind)).all())


async def test_a_school_hears_at_once_that_it_receives_people(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        who = host(session, it)
        other = make.school(session, "二中")
        them = host(session, it, "程知远", other)
        structure.change_phase(session, it.county, it.second, {"gate": True}, now=NOW)
        assert told(session, shadowing.NEWS) == {who}
        # Before anybody was told it goes elsewhere: only the other school hears of it.
        structure.change_phase(session, it.county, it.second, {"host_unit_id": other}, now=NOW)
        assert told(session, shadowing.NEWS) == {them}
        row = session.exec(select(News).where(News.kind == shadowing.NEWS)).one()
        row.told_at = NOW
        session.flush()
        structure.remove_phase(session, it.county, it.second, now=NOW)
        assert told(session, shadowing.NEWS_OFF) == {them}

    await database.write(work)


async def test_a_school_that_knows_hears_of_other_days(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=0)
        who = host(session, it)
        make.account(session, who)
        structure.change_phase(session, it.county, it.second, {"gate": True}, now=NOW)
        row = session.exec(select(News).where(News.kind == shadowing.NEWS)).one()
        row.told_at = NOW
        session.flush()
        later = {"starts_at": COMES + DAY}
        structure.change_phase(session, it.county, it.second, later, now=NOW)
        message = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == shadowing.CHANGED)
        ).one()
        assert message.teacher_id == who
        said = shadowing.moved(session, message.facts, who)
        assert said is not None
        assert said.hears is shadowing.Hears.HOST

    await database.write(work)


async def test_a_tutor_hears_once_that_a_stretch_moves(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=1)
        tutor = make.teacher(session, "周明远", at="二中")
        staffing.appoint(session, it.county, it.batch_id, tutor, Role.TUTOR, now=NOW)
        make.account(session, tutor)
        for days in (1, 2):
            later = {"starts_at": COMES + days * DAY}
            structure.change_phase(session, it.county, it.second, later, now=NOW)
        (message,) = session.exec(
            select(OutboxMessage).where(
                OutboxMessage.kind == shadowing.CHANGED, OutboxMessage.teacher_id == tutor
            )
        ).all()
        said = shadowing.moved(session, message.facts, tutor)
        assert said is not None
        assert said.hears is shadowing.Hears.TUTOR

    await database.write(work)


async def test_the_host_sees_who_comes_and_nobody_elses_school_does(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=3)
        who = host(session, it)
        other = make.school(session, "二中")
        them = host(session, it, "程知远", other)
        assert hosting.waits(session, who, now=COMES - timedelta(days=30)) == ()
        assert [one.count for one in hosting.waits(session, who, now=COMES)] == [1]
        assert [line.people for line in hosting.hosting(session, who, now=NOW)] == [3]
        assert hosting.hosting(session, them, now=NOW) == ()
        facts = hosting.hosted(session, who, it.second, now=COMES)
        assert (facts.people, len(facts.guests), facts.is_host) == (3, 3, True)
        with pytest.raises(NotAllowed):
            hosting.hosted(session, them, it.second, now=COMES)
        assert not hosting.hosted(session, it.county, it.second, now=COMES).is_host

    await database.write(work)


async def test_the_host_takes_down_who_was_there_at_its_own_meetings(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=2)
        who = host(session, it)
        here, elsewhere = (
            meetings.add_meeting(
                session,
                it.county,
                it.batch_id,
                NewMeeting(
                    title=title,
                    starts_at=at,
                    ends_at=at + timedelta(hours=2),
                    check_in=CheckIn.COORDINATOR,
                ),
                now=NOW,
            )
            for title, at in (("听课", COMES + DAY), ("开班", START + DAY))
        )
        assert marking.mark(session, who, here, now=COMES + DAY).present == 2
        # Of those who are elsewhere it marks its own people only, and there are none.
        marking.mark(session, who, elsewhere, now=START + 2 * DAY)
        assert {row.session_id for row in session.exec(select(Attendance)).all()} == {here}

    await database.write(work)


async def test_a_stretch_without_meetings_is_due_for_its_people(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=1)
        items = programmes.due(session, it.teacher(0), now=COMES + DAY)
        stretches = [one for one in items if one.kind is DueKind.STRETCH]
        assert [(one.at, one.place) for one in stretches][:1] == [(COMES, HOST)]

    await database.write(work)
