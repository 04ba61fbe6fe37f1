"""The list of a venue: made from signed scores by the frozen rules, seen, decided, told.

Nobody chooses who goes on: the list follows from the scores, the ties, the quota and the awards,
and whoever holds the venue looks at it and says that it stands. For ten minutes that can be taken
back; only then is anybody told, each in private of their own outcome.

The share of a quota and of an award is of the entries that were judged: who did not come makes
no place for others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.calendar import quiet, workdays
from storage.competitions import authors, ranking, rights, unsaid, venues
from storage.competitions.editing import NotUnderWay
from storage.competitions.ranking import Runner
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.deeds import ChangedSince, Deed
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training import allocation

DEED = unsaid.DECIDED
OUTCOME = "competition_outcome"
"""The kind of message that tells an entrant what became of their entry in a round."""

JUDGED = (
    RoundState.SCORED,
    RoundState.ADVANCED,
    RoundState.RESERVE,
    RoundState.AWARDED,
    RoundState.OUT,
    RoundState.LAPSED,
)
"""States of an entry that has a score."""
OVER = (VenueState.DECIDED, VenueState.CONFIRMED)
PAGE = 12


class NotSigned(Refusal):
    """The scores of the venue are not all there, or the chief judge has not signed them."""


class ListChanged(Refusal):
    """The list is not the one that was looked at."""


@dataclass(frozen=True)
class Line:
    """An entry on the list of its venue, for who decides."""

    place_id: int
    entry_id: int
    number: str
    name: str
    """Of all who made it: its teacher first."""
    school: str
    score: float | None
    rank: int | None
    tie: str
    state: RoundState
    award: str
    forwarded: bool


@dataclass(frozen=True)
class Listing:
    """The list of a venue: as it would be, or as it was decided.

    ``mark`` is of what is seen: who decides says that it is this list. ``places`` is how many
    may go on, None without a limit; ``next_round`` is empty where nobody goes on.
    """

    venue_id: int
    round_id: int
    competition_id: int
    title: str
    round_name: str
    track: str
    unit: str
    state: VenueState
    is_signed: bool
    is_on: bool
    lines: tuple[Line, ...]
    places: int | None
    next_round: str
    next_external: bool
    awards: tuple[tuple[str, int], ...]
    """How many of each award its share comes to here; empty where none are given."""
    criteria: dict[str, str]
    """Titles of the criteria by their key, as ties name them."""
    forward_due_at: datetime | None
    publicity_until: date | None
    decided_at: datetime | None
    deed_id: int | None
    mark: str


@dataclass(frozen=True)
class Decided:
    """What deciding came to; ``deed_id`` takes it back while there is time."""

    listing: Listing
    is_new: bool


@dataclass(frozen=True)
class Outcome:
    """What became of somebody's entry in a round, for their eyes alone: nobody else's score."""

    place_id: int
    entry_id: int
    competition_id: int
    round_id: int
    title: str
    round_name: str
    track: str
    entry_title: str
    name: str
    state: RoundState
    is_decided: bool
    is_on: bool
    award: str
    score: float | None
    comments: tuple[str, ...]
    next_round: str
    next_external: bool
    forward_due_at: datetime | None
    next_due_at: datetime | None
    next_is_materials: bool
    """Whether that is when materials are due; otherwise the next round begins then."""
    """When materials of the next round are due, or it begins."""
    publicity_from: date | None
    publicity_until: date | None
    is_shown: bool
    """Whether the list hangs already, so that it can be looked at."""
    is_confirmed: bool
    forwarded: bool


@dataclass(frozen=True)
class _Found:
    venue: Venue
    round: Round
    competition: Competition


def listing(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Listing:
    """Return the list of a venue. Raises NotFound, NotAllowed or OwnCase."""
    found = _found(session, actor_id, venue_id, now=now)
    return _listing(session, found, actor_id, now=now)


def decide(session: Session, actor_id: int, venue_id: int, mark: str, *, now: datetime) -> Decided:
    """Let the list that was seen stand; deciding twice returns what is.

    Raises NotFound, NotAllowed, OwnCase, NotUnderWay, NotSigned, or ListChanged when the list
    is another one by now.
    """
    session.exec(select(Venue.id).where(Venue.id == venue_id).with_for_update())
    found = _found(session, actor_id, venue_id, now=now)
    seen = _listing(session, found, actor_id, now=now)
    if found.venue.state in OVER:
        return Decided(seen, is_new=False)
    if found.competition.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    if not seen.is_signed:
        raise NotSigned
    if seen.mark != mark:
        raise ListChanged
    before = snapshot(session, venue_id)
    write(session, found.venue, now=now)
    found.venue.state = VenueState.DECIDED
    found.venue.decided_by, found.venue.decided_at = actor_id, now
    session.flush()
    keys = tell(session, [line.place_id for line in seen.lines], after=deeds.MINUTES, now=now)
    deeds.done(
        session, DEED, actor_id, {"venue_id": venue_id, "before": before, "keys": keys}, now=now
    )
    audit.record(
        session,
        actor_id,
        DEED,
        f"venue:{venue_id}",
        now=now,
        after={"list": {str(line.place_id): line.state.value for line in seen.lines}},
    )
    return Decided(_listing(session, found, actor_id, now=now), is_new=True)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Take the decision back: the venue waits for its list again, and nobody is told."""
    venue_id = deed.data["venue_id"]
    venue = rights.check_holds(session, deed.actor_id, venue_id, now=now)
    if venue.state is not VenueState.DECIDED:
        raise ChangedSince("venue")
    rows = places(session, venue_id)
    if any(row.forwarded_at is not None for row, _entry in rows):
        raise ChangedSince("forwarded")
    put_back(session, rows, deed.data["before"], now=now)
    venue.state = VenueState.REVEALED
    venue.decided_by = venue.decided_at = None
    outbox.take_back(session, deed.data["keys"])
    session.flush()


def outcome(session: Session, teacher_id: int, place_id: int, *, now: datetime) -> Outcome:
    """Return what became of one's own entry, as far as it is said by now.

    Raises NotFound, NotAllowed for anybody else's.
    """
    found = session.exec(
        select(EntryRound, Entry, Round, Competition)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(EntryRound.id == place_id)
    ).first()
    if found is None:
        raise NotFound("entry")
    place, entry, round_, competition = found
    if teacher_id not in people(session, [entry.id])[entry.id]:
        raise NotAllowed
    state = (
        None
        if place.venue_id is None
        else session.exec(select(Venue.state).where(Venue.id == place.venue_id)).one()
    )
    before = unsaid.before(session, [entry.id], now=now).get(entry.id)
    if before is not None and before.place_id != place_id:
        before = None
    is_decided = (state is None or state in OVER) and (before is None or before.is_decided)
    after = venues.next_round(session, round_)
    comments = (
        session.exec(
            select(Ballot.comment)
            .where(
                Ballot.entry_round_id == place_id,
                Ballot.state == BallotState.REVEALED,
                Ballot.comment != "",
            )
            .order_by(col(Ballot.seal), col(Ballot.id))
        ).all()
        if is_decided
        else ()
    )
    return Outcome(
        place.id,
        entry.id,
        competition.id,
        round_.id,
        competition.title,
        round_.name,
        session.exec(select(Track.title).where(Track.id == entry.track_id)).one(),
        entry.title,
        session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).one(),
        place.state if before is None or before.state is None else before.state,
        is_decided,
        competition.state is not CompetitionState.CANCELLED,
        (place.award if before is None else before.award) if is_decided else "",
        (place.score if before is None else before.score) if is_decided else None,
        tuple(comments),
        "" if after is None else after.name,
        after is not None and after.external,
        round_.forward_due_at,
        None if after is None else after.material_due_at or after.starts_at,
        after is not None and after.material_due_at is not None,
        round_.publicity_from,
        round_.publicity_until,
        round_.publicity_started_at is not None,
        state is VenueState.CONFIRMED,
        place.forwarded_at is not None,
    )


# --- what other rooms build on --------------------------------------------------------------------


def people(session: Session, entry_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return who made each entry: its teacher first, then those who made it with them."""
    found: dict[int, list[int]] = {}
    for entry_id, teacher_id in session.exec(
        select(Entry.id, Entry.teacher_id).where(col(Entry.id).in_(entry_ids))
    ).all():
        found[entry_id] = [teacher_id]
    for entry_id, teacher_id in session.exec(
        select(EntryAuthor.entry_id, EntryAuthor.teacher_id)
        .where(col(EntryAuthor.entry_id).in_(entry_ids), authors.JOINED)
        .order_by(col(EntryAuthor.id))
    ).all():
        if teacher_id not in found[entry_id]:
            found[entry_id].append(teacher_id)
    return found


def is_entrant(session: Session, teacher_id: int, venue_id: int) -> bool:
    """Whether this person competes at the venue."""
    found = (
        select(Entry.id)
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(EntryRound.venue_id == venue_id, authors.is_of(teacher_id))
    )
    return session.exec(found).first() is not None


def snapshot(session: Session, venue_id: int) -> dict[str, list[Any]]:
    """Return what is written on the entries of a venue, to put back."""
    return {
        str(row.id): [row.state.value, row.rank, row.tie, row.award, entry.state.value]
        for row, entry in places(session, venue_id)
    }


def put_back(
    session: Session,
    rows: Sequence[tuple[EntryRound, Entry]],
    before: dict[str, list[Any]],
    *,
    now: datetime,
) -> None:
    """Write on the entries what was kept; raises ChangedSince when others are there now."""
    if {str(row.id) for row, _entry in rows} != set(before):
        raise ChangedSince("entries")
    for row, entry in rows:
        state, row.rank, row.tie, row.award, whole = before[str(row.id)]
        row.state, entry.state = RoundState(state), CompetingState(whole)
        row.changed_at = entry.changed_at = now
    session.flush()


def write(session: Session, venue: Venue, *, now: datetime) -> dict[int, RoundState]:
    """Write the list that follows from the scores on the entries; return what has changed.

    An entry that has been forwarded stays where it is.
    """
    round_ = session.exec(select(Round).where(Round.id == venue.round_id)).one()
    competition = session.exec(
        select(Competition).where(Competition.id == round_.competition_id)
    ).one()
    rows = places(session, venue.id)
    made = _made(session, _Found(venue, round_, competition), rows)
    changed: dict[int, RoundState] = {}
    for row, entry in rows:
        if row.id not in made.states:
            if row.state in (RoundState.READY, RoundState.SCHEDULED):
                row.state, row.changed_at = RoundState.ABSENT, now
            if row.state is RoundState.DISQUALIFIED:
                row.rank, row.tie, row.award = None, "", ""
            elif entry.state is CompetingState.COMPETING:
                entry.state, entry.changed_at = CompetingState.OUT, now
            continue
        rank, tie = made.ranks[row.id]
        state, award = made.states[row.id], made.awards.get(row.id, "")
        if row.forwarded_at is not None:
            state = row.state
        if (row.state, row.award) != (state, award):
            changed[row.id] = state
        row.rank, row.tie, row.award, row.state = rank, tie, award, state
        row.changed_at = now
        goes_on = state in (RoundState.ADVANCED, RoundState.RESERVE)
        entry.state = CompetingState.COMPETING if goes_on else CompetingState.OUT
        entry.changed_at = now
    session.flush()
    return changed


def would_be(
    session: Session, venue: Venue, instead: Mapping[int, float | None]
) -> dict[int, tuple[RoundState, str]]:
    """Return state and award of whoever would have others with these scores instead.

    None is for an entry that is taken out.
    """
    round_, competition = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == venue.round_id)
    ).one()
    rows = places(session, venue.id)
    made = _made(session, _Found(venue, round_, competition), rows, instead)
    found = {}
    for row, _entry in rows:
        state, award = made.states.get(row.id, row.state), made.awards.get(row.id, "")
        if row.id in instead and instead[row.id] is None:
            state, award = RoundState.DISQUALIFIED, ""
        elif row.id not in made.states:
            continue
        elif row.forwarded_at is not None:
            state = row.state
        if (row.state, row.award) != (state, award):
            found[row.id] = (state, award)
    return found


def tell(
    session: Session,
    place_ids: Sequence[int],
    *,
    after: Any = None,
    more: Mapping[int, Mapping[str, Any]] | None = None,
    now: datetime,
) -> list[str]:
    """Leave the outcome of these entries for those who made them; return the messages' keys.

    ``more`` is what else the message of an entry says, such as why it is told again.
    """
    at = now if after is None else now + after
    at = quiet.next_push(workdays.load(session), at)
    rows = session.exec(
        select(EntryRound.id, EntryRound.entry_id).where(col(EntryRound.id).in_(place_ids))
    ).all()
    who = people(session, [entry_id for _id, entry_id in rows])
    keys = []
    for place_id, entry_id in rows:
        for teacher_id in who[entry_id]:
            key = f"{OUTCOME}:{place_id}:{teacher_id}:{int(now.timestamp())}"
            outbox.put(
                session,
                OUTCOME,
                teacher_id=teacher_id,
                facts={"place_id": place_id, **(more or {}).get(place_id, {})},
                priority=Priority.CARD,
                not_before=at,
                dedupe_key=key,
                now=now,
            )
            keys.append(key)
    return keys


def lot_of(venue: Venue, place: EntryRound) -> str:
    """The lot that says who is first among equals; the lowest, as text, comes first."""
    return allocation.lot(venue.seed, venue.id, place.number or str(place.id))


def is_deciding(session: Session, round_: Round) -> bool:
    """Whether the awards are given in this round: it is the last of our own."""
    after = venues.next_round(session, round_)
    return not round_.external and (after is None or after.external)


# --- how it is made -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Made:
    ranks: dict[int, tuple[int, str]]
    states: dict[int, RoundState]
    awards: dict[int, str]
    order: tuple[int, ...]
    places: int | None


def _found(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> _Found:
    venue = rights.check_holds(session, actor_id, venue_id, now=now)
    if is_entrant(session, actor_id, venue_id):
        raise OwnCase
    round_, competition = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == venue.round_id)
    ).one()
    return _Found(venue, round_, competition)


def places(session: Session, venue_id: int) -> Sequence[tuple[EntryRound, Entry]]:
    """Return the entries of a venue in the order of its draw."""
    return session.exec(
        select(EntryRound, Entry)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.venue_id == venue_id)
        .order_by(col(EntryRound.order_no), col(EntryRound.id))
    ).all()


def _made(
    session: Session,
    found: _Found,
    rows: Sequence[tuple[EntryRound, Entry]],
    instead: Mapping[int, float | None] | None = None,
) -> _Made:
    venue, round_ = found.venue, found.round
    scores = {row.id: row.score for row, _entry in rows} | dict(instead or {})
    judged = [
        (row, entry) for row, entry in rows if row.state in JUDGED and scores[row.id] is not None
    ]
    ballots: dict[int, list[Ballot]] = defaultdict(list)
    for ballot in session.exec(
        select(Ballot).where(
            col(Ballot.entry_round_id).in_([row.id for row, _entry in judged]),
            Ballot.state == BallotState.REVEALED,
        )
    ).all():
        ballots[ballot.entry_round_id].append(ballot)
    order = ranking.ranked(
        [
            Runner(
                row.id,
                entry.unit_id,
                scores[row.id] or 0.0,
                lot_of(venue, row),
                tuple(each.total for each in ballots[row.id] if each.total is not None),
                tuple(each.marks for each in ballots[row.id]),
            )
            for row, entry in judged
        ],
        round_.ties,
    )
    after = venues.next_round(session, round_)
    deciding = is_deciding(session, round_)
    awards = ranking.awarded(order, found.competition.awards) if deciding else {}
    places: int | None = 0
    on: list[int] = []
    reserves: list[int] = []
    if after is not None:
        places = ranking.seats(round_.quota, venue.unit_id, len(order))
        most = round_.unit_most
        running = order
        if after.external:
            places = ranking.fewest(places, ranking.seats(after.quota, venue.unit_id, len(order)))
            most = ranking.fewest(most, after.unit_most)
            if places is None and found.competition.awards:
                running = [each for each in order if each.runner.place_id in awards]
        on, reserves = ranking.going_on(running, places, most)
    states = {}
    for each in order:
        id_ = each.runner.place_id
        states[id_] = (
            RoundState.ADVANCED
            if id_ in on
            else RoundState.RESERVE
            if id_ in reserves
            else RoundState.AWARDED
            if id_ in awards
            else RoundState.OUT
        )
    return _Made(
        {each.runner.place_id: (each.rank, each.tie) for each in order},
        states,
        awards,
        tuple(each.runner.place_id for each in order),
        places,
    )


def _listing(session: Session, found: _Found, actor_id: int, *, now: datetime) -> Listing:
    venue, round_, competition = found.venue, found.round, found.competition
    rows = places(session, venue.id)
    is_over = venue.state in OVER
    is_signed = venue.signed_at is not None and (is_over or venue.state is VenueState.REVEALED)
    made = _made(session, found, rows) if is_signed else _Made({}, {}, {}, (), 0)
    who = people(session, [entry.id for _row, entry in rows])
    everybody = {each for some in who.values() for each in some}
    names = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(everybody))).all()
    )
    schools = dict(
        session.exec(
            select(OrgUnit.id, OrgUnit.name).where(
                col(OrgUnit.id).in_({entry.unit_id for _row, entry in rows})
            )
        ).all()
    )
    lines = []
    for row, entry in rows:
        name = "、".join(names[each] for each in who[entry.id])
        school = schools[entry.unit_id]
        state, award, (rank, tie) = row.state, row.award, (row.rank, row.tie)
        if is_signed and not is_over:
            state = made.states.get(row.id, state)
            award = made.awards.get(row.id, "")
            rank, tie = made.ranks.get(row.id, (None, ""))
            if state in (RoundState.READY, RoundState.SCHEDULED):
                state = RoundState.ABSENT
        lines.append(
            Line(
                row.id,
                entry.id,
                row.number,
                name,
                school,
                row.score if is_signed else None,
                rank,
                tie,
                state,
                award,
                row.forwarded_at is not None,
            )
        )
    position = {id_: n for n, id_ in enumerate(made.order)}
    lines.sort(key=lambda line: (line.place_id not in position, position.get(line.place_id, 0)))
    after = venues.next_round(session, round_)
    track, unit = session.exec(
        select(Track.title, OrgUnit.name)
        .join(Venue, col(Venue.track_id) == col(Track.id))
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .where(Venue.id == venue.id)
    ).one()
    said = repr([(line.place_id, line.rank, line.state.value, line.award) for line in lines])
    return Listing(
        venue.id,
        round_.id,
        competition.id,
        competition.title,
        round_.name,
        track,
        unit,
        venue.state,
        is_signed,
        competition.state is CompetitionState.PUBLISHED,
        tuple(lines),
        made.places,
        "" if after is None else after.name,
        after is not None and after.external,
        tuple(ranking.given(competition.awards, len(made.order)))
        if is_deciding(session, round_)
        else (),
        {each["key"]: each["title"] for each in round_.rubric},
        round_.forward_due_at,
        round_.publicity_until,
        venue.decided_at,
        deeds.standing(session, actor_id, DEED, venue.id, now=now, of="venue_id")
        if venue.state is VenueState.DECIDED
        else None,
        hashlib.sha256(said.encode()).hexdigest()[:12],
    )
