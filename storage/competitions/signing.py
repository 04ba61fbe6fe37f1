"""The revealed scores: for who leads to look at, and for the chief judge to sign."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_venue, ballots, rights
from storage.competitions.tables import (
    Ballot,
    BallotState,
    EntryRound,
    Judge,
    RoundState,
    VenueState,
)
from storage.refusals import NotAllowed


@dataclass(frozen=True)
class ScoreLine:
    """An entry's score with the totals it came from, by the judges' numbers."""

    place_id: int
    number: str
    score: float | None
    totals: tuple[tuple[int, int], ...]
    state: RoundState


@dataclass(frozen=True)
class Leaning:
    """How far a judge's totals lie from the middle of their entries, on the average; signed."""

    number: int
    difference: float


@dataclass(frozen=True)
class Scores:
    """All scores of a revealed venue, and a hint for the chief judge."""

    venue_id: int
    state: VenueState
    lines: tuple[ScoreLine, ...]
    leanings: tuple[Leaning, ...]
    most: int
    drops: int
    is_signed: bool
    may_sign: bool


FAR = 0.08
"""Of the points that there are: from here on a judge's leaning is worth a look."""


def scores(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Scores:
    """Return the revealed scores to the chief judge and to who holds the venue.

    The log keeps that they were looked at. Raises NotFound, NotAllowed, or TooEarlyAtVenue as
    long as they are sealed: then nobody may know a mark of another's.
    """
    found = at_venue.here(session, venue_id)
    is_chief = at_venue.is_chief(session, actor_id, venue_id)
    if not is_chief and not rights.holds(session, actor_id, venue_id, now=now):
        raise NotAllowed
    at_venue.check_state(
        found.venue,
        frozenset({VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED}),
    )
    totals: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place_id, number, total in session.exec(
        select(Ballot.entry_round_id, Judge.number, Ballot.total)
        .join(Judge, col(Judge.id) == col(Ballot.judge_id))
        .where(
            Judge.venue_id == venue_id,
            Ballot.state == BallotState.REVEALED,
            col(Ballot.total).is_not(None),
        )
        .order_by(col(Judge.number))
    ).all():
        totals[place_id].append((number, total or 0))
    places = session.exec(
        select(EntryRound)
        .where(EntryRound.venue_id == venue_id, col(EntryRound.order_no).is_not(None))
        .order_by(col(EntryRound.order_no))
    ).all()
    most = sum(one.most for one in ballots.rubric(found.round))
    audit.looked(session, actor_id, "look_at_scores", f"venue:{venue_id}", now=now)
    session.flush()
    return Scores(
        venue_id,
        found.venue.state,
        tuple(
            ScoreLine(one.id, one.number, one.score, tuple(totals[one.id]), one.state)
            for one in places
        ),
        _leanings(totals, most) if is_chief else (),
        most,
        found.round.drops,
        found.venue.signed_at is not None,
        is_chief and found.venue.signed_at is None,
    )


def _leanings(totals: Mapping[int, Sequence[tuple[int, int]]], most: int) -> tuple[Leaning, ...]:
    """Return who lies far from the middle: something to talk about, and no accusation."""
    apart: dict[int, list[float]] = defaultdict(list)
    for each in totals.values():
        if len(each) < 3:
            continue
        middle = statistics.median(total for _number, total in each)
        for number, total in each:
            apart[number].append(total - middle)
    found = [
        Leaning(number, round(statistics.fmean(away), 1)) for number, away in sorted(apart.items())
    ]
    return tuple(one for one in found if abs(one.difference) >= FAR * most)


def sign(session: Session, teacher_id: int, venue_id: int, *, now: datetime) -> bool:
    """Let the chief judge sign the revealed scores; False when they are signed.

    Raises NotFound, NotAllowed for anybody else, NotUnderWay or TooEarlyAtVenue.
    """
    found = at_venue.here(session, venue_id, lock=True)
    if not at_venue.is_chief(session, teacher_id, venue_id):
        raise NotAllowed
    at_venue.check_under_way(found)
    venue = found.venue
    if venue.signed_at is not None:
        return False
    at_venue.check_state(venue, frozenset({VenueState.REVEALED}))
    venue.signed_by, venue.signed_at = teacher_id, now
    audit.record(session, teacher_id, "sign_scores", f"venue:{venue_id}", now=now)
    session.flush()
    return True
