"""A ballot with its judge and its entry, read and locked in one way by all that work with it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import at_venue
from storage.competitions.at_venue import Here
from storage.competitions.tables import (
    Ballot,
    BallotState,
    EntryRound,
    Judge,
    JudgeState,
    RoundState,
)
from storage.refusals import NotFound

# What has left the round, by whatever way, is neither judged nor waited for.
TAKES_PART = sa.or_(
    col(EntryRound.state) == RoundState.SCHEDULED, col(Ballot.state) == BallotState.REVEALED
)


def is_over(found: Here) -> bool:
    """Whether the competition of the venue is cancelled or finished."""
    try:
        at_venue.check_under_way(found)
    except at_venue.NotUnderWay:
        return True
    return False


def counting(venue_id: int) -> tuple[Any, ...]:
    """The conditions under which a ballot counts: its judge serves, its entry takes part."""
    return (
        col(Judge.id) == col(Ballot.judge_id),
        Judge.venue_id == venue_id,
        Judge.state == JudgeState.ACCEPTED,
        col(EntryRound.id) == col(Ballot.entry_round_id),
        TAKES_PART,
    )


def judges(session: Session, teacher_id: int, venue_id: int) -> bool:
    """Whether this person is a judge who serves there."""
    return _serving(session, teacher_id, venue_id) is not None


def serving(session: Session, teacher_id: int, venue_id: int) -> Judge:
    """Return this person as a judge who serves there. Raises NotFound."""
    judge = _serving(session, teacher_id, venue_id)
    if judge is None:
        raise NotFound("judge")
    return judge


def _serving(session: Session, teacher_id: int, venue_id: int) -> Judge | None:
    return session.exec(
        select(Judge).where(
            Judge.venue_id == venue_id,
            Judge.teacher_id == teacher_id,
            Judge.state == JudgeState.ACCEPTED,
        )
    ).first()


def find(
    session: Session, ballot_id: int, *, lock: bool = False
) -> tuple[Ballot, EntryRound, Judge]:
    """Return any ballot with its place and its judge. Raises NotFound."""
    query = (
        select(Ballot, EntryRound, Judge)
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .join(Judge, col(Judge.id) == col(Ballot.judge_id))
        .where(Ballot.id == ballot_id)
    )
    if lock:
        query = query.with_for_update(of=Ballot).execution_options(populate_existing=True)
    found = session.exec(query).first()
    if found is None:
        raise NotFound("ballot")
    row, place, judge = found
    return row, place, judge


def own(
    session: Session, teacher_id: int, ballot_id: int, *, lock: bool = False
) -> tuple[Ballot, EntryRound, Judge]:
    """Return a judge's own ballot with its place. Raises NotFound for anybody else's."""
    row, place, judge = find(session, ballot_id, lock=lock)
    if judge.teacher_id != teacher_id or judge.state is not JudgeState.ACCEPTED:
        raise NotFound("ballot")
    return row, place, judge


def lock_venue(session: Session, teacher_id: int, ballot_id: int) -> Here:
    """Lock the venue of this judge's ballot: before the ballot, as the reveal takes them."""
    _row, _place, judge = own(session, teacher_id, ballot_id)
    return at_venue.here(session, judge.venue_id, lock=True)
