"""Who may do what with a competition: organise the whole of it, or hold one of its venues.

Whoever runs the owner's competitions organises; so does nobody for some subjects alone. A venue
is held by whoever runs competitions in its unit, by the organisers of the whole, by a research
officer of the track's subject, and by the one named for it, such as the head of a research
group.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import venues
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    EntryRound,
    Round,
    Track,
    Venue,
    VenueState,
)
from storage.moments import local_day
from storage.people import authority, offices, units
from storage.people.authority import Act
from storage.people.owing import OFFICE
from storage.people.tables import OrgUnit, Role, RoleAssignment, ScopeKind, Teacher, TeacherState
from storage.refusals import NotAllowed, NotFound

ACT = Act.RUN_COMPETITION
ASKED = (*OFFICE, Role.RESEARCH_OFFICER)
"""Who is asked for the competitions of their unit."""


def organised(session: Session, actor_id: int, *, today: date) -> Any:
    """Select the ids of the competitions that this person organises today."""
    owned = authority.reaches(session, actor_id, ACT, today=today).subquery()
    return sa.select(col(Competition.id)).where(
        col(Competition.owner_unit_id).in_(sa.select(owned.c.id))
    )


def organises(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    """Whether this person organises this competition today."""
    today = local_day(now, offices.zone(session))
    mine = organised(session, actor_id, today=today)
    return _is_among(session, mine, competition_id)


def check_organises(
    session: Session, actor_id: int, competition_id: int, *, now: datetime
) -> Competition:
    """Return the competition. Raises NotFound, or NotAllowed for who does not organise it."""
    competition = session.exec(select(Competition).where(Competition.id == competition_id)).first()
    if competition is None:
        raise NotFound("competition")
    if not organises(session, actor_id, competition_id, now=now):
        raise NotAllowed
    return competition


def held(session: Session, actor_id: int, *, today: date, own: bool = False) -> Any:
    """Select the ids of the venues that this person holds today; no draft has any.

    With ``own`` only those that are theirs to hold: named for them, of the unit that organises
    the whole, or with nobody nearer to it who is asked.
    """
    where = authority.reaches(session, actor_id, ACT, today=today).subquery()
    grants = [
        grant
        for grant in authority.grants(session, actor_id, today=today)
        if ACT in authority.MAY[grant.role]
    ]
    ways: list[sa.ColumnElement[bool]] = [col(Venue.unit_id).in_(sa.select(where.c.id))]
    for grant in grants:
        if grant.subjects:
            there = authority.units_of(grant, ACT).subquery()
            ways.append(
                sa.and_(
                    col(Track.subject).in_(grant.subjects),
                    col(Venue.unit_id).in_(sa.select(there.c.id)),
                )
            )
    mine = organised(session, actor_id, today=today).subquery()
    whole: sa.ColumnElement[bool] = col(Competition.id).in_(sa.select(mine.c.id))
    reached: sa.ColumnElement[bool] = sa.or_(*ways)
    if own:
        # The final is held by the unit that organises the whole.
        nearer = _nearer(session, {grant.unit_id for grant in grants}, today=today).subquery()
        is_near = col(Venue.unit_id).not_in(sa.select(nearer.c.id))
        whole = sa.and_(whole, is_near, col(Venue.unit_id) == col(Competition.owner_unit_id))
        reached = sa.and_(reached, is_near)
    return (
        sa.select(col(Venue.id))
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .where(
            sa.or_(whole, reached, col(Venue.organiser_id) == actor_id),
            col(Competition.state) != CompetitionState.DRAFT,
        )
    )


def _nearer(session: Session, unit_ids: Collection[int | None], *, today: date) -> Any:
    """Select the units below these for which somebody nearer is asked (``owing.nearest``)."""
    of = {unit_id for unit_id in unit_ids if unit_id is not None}
    every = sa.select(col(OrgUnit.id)) if None in unit_ids else units.below(of, across=False)
    under = every.subquery()
    tended = (
        sa.select(col(RoleAssignment.scope_id), col(RoleAssignment.role))
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.role).in_(ASKED),
            col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
            col(RoleAssignment.scope_id).in_(sa.select(under.c.id)),
            col(RoleAssignment.scope_id).not_in(of),
            authority.runs(today),
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
        )
        .distinct()
    )
    rows = session.connection().execute(tended).all()
    # A group or an area has its own venues, and not those of the schools below it.
    alone = {unit_id for unit_id, role in rows if role in authority.OWN_PROGRAMMES_ONLY}
    deep = units.below({unit_id for unit_id, _role in rows} - alone, across=False)
    return deep.union(sa.select(col(OrgUnit.id)).where(col(OrgUnit.id).in_(alone)))


def runs_venue(teacher_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions of a ``Venue`` that one is named to run, has entries and is not settled.

    Whoever is named, such as the head of a research group, need not have a desk; the entries
    may be there still to be accepted.
    """
    return (
        col(Venue.organiser_id) == teacher_id,
        col(Venue.state) != VenueState.CONFIRMED,
        col(Round.id) == col(Venue.round_id),
        col(Competition.id) == col(Round.competition_id),
        col(Competition.state) == CompetitionState.PUBLISHED,
        is_used(),
    )


def is_used() -> sa.ColumnElement[bool]:
    """Whether a ``Venue`` has entries, or some wait there to be accepted."""
    return sa.or_(
        sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
        sa.and_(col(Venue.state) == VenueState.OPEN, venues.waits()),
    )


def holds(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> bool:
    """Whether this person holds this venue today."""
    today = local_day(now, offices.zone(session))
    return _is_among(session, held(session, actor_id, today=today), venue_id)


def check_holds(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Venue:
    """Return the venue. Raises NotFound, or NotAllowed for who does not hold it."""
    venue = session.exec(select(Venue).where(Venue.id == venue_id)).first()
    if venue is None:
        raise NotFound("venue")
    if not holds(session, actor_id, venue_id, now=now):
        raise NotAllowed
    return venue


def _is_among(session: Session, ids: Any, wanted: int) -> bool:
    among = ids.subquery()
    found = sa.select(among.c.id).where(among.c.id == wanted)
    return session.exec(found).first() is not None  # type: ignore[call-overload]
