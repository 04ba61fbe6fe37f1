"""Opening all seals of a venue together, and the scores that come of it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from storage import audit
from storage.competitions import (
    at_ballot,
    at_venue,
    ballots,
    chasing,
    seating,
    venue_news,
)
from storage.competitions.tables import (
    Ballot,
    BallotState,
    EntryRound,
    RoundState,
    VenueState,
)
from storage.refusals import Refusal


class BallotsMissing(Refusal):
    """Not all ballots are in; the chief judge can close with a reason."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} ballots are missing")
        self.count = count


class TooFewBallots(Refusal):
    """These entries would be left with fewer ballots than a score needs."""

    def __init__(self, numbers: Sequence[str], needed: int) -> None:
        super().__init__(f"{', '.join(numbers)}: {needed} needed")
        self.numbers = tuple(numbers)
        self.needed = needed


class SealBroken(Refusal):
    """The marks of these entries are not those that were sealed."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(", ".join(numbers))
        self.numbers = tuple(numbers)


def score_of(totals: Sequence[int], drops: int) -> float:
    """The score from the totals of an entry: so many highest and lowest left out, then the mean.

    Where leaving them out would leave nothing, all count. Rounded to two places, half to even
    as the totals are whole and their number small.
    """
    kept = sorted(totals)
    if drops and len(kept) > 2 * drops:
        kept = kept[drops:-drops]
    return round(statistics.fmean(kept), 2)


def reveal(
    session: Session, actor_id: int, venue_id: int, *, reason: str = "", now: datetime
) -> bool:
    """Open all seals together and make the scores; False when that is done.

    All ballots must be in, as many for each entry as the rules ask for, or the chief judge
    closes with a reason; each entry must keep as many as its score needs. Raises NotFound,
    NotAllowed, NotUnderWay, TooEarlyAtVenue, BallotsMissing, PanelTooSmall, TooFewBallots or
    SealBroken.
    """
    found = at_venue.check_leads(session, actor_id, venue_id, now=now)
    venue = found.venue
    if venue.state in (VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED):
        return False
    at_venue.check_state(venue, frozenset({VenueState.JUDGING}))
    seating.seat(session, found, now=now)
    received, needed = chasing.progress(session, venue_id)
    closes = bool(reason.strip()) and at_venue.is_chief(session, actor_id, venue_id)
    if received < needed and not closes:
        raise BallotsMissing(needed - received)
    places = session.exec(
        select(EntryRound).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    given: dict[int, list[Ballot]] = defaultdict(list)
    for row in session.exec(
        select(Ballot).where(*at_ballot.counting(venue_id), Ballot.state == BallotState.COMMITTED)
    ).all():
        given[row.entry_round_id].append(row)
    fewest = min((len(given[place.id]) for place in places), default=0)
    if fewest < found.round.judges and not closes:
        # Somebody was set aside or taken off since the judges began.
        raise seating.PanelTooSmall(found.round.judges, fewest)
    least = max(1, min(2 * found.round.drops + 1, found.round.judges))
    few = [place.number for place in places if len(given[place.id]) < least]
    if few:
        raise TooFewBallots(few, least)
    broken = [
        place.number
        for place in places
        if any(ballots.seal_of(row.id, row.marks, row.nonce) != row.seal for row in given[place.id])
    ]
    if broken:
        raise SealBroken(broken)
    for place in places:
        for row in given[place.id]:
            row.total, row.state = sum(row.marks.values()), BallotState.REVEALED
        totals = [sum(row.marks.values()) for row in given[place.id]]
        place.score = score_of(totals, found.round.drops)
        place.state, place.changed_at = RoundState.SCORED, now
    venue.state, venue.revealed_at = VenueState.REVEALED, now
    audit.record(
        session,
        actor_id,
        "reveal_marks",
        f"venue:{venue_id}",
        now=now,
        after={"received": received, "needed": needed},
        reason=reason.strip(),
    )
    session.flush()
    venue_news.revealed(session, venue_id, actor_id, now=now)
    return True
