"""Who still owes it: for each kind of deadline of competitions, the teachers to remind of it.

Nobody owes anything of a competition that is not under way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import completeness, rights, venues
from storage.competitions.authors import ASKED, CHANGEABLE, JOINED
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Judge,
    JudgeState,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.people.owing import nearest
from storage.people.tables import Account, Posting, Teacher, TeacherFact, TeacherState

Owing = sa.Select[int]

ENTERED = (CompetingState.SUBMITTED, CompetingState.COMPETING)
"""States of an entry that is in, and has not ended."""

UNFINISHED = (CompetingState.DRAFT, CompetingState.RETURNED)

NO_LIST = (VenueState.OPEN, VenueState.DRAWN, VenueState.JUDGING, VenueState.REVEALED)
"""States of a venue whose list is not decided."""

TO_COME = (RoundState.READY, RoundState.SCHEDULED)
"""States of an entry whose turn in a round is still to come."""


def owes(
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> Owing | None:
    """Select those who still owe this; None for a kind that is none of competitions'.

    ``subject_id`` is a round; of what is owed at a venue, the venue.
    """
    if kind not in KINDS:
        return None
    who = KINDS[kind](session, subject_id, now)
    return who if teacher_id is None else who.where(who.selected_columns[0] == teacher_id)


def _is_on(competition_id: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Competition.id) == competition_id,
        col(Competition.state) == CompetitionState.PUBLISHED,
    )


def _not_entered(session: Session, round_id: int, _now: datetime) -> Owing:
    """Return who should see to an entry before the window closes.

    Whoever has begun one; whoever is asked to make one together and has not answered; the head
    of a research group that has none yet in a track of its subject; whoever entered the year
    before, and has not said anything this year.
    """
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    competition_id = round_.competition_id
    begun = sa.exists().where(
        col(Entry.competition_id) == competition_id,
        col(Entry.teacher_id) == col(Teacher.id),
        col(Entry.state).in_(UNFINISHED),
    )
    asked = sa.exists().where(
        col(Entry.competition_id) == competition_id,
        col(Entry.state).in_(CHANGEABLE),
        col(EntryAuthor.entry_id) == col(Entry.id),
        col(EntryAuthor.teacher_id) == col(Teacher.id),
        ASKED,
    )
    has_none = ~sa.exists().where(
        col(Entry.competition_id) == competition_id,
        col(Entry.track_id) == col(Track.id),
        col(Entry.unit_id) == col(Posting.unit_id),
        col(Entry.state).in_(ENTERED),
    )
    teaches, leads = sa.orm.aliased(TeacherFact), sa.orm.aliased(TeacherFact)
    head = sa.exists().where(
        col(Track.competition_id) == competition_id,
        col(teaches.key) == "subject",
        col(teaches.value) == col(Track.subject),
        col(teaches.teacher_id) == col(Teacher.id),
        col(Posting.teacher_id) == col(teaches.teacher_id),
        col(Posting.is_primary),
        col(Posting.until).is_(None),
        col(leads.teacher_id) == col(teaches.teacher_id),
        col(leads.key) == "duty",
        col(leads.value) == "group_head",
        has_none,
    )
    last_year = sa.exists().where(
        col(Competition.id) == competition_id,
        col(Entry.competition_id) == col(Competition.cloned_from_id),
        col(Entry.teacher_id) == col(Teacher.id),
        col(Entry.state) != CompetingState.WITHDRAWN,
    )
    silent = ~_has_entry(competition_id)
    return sa.select(col(Teacher.id)).where(
        col(Teacher.state) == TeacherState.ACTIVE,
        sa.or_(begun, asked, head, sa.and_(last_year, silent)),
        _is_on(competition_id),
    )


def _has_entry(competition_id: int) -> sa.ColumnElement[bool]:
    entry = sa.orm.aliased(Entry)
    return sa.exists().where(
        col(entry.competition_id) == competition_id,
        col(entry.teacher_id) == col(Teacher.id),
    )


def _incomplete(session: Session, round_id: int, _now: datetime) -> Owing:
    """Return the entrants of the round who have not handed everything in that it requires."""
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    in_it = sa.exists().where(
        col(EntryRound.entry_id) == col(Entry.id),
        col(EntryRound.round_id) == round_id,
        col(EntryRound.state).in_(TO_COME),
    )
    return (
        sa.select(col(Entry.teacher_id))
        .distinct()
        .where(
            col(Entry.competition_id) == round_.competition_id,
            in_it,
            completeness.lacks(round_),
            _is_on(round_.competition_id),
        )
    )


def _at_venue(session: Session, venue_id: int, now: datetime) -> Owing:
    """Return who is to come: makers of entries to come, judges, and who holds the venue."""
    here = sa.select(col(EntryRound.entry_id)).where(
        col(EntryRound.venue_id) == venue_id, col(EntryRound.state).in_(TO_COME)
    )
    entrants = sa.select(col(Entry.teacher_id)).where(col(Entry.id).in_(here))
    mates = sa.select(col(EntryAuthor.teacher_id)).where(
        col(EntryAuthor.entry_id).in_(here), JOINED
    )
    judges = sa.select(col(Judge.teacher_id)).where(
        col(Judge.venue_id) == venue_id,
        col(Judge.state) == JudgeState.ACCEPTED,
        col(Judge.teacher_id).is_not(None),
    )
    host = hosts(session, venue_id, now)
    return sa.select(col(Teacher.id)).where(
        sa.or_(
            col(Teacher.id).in_(entrants),
            col(Teacher.id).in_(mates),
            col(Teacher.id).in_(judges),
            col(Teacher.id).in_(host),
        ),
        _stands(venue_id, NO_LIST),
        sa.exists().where(col(EntryRound.venue_id) == venue_id, col(EntryRound.state).in_(TO_COME)),
    )


def _undecided(session: Session, venue_id: int, now: datetime) -> Owing:
    """Return who holds the venue, as long as it has entries and no list."""
    return sa.select(col(Teacher.id)).where(
        col(Teacher.id).in_(hosts(session, venue_id, now)),
        _stands(venue_id, NO_LIST),
        sa.exists().where(col(EntryRound.venue_id) == venue_id),
    )


def _stands(venue_id: int, states: Collection[VenueState]) -> sa.ColumnElement[bool]:
    """Whether the venue is in one of these states, and its competition under way."""
    return sa.exists().where(
        col(Venue.id) == venue_id,
        col(Venue.state).in_(states),
        col(Round.id) == col(Venue.round_id),
        _is_on(col(Round.competition_id)),
    )


def _unjudged(_session: Session, venue_id: int, _now: datetime) -> Owing:
    """Return the judges with a ballot that is still open, while the venue is judged."""
    return _people(
        sa.select(col(Judge.teacher_id))
        .join(Ballot, col(Ballot.judge_id) == col(Judge.id))
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .where(
            col(Judge.venue_id) == venue_id,
            col(Judge.state) == JudgeState.ACCEPTED,
            col(Judge.teacher_id).is_not(None),
            col(Ballot.state) == BallotState.OPEN,
            col(EntryRound.state) == RoundState.SCHEDULED,
            _stands(venue_id, (VenueState.JUDGING,)),
        )
    )


def _unanswered(_session: Session, venue_id: int, _now: datetime) -> Owing:
    """Return who is asked to judge at the venue and has not said yes or no."""
    return _people(
        sa.select(col(Judge.teacher_id)).where(
            col(Judge.venue_id) == venue_id,
            col(Judge.state) == JudgeState.INVITED,
            col(Judge.teacher_id).is_not(None),
            _stands(venue_id, (VenueState.OPEN, VenueState.DRAWN, VenueState.JUDGING)),
        )
    )


def _head_of_incomplete(session: Session, venue_id: int, _now: datetime) -> Owing:
    """Return the one named for the venue, as long as an entry there is not complete.

    It lacks something required, or waits to be accepted.
    """
    round_ = session.exec(
        select(Round).join(Venue, col(Venue.round_id) == col(Round.id)).where(Venue.id == venue_id)
    ).first()
    if round_ is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    return _people(
        sa.select(col(Venue.organiser_id)).where(
            col(Venue.id) == venue_id,
            col(Venue.organiser_id).is_not(None),
            sa.or_(
                sa.exists().where(
                    col(EntryRound.venue_id) == venue_id,
                    col(EntryRound.state).in_(TO_COME),
                    col(Entry.id) == col(EntryRound.entry_id),
                    completeness.lacks(round_),
                ),
                venues.waits(),
            ),
            _is_on(round_.competition_id),
        )
    )


def hosts(session: Session, venue_id: int, now: datetime) -> Any:
    """Select the one named for the venue or, where nobody is, those whose unit it is."""
    named = sa.select(col(Venue.organiser_id)).where(
        col(Venue.id) == venue_id, col(Venue.organiser_id).is_not(None)
    )
    unit = sa.select(col(Venue.unit_id)).where(
        col(Venue.id) == venue_id, col(Venue.organiser_id).is_(None)
    )
    return named.union(nearest(session, rights.ASKED, of=unit, now=now))


def _people(ids: Any) -> Owing:
    """Select these teachers, each once."""
    return sa.select(col(Teacher.id)).where(col(Teacher.id).in_(ids))


def near(session: Session, venue_id: int, now: datetime) -> Owing:
    """The hosts of a venue, as the engine of deadlines asks who stands nearest."""
    return _people(hosts(session, venue_id, now))


def _to_forward(session: Session, round_id: int, now: datetime) -> Owing:
    """Return who has advanced entries of the round to forward, or nominated ones to send on."""
    units = waiting_units(round_id).subquery()
    return nearest(session, rights.ASKED, of=sa.select(units.c.unit_id), now=now)


def waiting_units(round_id: int) -> Any:
    """Select the units with entries of this round to forward, each once, and how many."""
    unit = sa.func.coalesce(col(Venue.unit_id), col(Competition.owner_unit_id))
    return (
        sa.select(unit.label("unit_id"), sa.func.count().label("number"))
        .select_from(EntryRound)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .outerjoin(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .where(
            col(EntryRound.round_id) == round_id,
            col(EntryRound.forwarded_at).is_(None),
            col(EntryRound.state).in_([RoundState.ADVANCED, RoundState.NOMINATED]),
            col(Competition.state) == CompetitionState.PUBLISHED,
        )
        .group_by(unit)
    )


def to_forward(_session: Session, _kind: str, round_id: int, _now: datetime) -> Any:
    """The same, as the engine of deadlines asks it of a kind."""
    return waiting_units(round_id)


def _organising(session: Session, round_id: int, now: datetime) -> Owing:
    """Return who organises the competition of the round, as long as it is under way."""
    owner = (
        sa.select(col(Competition.owner_unit_id))
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .where(col(Round.id) == round_id, col(Competition.state) == CompetitionState.PUBLISHED)
    )
    return nearest(session, rights.ASKED, of=owner, now=now)


def _outside(session: Session, round_id: int, now: datetime) -> Owing:
    """Return who organises, and whose entry is nominated and not sent yet."""
    entrants = (
        sa.select(col(Entry.teacher_id))
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(
            col(EntryRound.round_id) == round_id,
            col(EntryRound.state) == RoundState.NOMINATED,
        )
    )
    some = sa.exists().where(
        col(EntryRound.round_id) == round_id, col(EntryRound.state) == RoundState.NOMINATED
    )
    return sa.select(col(Teacher.id)).where(
        sa.or_(
            col(Teacher.id).in_(entrants),
            col(Teacher.id).in_(_organising(session, round_id, now)),
        ),
        some,
    )


def undecided(_session: Session, _kind: str, venue_id: int, _now: datetime) -> Any:
    """Select the unit of the venue, as one, as long as it has no list."""
    return sa.select(col(Venue.unit_id).label("unit_id"), sa.literal(1).label("number")).where(
        col(Venue.id) == venue_id,
        col(Venue.state).not_in([VenueState.DECIDED, VenueState.CONFIRMED]),
        sa.exists().where(col(EntryRound.venue_id) == venue_id),
    )


def unreachable(_session: Session, _kind: str, venue_id: int, _now: datetime) -> Any:
    """Select the units of the entrants of the venue whom no message reaches, and how many."""
    return (
        sa.select(col(Entry.unit_id).label("unit_id"), sa.func.count().label("number"))
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(
            col(EntryRound.venue_id) == venue_id,
            col(EntryRound.state).in_(TO_COME),
            ~sa.exists().where(
                col(Account.teacher_id) == col(Entry.teacher_id), col(Account.reachable)
            ),
        )
        .group_by(col(Entry.unit_id))
    )


def owner(session: Session, kind: str, subject: str, subject_id: int) -> int | None:
    """Return the unit that organises what this is about; None for a thing of another wing.

    Of a list that is late it is who holds the next round: they wait for it.
    """
    if kind == "result_due":
        found_next = _next_holder(session, subject_id)
        if found_next is not None:
            return found_next
    found = (
        select(Competition.owner_unit_id)
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .distinct()
    )
    match subject:
        case "round":
            return session.exec(found.where(Round.id == subject_id)).first()
        case "venue":
            of_round = select(Venue.round_id).where(Venue.id == subject_id)
            return session.exec(found.where(col(Round.id).in_(of_round))).first()
    return None


def _next_holder(session: Session, venue_id: int) -> int | None:
    found = session.exec(
        select(Venue.unit_id, Round)
        .join(Round, col(Round.id) == col(Venue.round_id))
        .where(Venue.id == venue_id)
    ).first()
    if found is None:
        return None
    after = venues.next_round(session, found[1])
    return None if after is None else venues.holder(session, after, found[0])


KINDS: dict[str, Callable[[Session, int, datetime], Owing]] = {
    "entry_close": _not_entered,
    "material_due": _incomplete,
    "round_day": _at_venue,
    "result_due": _undecided,
    "ballots_due": _unjudged,
    "judge_answer": _unanswered,
    "venue_materials": _head_of_incomplete,
    "forward_due": _to_forward,
    "publicity": _organising,
    "external_close": _outside,
}
