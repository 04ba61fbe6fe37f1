"""Receiving: whoever holds the first round's venue accepts entries, or returns them to be mended.

    submitted —accept→ competing, with its place in the first round
    submitted —return(reason)→ returned
    submitted|competing —disqualify(reason)/organiser→ disqualified

Accepting and taking out can be undone for ten minutes, and nobody is told before. Nobody
decides about an entry of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds
from storage.competitions import (
    authors,
    completeness,
    deciding,
    eligibility,
    entering,
    forwarding,
    materials,
    rights,
    schedule,
    unsaid,
    venues,
)
from storage.competitions.entering import EntryStands
from storage.competitions.materials import Piece, Slot
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
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
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.tables import OrgUnit, Posting, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training import audience
from storage.waiting_for import Waiting

DEED = unsaid.ACCEPTED
DEED_OUT = unsaid.TAKEN_OUT
LONGEST_REASON = 300
PAGE = 8


class NoReason(Refusal):
    """Returning an entry or taking it out needs a reason."""


class OrderDrawn(Refusal):
    """The order of the venue is drawn: nobody is let in any more."""


# --- rights ------------------------------------------------------------------------------------


def _venue(session: Session, entry: Entry, *, now: datetime) -> Venue | None:
    """Return the venue of the first round where the entry is received; None of an outside round."""
    first = eligibility.first_round(session, entry.competition_id)
    if first.external:
        return None
    holder = venues.holder(session, first, entry.unit_id)
    return venues.venue_for(session, first, holder, entry.track_id, now=now)


def _check_receives(
    session: Session, actor_id: int, entry: Entry, *, now: datetime
) -> Venue | None:
    """Return the venue that receives the entry. Raises NotAllowed."""
    venue = _venue(session, entry, now=now)
    if venue is None:
        rights.check_organises(session, actor_id, entry.competition_id, now=now)
        return None
    return rights.check_holds(session, actor_id, venue.id, now=now)


def _check_not_own(session: Session, actor_id: int, entry: Entry) -> None:
    if entering.makes(session, actor_id, entry):
        raise OwnCase


def may_look(session: Session, actor_id: int, entry: Entry, *, now: datetime) -> bool:
    """Whether this person receives the entry, or holds where it competes."""
    place = venues.place_of(session, entry.id)
    venue_id = None if place is None else place[0].venue_id
    if venue_id is not None and rights.holds(session, actor_id, venue_id, now=now):
        return True
    try:
        _check_receives(session, actor_id, entry, now=now)
    except NotAllowed:
        return False
    return True


# --- looking -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class EntryLine:
    """An entry in the list of a venue."""

    entry_id: int
    teacher: str
    unit: str
    title: str
    state: CompetingState
    missing: int
    to_look_at: int
    """Names found in its materials of which the entrant has said nothing."""


@dataclass(frozen=True)
class Share:
    """How many of a unit's people for whom the competition is have entered."""

    unit_id: int
    unit: str
    entered: int
    people: int
    wanted: float | None

    @property
    def is_reached(self) -> bool:
        # 0.1 means a tenth, and not its nearest binary.
        return self.wanted is None or self.entered >= Fraction(str(self.wanted)) * self.people


@dataclass(frozen=True)
class Entries:
    """The entries of a venue for who holds it: those to accept first."""

    venue_id: int
    competition_id: int
    competition: str
    round: str
    track: str
    unit: str
    state: VenueState
    is_blind: bool
    closes_at: datetime | None
    counts: dict[CompetingState, int]
    lines: tuple[EntryLine, ...]
    page: int
    pages: int
    to_accept: int
    """Handed in, of others than the reader."""
    deed_id: int | None
    """What the reader has just accepted and can still take back."""
    share: Share | None
    """Of the venue's own unit, where it is a school and a share is asked for."""


_ORDER = {
    CompetingState.SUBMITTED: 0,
    CompetingState.RETURNED: 1,
    CompetingState.COMPETING: 2,
    CompetingState.DRAFT: 3,
}


def entries(
    session: Session, actor_id: int, venue_id: int, *, page: int = 0, now: datetime
) -> Entries:
    """Return a page of the entries of a venue. Raises NotFound or NotAllowed.

    Drafts are the entrants' own and are counted only; so is what was withdrawn.
    """
    venue = rights.check_holds(session, actor_id, venue_id, now=now)
    round_ = session.exec(select(Round).where(Round.id == venue.round_id)).one()
    competition = eligibility.competition_of(session, round_.competition_id)
    rows = _at(session, venue, round_)
    seen = [
        row for row in rows if row.state not in (CompetingState.DRAFT, CompetingState.WITHDRAWN)
    ]
    seen.sort(key=lambda row: (_ORDER.get(row.state, 9), row.submitted_at or now, row.id))
    pages = max(1, -(-len(seen) // PAGE))
    page = min(max(0, page), pages - 1)
    shown = seen[page * PAGE : (page + 1) * PAGE]
    names = _names(session, shown)
    # Whoever was put forward and has never said yes has taken nothing back.
    by = Counter(
        row.state
        for row in rows
        if row.state is not CompetingState.WITHDRAWN or row.agreed_at is not None
    )
    first = eligibility.first_round(session, competition.id)
    today = local_day(now, offices.zone(session))
    return Entries(
        venue_id=venue.id,
        competition_id=competition.id,
        competition=competition.title,
        round=round_.name,
        track=session.exec(select(Track.title).where(Track.id == venue.track_id)).one(),
        unit=session.exec(select(OrgUnit.name).where(OrgUnit.id == venue.unit_id)).one(),
        state=venue.state,
        is_blind=competition.is_blind,
        closes_at=eligibility.closes_at(first),
        counts={state: by[state] for state in CompetingState if by[state]},
        lines=tuple(_line(session, row, names, round_) for row in shown),
        page=page,
        pages=pages,
        to_accept=len(_acceptable(session, actor_id, rows)),
        deed_id=deeds.standing(session, actor_id, DEED, venue.id, now=now, of="venue_id"),
        share=_share_of(session, competition, venue.unit_id, today)
        if round_.level in venues.AT_HOME
        else None,
    )


def _at(session: Session, venue: Venue, round_: Round) -> list[Entry]:
    """The entries that a venue receives, or of a later round has been sent."""
    here = sa.exists().where(
        col(EntryRound.entry_id) == col(Entry.id), col(EntryRound.venue_id) == venue.id
    )
    enters = sa.exists().where(col(Venue.id) == venue.id, venues.receives())
    query = select(Entry).where(
        Entry.competition_id == round_.competition_id,
        Entry.track_id == venue.track_id,
        sa.or_(here, enters),
    )
    return list(session.exec(query).all())


def _names(session: Session, rows: Sequence[Entry]) -> dict[int, tuple[str, str]]:
    found = session.exec(
        select(Entry.id, Teacher.name, OrgUnit.name)
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
        .where(col(Entry.id).in_([row.id for row in rows]))
    ).all()
    return {id_: (teacher, unit) for id_, teacher, unit in found}


def _line(
    session: Session, row: Entry, names: dict[int, tuple[str, str]], round_: Round
) -> EntryLine:
    teacher, unit = names[row.id]
    return EntryLine(
        entry_id=row.id,
        teacher=teacher,
        unit=unit,
        title=row.title,
        state=row.state,
        missing=len(completeness.missing(session, row.id, round_)),
        to_look_at=materials.checks(session, row.id, round_)[0],
    )


def _acceptable(session: Session, actor_id: int, rows: Sequence[Entry]) -> list[Entry]:
    """Those handed in that are none of the actor's own."""
    waiting = [row for row in rows if row.state is CompetingState.SUBMITTED]
    own = set(
        session.exec(
            select(Entry.id).where(
                col(Entry.id).in_([row.id for row in waiting]), authors.is_of(actor_id)
            )
        ).all()
    )
    return [row for row in waiting if row.id not in own]


@dataclass(frozen=True)
class Held:
    """An entry as whoever holds its venue sees it."""

    entry_id: int
    competition_id: int
    competition: str
    competition_state: CompetitionState
    venue_id: int | None
    track: str
    teacher: str
    unit: str
    mates: tuple[tuple[int, str], ...]
    title: str
    state: CompetingState
    reason: str
    """Why it was returned or taken out; why it was withdrawn is the entrant's own."""
    round: str
    round_state: RoundState | None
    slots: tuple[Slot, ...]
    submitted_at: datetime | None
    put_forward_by: str
    names_left: int
    not_names: int
    is_blind: bool
    is_own: bool
    receives: bool
    organises: bool
    is_open: bool
    """The venue still lets entries in."""
    deed_id: int | None


def held_entry(session: Session, actor_id: int, entry_id: int, *, now: datetime) -> Held:
    """Return an entry for who holds its venue, and write down that they looked.

    Raises NotFound or NotAllowed.
    """
    entry, competition = entering.entry_of(session, entry_id, lock=False)
    if not may_look(session, actor_id, entry, now=now):
        raise NotAllowed
    if entry.state is CompetingState.DRAFT:
        raise NotFound("entry")  # it is the entrant's own until it is handed in
    audit.looked(session, actor_id, "look_at_entry", f"entry:{entry_id}", now=now)
    first = eligibility.first_round(session, competition.id)
    round_, where = entering.standing(session, entry, first)
    venue = _venue(session, entry, now=now)
    left, none = materials.checks(session, entry.id, round_)
    names = _names(session, [entry])
    return Held(
        entry_id=entry.id,
        competition_id=competition.id,
        competition=competition.title,
        competition_state=competition.state,
        venue_id=None if venue is None else venue.id,
        track=session.exec(select(Track.title).where(Track.id == entry.track_id)).one(),
        teacher=names[entry.id][0],
        unit=names[entry.id][1],
        mates=entering.authors(session, entry.id),
        title=entry.title,
        state=entry.state,
        reason="" if entry.state is CompetingState.WITHDRAWN else entry.reason,
        round=round_.name,
        round_state=where.state,
        slots=materials.slots_of(session, entry.id, round_),
        submitted_at=entry.submitted_at,
        put_forward_by=""
        if entry.put_forward_by is None
        else eligibility.name_of(session, entry.put_forward_by),
        names_left=left,
        not_names=none,
        is_blind=competition.is_blind,
        is_own=entering.makes(session, actor_id, entry),
        receives=venue is None or rights.holds(session, actor_id, venue.id, now=now),
        organises=rights.organises(session, actor_id, competition.id, now=now),
        is_open=venue is None or venue.state is VenueState.OPEN,
        deed_id=deeds.standing(session, actor_id, DEED_OUT, entry.id, now=now, of="entry_id"),
    )


# --- deciding ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accepted:
    """How many were accepted, and the deed that takes it back; None when it was done before."""

    number: int
    deed_id: int | None


def accept(session: Session, actor_id: int, entry_id: int, *, now: datetime) -> Accepted:
    """Accept an entry: it has its place in the first round. Accepted twice is once.

    Raises NotFound, NotAllowed, OwnCase, CompetitionOver, EntryStands or OrderDrawn.
    """
    entry, competition = entering.entry_of(session, entry_id)
    venue = _check_receives(session, actor_id, entry, now=now)
    _check_not_own(session, actor_id, entry)
    eligibility.check_on(competition)
    if entry.state is CompetingState.COMPETING:
        return Accepted(0, None)
    if entry.state is not CompetingState.SUBMITTED:
        raise EntryStands(entry.state)
    return _take_in(session, actor_id, competition, venue, [entry], now=now)


def accept_all(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Accepted:
    """Accept all that are handed in at a venue, but for those of one's own.

    Raises NotFound, NotAllowed, CompetitionOver or OrderDrawn.
    """
    venue = rights.check_holds(session, actor_id, venue_id, now=now)
    round_ = session.exec(select(Round).where(Round.id == venue.round_id)).one()
    competition = eligibility.competition_of(session, round_.competition_id)
    eligibility.check_on(competition)
    ids = [row.id for row in _acceptable(session, actor_id, _at(session, venue, round_))]
    rows = session.exec(
        select(Entry)
        .where(col(Entry.id).in_(ids), Entry.state == CompetingState.SUBMITTED)
        .order_by(col(Entry.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return Accepted(0, None)
    return _take_in(session, actor_id, competition, venue, rows, now=now)


def _take_in(
    session: Session,
    actor_id: int,
    competition: Competition,
    venue: Venue | None,
    rows: Sequence[Entry],
    *,
    now: datetime,
) -> Accepted:
    if venue is not None:
        _lock(session, venue)
        if venue.state is not VenueState.OPEN:
            raise OrderDrawn
    first = eligibility.first_round(session, competition.id)
    ids = [row.id for row in rows]
    there = session.exec(
        select(EntryRound.entry_id).where(
            EntryRound.round_id == first.id, col(EntryRound.entry_id).in_(ids)
        )
    ).all()
    for row in rows:
        if row.id not in there:
            session.add(_place(row, first, venue, now))
        entering.set_state(row, CompetingState.COMPETING, now)
        row.reason = ""
        audit.record(session, actor_id, "accept_entry", f"entry:{row.id}", now=now)
    session.flush()
    if venue is not None:
        schedule.plan_venue(session, venue.id, now=now)
    deed_id = deeds.done(
        session,
        DEED,
        actor_id,
        {"venue_id": 0 if venue is None else venue.id, "entries": ids},
        now=now,
    )
    outbox.put_all(
        session,
        "entry_accepted",
        sa.select(col(Entry.teacher_id)).where(col(Entry.id).in_(ids)),
        # All are of one track, in which everybody has one entry.
        facts={"track_id": rows[0].track_id},
        priority=Priority.CARD,
        not_before=now + deeds.MINUTES,
        key=f"entry_accepted:{deed_id}:",
        now=now,
    )
    return Accepted(len(rows), deed_id)


def _place(entry: Entry, first: Round, venue: Venue | None, now: datetime) -> EntryRound:
    """The place of an entry in the round that it enters, as ``venues.let_in`` gives it."""
    if venue is None:
        return EntryRound(
            entry_id=entry.id, round_id=first.id, state=RoundState.NOMINATED, changed_at=now
        )
    return EntryRound(entry_id=entry.id, round_id=first.id, venue_id=venue.id, changed_at=now)


def _lock(session: Session, venue: Venue) -> None:
    session.exec(
        select(Venue)
        .where(Venue.id == venue.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def undo_accept(session: Session, deed: Deed, now: datetime) -> None:
    """Let what was accepted wait again, unless it has gone on since. Raises ChangedSince."""
    rows = session.exec(
        select(Entry)
        .where(col(Entry.id).in_(deed.data["entries"]))
        .order_by(col(Entry.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        venue = _check_receives(session, deed.actor_id, row, now=now)
        place = session.exec(select(EntryRound).where(EntryRound.entry_id == row.id)).all()
        if venue is not None:
            _lock(session, venue)
        if (
            row.state is not CompetingState.COMPETING
            or len(place) != 1
            or place[0].state not in (RoundState.READY, RoundState.NOMINATED)
            or (venue is not None and venue.state is not VenueState.OPEN)
        ):
            raise ChangedSince("entry")
        session.delete(place[0])
        entering.set_state(row, CompetingState.SUBMITTED, now)
    session.flush()
    if deed.data["venue_id"]:
        schedule.plan_venue(session, deed.data["venue_id"], now=now)


def send_back(
    session: Session, actor_id: int, entry_id: int, reason: str, *, now: datetime
) -> bool:
    """Return an entry to be mended, with what is to be mended; False when it was before.

    Raises NotFound, NotAllowed, OwnCase, CompetitionOver, NoReason or EntryStands.
    """
    entry, competition = entering.entry_of(session, entry_id)
    _check_receives(session, actor_id, entry, now=now)
    _check_not_own(session, actor_id, entry)
    eligibility.check_on(competition)
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise NoReason
    if entry.state is CompetingState.RETURNED:
        return False
    if entry.state is not CompetingState.SUBMITTED:
        raise EntryStands(entry.state)
    entering.set_state(entry, CompetingState.RETURNED, now)
    entry.reason = reason
    audit.record(session, actor_id, "return_entry", f"entry:{entry.id}", now=now, reason=reason)
    session.flush()
    outbox.put(
        session,
        "entry_returned",
        teacher_id=entry.teacher_id,
        facts={"entry_id": entry.id},
        priority=Priority.LAST_HOURS,
        not_before=now,
        dedupe_key=f"entry_returned:{entry.id}:{now.isoformat()}",
        now=now,
    )
    return True


def disqualify(
    session: Session, actor_id: int, entry_id: int, reason: str, *, now: datetime
) -> int | None:
    """Take an entry out of the competition; the deed, or None when it was out already.

    The entrant is told the reason, and nobody else. Raises NotFound, NotAllowed, OwnCase,
    CompetitionOver, NoReason or EntryStands.
    """
    entry, competition = entering.entry_of(session, entry_id)
    rights.check_organises(session, actor_id, entry.competition_id, now=now)
    _check_not_own(session, actor_id, entry)
    eligibility.check_on(competition)
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise NoReason
    if entry.state is CompetingState.DISQUALIFIED:
        return None
    if entry.state not in (
        CompetingState.SUBMITTED,
        CompetingState.RETURNED,
        CompetingState.COMPETING,
    ):
        raise EntryStands(entry.state)
    found = venues.place_of(session, entry.id)
    place = None if found is None else found[0]
    data: dict[str, Any] = {
        "entry_id": entry.id,
        "state": entry.state.value,
        "reason": entry.reason,
        "place_id": 0 if place is None else place.id,
        "place": "" if place is None else place.state.value,
    }
    entering.set_state(entry, CompetingState.DISQUALIFIED, now)
    entry.reason = reason
    if place is not None:
        place.state, place.changed_at = RoundState.DISQUALIFIED, now
    session.flush()
    if place is not None and place.venue_id is not None:
        schedule.plan_venue(session, place.venue_id, now=now)
        data |= _let_a_reserve_on(session, place.venue_id, now=now)
    audit.record(session, actor_id, "disqualify_entry", f"entry:{entry.id}", now=now, reason=reason)
    deed_id = deeds.done(session, DEED_OUT, actor_id, data, now=now)
    _tell(session, "entry_disqualified", entry, deed_id, now=now)
    return deed_id


def _let_a_reserve_on(session: Session, venue_id: int, *, now: datetime) -> dict[str, Any]:
    """Where the list is decided, the first reserve takes the place that has become free.

    Returns what undoing it needs.
    """
    venue = session.exec(select(Venue).where(Venue.id == venue_id)).one()
    if venue.state not in deciding.OVER:
        return {}
    place_id = forwarding.move_up(session, venue, now=now)
    if place_id is None:
        return {}
    keys = deciding.tell(session, [place_id], after=deeds.MINUTES, now=now)
    return {"reserve": place_id, "keys": keys}


def _put_reserve_back(session: Session, data: dict[str, Any], now: datetime) -> None:
    """Let the reserve wait again. Raises ChangedSince once it has been forwarded."""
    row = session.exec(select(EntryRound).where(EntryRound.id == data["reserve"])).one()
    if row.state is not RoundState.ADVANCED or row.forwarded_at is not None:
        raise ChangedSince("forwarded")
    row.state, row.changed_at = RoundState.RESERVE, now
    outbox.take_back(session, data["keys"])
    session.flush()


def undo_disqualify(session: Session, deed: Deed, now: datetime) -> None:
    """Let the entry stand as it stood. Raises ChangedSince."""
    entry, competition = entering.entry_of(session, deed.data["entry_id"])
    rights.check_organises(session, deed.actor_id, competition.id, now=now)
    place = session.exec(
        select(EntryRound)
        .where(EntryRound.id == deed.data["place_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if entry.state is not CompetingState.DISQUALIFIED or (
        place is not None and place.state is not RoundState.DISQUALIFIED
    ):
        raise ChangedSince("entry")
    if "reserve" in deed.data:
        _put_reserve_back(session, deed.data, now)
    entering.set_state(entry, CompetingState(deed.data["state"]), now)
    entry.reason = deed.data["reason"]
    if place is not None:
        place.state, place.changed_at = RoundState(deed.data["place"]), now
    session.flush()


def _tell(session: Session, kind: str, entry: Entry, deed_id: int, *, now: datetime) -> None:
    """Leave word for the entrant, who is told when it can no longer be taken back."""
    outbox.put(
        session,
        kind,
        teacher_id=entry.teacher_id,
        facts={"entry_id": entry.id},
        priority=Priority.CARD,
        not_before=now + deeds.MINUTES,
        dedupe_key=f"{kind}:{entry.id}:{deed_id}",
        now=now,
    )


@dataclass(frozen=True)
class Told:
    """What an entrant is told of their entry, as it stands when they are told."""

    entry_id: int
    title: str
    track: str
    state: CompetingState
    reason: str
    until: datetime | None
    round: str
    starts_at: datetime | None


def told(session: Session, facts: Mapping[str, int], teacher_id: int) -> Told | None:
    """Return what is to be said of their entry; None when there is nothing (any more).

    ``facts`` names the entry, or the track that it is in.
    """
    which = (
        Entry.id == facts["entry_id"]
        if "entry_id" in facts
        else Entry.track_id == facts["track_id"]
    )
    row = session.exec(
        select(Entry, Competition, Track.title)
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(which, Entry.teacher_id == teacher_id)
    ).first()
    if row is None or row[1].state is not CompetitionState.PUBLISHED:
        return None
    entry, competition, track = row
    first = eligibility.first_round(session, competition.id)
    return Told(
        entry_id=entry.id,
        title=competition.title,
        track=track,
        state=entry.state,
        reason=entry.reason,
        until=entering.mended_until(first),
        round=first.name,
        starts_at=first.starts_at,
    )


# --- files -------------------------------------------------------------------------------------


def files(
    session: Session, actor_id: int, entry_id: int, *, now: datetime
) -> tuple[tuple[str, Piece], ...]:
    """Return what stands for the entry's round: what it is called, and the piece.

    For who holds its venue; that they looked is written down. Raises NotFound or NotAllowed.
    """
    facts = held_entry(session, actor_id, entry_id, now=now)
    audit.looked(session, actor_id, "take_materials", f"entry:{entry_id}", now=now)
    return tuple((slot.title, slot.piece) for slot in facts.slots if slot.piece is not None)


# --- how many have entered ---------------------------------------------------------------------


def shares(
    session: Session, actor_id: int, competition_id: int, *, now: datetime
) -> tuple[Share, ...]:
    """Return for each school in reach how many of its people have entered, fewest first.

    For who organises it all schools, else those whose competitions one runs. Schools nobody of
    which is in the audience are left out. Raises NotFound or NotAllowed.
    """
    competition = eligibility.competition_of(session, competition_id)
    today = local_day(now, offices.zone(session))
    people = _people(session, competition, today)
    if not rights.organises(session, actor_id, competition_id, now=now):
        if competition.state is CompetitionState.DRAFT:
            raise NotAllowed
        where = authority.reaches(session, actor_id, rights.ACT, today=today).subquery()
        mine = set(session.exec(sa.select(where.c.id)).scalars().all())  # type: ignore[call-overload]
        if not mine:
            raise NotAllowed
        people = {unit: number for unit, number in people.items() if unit in mine}
    entered = _entered(session, competition_id)
    names: dict[int, str] = dict(
        session.exec(select(OrgUnit.id, OrgUnit.name).where(col(OrgUnit.id).in_(people))).all()
    )
    found = [
        Share(unit, names[unit], entered.get(unit, 0), number, competition.min_share)
        for unit, number in people.items()
    ]
    found.sort(key=lambda share: (share.entered / share.people, -share.people, share.unit_id))
    return tuple(found)


def _share_of(
    session: Session, competition: Competition, unit_id: int, today: date
) -> Share | None:
    if competition.min_share is None:
        return None
    people = _people(session, competition, today, unit_id).get(unit_id, 0)
    if not people:
        return None
    name = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).one()
    entered = _entered(session, competition.id).get(unit_id, 0)
    return Share(unit_id, name, entered, people, competition.min_share)


def _people(
    session: Session, competition: Competition, today: date, unit_id: int | None = None
) -> dict[int, int]:
    """How many of each unit's people the competition is for."""
    query = (
        sa.select(col(Posting.unit_id), func.count(col(Teacher.id).distinct()))
        .join(Teacher, col(Teacher.id) == col(Posting.teacher_id))
        .where(
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            audience.fits(competition),
        )
        .group_by(col(Posting.unit_id))
    )
    if unit_id is not None:
        query = query.where(col(Posting.unit_id) == unit_id)
    rows: Any = session.connection().execute(query).all()
    return dict(rows)


def _entered(session: Session, competition_id: int) -> dict[int, int]:
    pairs = entering.entered(competition_id).subquery()
    rows: Any = (
        session.connection()
        .execute(
            sa.select(pairs.c.unit_id, func.count(pairs.c.teacher_id.distinct())).group_by(
                pairs.c.unit_id
            )
        )
        .all()
    )
    return dict(rows)


# --- the desk ----------------------------------------------------------------------------------


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return the entries that wait to be accepted at venues of one's own."""
    number = sum(number for _venue_id, _title, number in to_receive(session, actor_id, now=now))
    return (Waiting("entries", number),) if number else ()


def to_receive(
    session: Session, actor_id: int, *, now: datetime
) -> tuple[tuple[int, str, int], ...]:
    """Return where entries wait for this person: venue, what it is called, how many."""
    some = select(Entry.id).where(Entry.state == CompetingState.SUBMITTED).limit(1)
    if session.exec(some).first() is None:
        return ()
    today = local_day(now, offices.zone(session))
    mine = rights.held(session, actor_id, today=today, own=True).subquery()
    waiting = (
        sa.select(sa.func.count(col(Entry.id)))
        .where(
            col(Entry.state) == CompetingState.SUBMITTED,
            ~authors.is_of(actor_id),
            venues.receives(),
        )
        .scalar_subquery()
    )
    rows = session.connection().execute(
        sa.select(
            col(Venue.id),
            col(Competition.title),
            col(Track.title).label("track"),
            col(OrgUnit.name).label("unit"),
            waiting.label("number"),
        )
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .where(
            col(Venue.id).in_(sa.select(mine.c.id)),
            col(Venue.state) == VenueState.OPEN,
            col(Competition.state) == CompetitionState.PUBLISHED,
            venues.waits(),
        )
        .order_by(col(Venue.id))
    )
    return tuple(
        (row.id, f"{row.title} · {row.track} · {row.unit}", row.number)
        for row in rows
        if row.number
    )
