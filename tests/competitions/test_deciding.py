"""The list of a venue: by the rules, taken back in time, told in private, forwarded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import undoing
from storage.competitions import deciding, forwarding, ranking
from storage.competitions.deciding import ListChanged, NotSigned
from storage.competitions.ranking import Runner
from storage.competitions.tables import (
    CompetingState,
    Entry,
    EntryRound,
    Round,
    RoundState,
    Venue,
    VenueState,
)
from storage.database import Database
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.refusals import NotAllowed, OwnCase
from storage.training import allocation
from tests import make
from tests.competitions import judged, making
from tests.make import NOW

SCHOOL = "澄禾县实验小学"
FOUR = {"林若溪": SCHOOL, "石晓岚": SCHOOL, "韩静仪": SCHOOL, "唐亦舟": SCHOOL}
LATER = NOW + timedelta(minutes=11)


def _decided(session: Session, actor: int, venue_id: int) -> deciding.Decided:
    seen = deciding.listing(session, actor, venue_id, now=NOW)
    return deciding.decide(session, actor, venue_id, seen.mark, now=NOW)


def _states(session: Session) -> list[RoundState]:
    rows = session.exec(select(EntryRound).order_by(col(EntryRound.id))).all()
    return [row.state for row in rows]


async def test_the_list_follows_from_scores_ties_and_quota(database: Database) -> None:
    def play(session: Session) -> Any:
        made = making.competition(session)
        marks = [
            [judged.points(30, 50), judged.points(30, 50)],  # 80, process 50
            [judged.points(35, 45), judged.points(35, 45)],  # 80, process 45
            [judged.points(40, 50), judged.points(40, 50)],  # 90
            [judged.points(20, 40), judged.points(20, 40)],  # 60
        ]
        venue_id, judged_places = judged.venue(session, made, FOUR, marks)
        who = judged.holder(session)
        done = _decided(session, who, venue_id)
        again = deciding.decide(session, who, venue_id, "", now=NOW)
        lines = [(one.name, one.rank, one.tie, one.state) for one in done.listing.lines]
        mine = session.get_one(Entry, judged_places[2].entry_id)
        session.add(making.author(mine, make.teacher(session, "周知行", at=SCHOOL)))
        session.flush()
        with_mate = deciding.listing(session, who, venue_id, now=NOW).lines[0]
        assert with_mate.name == "韩静仪、周知行"
        return lines, done.is_new, again.is_new, done.listing.places

    lines, first, second, places = await database.write(play)
    assert (first, second, places) == (True, False, 2)
    assert lines == [
        ("韩静仪", 1, "", RoundState.ADVANCED),
        ("林若溪", 2, "criterion:process", RoundState.ADVANCED),
        ("石晓岚", 3, "criterion:process", RoundState.RESERVE),
        ("唐亦舟", 4, "", RoundState.RESERVE),
    ]


async def test_nothing_is_decided_before_the_scores_are_signed_or_unseen(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        made = making.competition(session)
        venue_id, places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        who = judged.holder(session)
        venue = session.exec(select(Venue).where(Venue.id == venue_id)).one()
        venue.signed_at = None
        session.flush()
        with pytest.raises(NotSigned):
            _decided(session, who, venue_id)
        venue.signed_at = NOW
        seen = deciding.listing(session, who, venue_id, now=NOW)
        places[0].state = RoundState.DISQUALIFIED
        session.flush()
        with pytest.raises(ListChanged):
            deciding.decide(session, who, venue_id, seen.mark, now=NOW)

    await database.write(play)


async def test_whoever_competes_at_a_venue_does_not_decide_it(database: Database) -> None:
    def play(session: Session) -> None:
        made = making.competition(session)
        venue_id, _places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        venue = session.exec(select(Venue).where(Venue.id == venue_id)).one()
        entrant = session.exec(select(Entry.teacher_id)).first()
        assert entrant is not None
        venue.organiser_id = entrant
        session.flush()
        with pytest.raises(OwnCase):
            deciding.listing(session, entrant, venue_id, now=NOW)
        with pytest.raises(NotAllowed):
            deciding.listing(session, make.teacher(session, "路人甲"), venue_id, now=NOW)

    await database.write(play)


async def test_taken_back_in_time_nobody_is_told_and_it_can_be_decided_again(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        made = making.competition(session)
        venue_id, _places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        for teacher_id in session.exec(select(Entry.teacher_id)).all():
            make.account(session, teacher_id)
        who = judged.holder(session)
        done = _decided(session, who, venue_id)
        assert done.listing.deed_id is not None
        undoing.undo(session, who, done.listing.deed_id, now=NOW)
        states = _states(session)
        venue = session.exec(select(Venue).where(Venue.id == venue_id)).one()
        kept = venue.state
        entries = set(session.exec(select(Entry.state)).all())
        seen = deciding.listing(session, who, venue_id, now=LATER)
        deciding.decide(session, who, venue_id, seen.mark, now=LATER)
        waiting = session.exec(
            select(OutboxMessage.not_before).where(
                OutboxMessage.kind == deciding.OUTCOME,
                OutboxMessage.state != OutboxState.SKIPPED,
            )
        ).all()
        return states, kept, entries, waiting

    states, kept, entries, waiting = await database.write(play)
    assert states == [RoundState.SCORED] * 4
    assert kept is VenueState.REVEALED
    assert entries == {CompetingState.COMPETING}
    assert len(waiting) == 4
    assert min(waiting) >= LATER + timedelta(minutes=10)


async def test_a_list_without_publicity_stands_after_ten_minutes_and_goes_on_by_itself(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        made = making.competition(session)
        venue_id, _places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        who = judged.holder(session)
        _decided(session, who, venue_id)
        early = forwarding.settle_due(session, now=NOW)
        late = forwarding.settle_due(session, now=LATER)
        again = forwarding.settle_due(session, now=LATER)
        final = session.exec(select(Round.id).where(Round.position == 2)).one()
        in_final = session.exec(select(EntryRound).where(EntryRound.round_id == final)).all()
        venue = session.exec(select(Venue.state).where(Venue.id == venue_id)).one()
        return early, late, again, [row.state for row in in_final], venue

    early, late, again, in_final, venue = await database.write(play)
    assert (early, late, again) == (0, 1, 0)
    assert in_final == [RoundState.READY, RoundState.READY]
    assert venue is VenueState.CONFIRMED


async def test_with_a_date_the_unit_forwards_and_what_it_does_not_lapses(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        made = making.competition(session)
        first = session.exec(select(Round).where(Round.position == 1)).one()
        first.forward_due_at = NOW + timedelta(days=3)
        venue_id, places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        who = judged.holder(session)
        _decided(session, who, venue_id)
        with pytest.raises(forwarding.NotStandingYet):
            forwarding.forward(session, who, venue_id, now=NOW)
        forwarding.settle_due(session, now=LATER)
        one = forwarding.forward(session, who, venue_id, place_id=places[0].id, now=LATER)
        twice = forwarding.forward(session, who, venue_id, place_id=places[0].id, now=LATER)
        over = NOW + timedelta(days=4)
        with pytest.raises(forwarding.TooLateToForward):
            forwarding.forward(session, who, venue_id, now=over)
        forwarding.settle_due(session, now=over)
        told = session.exec(
            select(OutboxMessage.facts).where(OutboxMessage.kind == forwarding.LAPSED)
        ).all()
        return one.number, twice.number, [row.state for row in places], told

    one, twice, states, told = await database.write(play)
    assert (one, twice) == (1, 0)
    assert states == [
        RoundState.ADVANCED,
        RoundState.LAPSED,
        RoundState.OUT,
        RoundState.OUT,
    ]
    assert [each["number"] for each in told] == [1]


async def test_a_reserve_moves_up_when_one_before_it_is_passed_over(database: Database) -> None:
    def play(session: Session) -> Any:
        made = making.competition(session)
        first = session.exec(select(Round).where(Round.position == 1)).one()
        first.forward_due_at = NOW + timedelta(days=3)
        venue_id, places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 50))
        who = judged.holder(session)
        _decided(session, who, venue_id)
        forwarding.settle_due(session, now=LATER)
        moved = forwarding.pass_over(session, who, places[1].id, "本人放弃", now=LATER)
        again = forwarding.pass_over(session, who, places[1].id, "本人放弃", now=LATER)
        done = forwarding.forward(session, who, venue_id, now=LATER)
        return moved == places[2].id, again, [row.state for row in places], done.number

    moved, again, states, number = await database.write(play)
    assert moved
    assert again is None
    assert states[:3] == [RoundState.ADVANCED, RoundState.LAPSED, RoundState.ADVANCED]
    assert number == 2


async def test_of_equal_reserves_the_one_with_the_lower_lot_moves_up(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[int | None, int]:
        made = making.competition(session)
        first = session.exec(select(Round).where(Round.position == 1)).one()
        first.forward_due_at, first.ties = NOW + timedelta(days=3), []
        venue_id, places = judged.venue(session, made, FOUR, judged.totals(80, 70, 60, 60))
        venue = session.get_one(Venue, venue_id)
        # A seed by which the later of the two equals has the lower lot.
        venue.seed = next(
            seed
            for seed in map(str, range(99))
            if allocation.lot(seed, venue_id, "A04") < allocation.lot(seed, venue_id, "A03")
        )
        session.flush()
        who = judged.holder(session)
        _decided(session, who, venue_id)
        forwarding.settle_due(session, now=LATER)
        return forwarding.pass_over(session, who, places[1].id, "放弃", now=LATER), places[3].id

    moved, lower = await database.write(play)
    assert moved == lower


RUNNERS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(0, 3)), min_size=0, max_size=14
)


@settings(max_examples=150, deadline=None)
@given(RUNNERS, st.integers(0, 6) | st.none(), st.integers(1, 3) | st.none())
def test_never_more_go_on_than_may_and_never_a_worse_before_a_better(
    some: list[tuple[int, int, int]], places: int | None, most: int | None
) -> None:
    runners = [
        Runner(n, unit, score, f"{lot}{n}", (score,), ({"aims": lot},))
        for n, (unit, score, lot) in enumerate(some)
    ]
    order = ranking.ranked(runners, ["criterion:aims", "median"])
    on, reserves = ranking.going_on(order, places, most)
    by_id = {each.place_id: each for each in runners}
    assert places is None or len(on) <= places
    units = [by_id[id_].unit_id for id_ in on]
    assert most is None or all(units.count(unit) <= most for unit in units)
    assert not set(on) & set(reserves)
    ranks = [each.rank for each in order]
    assert ranks == sorted(ranks)
    if most is None:
        worst = min((by_id[id_].score for id_ in on), default=0)
        left = [each.score for each in runners if each.place_id not in on]
        assert not on or all(score <= worst for score in left)


@settings(max_examples=100, deadline=None)
@given(RUNNERS, st.permutations(range(14)))
def test_the_list_does_not_depend_on_the_order_of_the_rows(
    some: list[tuple[int, int, int]], shuffle: list[int]
) -> None:
    runners = [
        Runner(n, unit, score, f"{lot}-{n}", (score,), ({"aims": lot},))
        for n, (unit, score, lot) in enumerate(some)
    ]
    ties = ["criterion:aims", "lot"]
    mixed = [runners[n] for n in shuffle if n < len(runners)]
    assert ranking.ranked(mixed, ties) == ranking.ranked(runners, ties)


@pytest.mark.parametrize("ties", [[], ["criterion:aims"], ["lot", "median"]])
def test_equals_in_everything_are_told_apart_by_the_lot_and_the_list_says_so(
    ties: list[str],
) -> None:
    runners = [Runner(n, 1, 90, lot, (90,), ({"aims": 40},)) for n, lot in enumerate("ba")]
    order = ranking.ranked(runners, ties)
    assert [(one.runner.lot, one.rank, one.tie) for one in order] == [
        ("a", 1, "lot"),
        ("b", 2, "lot"),
    ]


def test_of_few_entries_the_list_says_that_no_first_award_comes_of_the_shares() -> None:
    awards = [{"name": "一等奖", "share": 0.1}, {"name": "二等奖", "share": 0.2}]
    awards.append({"name": "三等奖", "share": 1})
    assert ranking.given(awards, 3) == [("一等奖", 0), ("二等奖", 1), ("三等奖", 2)]
    order = ranking.ranked([Runner(n, 1, 90 - n, str(n)) for n in range(3)], [])
    assert list(ranking.awarded(order, awards).values()) == ["二等奖", "三等奖", "三等奖"]


def test_a_share_is_rounded_half_up_and_kept_within_the_least() -> None:
    quota = {"share": 0.3, "min": 2}
    assert [ranking.seats(quota, 1, n) for n in (1, 5, 8, 10, 15)] == [2, 2, 2, 3, 5]
    assert ranking.seats({"each": 1, "units": {"7": 2}}, 7, 9) == 2
    assert ranking.seats({"each": 1, "units": {"7": 2}}, 8, 9) == 1
    assert ranking.seats({}, 8, 9) is None
