"""How many ballots are in, who owes some, and a word to them: never what a ballot says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_ballot, at_venue
from storage.competitions.at_venue import Here
from storage.competitions.tables import (
    Ballot,
    BallotState,
    EntryRound,
    Judge,
    JudgeState,
    RoundState,
    VenueState,
)
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import offices

CHASED = "ballots_missing"


@dataclass(frozen=True)
class Missing:
    """A judge who owes ballots, by number; how many."""

    judge_id: int
    number: int
    is_outside: bool
    count: int


@dataclass(frozen=True)
class Lack:
    """An entry for which fewer judges give a ballot than the rules ask for."""

    number: str
    there: int
    needed: int


def progress(session: Session, venue_id: int) -> tuple[int, int]:
    """Return how many ballots are in, and how many are wanted: never what they say."""
    counted = dict(
        session.exec(
            select(Ballot.state, sa.func.count())
            .where(*at_ballot.counting(venue_id))
            .group_by(col(Ballot.state))
        ).all()
    )
    received = counted.get(BallotState.COMMITTED, 0) + counted.get(BallotState.REVEALED, 0)
    return received, received + counted.get(BallotState.OPEN, 0)


def lacking(session: Session, found: Here) -> tuple[Lack, ...]:
    """Return which entries can get fewer ballots than the rules ask for: some are set aside."""
    venue_id, needed = found.venue.id, found.round.judges
    if found.venue.state is not VenueState.JUDGING:
        return ()
    there = sa.func.sum(
        sa.case((col(Ballot.state).in_([BallotState.OPEN, BallotState.COMMITTED]), 1), else_=0)
    )
    rows = session.exec(
        select(EntryRound.number, there)
        .select_from(EntryRound)
        .join(Judge, col(Judge.venue_id) == col(EntryRound.venue_id))
        .join(
            Ballot,
            sa.and_(
                col(Ballot.judge_id) == col(Judge.id),
                col(Ballot.entry_round_id) == col(EntryRound.id),
            ),
        )
        .where(
            EntryRound.venue_id == venue_id,
            EntryRound.state == RoundState.SCHEDULED,
            Judge.state == JudgeState.ACCEPTED,
        )
        .group_by(col(EntryRound.id), col(EntryRound.number), col(EntryRound.order_no))
        .having(there < needed)
        .order_by(col(EntryRound.order_no))
    ).all()
    return tuple(Lack(number, int(count), needed) for number, count in rows)


def missing(session: Session, venue_id: int) -> tuple[Missing, ...]:
    """Return which judges owe how many ballots."""
    rows = session.exec(
        select(Judge.id, Judge.number, Judge.teacher_id, sa.func.count())
        .select_from(Ballot)
        .where(*at_ballot.counting(venue_id), Ballot.state == BallotState.OPEN)
        .group_by(col(Judge.id), col(Judge.number), col(Judge.teacher_id))
        .order_by(col(Judge.number))
    ).all()
    return tuple(Missing(id_, number, who is None, count) for id_, number, who, count in rows)


def chase(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> int:
    """Remind privately each judge who owes ballots, once a day; return how many owe any.

    For the chief judge and who holds the venue. Raises NotFound, NotAllowed, NotUnderWay,
    TooEarlyAtVenue or TooLateAtVenue.
    """
    found = at_venue.check_leads(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    day = local_day(now, offices.zone(session))
    owing = session.exec(
        select(Judge.id, Judge.teacher_id)
        .select_from(Ballot)
        .where(
            *at_ballot.counting(venue_id),
            Ballot.state == BallotState.OPEN,
            col(Judge.teacher_id).is_not(None),
        )
        .distinct()
    ).all()
    for judge_id, teacher_id in owing:
        outbox.put(
            session,
            CHASED,
            teacher_id=teacher_id,
            facts={"venue_id": venue_id},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            useful_until=found.round.result_due_at,
            dedupe_key=f"{CHASED}:{judge_id}:{day.isoformat()}",
            now=now,
        )
    audit.record(
        session, actor_id, "chase_ballots", f"venue:{venue_id}", now=now, after={"n": len(owing)}
    )
    session.flush()
    return len(owing)
