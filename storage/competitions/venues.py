"""Rounds in their order, the venues at which one is held, and entries taking their place there."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from storage.competitions.tables import (
    CompetingState,
    Competition,
    Entry,
    EntryRound,
    Round,
    RoundLevel,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.inserting import insert_new
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    Posting,
    Teacher,
    TeacherFact,
    TeacherState,
)

AT_HOME = frozenset({RoundLevel.TEACHING_GROUP, RoundLevel.SCHOOL})
"""Levels at which each school holds the round for its own people."""


def rounds(session: Session, competition_id: int) -> tuple[Round, ...]:
    """Return its rounds, the first one first."""
    return tuple(
        session.exec(
            select(Round)
            .where(Round.competition_id == competition_id)
            .order_by(col(Round.position))
        ).all()
    )


def tracks(session: Session, competition_id: int) -> tuple[Track, ...]:
    """Return its tracks in their order."""
    return tuple(
        session.exec(
            select(Track)
            .where(Track.competition_id == competition_id)
            .order_by(col(Track.position))
        ).all()
    )


def next_round(session: Session, round_: Round) -> Round | None:
    """Return the round that follows; None after the last."""
    return session.exec(
        select(Round)
        .where(Round.competition_id == round_.competition_id, Round.position > round_.position)
        .order_by(col(Round.position))
        .limit(1)
    ).first()


def holding(unit_id: Any) -> Any:
    """The unit that holds a ``Round`` of a ``Competition`` for the people of a unit, as SQL.

    A school for its own, an area for its schools, the owner for everybody; so it does for a
    school that belongs to no area.
    """
    area = (
        sa.select(sa.func.min(OrgMembership.unit_id))
        .where(
            col(OrgMembership.member_unit_id) == unit_id,
            col(OrgMembership.kind) == MembershipKind.AREA_MEMBER,
        )
        .correlate_except(OrgMembership)
        .scalar_subquery()
    )
    owner = col(Competition.owner_unit_id)
    return sa.case(
        (col(Round.level).in_(AT_HOME), unit_id),
        (col(Round.level) == RoundLevel.AREA, sa.func.coalesce(area, owner)),
        else_=owner,
    )


def holder(session: Session, round_: Round, unit_id: int) -> int:
    """Return the unit that holds this round for the people of a unit."""
    found: int = session.exec(
        select(holding(sa.literal(unit_id)))
        .select_from(Round)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == round_.id)
    ).one()
    return found


def receives() -> sa.ColumnElement[bool]:
    """Whether it is at a ``Venue`` that an ``Entry`` enters, as SQL: that of its first round."""
    earlier = aliased(Round)
    return (
        sa.exists()
        .where(
            col(Round.id) == col(Venue.round_id),
            col(Competition.id) == col(Round.competition_id),
            col(Entry.competition_id) == col(Competition.id),
            col(Entry.track_id) == col(Venue.track_id),
            col(Venue.unit_id) == holding(col(Entry.unit_id)),
            ~sa.exists().where(
                col(earlier.competition_id) == col(Round.competition_id),
                col(earlier.position) < col(Round.position),
            ),
        )
        .correlate(Entry, Venue)
    )


def waits() -> sa.ColumnElement[bool]:
    """Whether an entry waits to be accepted at a ``Venue``, as SQL."""
    return sa.exists().where(col(Entry.state) == CompetingState.SUBMITTED, receives())


def venue_for(
    session: Session, round_: Round, unit_id: int, track_id: int, *, now: datetime
) -> Venue:
    """Return the venue of a round held by this unit in this track; the first to ask makes it.

    The seed of its draw is drawn here, before anybody can know who will be in it.
    """
    session.exec(
        insert_new(session, Venue).values(
            round_id=round_.id,
            unit_id=unit_id,
            track_id=track_id,
            state=VenueState.OPEN,
            place="",
            seed=secrets.token_hex(16),
            organiser_id=_group_head(session, unit_id, track_id, now=now)
            if round_.level is RoundLevel.TEACHING_GROUP
            else None,
        )
    )
    return session.exec(
        select(Venue).where(
            Venue.round_id == round_.id, Venue.unit_id == unit_id, Venue.track_id == track_id
        )
    ).one()


def let_in(session: Session, entry: Entry, round_: Round, *, now: datetime) -> EntryRound:
    """Give the entry its place in a round, at the venue of its unit; twice is once."""
    known = session.exec(
        select(EntryRound).where(EntryRound.entry_id == entry.id, EntryRound.round_id == round_.id)
    ).first()
    if known is not None:
        return known
    if round_.external:
        place = EntryRound(
            entry_id=entry.id, round_id=round_.id, state=RoundState.NOMINATED, changed_at=now
        )
    else:
        unit_id = holder(session, round_, entry.unit_id)
        venue = venue_for(session, round_, unit_id, entry.track_id, now=now)
        place = EntryRound(entry_id=entry.id, round_id=round_.id, venue_id=venue.id, changed_at=now)
    session.add(place)
    session.flush()
    return place


def place_of(session: Session, entry_id: int) -> tuple[EntryRound, Round] | None:
    """Return where the entry stands in its latest round; None before its first."""
    return session.exec(
        select(EntryRound, Round)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .where(EntryRound.entry_id == entry_id)
        .order_by(col(Round.position).desc())
        .limit(1)
    ).first()


def _group_head(session: Session, unit_id: int, track_id: int, *, now: datetime) -> int | None:
    """Return the one head of the unit's research group in the track's subject, if there is one."""
    today = local_day(now, offices.zone(session))
    subject = session.exec(select(Track.subject).where(Track.id == track_id)).one()
    heads = session.exec(
        select(Teacher.id)
        .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
        .where(
            Posting.unit_id == unit_id,
            col(Posting.is_primary),
            col(Posting.until).is_(None),
            Teacher.state == TeacherState.ACTIVE,
            *(
                sa.exists().where(
                    col(TeacherFact.teacher_id) == col(Teacher.id),
                    col(TeacherFact.key) == key,
                    col(TeacherFact.value) == value,
                )
                for key, value in (("duty", "group_head"), ("subject", subject))
            ),
        )
        .limit(2)
    ).all()
    in_place = [one for one in heads if authority.unit_of(session, one, today=today) == unit_id]
    return in_place[0] if len(in_place) == 1 else None
