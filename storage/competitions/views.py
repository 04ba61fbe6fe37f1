"""What organisers look at: their list, the desk of a competition, the desk of a round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import editing, rights, rules, venues
from storage.competitions.editing import Request
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionKind,
    CompetitionState,
    Entry,
    EntryRound,
    Round,
    RoundLevel,
    Track,
    Venue,
    VenueState,
)
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit
from storage.refusals import NotAllowed, NotFound

PAGE = 8
VENUES = 8

_IN = (CompetingState.SUBMITTED, CompetingState.COMPETING, CompetingState.OUT)
_DONE = (VenueState.DECIDED, VenueState.CONFIRMED)


@dataclass(frozen=True)
class Line:
    """A competition in the list: organised, or with venues that this person holds."""

    competition_id: int
    title: str
    state: CompetitionState
    organises: bool
    entries: int
    """Handed in or competing."""
    to_accept: int
    venues: int
    """Venues held by this person that are not decided yet."""
    next_what: str
    """What comes next: the column of a round, empty for nothing."""
    next_round: str
    next_at: datetime | None
    requests: int
    """Changes of rules that wait for a second person."""


@dataclass(frozen=True)
class Runs:
    """A page of the list; pages count from 0."""

    lines: tuple[Line, ...]
    page: int
    pages: int
    may_make: bool
    archived: bool
    """Whether these are those that were put away."""
    has_archived: bool


@dataclass(frozen=True)
class RoundLine:
    """A round on the desk of its competition."""

    round_id: int
    name: str
    level: RoundLevel
    external: bool
    entries: int
    venues: int
    decided: int
    starts_at: datetime | None
    ends_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True)
class Desk:
    """A competition as its organisers see it."""

    competition_id: int
    title: str
    kind: CompetitionKind
    school_year: str
    owner: str
    state: CompetitionState
    organises: bool
    tracks: tuple[tuple[int, str], ...]
    rounds: tuple[RoundLine, ...]
    counts: dict[CompetingState, int]
    requests: tuple[Request, ...]
    fields: dict[str, Any]
    """What can be changed of the whole, by column."""
    reason: str


@dataclass(frozen=True)
class VenueLine:
    """A venue of a round."""

    venue_id: int
    unit: str
    track: str
    state: VenueState
    entries: int
    to_accept: int


@dataclass(frozen=True)
class RoundDesk:
    """A round as its organisers, and those who hold a venue of it, see it."""

    round_id: int
    competition_id: int
    title: str
    name: str
    state: CompetitionState
    organises: bool
    external: bool
    is_first: bool
    is_last: bool
    fields: dict[str, Any]
    """Its dates and rules, by column."""
    units: dict[int, str]
    """Names of the units with a number of their own."""
    frozen_hash: str
    entries: int
    venues: tuple[VenueLine, ...]
    page: int
    pages: int
    decided: int


def runs(
    session: Session, actor_id: int, *, page: int = 0, archived: bool = False, now: datetime
) -> Runs:
    """Return the competitions that this person organises, or holds a venue of.

    Those under way first, then drafts, then what is over; or those that were archived.
    Raises NotAllowed for who has nothing to do with any, and may make none.
    """
    today = local_day(now, offices.zone(session))
    organised = rights.organised(session, actor_id, today=today)
    held = rights.held(session, actor_id, today=today, own=True)
    with_venue = (
        sa.select(col(Round.competition_id))
        .join(Venue, col(Venue.round_id) == col(Round.id))
        .where(col(Venue.id).in_(held))
    )
    near = sa.or_(col(Competition.id).in_(organised), col(Competition.id).in_(with_venue))
    is_archived = col(Competition.state) == CompetitionState.ARCHIVED
    has_archived = session.exec(select(Competition.id).where(near, is_archived).limit(1)).first()
    mine = sa.and_(near, is_archived if archived else ~is_archived)
    total = session.exec(select(sa.func.count()).select_from(Competition).where(mine)).one()
    may_make = makes(session, actor_id, today=today)
    if not total and not may_make and has_archived is None:
        raise NotAllowed
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    order = sa.case(
        (col(Competition.state) == CompetitionState.PUBLISHED, 0),
        (col(Competition.state) == CompetitionState.DRAFT, 1),
        else_=2,
    )
    rows = session.exec(
        select(Competition)
        .where(mine)
        .order_by(order, col(Competition.id).desc())
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    ids = [row.id for row in rows]
    owned = set(
        session.exec(
            select(Competition.id).where(
                col(Competition.id).in_(organised), col(Competition.id).in_(ids)
            )
        ).all()
    )
    counts = _counts(session, ids)
    open_venues = dict(
        session.exec(
            select(Round.competition_id, sa.func.count())
            .join(Venue, col(Venue.round_id) == col(Round.id))
            .where(
                col(Round.competition_id).in_(ids),
                col(Venue.id).in_(rights.held(session, actor_id, today=today)),
                col(Venue.state).not_in(_DONE),
                sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
            )
            .group_by(col(Round.competition_id))
        ).all()
    )
    lines = []
    for row in rows:
        what, name, when = _next(session, row, now)
        of = counts.get(row.id, {})
        submitted = of.get(CompetingState.SUBMITTED, 0)
        requests = editing.open_requests(session, row.id) if row.id in owned else ()
        lines.append(
            Line(
                row.id,
                row.title,
                row.state,
                row.id in owned,
                sum(of.get(state, 0) for state in _IN),
                submitted,
                open_venues.get(row.id, 0),
                what,
                name,
                when,
                sum(each.asked_by != actor_id for each in requests),
            )
        )
    return Runs(tuple(lines), page, pages, may_make, archived, has_archived is not None)


def makes(session: Session, actor_id: int, *, today: date) -> bool:
    """Whether this person may make a competition of some unit."""
    where = authority.reaches(session, actor_id, Act.RUN_COMPETITION, today=today).subquery()
    found = sa.select(where.c.id).limit(1)
    return session.exec(found).first() is not None  # type: ignore[call-overload]


def desk(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Desk:
    """Return the desk of a competition, to who organises it or holds a venue of it.

    Raises NotFound or NotAllowed.
    """
    row = session.exec(select(Competition).where(Competition.id == competition_id)).first()
    if row is None:
        raise NotFound("competition")
    organises = rights.organises(session, actor_id, competition_id, now=now)
    if not organises and not _holds_some(session, actor_id, competition_id, now=now):
        raise NotAllowed
    rounds = venues.rounds(session, competition_id)
    entries = dict(
        session.exec(
            select(EntryRound.round_id, sa.func.count())
            .where(col(EntryRound.round_id).in_([each.id for each in rounds]))
            .group_by(col(EntryRound.round_id))
        ).all()
    )
    done = sa.func.sum(sa.case((col(Venue.state).in_(_DONE), 1), else_=0))
    held = {
        round_id: (number, int(decided))
        for round_id, number, decided in session.exec(
            select(Venue.round_id, sa.func.count(), done)
            .where(
                col(Venue.round_id).in_([each.id for each in rounds]),
                sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
            )
            .group_by(col(Venue.round_id))
        ).all()
    }
    return Desk(
        row.id,
        row.title,
        row.kind,
        row.school_year,
        session.exec(select(OrgUnit.name).where(OrgUnit.id == row.owner_unit_id)).one(),
        row.state,
        organises,
        tuple((each.id, each.title) for each in venues.tracks(session, row.id)),
        tuple(
            RoundLine(
                each.id,
                each.name,
                each.level,
                each.external,
                entries.get(each.id, 0),
                *held.get(each.id, (0, 0)),
                each.starts_at,
                each.ends_at,
                each.forward_due_at if each.external else each.result_due_at,
            )
            for each in rounds
        ),
        _counts(session, [row.id]).get(row.id, {}),
        editing.open_requests(session, row.id) if organises else (),
        {name: getattr(row, name) for what in editing.OF_ALL for name in editing.columns_of(what)},
        row.reason,
    )


def round_desk(
    session: Session, actor_id: int, round_id: int, *, page: int = 0, now: datetime
) -> RoundDesk:
    """Return the desk of a round with a page of its venues: all, or those that one holds.

    Raises NotFound, or NotAllowed for who neither organises nor holds one.
    """
    found = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == round_id)
    ).first()
    if found is None:
        raise NotFound("round")
    round_, row = found
    today = local_day(now, offices.zone(session))
    organises = rights.organises(session, actor_id, row.id, now=now)
    if not organises and not _holds_some(session, actor_id, row.id, now=now):
        raise NotAllowed
    held = rights.held(session, actor_id, today=today)
    mine = sa.and_(
        col(Venue.round_id) == round_id,
        col(Venue.id).in_(held),
        rights.is_used(),
    )
    total, decided = session.exec(
        select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(sa.case((col(Venue.state).in_(_DONE), 1), else_=0)), 0),
        )
        .select_from(Venue)
        .where(mine)
    ).one()
    pages = max(1, -(-total // VENUES))
    page = min(max(0, page), pages - 1)
    number = (
        sa.select(sa.func.count())
        .where(col(EntryRound.venue_id) == col(Venue.id))
        .scalar_subquery()
    )
    waiting = (
        sa.select(sa.func.count(col(Entry.id)))
        .where(col(Entry.state) == CompetingState.SUBMITTED, venues.receives())
        .scalar_subquery()
    )
    lines: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Venue.id), col(OrgUnit.name), col(Track.title), col(Venue.state), number, waiting
        )
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .where(mine)
        # What is not decided yet first.
        .order_by(
            col(Venue.state).in_(_DONE), col(OrgUnit.name), col(Track.position), col(Venue.id)
        )
        .offset(page * VENUES)
        .limit(VENUES)
    ).all()
    rounds = venues.rounds(session, row.id)
    own = [each for each in rounds if not each.external]
    whats = [what for what in editing.What if what not in editing.OF_ALL]
    names = [name for what in whats for name in editing.columns_of(what)]
    units = rules.named_units(session, round_.quota)
    entries = session.exec(
        select(sa.func.count()).select_from(EntryRound).where(EntryRound.round_id == round_id)
    ).one()
    return RoundDesk(
        round_.id,
        row.id,
        row.title,
        round_.name,
        row.state,
        organises,
        round_.external,
        bool(own) and own[0].id == round_.id,
        bool(own) and own[-1].id == round_.id,
        {name: getattr(round_, name) for name in names},
        units,
        round_.frozen_hash,
        entries,
        tuple(VenueLine(*line) for line in lines),
        page,
        pages,
        int(decided),
    )


def owner_kind(session: Session, competition_id: int) -> str:
    """Return of which kind the unit is that organises it. Raises NotFound."""
    kind = session.exec(
        select(OrgUnit.kind)
        .join(Competition, col(Competition.owner_unit_id) == col(OrgUnit.id))
        .where(Competition.id == competition_id)
    ).first()
    if kind is None:
        raise NotFound("competition")
    return kind


@dataclass(frozen=True)
class Dated:
    """A round with its dates, for the message that says them."""

    competition_id: int
    title: str
    name: str
    state: CompetitionState
    fields: dict[str, Any]


def dated(session: Session, round_id: int) -> Dated | None:
    """Return a round with its dates as they are; None when it is gone."""
    found = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == round_id)
    ).first()
    if found is None:
        return None
    round_, row = found
    names = [name for what in editing.DATED for name in editing.columns_of(what)]
    fields = {name: getattr(round_, name) for name in names}
    return Dated(row.id, row.title, round_.name, row.state, fields)


def cancelled(session: Session, competition_id: int) -> tuple[str, str] | None:
    """Return title and reason of a competition that is cancelled; None for another."""
    found = session.exec(
        select(Competition).where(
            Competition.id == competition_id, col(Competition.ended_at).is_not(None)
        )
    ).first()
    return (found.title, found.reason) if found is not None and found.reason else None


# -- inside ----------------------------------------------------------------------------------------


def _holds_some(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    today = local_day(now, offices.zone(session))
    held = rights.held(session, actor_id, today=today)
    found = (
        select(Venue.id)
        .join(Round, col(Round.id) == col(Venue.round_id))
        .where(Round.competition_id == competition_id, col(Venue.id).in_(held))
        .limit(1)
    )
    return session.exec(found).first() is not None


def _counts(session: Session, ids: list[int]) -> dict[int, dict[CompetingState, int]]:
    found: dict[int, dict[CompetingState, int]] = {}
    rows: Any = session.exec(
        select(Entry.competition_id, Entry.state, sa.func.count())
        .where(col(Entry.competition_id).in_(ids))
        .group_by(col(Entry.competition_id), col(Entry.state))
    ).all()
    for competition_id, state, number in rows:
        found.setdefault(competition_id, {})[state] = number
    return found


def _next(session: Session, row: Competition, now: datetime) -> tuple[str, str, datetime | None]:
    """Return what comes next: the column, the round, and when."""
    if row.state is not CompetitionState.PUBLISHED:
        return "", "", None
    coming = [
        (moment, name, each.name)
        for each in venues.rounds(session, row.id)
        for name in (
            "entry_opens_at",
            "entry_closes_at",
            "material_due_at",
            "starts_at",
            "result_due_at",
            "forward_due_at",
        )
        if (moment := getattr(each, name)) is not None and moment > now
    ]
    if not coming:
        return "", "", None
    when, what, name = min(coming)
    return what, name, when
