"""What waits at venues and after the judging: turns and panels to arrange, marks to reveal, lists
to decide, to show, to confirm, to forward, objections.

Each line says where to go: a venue, a round, or an objection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import (
    at_venue,
    awarding,
    chasing,
    deciding,
    objections,
    publicity,
    rights,
)
from storage.competitions.at_venue import BEFORE_JUDGING
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    EntryRound,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.moments import local_day
from storage.people import offices, staff
from storage.people.tables import OrgUnit
from storage.waiting_for import Waiting

ARRANGE, REVEAL, DECIDE, FORWARD, SHOW, CONFIRM, OBJECTION, PUSH, OUTCOMES, TIERS = KINDS = (
    "venues",
    "reveals",
    "lists",
    "forwarding",
    "publicity",
    "list_results",
    "objections",
    "pushing",
    "outcomes",
    "tiers",
)


AHEAD = timedelta(days=7)
"""So long before its round begins a venue that is not being judged waits for whoever holds it."""


@dataclass(frozen=True)
class Item:
    """One thing that waits: its kind, what it is about, and what it is called."""

    kind: str
    subject_id: int
    title: str
    beside: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True)
class Overview:
    """What waits for somebody, and the competitions that they organise: id and title.

    Whoever is named for a venue need not have a desk.
    """

    items: tuple[Item, ...]
    competitions: tuple[tuple[int, str], ...]
    has_desk: bool


@dataclass(frozen=True)
class RoundLine:
    """A round of a competition, for the way to its lists."""

    round_id: int
    name: str
    external: bool
    entries: int


@dataclass(frozen=True)
class OfCompetition:
    """A competition with its rounds."""

    competition_id: int
    title: str
    rounds: tuple[RoundLine, ...]


def overview(session: Session, actor_id: int, *, now: datetime) -> Overview:
    """Return what waits for this person after the judging, and what they organise."""
    today = local_day(now, offices.zone(session))
    mine = rights.organised(session, actor_id, today=today)
    rows = session.exec(
        select(Competition.id, Competition.title)
        .where(
            col(Competition.id).in_(mine),
            col(Competition.state).in_([CompetitionState.PUBLISHED, CompetitionState.FINISHED]),
        )
        .order_by(col(Competition.school_year).desc(), col(Competition.id).desc())
        .limit(10)
    ).all()
    return Overview(
        tuple(items(session, actor_id, now=now)),
        tuple((id_, title) for id_, title in rows),
        staff.has_desk(session, actor_id, now=now),
    )


def of_competition(
    session: Session, actor_id: int, competition_id: int, *, now: datetime
) -> OfCompetition:
    """Return the rounds of a competition. Raises NotFound or NotAllowed."""
    competition = rights.check_organises(session, actor_id, competition_id, now=now)
    rows = session.exec(
        select(Round.id, Round.name, Round.external, sa.func.count(col(EntryRound.id)))
        .outerjoin(EntryRound, col(EntryRound.round_id) == col(Round.id))
        .where(Round.competition_id == competition_id)
        .group_by(col(Round.id), col(Round.name), col(Round.external), col(Round.position))
        .order_by(col(Round.position))
    ).all()
    return OfCompetition(competition_id, competition.title, tuple(RoundLine(*row) for row in rows))


def items(session: Session, actor_id: int, *, now: datetime) -> list[Item]:
    """Return what waits for this person, the nearest to the judging first."""
    today = local_day(now, offices.zone(session))
    held = rights.held(session, actor_id, today=today, own=True)
    organised = rights.organised(session, actor_id, today=today)
    found: list[Item] = []
    waiting = sa.func.sum(
        sa.case(
            (
                sa.and_(
                    col(EntryRound.state) == RoundState.ADVANCED,
                    col(EntryRound.forwarded_at).is_(None),
                ),
                1,
            ),
            else_=0,
        )
    )
    venues = session.connection().execute(
        sa.select(
            col(Venue.id),
            col(Venue.state),
            col(Venue.signed_at),
            col(Competition.title),
            col(Round.name),
            col(Track.title).label("track"),
            col(OrgUnit.name).label("unit"),
            col(Round.forward_due_at),
            waiting.label("waiting"),
        )
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .join(EntryRound, col(EntryRound.venue_id) == col(Venue.id))
        .where(
            col(Venue.id).in_(held),
            col(Competition.state) == CompetitionState.PUBLISHED,
            sa.or_(
                sa.and_(
                    col(Venue.state).in_([VenueState.OPEN, VenueState.DRAWN]),
                    col(Round.starts_at) <= now + AHEAD,
                ),
                col(Venue.state) == VenueState.JUDGING,
                sa.and_(col(Venue.state) == VenueState.REVEALED, col(Venue.signed_at).is_not(None)),
                sa.and_(col(Venue.state) == VenueState.CONFIRMED, col(Round.forward_due_at) > now),
            ),
        )
        .group_by(
            col(Venue.id),
            col(Venue.state),
            col(Venue.signed_at),
            col(Competition.title),
            col(Round.name),
            col(Track.title),
            col(OrgUnit.name),
            col(Round.forward_due_at),
        )
        .order_by(col(Venue.id))
    )
    for row in venues.all():
        if deciding.is_entrant(session, actor_id, row.id):
            continue
        where = (row.name, row.unit, row.track)
        if row.state in BEFORE_JUDGING:
            found.append(Item(ARRANGE, row.id, row.title, where))
        elif row.state is VenueState.JUDGING:
            given, needed = chasing.progress(session, row.id)
            if needed and given == needed:
                lacks = chasing.lacking(session, at_venue.here(session, row.id))
                found.append(Item(ARRANGE if lacks else REVEAL, row.id, row.title, where))
        elif row.state is VenueState.REVEALED:
            found.append(Item(DECIDE, row.id, row.title, where))
        elif row.waiting:
            found.append(Item(FORWARD, row.id, row.title, where, row.waiting))
    rounds = session.exec(
        select(Round, Competition.title)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            col(Competition.id).in_(organised),
            Competition.state == CompetitionState.PUBLISHED,
        )
        .order_by(col(Competition.id), col(Round.position))
    ).all()
    to_show = set(publicity.waits_to_show(session, organised, now=now))
    for round_, title in rounds:
        beside = (round_.name,)
        if round_.external:
            found += _outside(session, round_, title)
        elif round_.id in to_show:
            found.append(Item(SHOW, round_.id, title, beside))
        elif _waits_to_be_confirmed(session, round_, now=now):
            found.append(Item(CONFIRM, round_.id, title, beside))
    names = {round_.id: (title, round_.name) for round_, title in rounds}
    for objection_id, round_id in objections.waits(session, actor_id, now=now):
        if round_id in names:
            title, name = names[round_id]
            found.append(Item(OBJECTION, objection_id, title, (name,)))
    proposed = len(awarding.proposals(session, actor_id, now=now))
    if proposed:
        found.append(Item(TIERS, 0, "", (), proposed))
    return found


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return the same by kind, for the desk."""
    counts: dict[str, int] = {}
    for each in items(session, actor_id, now=now):
        number = each.count if each.kind in (FORWARD, PUSH, OUTCOMES, TIERS) else 1
        counts[each.kind] = counts.get(each.kind, 0) + number
    return tuple(Waiting(kind, number) for kind, number in counts.items())


def _outside(session: Session, round_: Round, title: str) -> list[Item]:
    rows = session.exec(
        select(EntryRound.id, EntryRound.state).where(EntryRound.round_id == round_.id)
    ).all()
    unsent = sum(state is RoundState.NOMINATED for _id, state in rows)
    away = sum(state is RoundState.PUSHED for _id, state in rows)
    found = []
    if unsent:
        found.append(Item(PUSH, round_.id, title, (round_.name,), unsent))
    elif away:
        found.append(Item(OUTCOMES, round_.id, title, (round_.name,), away))
    return found


def _waits_to_be_confirmed(session: Session, round_: Round, *, now: datetime) -> bool:
    states = set(
        session.exec(
            select(Venue.state).where(
                Venue.round_id == round_.id,
                sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
            )
        ).all()
    )
    if not states or not states <= {*deciding.OVER} or states == {VenueState.CONFIRMED}:
        return False
    if round_.publicity_until is None and not deciding.is_deciding(session, round_):
        return False
    public = publicity.public_list(session, round_.id, now=now)
    return publicity.is_over(session, round_, public, now=now) and not publicity.open_objections(
        session, round_.id
    )
