"""The deadlines that follow from the dates of a competition's rounds.

They are written, moved and cancelled in the transaction of the thing they belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

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
    _plan(session, list(_of_venues(session, col(Venue.id) == venue_id)), now=now)


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
    yield from _of_venues(session, col(Venue.round_id) == round_.id)


def _of_venues(session: Session, which: sa.ColumnElement[bool]) -> Iterator[Due]:
    turns: dict[int, list[datetime | None]] = defaultdict(list)
    rows = session.exec(
        select(EntryRound.venue_id, EntryRound.slot_at)
        .join(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .where(which)
    ).all()
    for at_id, slot_at in rows:
        if at_id is not None:
            turns[at_id].append(slot_at)
    waiting = set(session.exec(select(Venue.id).where(which, venues.waits())).all())
    found = session.exec(
        select(Venue.id, Round)
        .join(Round, col(Round.id) == col(Venue.round_id))
        .where(which)
        .order_by(col(Venue.id))
    ).all()
    for venue_id, round_ in found:
        yield from _of_venue(round_, venue_id, turns[venue_id], waits=venue_id in waiting)


def _of_venue(
    round_: Round, venue_id: int, turns: Sequence[datetime | None], *, waits: bool
) -> Iterator[Due]:
    first = min((turn for turn in turns if turn is not None), default=round_.starts_at)
    yield "round_day", venue_id, first if turns else None
    yield "result_due", venue_id, round_.result_due_at if turns else None
    yield "ballots_due", venue_id, round_.result_due_at if turns else None
    yield "judge_answer", venue_id, first if turns else None
    complete = round_.material_due_at or round_.entry_closes_at
    yield "venue_materials", venue_id, complete if turns or waits else None
