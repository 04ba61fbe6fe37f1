"""Letting the judges begin: each gets a ballot for every entry that they may judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_venue, conflicts
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
from storage.inserting import insert_new
from storage.refusals import Refusal


class PanelTooSmall(Refusal):
    """An entry would have fewer judges than the rules ask for."""

    def __init__(self, needed: int, there: int) -> None:
        super().__init__(f"{needed} judges are needed, {there} can")
        self.needed = needed
        self.there = there


class NoChief(Refusal):
    """Nobody leads the panel, and so nobody could sign."""


class NothingToJudge(Refusal):
    """No entry of the venue has its place in the order."""


def seat(session: Session, found: Here, *, now: datetime) -> None:
    """Give every judge who serves a ballot for every drawn entry, once the venue is judged.

    For whom they do not judge it is set aside. Doing so again adds what has come since, and
    sets aside what has become a conflict.
    """
    if found.venue.state is not VenueState.JUDGING:
        return
    venue_id = found.venue.id
    places = session.exec(
        select(EntryRound.id).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    judges = session.exec(
        select(Judge).where(Judge.venue_id == venue_id, Judge.state == JudgeState.ACCEPTED)
    ).all()
    for judge in judges:
        barred = (
            {}
            if judge.teacher_id is None
            else conflicts.at(session, judge.teacher_id, venue_id, now=now)
        )
        rows: list[dict[str, Any]] = [
            {
                "judge_id": judge.id,
                "entry_round_id": place_id,
                "state": BallotState.RECUSED if place_id in barred else BallotState.OPEN,
                "marks": {},
                "comment": "",
                "nonce": "",
                "seal": "",
                "on_paper": judge.teacher_id is None,
                "checked_marks": {},
            }
            for place_id in places
        ]
        if rows:
            session.exec(insert_new(session, Ballot).values(rows))
        if barred:
            session.exec(
                sa.update(Ballot)
                .where(
                    col(Ballot.judge_id) == judge.id,
                    col(Ballot.entry_round_id).in_(barred),
                    col(Ballot.state).in_([BallotState.OPEN, BallotState.COMMITTED]),
                )
                .values(state=BallotState.RECUSED, marks={}, comment="", nonce="", seal="")
            )
    session.flush()


def begin(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> bool:
    """Let the judges begin; False when they may already.

    Every entry needs as many judges who may judge it as the rules ask for. Raises NotFound,
    NotAllowed, NotUnderWay, TooEarlyAtVenue, TooLateAtVenue, NoChief or PanelTooSmall.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    venue = found.venue
    if venue.state is VenueState.JUDGING:
        seat(session, found, now=now)
        return False
    at_venue.check_state(venue, frozenset({VenueState.DRAWN}))
    there = session.exec(
        select(EntryRound.id).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    if not there:
        raise NothingToJudge
    can = _can_judge(session, venue_id, there, now=now)
    if can < found.round.judges:
        raise PanelTooSmall(found.round.judges, can)
    if at_venue.chief(session, venue_id) is None:
        raise NoChief
    venue.state, venue.judging_at = VenueState.JUDGING, now
    session.flush()
    seat(session, found, now=now)
    audit.record(session, actor_id, "begin_judging", f"venue:{venue_id}", now=now)
    session.flush()
    return True


def _can_judge(session: Session, venue_id: int, places: Sequence[int], *, now: datetime) -> int:
    """Return how many judges the entry with the fewest has."""
    judges = session.exec(
        select(Judge.teacher_id).where(
            Judge.venue_id == venue_id, Judge.state == JudgeState.ACCEPTED
        )
    ).all()
    each = dict.fromkeys(places, len(judges))
    for teacher_id in judges:
        if teacher_id is not None:
            for place_id in conflicts.at(session, teacher_id, venue_id, now=now):
                if place_id in each:
                    each[place_id] -= 1
    return min(each.values(), default=0)
