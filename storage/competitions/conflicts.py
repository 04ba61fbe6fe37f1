"""Who does not judge whom (回避): asked when a judge is found, and again at every mark.

Nobody judges their own entry, or one of somebody they have made an entry with, guide as a
mentor, or have declared a conflict with. Where entries of several schools compete, nobody judges
their own school. Where a school holds a round for its own people, all entries are of the judges'
own school alike, so that alone is no conflict there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import authors, venues
from storage.competitions.tables import (
    Conflict,
    ConflictKind,
    Entry,
    EntryAuthor,
    EntryRound,
    Round,
    Venue,
)
from storage.moments import local_day
from storage.people import offices
from storage.people.tables import Posting


class Why(StrEnum):
    """Why somebody does not judge an entry."""

    OWN = "own"
    SCHOOL = "school"
    MENTORSHIP = "mentorship"
    CO_AUTHOR = "co_author"
    DECLARED = "declared"


def at(
    session: Session,
    teacher_id: int,
    venue_id: int,
    *,
    place_id: int | None = None,
    now: datetime,
) -> dict[int, Why]:
    """Return the entries of the venue that this person may not judge, by their place there.

    With ``place_id`` that one alone is asked about.
    """
    today = local_day(now, offices.zone(session))
    entries = session.exec(
        select(EntryRound.id, Entry.id, Entry.unit_id, Entry.teacher_id)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(
            EntryRound.venue_id == venue_id,
            *(() if place_id is None else (EntryRound.id == place_id,)),
        )
    ).all()
    makers = _makers(session, venue_id)
    level = session.exec(
        select(Round.level)
        .join(Venue, col(Venue.round_id) == col(Round.id))
        .where(Venue.id == venue_id)
    ).one()
    at_home = level in venues.AT_HOME
    schools = set() if at_home else _units(session, teacher_id, today)
    people, units = _declared(session, teacher_id)
    worked_with = _co_authors(session, teacher_id)
    found: dict[int, Why] = {}
    for place_id, entry_id, unit_id, entrant in entries:
        by = makers[entry_id] | {entrant}
        kinds = [people[one] for one in by if one in people]
        if teacher_id in by:
            found[place_id] = Why.OWN
        elif unit_id in schools:
            found[place_id] = Why.SCHOOL
        elif kinds:
            found[place_id] = Why(kinds[0].value)
        elif by & worked_with:
            found[place_id] = Why.CO_AUTHOR
        elif unit_id in units:
            found[place_id] = Why.DECLARED
    return found


def _makers(session: Session, venue_id: int) -> Mapping[int, set[int]]:
    """Return who makes each entry of the venue besides its teacher."""
    found: dict[int, set[int]] = defaultdict(set)
    for entry_id, teacher_id in session.exec(
        select(EntryAuthor.entry_id, EntryAuthor.teacher_id)
        .join(EntryRound, col(EntryRound.entry_id) == col(EntryAuthor.entry_id))
        .where(EntryRound.venue_id == venue_id, authors.JOINED)
    ).all():
        found[entry_id].add(teacher_id)
    return found


def _units(session: Session, teacher_id: int, today: date) -> set[int]:
    return set(
        session.exec(
            select(Posting.unit_id).where(
                Posting.teacher_id == teacher_id,
                col(Posting.since) <= today,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            )
        ).all()
    )


def _declared(session: Session, teacher_id: int) -> tuple[dict[int, ConflictKind], set[int]]:
    """Return the people and the units that this person has a conflict with, whoever said so."""
    people: dict[int, ConflictKind] = {}
    units: set[int] = set()
    rows = session.exec(
        select(Conflict).where(
            sa.or_(col(Conflict.teacher_id) == teacher_id, col(Conflict.other_id) == teacher_id)
        )
    ).all()
    for row in rows:
        other = row.other_id if row.teacher_id == teacher_id else row.teacher_id
        if other is not None:
            people[other] = row.kind
        if row.unit_id is not None and row.teacher_id == teacher_id:
            units.add(row.unit_id)
    return people, units


def _co_authors(session: Session, teacher_id: int) -> set[int]:
    """Return everybody who has ever made an entry together with this person."""
    mine = sa.union(
        sa.select(col(Entry.id)).where(col(Entry.teacher_id) == teacher_id),
        sa.select(col(EntryAuthor.entry_id)).where(
            col(EntryAuthor.teacher_id) == teacher_id, authors.JOINED
        ),
    ).subquery()
    mates = session.exec(
        select(EntryAuthor.teacher_id).where(
            col(EntryAuthor.entry_id).in_(sa.select(mine.c.id)), authors.JOINED
        )
    ).all()
    # Of a lone entry the entrant is this person.
    entrants = session.exec(
        select(Entry.teacher_id).where(col(Entry.id).in_(sa.select(mine.c.id)))
    ).all()
    return {*mates, *entrants} - {teacher_id}
