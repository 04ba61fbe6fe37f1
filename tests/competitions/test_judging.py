"""A venue from the draw to the signed scores: who judges, and what nobody sees before the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlmodel import Session, select

from storage.audit import AuditLog
from storage.competitions import (
    at_venue,
    ballots,
    chasing,
    conflicts,
    drawing,
    lists_waiting,
    panels,
    paper,
    reopening,
    revealing,
    seating,
    signing,
    timetable,
    venues,
)
from storage.competitions.at_venue import TooEarlyAtVenue, TooLateAtVenue
from storage.competitions.conflicts import Why
from storage.competitions.tables import (
    Ballot,
    BallotState,
    Competition,
    CompetitionState,
    Conflict,
    ConflictKind,
    EntryRound,
    Judge,
    JudgeState,
    Round,
    RoundState,
    RuleChange,
    Track,
    Venue,
    VenueState,
)
from storage.database import Database
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from tests import make
from tests.competitions import making
from tests.make import NOW

TODAY = NOW.date()
BEGUN = NOW - timedelta(days=8)  # entries have closed
SCHOOLS = ("澄禾县实验小学", "柳渡镇中心小学", "云台镇第一小学")
SOON = NOW + timedelta(days=3)


@dataclass
class Play:
    """The county's final, drawn or not: who holds it, its entries, its judges."""

    host: int
    venue_id: int
    competition_id: int
    entrants: list[int]
    places: list[int]
    judges: list[int]  # teachers
    judge_ids: list[int]


def final(session: Session, *, judges: int = 2, entries: int = 4) -> Play:
    """A final with entries of two schools, and judges of the county and of a third school."""
    host = make.teacher(session, "顾岩", at="澄禾县教师发展中心")
    roles.appoint(
        session, host, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    made = making.competition(session, begins=BEGUN)
    last = venues.rounds(session, made.id)[1]
    last.judges = judges
    entrants, places = [], []
    for n in range(entries):
        who = make.teacher(session, f"参赛{n}", at=SCHOOLS[n % 2])
        row, _first = making.entry(session, made, who, now=BEGUN)
        place = venues.let_in(session, row, last, now=BEGUN)
        entrants.append(who)
        places.append(place.id)
    venue_id = session.get_one(EntryRound, places[0]).venue_id
    assert venue_id is not None
    people = [make.teacher(session, f"评委{n}", at=SCHOOLS[2]) for n in range(judges)]
    return Play(host, venue_id, made.id, entrants, places, people, [])


def judged(session: Session, play: Play) -> None:
    """Draw, and let the judges begin."""
    drawing.draw(session, play.host, play.venue_id, now=NOW)
    for who in play.judges:
        judge_id = panels.invite(session, play.host, play.venue_id, who, now=NOW)
        panels.answer(session, who, judge_id, accepts=True, now=NOW)
        play.judge_ids.append(judge_id)
    panels.make_chief(session, play.host, play.judge_ids[0], now=NOW)
    seating.begin(session, play.host, play.venue_id, now=NOW)


def hand_in(session: Session, play: Play, judge: int, *marks: tuple[int, int]) -> None:
    """Let a judge hand in a ballot for each entry, in the drawn order."""
    lines = ballots.judging(session, play.judges[judge], play.venue_id).lines
    for line, (aims, process) in zip(lines, marks, strict=True):
        given = {"aims": aims, "process": process}
        ballots.give(session, play.judges[judge], line.ballot_id, given, now=NOW)
        ballots.commit(session, play.judges[judge], line.ballot_id, now=NOW)


async def test_a_venue_goes_from_the_draw_to_signed_scores(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        hand_in(session, it, 0, (30, 50), (20, 40), (40, 60), (10, 10))
        with pytest.raises(revealing.BallotsMissing):
            revealing.reveal(session, it.host, it.venue_id, now=NOW)
        hand_in(session, it, 1, (32, 50), (20, 40), (40, 60), (10, 12))
        assert chasing.progress(session, it.venue_id) == (8, 8)
        assert revealing.reveal(session, it.host, it.venue_id, now=NOW)
        assert not revealing.reveal(session, it.host, it.venue_id, now=NOW)
        assert signing.sign(session, it.judges[0], it.venue_id, now=NOW)
        with pytest.raises(NotAllowed):
            signing.sign(session, it.judges[1], it.venue_id, now=NOW)
        found = signing.scores(session, it.host, it.venue_id, now=NOW)
        assert [line.score for line in found.lines] == [81, 60, 100, 21]
        assert [line.number for line in found.lines] == ["01", "02", "03", "04"]
        states = session.exec(select(EntryRound.state).where(EntryRound.venue_id == it.venue_id))
        assert set(states.all()) == {RoundState.SCORED}

    await database.write(play)


async def test_anybody_can_draw_again(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        before = drawing.proof(session, it.venue_id)
        assert before.seed == ""
        assert drawing.draw(session, it.host, it.venue_id, now=NOW) == drawing.Drawn(4, 4)
        assert drawing.draw(session, it.host, it.venue_id, now=NOW) == drawing.Drawn(0, 4)
        after = drawing.proof(session, it.venue_id)
        assert sha256(after.seed.encode()).hexdigest() == before.commitment == after.commitment
        (lots,) = after.draws
        again = sorted(
            (sha256(f"{after.seed}:{it.venue_id}:{one.entry_id}".encode()).hexdigest(), one.number)
            for one in lots
        )
        assert [number for _lot, number in again] == ["01", "02", "03", "04"]
        # Who comes later is drawn behind those who have their place.
        late = make.teacher(session, "递补", at=SCHOOLS[0])
        made = session.get_one(Competition, it.competition_id)
        row, _first = making.entry(session, made, late, now=NOW)
        venues.let_in(session, row, venues.rounds(session, made.id)[1], now=NOW)
        assert drawing.draw(session, it.host, it.venue_id, now=NOW) == drawing.Drawn(1, 5)
        assert [len(group) for group in drawing.proof(session, it.venue_id).draws] == [4, 1]

    await database.write(play)


async def test_the_order_is_not_drawn_while_entries_can_come(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        first = venues.rounds(session, it.competition_id)[0]
        first.entry_closes_at = NOW + timedelta(hours=1)
        at_home = session.exec(select(Venue.id).where(Venue.round_id == first.id)).first()
        assert at_home is not None
        with pytest.raises(drawing.EntriesStillOpen):
            drawing.draw(session, it.host, at_home, now=NOW)

    await database.write(play)


async def test_nothing_is_drawn_under_a_rule_of_which_nobody_can_have_read(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        last = venues.rounds(session, it.competition_id)[1]
        evening = NOW + timedelta(hours=9, minutes=30)  # Friday, 18:30
        session.add(
            RuleChange(
                round_id=last.id,
                before={"judges": 3},
                after={"judges": 2},
                reason="评委不足",
                asked_by=it.host,
                asked_at=evening,
                settled_at=evening,
                confirmed=True,
            )
        )
        session.flush()
        with pytest.raises(drawing.RulesJustChanged):
            drawing.draw(session, it.host, it.venue_id, now=evening + timedelta(hours=12))
        monday = NOW + timedelta(days=3, hours=1)
        assert drawing.draw(session, it.host, it.venue_id, now=monday).new == 4

    await database.write(play)


async def test_nobody_judges_their_own_school_or_entry_in_a_final(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        colleague = make.teacher(session, "同校", at=SCHOOLS[0])
        with pytest.raises(panels.HasConflict) as school:
            panels.invite(session, it.host, it.venue_id, colleague, now=NOW)
        assert (school.value.why, school.value.count) == (Why.SCHOOL, 2)
        with pytest.raises(panels.HasConflict) as own:
            panels.invite(session, it.host, it.venue_id, it.entrants[0], now=NOW)
        assert own.value.why is Why.OWN

    await database.write(play)


async def test_in_a_schools_own_round_colleagues_judge_and_entrants_do_not(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        first = venues.rounds(session, it.competition_id)[0]
        home = session.exec(select(EntryRound).where(EntryRound.round_id == first.id)).first()
        assert home is not None
        assert home.venue_id is not None
        colleague = make.teacher(session, "同事", at=SCHOOLS[0])
        assert panels.invite(session, it.host, home.venue_id, colleague, now=NOW)
        with pytest.raises(panels.HasConflict):
            panels.invite(session, it.host, home.venue_id, it.entrants[0], now=NOW)

    await database.write(play)


@pytest.mark.parametrize("kind", ["mentor", "mentee", "declared", "co_author", "unit"])
async def test_a_conflict_sets_the_ballot_aside_and_no_mark_gets_in(
    database: Database, kind: str
) -> None:
    def play(session: Session) -> None:
        it = final(session, judges=3)
        judge, entrant = it.judges[0], it.entrants[0]
        now: dict[str, Any] = {"by_id": it.host, "at": NOW}
        match kind:
            case "mentor":
                row = Conflict(
                    teacher_id=judge, other_id=entrant, kind=ConflictKind.MENTORSHIP, **now
                )
                session.add(row)
            case "mentee":
                row = Conflict(
                    teacher_id=entrant, other_id=judge, kind=ConflictKind.MENTORSHIP, **now
                )
                session.add(row)
            case "declared":
                row = Conflict(
                    teacher_id=judge, other_id=entrant, kind=ConflictKind.DECLARED, **now
                )
                session.add(row)
            case "unit":
                unit_id = make.school(session, SCHOOLS[0])
                row = Conflict(teacher_id=judge, unit_id=unit_id, kind=ConflictKind.DECLARED, **now)
                session.add(row)
            case _:
                other = making.competition(session, code="KT25", begins=BEGUN)
                entry, _place = making.entry(session, other, judge, now=BEGUN)
                session.add(making.author(entry, entrant))
        session.flush()
        venues.rounds(session, it.competition_id)[1].judges = 2
        judged(session, it)
        barred = conflicts.at(session, judge, it.venue_id, now=NOW)
        assert it.places[0] in barred
        rows = session.exec(
            select(Ballot).where(
                Ballot.judge_id == it.judge_ids[0], Ballot.state == BallotState.RECUSED
            )
        ).all()
        assert {each.entry_round_id for each in rows} == set(barred)
        for each in rows:
            with pytest.raises(ballots.InConflict):
                ballots.give(session, judge, each.id, {"aims": 1}, now=NOW)
            assert ballots.ballot(session, judge, each.id).sheets == ()

    await database.write(play)


async def test_a_conflict_that_comes_up_later_stops_the_next_mark(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        row = session.exec(
            select(Ballot).where(
                Ballot.judge_id == it.judge_ids[0], Ballot.entry_round_id == it.places[0]
            )
        ).one()
        ballots.give(session, it.judges[0], row.id, {"aims": 30, "process": 50}, now=NOW)
        session.add(
            Conflict(
                teacher_id=it.judges[0],
                other_id=it.entrants[0],
                kind=ConflictKind.MENTORSHIP,
                by_id=it.host,
                at=NOW,
            )
        )
        session.flush()
        with pytest.raises(ballots.InConflict):
            ballots.commit(session, it.judges[0], row.id, now=NOW)

    await database.write(play)


async def test_marks_are_nobodys_to_see_before_all_are_in(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        hand_in(session, it, 0, (37, 51), (37, 51), (37, 51), (37, 51))
        for who in (it.host, it.judges[0]):
            with pytest.raises(TooEarlyAtVenue):
                signing.scores(session, who, it.venue_id, now=NOW)
        for line in ballots.judging(session, it.judges[0], it.venue_id).lines:
            with pytest.raises(NotFound):
                ballots.ballot(session, it.judges[1], line.ballot_id)
        said = [
            repr(ballots.judging(session, it.judges[1], it.venue_id)),
            repr(panels.panel(session, it.host, it.venue_id, now=NOW)),
            repr(timetable.turns(session, it.host, it.venue_id, now=NOW)),
            repr(chasing.missing(session, it.venue_id)),
            *(json.dumps(row.after) for row in session.exec(select(AuditLog)).all()),
            *(json.dumps(row.facts) for row in session.exec(select(OutboxMessage)).all()),
        ]
        assert not [text for text in said if "37" in _without_seals(text)]
        scores = select(EntryRound.score).where(EntryRound.venue_id == it.venue_id)
        assert set(session.exec(scores).all()) == {None}
        totals = session.exec(select(Ballot.total)).all()
        assert set(totals) == {None}

    await database.write(play)


def _without_seals(text: str) -> str:
    """The text without what is random: seals, and the moments of the rows."""
    return re.sub(r"[0-9a-f]{64}|\d{4}-\d\d-\d\dT[0-9:+.]+", "", text)


async def test_what_is_sealed_changes_only_through_the_chief_and_leaves_a_line(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        hand_in(session, it, 1, (30, 50), (20, 40), (40, 60), (10, 10))
        (first, *_rest) = ballots.judging(session, it.judges[1], it.venue_id).lines
        receipt = ballots.commit(session, it.judges[1], first.ballot_id, now=NOW)
        assert receipt == ballots.commit(session, it.judges[1], first.ballot_id, now=NOW)
        assert receipt.nonce == ""
        with pytest.raises(ballots.Sealed):
            ballots.give(session, it.judges[1], first.ballot_id, {"aims": 1}, now=NOW)
        with pytest.raises(reopening.NothingAsked):
            reopening.reopen(session, it.judges[0], first.ballot_id, now=NOW)
        assert reopening.ask_back(session, it.judges[1], first.ballot_id, now=NOW)
        assert not reopening.ask_back(session, it.judges[1], first.ballot_id, now=NOW)
        with pytest.raises(NotAllowed):
            reopening.reopen(session, it.judges[1], first.ballot_id, now=NOW)
        assert reopening.reopen(session, it.judges[0], first.ballot_id, now=NOW)
        assert not reopening.reopen(session, it.judges[0], first.ballot_id, now=NOW)
        line = session.exec(select(AuditLog).where(AuditLog.action == "reopen_ballot")).one()
        assert line.before == {"seal": receipt.seal}
        ballots.give(session, it.judges[1], first.ballot_id, {"aims": 1}, now=NOW)

    await database.write(play)


async def test_a_mark_that_was_changed_behind_its_seal_stops_the_reveal(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        for judge in range(2):
            hand_in(session, it, judge, (30, 50), (20, 40), (40, 60), (10, 10))
        row = session.exec(select(Ballot)).first()
        assert row is not None
        row.marks = {"aims": 40, "process": 60}
        session.flush()
        with pytest.raises(revealing.SealBroken):
            revealing.reveal(session, it.host, it.venue_id, now=NOW)

    await database.write(play)


async def test_the_chief_alone_closes_early_and_every_entry_keeps_enough(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        hand_in(session, it, 0, (30, 50), (20, 40), (40, 60), (10, 10))
        with pytest.raises(revealing.BallotsMissing):
            revealing.reveal(session, it.host, it.venue_id, reason="评委生病", now=NOW)
        with pytest.raises(revealing.BallotsMissing):
            revealing.reveal(session, it.judges[0], it.venue_id, now=NOW)
        assert revealing.reveal(session, it.judges[0], it.venue_id, reason="评委生病", now=NOW)

    await database.write(play)


async def test_an_absent_entry_has_no_score_and_is_not_waited_for(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        lines = ballots.judging(session, it.judges[0], it.venue_id).lines
        gone = session.exec(select(EntryRound).where(EntryRound.number == lines[1].number)).one()
        assert timetable.absent(session, it.host, gone.id, now=NOW)
        assert not timetable.absent(session, it.host, gone.id, now=NOW)
        assert chasing.progress(session, it.venue_id) == (0, 6)
        for judge in range(2):
            hand_in(session, it, judge, (30, 50), (20, 40), (40, 60))
        assert revealing.reveal(session, it.host, it.venue_id, now=NOW)
        assert (gone.score, gone.state) == (None, RoundState.ABSENT)
        with pytest.raises(TooLateAtVenue):
            timetable.absent(session, it.host, gone.id, absent=False, now=NOW)

    await database.write(play)


async def test_paper_counts_when_two_people_have_read_the_same(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        second = make.teacher(session, "梁素问", at="澄禾县教师发展中心")
        roles.appoint(
            session, second, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
        )
        judged(session, it)
        expert = panels.add_expert(session, it.host, it.venue_id, "校外专家", now=NOW)
        assert panels.add_expert(session, it.host, it.venue_id, "校外专家", now=NOW) == expert
        lines = paper.listed(session, it.host, it.venue_id, now=NOW)
        assert len(lines) == 4
        one = lines[0].ballot_id

        def types(who: int, aims: int) -> paper.Typed:
            marks = {"aims": aims, "process": 50}
            return paper.type_in(session, who, one, marks, now=NOW)

        assert types(it.host, 31) is paper.Typed.FIRST
        assert types(it.host, 30) is paper.Typed.FIRST
        assert types(second, 33) is paper.Typed.DIFFERS
        assert "30" not in repr(paper.paper(session, second, one, now=NOW).seal)
        assert types(second, 30) is paper.Typed.AGREED
        with pytest.raises(ballots.Sealed):
            types(second, 30)
        assert chasing.progress(session, it.venue_id) == (1, 12)

    await database.write(play)


async def test_who_competes_does_not_type_their_own_paper(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        roles.appoint(
            session,
            it.entrants[0],
            Role.COUNTY_COORDINATOR,
            make.county(session),
            today=TODAY,
            now=NOW,
        )
        panels.add_expert(session, it.host, it.venue_id, "校外专家", now=NOW)
        own = session.exec(
            select(Ballot.id).where(Ballot.entry_round_id == it.places[0], Ballot.on_paper)
        ).one()
        with pytest.raises(OwnCase):
            paper.type_in(session, it.entrants[0], own, {"aims": 40, "process": 60}, now=NOW)

    await database.write(play)


async def test_judges_are_drawn_around_conflicts(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        drawn = panels.draw(session, it.host, it.venue_id, now=NOW)
        who = {session.get_one(Judge, one).teacher_id for one in drawn}
        # The host and the two of the third school are all who have no conflict.
        assert len(drawn) == 2
        assert who <= {it.host, *it.judges}
        assert panels.draw(session, it.host, it.venue_id, now=NOW) == ()

    await database.write(play)


async def test_a_judge_declares_a_conflict_by_number(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        (line, *_rest) = ballots.judging(session, it.judges[0], it.venue_id).lines
        ballots.recuse(session, it.judges[0], line.ballot_id, now=NOW)
        ballots.recuse(session, it.judges[0], line.ballot_id, now=NOW)
        assert len(session.exec(select(Conflict)).all()) == 1
        assert chasing.progress(session, it.venue_id) == (0, 7)

    await database.write(play)


async def test_turns_follow_the_order_and_ring_only_whom_they_concern(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        block = timetable.Block
        blocks = (
            block(SOON, SOON + timedelta(minutes=45)),
            block(SOON + timedelta(hours=2), SOON + timedelta(hours=3)),
        )
        with pytest.raises(timetable.DoesNotFit):
            timetable.lay(session, it.host, it.venue_id, blocks[:1], 20, now=NOW)
        moved = timetable.lay(
            session, it.host, it.venue_id, blocks, 20, place="三楼报告厅", now=NOW
        )
        again = timetable.lay(
            session, it.host, it.venue_id, blocks, 20, place="三楼报告厅", now=NOW
        )
        assert (moved, again) == (4, 0)
        slots = [
            one.slot_at for one in timetable.turns(session, it.host, it.venue_id, now=NOW).turns
        ]
        minutes = [(at - SOON).total_seconds() / 60 for at in slots if at is not None]
        assert minutes == [0, 20, 120, 140]
        before = len(_turns_told(session))
        assert timetable.move(
            session, it.host, it.places[0], SOON + timedelta(hours=5), now=NOW + timedelta(hours=1)
        )
        assert len(_turns_told(session)) - before == 1

    await database.write(play)


def _turns_told(session: Session) -> list[int]:
    kept = select(OutboxMessage.id).where(OutboxMessage.kind == timetable.TURN)
    return list(session.exec(kept).all())


async def test_a_group_reads_names_only_where_the_rules_want_them(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        blocks = [
            timetable.Block(SOON, SOON + timedelta(minutes=40), room) for room in ("一室", "二室")
        ]
        timetable.lay(session, it.host, it.venue_id, blocks, 20, now=NOW)
        rooms = [one.room for one in timetable.public(session, it.venue_id).turns]
        assert rooms == ["一室", "二室"] * 2
        venue = session.get_one(Venue, it.venue_id)
        round_ = session.get_one(Round, venue.round_id)
        competition = session.get_one(Competition, round_.competition_id)
        for numbers_only, is_blind in ((True, True), (True, False), (False, True)):
            round_.numbers_only, competition.is_blind = numbers_only, is_blind
            facts = timetable.public(session, it.venue_id)
            assert all(one.number and not one.name for one in facts.turns)
        round_.numbers_only, competition.is_blind = False, False
        timetable.absent(session, it.host, it.places[0], now=NOW)
        facts = timetable.public(session, it.venue_id)
        # A number beside a name would tell judges whose it is; an absence is nobody's business.
        assert len(facts.turns) == 4
        assert all(one.name and one.school and not one.number for one in facts.turns)

    await database.write(play)


async def test_tracks_of_a_final_each_hang_a_timetable_in_one_group(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        venue = session.get_one(Venue, it.venue_id)
        track = Track(competition_id=it.competition_id, position=2, title="小学数学")
        session.add(track)
        session.flush()
        other = Venue(
            round_id=venue.round_id,
            unit_id=venue.unit_id,
            track_id=track.id,
            state=VenueState.DRAWN,
        )
        group = Chat(
            tg_chat_id=-100,
            title="比赛群",
            purpose=ChatPurpose.COMPETITION,
            competition_id=it.competition_id,
        )
        session.add_all([other, group])
        session.flush()
        for _twice in range(2):
            assert timetable.post(session, it.host, it.venue_id, now=NOW) == 1
            assert timetable.post(session, it.host, other.id, now=NOW) == 1
        due = timetable.cards_due(session)
        assert [card.venue_id for card in due] == [it.venue_id, other.id]
        other.state = VenueState.REVEALED
        session.flush()
        assert len(timetable.cards_due(session)) == 1

    await database.write(play)


async def test_nothing_goes_on_in_a_cancelled_competition(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        (line, *_rest) = ballots.judging(session, it.judges[0], it.venue_id).lines
        session.get_one(Competition, it.competition_id).state = CompetitionState.CANCELLED
        session.flush()
        deeds: list[Callable[[], object]] = [
            lambda: ballots.give(session, it.judges[0], line.ballot_id, {"aims": 1}, now=NOW),
            lambda: revealing.reveal(session, it.host, it.venue_id, now=NOW),
            lambda: chasing.chase(session, it.host, it.venue_id, now=NOW),
            lambda: panels.answer(session, it.judges[0], it.judge_ids[0], accepts=False, now=NOW),
            lambda: drawing.draw(session, it.host, it.venue_id, now=NOW),
        ]
        for deed in deeds:
            with pytest.raises(Refusal):
                deed()

    await database.write(play)


async def test_a_declined_judge_is_asked_anew_and_a_removed_one_counts_no_more(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        first = panels.invite(session, it.host, it.venue_id, it.judges[0], now=NOW)
        panels.answer(session, it.judges[0], first, accepts=False, now=NOW)
        again = panels.invite(session, it.host, it.venue_id, it.judges[0], now=NOW)
        assert again == first
        assert session.get_one(Judge, first).state is JudgeState.INVITED
        assert panels.remove(session, it.host, first, now=NOW)
        with pytest.raises(NotFound):
            panels.answer(session, it.judges[0], first, accepts=True, now=NOW)

    await database.write(play)


def test_a_score_leaves_out_the_highest_and_the_lowest() -> None:
    assert revealing.score_of([80, 90, 100], 1) == 90
    assert revealing.score_of([80, 90], 1) == 85
    assert revealing.score_of([70, 80, 81], 0) == 77


async def test_the_venue_needs_enough_judges_and_a_chief(database: Database) -> None:
    def play(session: Session) -> None:
        it = final(session)
        with pytest.raises(TooEarlyAtVenue):
            seating.begin(session, it.host, it.venue_id, now=NOW)
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        with pytest.raises(seating.PanelTooSmall):
            seating.begin(session, it.host, it.venue_id, now=NOW)
        for who in it.judges:
            judge_id = panels.invite(session, it.host, it.venue_id, who, now=NOW)
            panels.answer(session, who, judge_id, accepts=True, now=NOW)
        with pytest.raises(seating.NoChief):
            seating.begin(session, it.host, it.venue_id, now=NOW)
        venue = session.get_one(Venue, it.venue_id)
        assert venue.state is VenueState.DRAWN

    await database.write(play)


async def test_what_has_left_the_round_is_neither_judged_nor_waited_for(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        gone = session.get_one(EntryRound, it.places[0])
        gone.state = RoundState.OUT
        session.flush()
        assert chasing.progress(session, it.venue_id) == (0, 6)
        assert len(ballots.judging(session, it.judges[0], it.venue_id).lines) == 3

    await database.write(play)


async def test_an_entry_with_fewer_judges_than_the_rules_is_closed_by_the_chief_alone(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        it = final(session)
        judged(session, it)
        (line, *_rest) = ballots.judging(session, it.judges[1], it.venue_id).lines
        ballots.recuse(session, it.judges[1], line.ballot_id, now=NOW)
        hand_in(session, it, 0, (30, 50), (20, 40), (40, 60), (10, 10))
        for one in ballots.judging(session, it.judges[1], it.venue_id).lines[1:]:
            marks = {"aims": 10, "process": 10}
            ballots.give(session, it.judges[1], one.ballot_id, marks, now=NOW)
            ballots.commit(session, it.judges[1], one.ballot_id, now=NOW)
        assert chasing.progress(session, it.venue_id) == (7, 7)
        (lack,) = chasing.lacking(session, at_venue.here(session, it.venue_id))
        assert (lack.number, lack.there, lack.needed) == (line.number, 1, 2)
        waiting = [
            each.kind
            for each in lists_waiting.items(session, it.host, now=NOW)
            if each.subject_id == it.venue_id
        ]
        assert waiting == [lists_waiting.ARRANGE]
        with pytest.raises(seating.PanelTooSmall):
            revealing.reveal(session, it.host, it.venue_id, now=NOW)
        assert revealing.reveal(session, it.judges[0], it.venue_id, reason="评委回避", now=NOW)

    await database.write(play)
