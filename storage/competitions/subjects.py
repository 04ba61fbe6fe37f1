"""What a deadline of a competition is about: the round, and where there is one, the venue."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.competitions.tables import Competition, EntryRound, Round, Track, Venue
from storage.people.tables import OrgUnit

_ROUND: tuple[Any, ...] = (
    col(Competition.id).label("competition_id"),
    col(Competition.title),
    col(Competition.state).label("competition_state"),
    col(Round.id).label("round_id"),
    col(Round.name).label("round_name"),
    col(Round.entry_closes_at),
    col(Round.material_due_at),
    col(Round.starts_at),
    col(Round.ends_at),
    col(Round.result_due_at),
    col(Round.publicity_until),
    col(Round.forward_due_at),
)

Rows = dict[int, sa.RowMapping]


def rounds(session: Session, ids: Collection[int]) -> Rows:
    """Read these rounds with their competitions, by id."""
    statement = (
        sa.select(col(Round.id).label("subject_id"), *_ROUND)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(col(Round.id).in_(ids))
    )
    return _by_id(session, statement)


def venues(session: Session, ids: Collection[int]) -> Rows:
    """Read these venues with their rounds, by id; ``first_at`` is the first turn."""
    first = (
        sa.select(sa.func.min(EntryRound.slot_at))
        .where(col(EntryRound.venue_id) == col(Venue.id))
        .scalar_subquery()
    )
    statement = (
        sa.select(
            col(Venue.id).label("subject_id"),
            *_ROUND,
            col(Venue.place),
            col(Track.title).label("track"),
            col(OrgUnit.name).label("unit"),
            first.label("first_at"),
        )
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .where(col(Venue.id).in_(ids))
    )
    return _by_id(session, statement)


def _by_id(session: Session, statement: sa.Select[tuple[int]]) -> Rows:
    rows = session.connection().execute(statement).mappings().all()
    return {row["subject_id"]: row for row in rows}
