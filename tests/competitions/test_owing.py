"""Whom the deadlines of a competition reach: who owes it, and who stands above."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from storage import kinds
from storage.competitions import drawing, entering, panels, schedule, seating, venues
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Round,
    RoundState,
    Venue,
)
from storage.database import Database
from storage.messaging import upward
from storage.messaging.tables import Deadline, DeadlineState, Level
from storage.people import roles
from storage.people.tables import OrgUnit, Role, TeacherFact
from tests import make
from tests.competitions import making
from tests.competitions.test_judging import SCHOOLS, final, hand_in, judged
from tests.make import NOW

TODAY = NOW.date()


def owing(session: Session, kind: str, subject_id: int) -> set[int]:
    return set(session.exec(kinds.owes(session, kind, subject_id, now=NOW)).scalars().all())


def hears(
    session: Session, level: Level, kind: str, subject_id: int, besides: Any = ()
) -> set[int]:
    who = upward.audience(session, level, kind, subject_id, (), besides, NOW)
    return set(session.exec(who).scalars().all())


async def test_a_judge_owes_an_answer_and_then_every_ballot(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        first, second = it.judges
        for who in it.judges:
            it.judge_ids.append(panels.invite(session, it.host, it.venue_id, who, now=NOW))
        assert owing(session, "judge_answer", it.venue_id) == {first, second}
        panels.answer(session, first, it.judge_ids[0], accepts=True, now=NOW)
        assert owing(session, "judge_answer", it.venue_id) == {second}
        panels.answer(session, second, it.judge_ids[1], accepts=True, now=NOW)
        assert owing(session, "judge_answer", it.venue_id) == set()
        assert owing(session, "ballots_due", it.venue_id) == set()
        panels.make_chief(session, it.host, it.judge_ids[0], now=NOW)
        seating.begin(session, it.host, it.venue_id, now=NOW)
        assert owing(session, "ballots_due", it.venue_id) == {first, second}
        hand_in(session, it, 0, *[(1, 1)] * 4)
        assert owing(session, "ballots_due", it.venue_id) == {second}
        assert hears(session, Level.OWNER, "ballots_due", it.venue_id) == {it.host}
        session.get_one(Competition, it.competition_id).state = CompetitionState.CANCELLED
        session.flush()
        assert owing(session, "ballots_due", it.venue_id) == set()

    await database.write(play)


async def test_the_head_of_a_group_hears_what_the_own_venue_lacks(database: Database) -> None:
    def play(session: Session) -> None:
        made = making.competition(session)
        head = make.teacher(session, "韩静仪")
        session.add(TeacherFact(teacher_id=head, key="duty", value="group_head"))
        _row, place = making.entry(session, made, make.teacher(session, "林若溪"))
        assert place is not None
        assert place.venue_id is not None
        assert owing(session, "venue_materials", place.venue_id) == {head}
        assert hears(session, Level.OWNER, "ballots_due", place.venue_id) == {head}
        session.get_one(Round, place.round_id).materials = []
        session.flush()
        assert owing(session, "venue_materials", place.venue_id) == set()
        mate = make.teacher(session, "石晓岚")
        making.entry(session, made, mate, state=CompetingState.SUBMITTED)
        assert owing(session, "venue_materials", place.venue_id) == {head}

    await database.write(play)


async def test_a_venue_is_due_from_the_moment_on_that_an_entry_waits(database: Database) -> None:
    def play(session: Session) -> tuple[datetime | None, datetime | None]:
        made = making.competition(session)
        first = venues.rounds(session, made.id)[0]
        first.material_due_at, first.materials = None, []
        lin = make.teacher(session, "林若溪")
        entry, _place = making.entry(session, made, lin, state=CompetingState.DRAFT)
        entry.agreed_at = NOW
        session.flush()
        entering.submit(session, lin, entry.id, now=NOW)
        due = select(Deadline.at).where(Deadline.kind == "venue_materials")
        return session.exec(due).one(), first.entry_closes_at

    due, closes = await database.write(play)
    assert due == closes


async def test_everybody_who_makes_an_entry_is_told_of_its_day(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        mate, asked = make.teacher(session, "石晓岚"), make.teacher(session, "唐亦舟")
        entry = session.get_one(Entry, session.get_one(EntryRound, it.places[0]).entry_id)
        session.add_all([making.author(entry, mate), making.author(entry, asked, agreed=False)])
        session.flush()
        there = owing(session, "round_day", it.venue_id)
        assert there == {*it.entrants, *it.judges, it.host, mate}

    await database.write(play)


async def test_a_late_list_is_heard_of_by_who_holds_the_next_round(database: Database) -> None:
    def play(session: Session) -> None:
        made = making.competition(session)
        first = venues.rounds(session, made.id)[0]
        _row, place = making.entry(session, made, make.teacher(session, "林若溪"))
        assert place is not None
        assert place.venue_id is not None
        boss = make.teacher(session, "顾岩", at="教师发展中心")
        roles.appoint(
            session, boss, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
        )
        assert hears(session, Level.OWNER, "result_due", place.venue_id) == {boss}
        second = venues.next_round(session, first)
        assert second is not None
        second.level = first.level
        session.flush()
        own = session.get_one(Venue, place.venue_id).unit_id
        assert kinds.place(session, "result_due", place.venue_id).unit_id == own

    await database.write(play)


async def test_the_bureau_hears_of_the_county_and_not_of_schools(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        for place_id in it.places[:2]:
            session.get_one(EntryRound, place_id).state = RoundState.ADVANCED
        session.flush()

        def units(level: Level) -> set[int]:
            counted = kinds.KINDS["forward_due"].outstanding
            assert counted is not None
            round_id = session.get_one(Venue, it.venue_id).round_id
            found = counted(session, "forward_due", round_id, NOW).subquery()
            rows = session.connection().execute(
                found.select()
                .join(OrgUnit, OrgUnit.id == found.c.unit_id)
                .where(upward.heard_of(level, "forward_due"))
            )
            return {row.unit_id for row in rows}

        county = make.county(session)
        assert units(Level.BUREAU) == units(Level.PRINCIPAL) == {county}
        session.get_one(Venue, it.venue_id).unit_id = make.school(session, SCHOOLS[0])
        session.flush()
        assert units(Level.BUREAU) == set()
        assert units(Level.PRINCIPAL) != set()

    await database.write(play)


async def test_what_is_overdue_stays_due_when_a_turn_changes(database: Database) -> None:
    def work(session: Session) -> list[str]:
        play = final(session, judges=2, entries=2)
        round_ = session.get_one(Round, session.get_one(Venue, play.venue_id).round_id)
        round_.result_due_at = NOW + timedelta(days=1)
        session.flush()
        schedule.plan_venue(session, play.venue_id, now=NOW)
        schedule.plan_venue(session, play.venue_id, now=NOW + timedelta(days=2))
        found = select(Deadline.state).where(
            Deadline.kind == "result_due", Deadline.subject_id == play.venue_id
        )
        return list(session.exec(found).all())

    assert await database.write(work) == [DeadlineState.ACTIVE]
