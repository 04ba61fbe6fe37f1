"""A venue with what it belongs to, read once for every rule that works there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.calendar import quiet, workdays
from storage.competitions import rights
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Judge,
    JudgeState,
    Round,
    Track,
    Venue,
    VenueState,
)
from storage.refusals import NotAllowed, NotFound, Refusal

BEFORE_JUDGING = frozenset({VenueState.OPEN, VenueState.DRAWN})
BEFORE_REVEAL = BEFORE_JUDGING | {VenueState.JUDGING}


class NotUnderWay(Refusal):
    """The competition is cancelled, finished, or not published yet."""


class TooLateAtVenue(Refusal):
    """The venue has gone on: what was asked for belongs to an earlier state."""

    def __init__(self, state: VenueState) -> None:
        super().__init__(f"the venue is {state}")
        self.state = state


class TooEarlyAtVenue(Refusal):
    """The venue is not there yet: what was asked for belongs to a later state."""

    def __init__(self, state: VenueState) -> None:
        super().__init__(f"the venue is {state}")
        self.state = state


@dataclass(frozen=True)
class Here:
    """A venue, its round, track and competition; rows, for use within the transaction."""

    venue: Venue
    round: Round
    track: Track
    competition: Competition


def here(session: Session, venue_id: int, *, lock: bool = False) -> Here:
    """Read the venue, locked for who changes how far it is. Raises NotFound."""
    query = (
        select(Venue, Round, Track, Competition)
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Venue.id == venue_id)
    )
    if lock:
        # What was read before the lock may have changed meanwhile.
        query = query.with_for_update(of=Venue).execution_options(populate_existing=True)
    found = session.exec(query).first()
    if found is None:
        raise NotFound("venue")
    return Here(*found)


def check_running(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Here:
    """Return the venue, locked, for who holds it and while its competition is under way.

    Raises NotFound, NotAllowed or NotUnderWay.
    """
    rights.check_holds(session, actor_id, venue_id, now=now)
    found = here(session, venue_id, lock=True)
    check_under_way(found)
    return found


def check_held(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Here:
    """Return the venue to look at, for who holds it. Raises NotFound or NotAllowed."""
    rights.check_holds(session, actor_id, venue_id, now=now)
    return here(session, venue_id)


def check_under_way(found: Here) -> None:
    """Raise NotUnderWay unless the competition of the venue is published and not over."""
    if found.competition.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay


def check_state(venue: Venue, allowed: frozenset[VenueState]) -> None:
    """Raise TooEarlyAtVenue or TooLateAtVenue unless the venue is in one of these states."""
    if venue.state in allowed:
        return
    order = list(VenueState)
    if order.index(venue.state) < min(order.index(one) for one in allowed):
        raise TooEarlyAtVenue(venue.state)
    raise TooLateAtVenue(venue.state)


def chief(session: Session, venue_id: int) -> Judge | None:
    """Return the chief judge who serves there, if there is one."""
    return session.exec(
        select(Judge).where(
            Judge.venue_id == venue_id, Judge.is_chief, Judge.state == JudgeState.ACCEPTED
        )
    ).first()


def is_chief(session: Session, teacher_id: int, venue_id: int) -> bool:
    """Whether this person is the chief judge there."""
    found = chief(session, venue_id)
    return found is not None and found.teacher_id == teacher_id


def check_leads(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Here:
    """Return the venue, locked, for its chief judge and for who holds it.

    Raises NotFound, NotAllowed or NotUnderWay.
    """
    found = here(session, venue_id, lock=True)
    if not is_chief(session, actor_id, venue_id) and not rights.holds(
        session, actor_id, venue_id, now=now
    ):
        raise NotAllowed
    check_under_way(found)
    return found


def next_ring(session: Session, now: datetime) -> datetime:
    """Return the soonest moment at which an ordinary message may ring."""
    return quiet.next_push(workdays.load(session), now)
