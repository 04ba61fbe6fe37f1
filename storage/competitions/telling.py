"""Telling everybody whom a competition concerns, each in private and once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.competitions import authors, rights
from storage.competitions.tables import (
    CompetingState,
    Competition,
    Entry,
    EntryAuthor,
    EntryRound,
    Judge,
    JudgeState,
    Round,
    Venue,
)
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.people.owing import nearest
from storage.people.tables import Teacher

IN_IT = (
    CompetingState.DRAFT,
    CompetingState.SUBMITTED,
    CompetingState.RETURNED,
    CompetingState.COMPETING,
)
"""States of an entry whose people hear what changes."""

SERVE = (JudgeState.INVITED, JudgeState.ACCEPTED)


def organisers(session: Session, competition_id: int, *, now: datetime) -> Any:
    """Select who organises the competition, each once."""
    owner = sa.select(col(Competition.owner_unit_id)).where(col(Competition.id) == competition_id)
    near = session.exec(
        nearest(session, rights.ASKED, of=owner, now=now)  # type: ignore[call-overload]
    ).scalars()
    # Whoever is there for one subject alone organises nothing of the whole.
    found = [one for one in near if rights.organises(session, one, competition_id, now=now)]
    return sa.select(col(Teacher.id)).where(col(Teacher.id).in_(found))


def concerned(competition_id: int, round_id: int | None = None) -> Any:
    """Select the people of its entries, its judges, and those named for its venues, each once.

    With a round only the judges and hosts of its venues, and the entries that are in it or have
    not begun.
    """
    mine = sa.select(col(Entry.id)).where(
        col(Entry.competition_id) == competition_id, col(Entry.state).in_(IN_IT)
    )
    venues = (
        sa.select(col(Venue.id))
        .join(Round, col(Round.id) == col(Venue.round_id))
        .where(col(Round.competition_id) == competition_id)
    )
    if round_id is not None:
        begun = sa.exists().where(col(EntryRound.entry_id) == col(Entry.id))
        here = begun.where(col(EntryRound.round_id) == round_id)
        mine = mine.where(sa.or_(here, ~begun))
        venues = venues.where(col(Round.id) == round_id)
    entrants = sa.select(col(Entry.teacher_id)).where(col(Entry.id).in_(mine))
    mates = sa.select(col(EntryAuthor.teacher_id)).where(
        col(EntryAuthor.entry_id).in_(mine), authors.JOINED
    )
    judges = sa.select(col(Judge.teacher_id)).where(
        col(Judge.venue_id).in_(venues),
        col(Judge.state).in_(SERVE),
        col(Judge.teacher_id).is_not(None),
    )
    hosts = sa.select(col(Venue.organiser_id)).where(
        col(Venue.id).in_(venues), col(Venue.organiser_id).is_not(None)
    )
    every = sa.union(entrants, mates, judges, hosts).subquery()
    return sa.select(next(iter(every.c)))


def count(session: Session, teachers: Any) -> int:
    """How many people a select of this module is."""
    found = sa.select(sa.func.count()).select_from(teachers.subquery())
    return int(session.exec(found).scalar_one())  # type: ignore[call-overload]


def tell(
    session: Session,
    kind: str,
    teachers: Any,
    facts: dict[str, Any],
    key: str,
    *,
    now: datetime,
    useful_until: datetime | None = None,
) -> int:
    """Leave one message for each of them; return for how many people it is."""
    outbox.put_all(
        session,
        kind,
        teachers,
        facts=facts,
        priority=Priority.CARD,
        not_before=now,
        useful_until=useful_until,
        key=f"{key}:",
        now=now,
    )
    return count(session, teachers)
