"""What always holds of draws, turns, scores and conflicts, whatever the figures."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage.competitions import (
    at_venue,
    ballots,
    conflicts,
    drawing,
    panels,
    revealing,
    seating,
    timetable,
)
from storage.competitions.tables import (
    Ballot,
    BallotState,
    Conflict,
    ConflictKind,
    Entry,
    EntryRound,
    Judge,
)
from storage.database import Database
from storage.refusals import Refusal
from tests import make
from tests.competitions import making
from tests.competitions.test_judging import SCHOOLS, final
from tests.make import NOW

IDS = st.sets(st.integers(1, 10**6), min_size=1, max_size=40)
MARKS = st.dictionaries(
    st.sampled_from(["aims", "process", "effect"]), st.integers(0, 100), min_size=1
)


@given(IDS, st.text(max_size=20), st.integers(1, 1000), st.randoms())
@settings(max_examples=60)
def test_a_draw_is_the_same_whatever_order_the_entries_come_in(
    ids: set[int], seed: str, venue_id: int, shuffled: random.Random
) -> None:
    mixed = list(ids)
    shuffled.shuffle(mixed)
    drawn = drawing.order(seed, venue_id, mixed)
    assert drawn == drawing.order(seed, venue_id, sorted(ids))
    assert set(drawn) == ids
    assert len(drawn) == len(ids)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=15), st.integers(0, 3))
@settings(max_examples=80)
def test_a_score_lies_between_the_totals_it_is_made_of(totals: list[int], drops: int) -> None:
    score = revealing.score_of(totals, drops)
    assert min(totals) <= score <= max(totals)
    assert score == revealing.score_of(list(reversed(totals)), drops)
    if len(totals) > 2 * drops > 0:
        # One judge alone cannot lift a score above what another has given, too.
        assert score <= sorted(totals)[-1 - drops]
        assert score >= sorted(totals)[drops]


@given(MARKS, MARKS, st.text(min_size=1, max_size=32), st.integers(1, 99))
@settings(max_examples=60)
def test_a_seal_stands_for_one_set_of_marks(
    one: dict[str, int], other: dict[str, int], nonce: str, ballot_id: int
) -> None:
    same = dict(reversed(list(one.items())))
    assert ballots.seal_of(ballot_id, one, nonce) == ballots.seal_of(ballot_id, same, nonce)
    if one != other:
        assert ballots.seal_of(ballot_id, one, nonce) != ballots.seal_of(ballot_id, other, nonce)
    assert ballots.seal_of(ballot_id, one, nonce) != ballots.seal_of(ballot_id + 1, one, nonce)


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(1, 240), st.sampled_from(["", "一室", "二室"])),
        min_size=1,
        max_size=6,
    ),
    st.integers(5, 60),
    st.integers(1, 30),
)
@settings(max_examples=25)
def test_turns_stay_in_their_blocks_and_never_overlap_within_a_room(
    lengths: list[tuple[int, int, str]], minutes: int, count: int
) -> None:
    # One day each in a room, so that its blocks do not overlap either; rooms go on side by side.
    days: Counter[str] = Counter()
    blocks = []
    for begins, length, room_name in lengths:
        day = NOW + timedelta(days=days[room_name], minutes=begins)
        blocks.append(timetable.Block(day, day + timedelta(minutes=length), room_name))
        days[room_name] += 1
    room = sum(length // minutes for _begins, length, _room in lengths)
    if room < count:
        with pytest.raises(timetable.DoesNotFit) as refused:
            timetable.laid(blocks, minutes, count)
        assert refused.value.room == room
        return
    turns = timetable.laid(blocks, minutes, count)
    each = timedelta(minutes=minutes)
    assert len(turns) == count
    for slot in turns:
        assert any(
            one.room == slot.room and one.starts_at <= slot.at and slot.at + each <= one.ends_at
            for one in blocks
        )
    assert [slot.at for slot in turns] == sorted(slot.at for slot in turns)
    for name in days:
        there = [slot.at for slot in turns if slot.room == name]
        assert all(after - before >= each for before, after in itertools.pairwise(there))


@pytest.mark.parametrize("chance", range(2))
async def test_no_ballot_that_counts_is_ever_one_of_a_conflict(
    sqlite: Database, chance: int
) -> None:
    lots = random.Random(chance)

    def play(session: Session) -> tuple[int, int]:
        it = final(session, judges=5, entries=6)
        outsiders = [make.teacher(session, f"教研员{n}", at=SCHOOLS[2]) for n in range(3)]
        authors = session.exec(
            select(EntryRound.entry_id).where(EntryRound.venue_id == it.venue_id)
        ).all()
        for _ in range(6):
            judge, entrant = lots.choice(it.judges), lots.choice(it.entrants)
            pair = [judge, entrant]
            lots.shuffle(pair)
            session.add(
                Conflict(
                    teacher_id=pair[0],
                    other_id=pair[1],
                    kind=lots.choice(list(ConflictKind)),
                    by_id=it.host,
                    at=NOW,
                )
            )
        entry_id = lots.choice(authors)
        session.add(making.author(session.get_one(Entry, entry_id), lots.choice(outsiders)))
        session.flush()
        drawing.draw(session, it.host, it.venue_id, now=NOW)
        for who in (*it.judges, *outsiders, *it.entrants):
            try:
                judge_id = panels.invite(session, it.host, it.venue_id, who, now=NOW)
                panels.answer(session, who, judge_id, accepts=True, now=NOW)
            except Refusal:
                continue
            panels.make_chief(session, it.host, judge_id, now=NOW)
        session.flush()
        _fewer(session, it.venue_id)
        seating.begin(session, it.host, it.venue_id, now=NOW)
        given_, kept_out = 0, 0
        for row, teacher_id in session.exec(
            select(Ballot, Judge.teacher_id).join(Judge, Judge.id == Ballot.judge_id)  # type: ignore[arg-type]
        ).all():
            assert teacher_id is not None
            barred = conflicts.at(session, teacher_id, it.venue_id, now=NOW)
            try:
                marks = {"aims": 30, "process": 40}
                ballots.give(session, teacher_id, row.id, marks, now=NOW)
                ballots.commit(session, teacher_id, row.id, now=NOW)
            except ballots.InConflict:
                kept_out += 1
                assert row.entry_round_id in barred
                assert row.state is BallotState.RECUSED
                continue
            given_ += 1
            assert row.entry_round_id not in barred
        return given_, kept_out

    given_, kept_out = await sqlite.write(play)
    assert given_
    assert kept_out


def _fewer(session: Session, venue_id: int) -> None:
    at_venue.here(session, venue_id).round.judges = 1
    session.flush()
