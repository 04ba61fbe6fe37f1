"""When each entry has its turn at a venue, and who does not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import (
    at_ballot,
    at_venue,
    authors,
    rights,
    round_cards,
    schedule,
    seating,
)
from storage.competitions.at_venue import Here
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Round,
    RoundCard,
    RoundCardKind,
    RoundState,
    Venue,
    VenueState,
)
from storage.messaging import outbox
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, OutboxState, Priority
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal

TURN = "competition_turn"
LONGEST_PLACE = 120
HELD = frozenset({VenueState.DRAWN, VenueState.JUDGING})


class DoesNotFit(Refusal):
    """There is time for fewer turns than there are entries."""

    def __init__(self, count: int, room: int) -> None:
        super().__init__(f"{count} entries, room for {room}")
        self.count = count
        self.room = room


class TurnInThePast(Refusal):
    """A turn can only be moved to a moment that is still to come."""


@dataclass(frozen=True)
class Block:
    """A stretch of time in which one turn follows the other; breaks lie between blocks.

    Blocks of several rooms can be at the same time.
    """

    starts_at: datetime
    ends_at: datetime
    room: str = ""


@dataclass(frozen=True)
class Slot:
    """A moment, and the room where it is not the venue's."""

    at: datetime
    room: str = ""


@dataclass(frozen=True)
class Turn:
    """An entry's turn, by number alone; whose it is only who holds the venue is told."""

    place_id: int
    number: str
    order_no: int
    slot_at: datetime | None
    state: RoundState
    room: str = ""
    """Where it is not the venue's."""
    title: str = ""
    name: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Timetable:
    """The turns of a venue in their order."""

    venue_id: int
    competition: str
    round: str
    track: str
    place: str
    state: VenueState
    turns: tuple[Turn, ...]
    has_names: bool
    starts_at: datetime | None
    ends_at: datetime | None
    """The days of the round."""


@dataclass(frozen=True)
class MyTurn:
    """An entrant's own turn; the entry's id is what its lot was drawn with."""

    place_id: int
    entry_id: int
    venue_id: int
    competition: str
    round: str
    title: str
    number: str
    slot_at: datetime | None
    place: str
    is_to_come: bool


def laid(blocks: Sequence[Block], minutes: int, count: int) -> list[Slot]:
    """Return ``count`` slots, in each room so many minutes apart, the earliest first.

    At one moment the rooms come in the order in which they were said. Raises DoesNotFit.
    """
    each = timedelta(minutes=minutes)
    found: list[tuple[datetime, int, str]] = []
    free: dict[str, datetime] = {}
    rooms = {room: n for n, room in enumerate(dict.fromkeys(one.room for one in blocks))}
    for block in sorted(blocks, key=lambda one: one.starts_at):
        # Where one block reaches into the next of its room, that one begins when it is over.
        at = max(block.starts_at, free.get(block.room, block.starts_at))
        while at + each <= block.ends_at:
            found.append((at, rooms[block.room], block.room))
            at += each
            free[block.room] = at
    if len(found) < count:
        raise DoesNotFit(count, len(found))
    return [Slot(at, room) for at, _n, room in sorted(found)[:count]]


def turns(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Timetable:
    """Return the timetable: with names for who holds the venue, by number for its judges.

    Raises NotFound or NotAllowed.
    """
    found = at_venue.here(session, venue_id)
    holds = rights.holds(session, actor_id, venue_id, now=now)
    if not holds and not at_ballot.judges(session, actor_id, venue_id):
        raise NotAllowed
    return timetable(session, found, has_names=holds)


def timetable(session: Session, found: Here, *, has_names: bool = False) -> Timetable:
    """Return the timetable as it stands; without names it can be shown to anybody."""
    rows = session.exec(
        select(EntryRound, Entry.title, Teacher.name, OrgUnit.name)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
        .where(EntryRound.venue_id == found.venue.id, EntryRound.number != "")
        .order_by(col(EntryRound.order_no))
    ).all()
    return Timetable(
        found.venue.id,
        found.competition.title,
        found.round.name,
        found.track.title,
        found.venue.place,
        found.venue.state,
        tuple(
            Turn(
                place.id,
                place.number,
                place.order_no or 0,
                place.slot_at,
                place.state,
                place.place,
                *((title, name, unit) if has_names else ()),
            )
            for place, title, name, unit in rows
        ),
        has_names,
        found.round.starts_at,
        found.round.ends_at,
    )


def lay(
    session: Session,
    actor_id: int,
    venue_id: int,
    blocks: Sequence[Block],
    minutes: int,
    *,
    place: str | None = None,
    now: datetime,
) -> int:
    """Give all entries of the venue their turns in the drawn order; return how many moved.

    Raises as ``put``, and DoesNotFit.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, HELD)
    ids = session.exec(
        select(EntryRound.id)
        .where(EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED)
        .order_by(col(EntryRound.order_no))
    ).all()
    slots = laid(blocks, minutes, len(ids))
    given = dict(zip(ids, slots, strict=True))
    return put(session, actor_id, venue_id, given, place=place, now=now)


def put(
    session: Session,
    actor_id: int,
    venue_id: int,
    given: Mapping[int, Slot],
    *,
    place: str | None = None,
    now: datetime,
) -> int:
    """Give these entries these turns, and the venue its place; return how many moved.

    Whoever's turn is new or moved is told once, with what stands when it is said; with another
    place, everybody is. The same again changes nothing. Raises NotFound, NotAllowed,
    NotUnderWay, TooEarlyAtVenue, TooLateAtVenue or TurnInThePast.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, HELD)
    rows = {
        row.id: row
        for row in session.exec(
            select(EntryRound).where(
                EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
            )
        ).all()
    }
    if not set(given) <= set(rows):
        raise NotFound("turn")
    given = {id_: replace(slot, room=_room(slot.room)) for id_, slot in given.items()}
    moved = [
        rows[id_]
        for id_, slot in given.items()
        if (rows[id_].slot_at, rows[id_].place) != (slot.at, slot.room)
    ]
    if any(given[row.id].at <= now for row in moved):
        raise TurnInThePast
    before = {row.id: row.slot_at for row in rows.values()}
    for row in moved:
        row.slot_at, row.place, row.changed_at = given[row.id].at, given[row.id].room, now
    wanted = None if place is None else _room(place)
    elsewhere = wanted is not None and wanted != found.venue.place
    if wanted is not None:
        found.venue.place = wanted
    if not moved and not elsewhere:
        return 0
    session.flush()
    if elsewhere:
        # Whoever has a room of their own is not where the venue is.
        there = [row for row in rows.values() if row.slot_at and not row.place]
        concerned = [*moved, *(row for row in there if row not in moved)]
    else:
        concerned = moved
    for row in concerned:
        _tell(session, row, before[row.id], now=now)
    audit.record(
        session,
        actor_id,
        "set_turns",
        f"venue:{venue_id}",
        now=now,
        after={"moved": len(moved), "place": found.venue.place},
    )
    session.flush()
    schedule.plan_venue(session, venue_id, now=now)
    return len(moved)


def move(
    session: Session,
    actor_id: int,
    place_id: int,
    at: datetime,
    *,
    room: str | None = None,
    now: datetime,
) -> int:
    """Move one turn, also to another room where one is said. Raises as ``put``."""
    venue_id = _venue_of(session, place_id)
    if room is None:
        room = session.get_one(EntryRound, place_id).place
    return put(session, actor_id, venue_id, {place_id: Slot(at, room)}, now=now)


def _room(text: str) -> str:
    return " ".join(text.split())[:LONGEST_PLACE]


def absent(
    session: Session, actor_id: int, place_id: int, *, absent: bool = True, now: datetime
) -> bool:
    """Note that an entrant did not come, or did after all; False when it is noted so.

    Their ballots do not count then. Raises NotFound, NotAllowed, NotUnderWay, TooEarlyAtVenue,
    or TooLateAtVenue once the marks are revealed.
    """
    venue_id = _venue_of(session, place_id)
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, HELD)
    row = session.get_one(EntryRound, place_id)
    before, after = (
        (RoundState.SCHEDULED, RoundState.ABSENT)
        if absent
        else (RoundState.ABSENT, RoundState.SCHEDULED)
    )
    if row.state is after:
        return False
    if row.state is not before:
        raise NotFound("turn")
    row.state, row.changed_at = after, now
    session.flush()
    audit.record(
        session,
        actor_id,
        "note_absence",
        f"entry_round:{place_id}",
        now=now,
        after={"state": after.value},
    )
    session.flush()
    if not absent:
        seating.seat(session, found, now=now)
    schedule.plan_venue(session, venue_id, now=now)
    return True


def post(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> int:
    """Hang the timetable in the groups of the competition, of the venue's unit and its subject.

    There it is kept up to date; returns in how many. Raises NotFound, NotAllowed, NotUnderWay,
    TooEarlyAtVenue or TooLateAtVenue.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, HELD)
    chats = session.exec(
        select(Chat.id)
        .where(
            col(Chat.active),
            sa.or_(
                col(Chat.competition_id) == found.competition.id,
                sa.and_(
                    col(Chat.unit_id) == found.venue.unit_id,
                    sa.or_(
                        col(Chat.purpose) == ChatPurpose.ALL_STAFF,
                        sa.and_(
                            col(Chat.purpose) == ChatPurpose.SUBJECT,
                            col(Chat.subject) == found.track.subject,
                        ),
                    ),
                ),
            ),
        )
        .order_by(col(Chat.id))
    ).all()
    for chat_id in chats:
        kind = RoundCardKind.TIMETABLE
        round_cards.hang(session, chat_id, found.round.id, kind, venue_id=venue_id)
    audit.record(
        session, actor_id, "post_turns", f"venue:{venue_id}", now=now, after={"chats": len(chats)}
    )
    session.flush()
    return len(chats)


@dataclass(frozen=True)
class PublicTurn:
    """A turn as a group may know it: a number or, where the rules name people, who and whence."""

    number: str
    slot_at: datetime | None
    room: str
    name: str = ""
    school: str = ""


@dataclass(frozen=True)
class PublicTimetable:
    """The timetable of a venue as a group may know it."""

    venue_id: int
    competition: str
    state: CompetitionState
    round: str
    track: str
    place: str
    is_held: bool
    """Whether its turns are still to come or going on."""
    has_names: bool
    turns: tuple[PublicTurn, ...]


def public(session: Session, venue_id: int) -> PublicTimetable:
    """Return the timetable as a group may know it: by number where the rules want it so.

    Where names are said, numbers are not: judges know a number alone, and so they are not where
    the work is anonymous. Who does not come is not missing from a list with names: nobody is to
    read an absence from it.
    """
    found = at_venue.here(session, venue_id)
    named = not found.round.numbers_only and not found.competition.is_blind
    facts = timetable(session, found, has_names=named)
    shown = {RoundState.SCHEDULED, *((RoundState.ABSENT,) if named else ())}
    turns = [one for one in facts.turns if one.state in shown]
    if named:
        # By time, as the order would be the numbers once more.
        turns.sort(key=lambda one: (one.slot_at is None, one.slot_at, one.room, one.unit, one.name))
    return PublicTimetable(
        venue_id,
        facts.competition,
        found.competition.state,
        facts.round,
        facts.track,
        facts.place,
        found.venue.state in HELD,
        named,
        tuple(
            PublicTurn("", one.slot_at, one.room, one.name, one.unit)
            if named
            else PublicTurn(one.number, one.slot_at, one.room)
            for one in turns
        ),
    )


def cards_due(session: Session) -> tuple[round_cards.Hung, ...]:
    """Return the cards of timetables to look at: those that hang nowhere yet first.

    They are kept up to date until the marks are revealed, and say it when the competition is
    cancelled.
    """
    rows = session.exec(
        select(RoundCard, Chat)
        .join(Chat, col(Chat.id) == col(RoundCard.chat_id))
        .join(Venue, col(Venue.id) == col(RoundCard.venue_id))
        .join(Round, col(Round.id) == col(RoundCard.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            RoundCard.kind == RoundCardKind.TIMETABLE,
            col(RoundCard.taken_down_at).is_(None),
            col(Chat.purpose).is_not(None),
            col(Chat.active),
            ~col(Chat.closed),
            col(Venue.state).in_(HELD),
            sa.or_(
                col(Competition.state) == CompetitionState.PUBLISHED,
                sa.and_(
                    col(Competition.state) == CompetitionState.CANCELLED,
                    col(RoundCard.message_id).is_not(None),
                ),
            ),
            sa.or_(col(RoundCard.message_id).is_not(None), ~round_cards.on_its_way()),
        )
        .order_by(col(RoundCard.message_id).is_not(None), col(RoundCard.id))
    ).all()
    return tuple(round_cards.hung(card, chat) for card, chat in rows)


def my_turn(session: Session, teacher_id: int, place_id: int) -> MyTurn | None:
    """Return an entrant's own turn; None when it is not theirs or there is none any more."""
    row = session.exec(select(EntryRound).where(EntryRound.id == place_id)).first()
    if row is None or row.venue_id is None:
        return None
    entry = session.get_one(Entry, row.entry_id)
    makers = session.exec(
        select(EntryAuthor.teacher_id).where(EntryAuthor.entry_id == entry.id, authors.JOINED)
    ).all()
    if teacher_id != entry.teacher_id and teacher_id not in makers:
        return None
    found = at_venue.here(session, row.venue_id)
    return MyTurn(
        row.id,
        row.entry_id,
        row.venue_id,
        found.competition.title,
        found.round.name,
        entry.title,
        row.number,
        row.slot_at,
        row.place or found.venue.place,
        row.state is RoundState.SCHEDULED
        and found.competition.state is CompetitionState.PUBLISHED
        and found.venue.state in HELD,
    )


def turn_at(session: Session, teacher_id: int, venue_id: int) -> MyTurn | None:
    """Return the first turn of somebody's own at a venue that is still to come, if there is one."""
    place_id = session.exec(
        select(EntryRound.id)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(
            EntryRound.venue_id == venue_id,
            col(EntryRound.state).in_([RoundState.READY, RoundState.SCHEDULED]),
            authors.is_of(teacher_id),
        )
        .order_by(col(EntryRound.slot_at), col(EntryRound.id))
    ).first()
    return None if place_id is None else my_turn(session, teacher_id, place_id)


def tell_numbers(session: Session, venue_id: int, *, now: datetime) -> None:
    """Tell those without a time under which number they are judged: the judges begin."""
    rows = session.exec(
        select(EntryRound).where(
            EntryRound.venue_id == venue_id,
            EntryRound.state == RoundState.SCHEDULED,
            col(EntryRound.slot_at).is_(None),
        )
    ).all()
    for row in rows:
        _tell(session, row, None, now=now)


def _tell(session: Session, row: EntryRound, was: datetime | None, *, now: datetime) -> None:
    """Ring whom a turn concerns; what waited to say the former one is not said any more.

    Who has been told of another time before is told which.
    """
    entrant = session.exec(select(Entry.teacher_id).where(Entry.id == row.entry_id)).one()
    makers = session.exec(
        select(EntryAuthor.teacher_id).where(EntryAuthor.entry_id == row.entry_id, authors.JOINED)
    ).all()
    for teacher_id in {entrant, *makers}:
        key = f"{TURN}:{row.id}:{teacher_id}:"
        waiting = session.exec(
            select(OutboxMessage)
            .where(
                OutboxMessage.teacher_id == teacher_id,
                OutboxMessage.kind == TURN,
                OutboxMessage.state == OutboxState.PENDING,
                col(OutboxMessage.dedupe_key).startswith(key, autoescape=True),
            )
            .order_by(col(OutboxMessage.id))
        ).all()
        known = None if was is None else was.isoformat()
        if waiting:
            known = waiting[0].facts.get("was")
            outbox.take_back(session, [one.dedupe_key for one in waiting if one.dedupe_key])
        outbox.put(
            session,
            TURN,
            teacher_id=teacher_id,
            facts={"place_id": row.id, "at": now.isoformat(), "was": known},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            useful_until=row.slot_at,
            dedupe_key=f"{key}{now.isoformat()}",
            now=now,
        )


def _venue_of(session: Session, place_id: int) -> int:
    venue_id = session.exec(select(EntryRound.venue_id).where(EntryRound.id == place_id)).first()
    if venue_id is None:
        raise NotFound("turn")
    return venue_id
