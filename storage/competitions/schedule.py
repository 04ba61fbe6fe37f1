"""The deadlines that follow from the dates of a competition's rounds.

They are written, moved and cancelled in the transaction of the thing they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, select

from storage.calendar import workdays
from storage.competitions import venues
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    EntryRound,
    Round,
    Venue,
)
from storage.messaging import deadlines
from storage.moments import at

ENDS = 17 * 60
"""The minute of its last day at which a period of publicity ends."""

Due = tuple[str, int, datetime | None]


def plan_deadlines(session: Session, competition_id: int, *, now: datetime) -> None:
    """Set, move and cancel all deadlines of the competition so that they are those of its dates.

    Calling it twice changes nothing.
    """
    competition = session.exec(select(Competition).where(Competition.id == competition_id)).one()
    is_on = competition.state is CompetitionState.PUBLISHED
    due = [
        (kind, subject_id, moment if is_on else None)
        for round_ in venues.rounds(session, competition_id)
        for kind, subject_id, moment in _of_round(session, round_)
    ]
    _plan(session, due, now=now)


def plan_venue(session: Session, venue_id: int, *, now: datetime) -> None:
    """The same for one venue, when its entries or its turns have changed."""
    round_ = session.exec(
        select(Round)
        .join(Venue, Venue.round_id == Round.id)  # type: ignore[arg-type]
        .where(Venue.id == venue_id)
    ).one()
    _plan(session, list(_of_venue(session, round_, venue_id)), now=now)


def _plan(session: Session, due: list[Due], *, now: datetime) -> None:
    standing = deadlines.Standing(session, [thing[:2] for thing in due], now=now)
    for kind, subject_id, moment in due:
        standing.put(kind, subject_id, moment)


def _of_round(session: Session, round_: Round) -> Iterator[Due]:
    zone = workdays.load(session).zone
    last = round_.publicity_until
    yield "entry_close", round_.id, None if round_.external else round_.entry_closes_at
    yield "material_due", round_.id, round_.material_due_at
    yield "forward_due", round_.id, round_.forward_due_at
    yield "publicity", round_.id, None if last is None else at(last, ENDS, zone)
    yield "external_close", round_.id, round_.entry_closes_at if round_.external else None
    for venue_id in session.exec(select(Venue.id).where(Venue.round_id == round_.id)).all():
        yield from _of_venue(session, round_, venue_id)


def _of_venue(session: Session, round_: Round, venue_id: int) -> Iterator[Due]:
    turns = session.exec(select(EntryRound.slot_at).where(EntryRound.venue_id == venue_id)).all()
    first = min((turn for turn in turns if turn is not None), default=round_.starts_at)
    yield "round_day", venue_id, first if turns else None
    yield "result_due", venue_id, round_.result_due_at if turns else None
    yield "ballots_due", venue_id, round_.result_due_at if turns else None
    yield "judge_answer", venue_id, first if turns else None
    there = (
        turns or session.exec(select(Venue.id).where(Venue.id == venue_id, venues.waits())).all()
    )
    complete = round_.material_due_at or round_.entry_closes_at
    yield "venue_materials", venue_id, complete if there else None
