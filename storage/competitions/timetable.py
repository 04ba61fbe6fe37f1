"""When each entry has its turn at a venue, and who does not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_venue, authors, ballots, rights, schedule
from storage.competitions.at_venue import Here
from storage.competitions.tables import (
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Judge,
    JudgeState,
    RoundState,
    VenueState,
)
from storage.messaging import outbox
from storage.messaging.tables import Chat, ChatPurpose, Priority
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal

TURN = "competition_turn"
POSTED = "venue_timetable"
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
    """A stretch of time in which one turn follows the other; breaks lie between blocks."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Turn:
    """An entry's turn, by number alone; whose it is only who holds the venue is told."""

    place_id: int
    number: str
    order_no: int
    slot_at: datetime | None
    state: RoundState
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


def laid(blocks: Sequence[Block], minutes: int, count: int) -> list[datetime]:
    """Return ``count`` moments, so many minutes apart, one block after the other.

    Raises DoesNotFit.
    """
    each = timedelta(minutes=minutes)
    found: list[datetime] = []
    for block in sorted(blocks, key=lambda one: one.starts_at):
        # Where one block reaches into the next, that one begins when it is over.
        at = max(block.starts_at, found[-1] + each) if found else block.starts_at
        while at + each <= block.ends_at:
            found.append(at)
            at += each
    if len(found) < count:
        raise DoesNotFit(count, len(found))
    return found[:count]


def turns(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Timetable:
    """Return the timetable: with names for who holds the venue, by number for its judges.

    Raises NotFound or NotAllowed.
    """
    found = at_venue.here(session, venue_id)
    holds = rights.holds(session, actor_id, venue_id, now=now)
    if not holds and not _judges(session, actor_id, venue_id):
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
                *((title, name, unit) if has_names else ()),
            )
            for place, title, name, unit in rows
        ),
        has_names,
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
    moments = laid(blocks, minutes, len(ids))
    given = dict(zip(ids, moments, strict=True))
    return put(session, actor_id, venue_id, given, place=place, now=now)


def put(
    session: Session,
    actor_id: int,
    venue_id: int,
    given: Mapping[int, datetime],
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
    moved = [rows[id_] for id_, at in given.items() if rows[id_].slot_at != at]
    if any(given[row.id] <= now for row in moved):
        raise TurnInThePast
    for row in moved:
        row.slot_at, row.changed_at = given[row.id], now
    wanted = None if place is None else " ".join(place.split())[:LONGEST_PLACE]
    elsewhere = wanted is not None and wanted != found.venue.place
    if wanted is not None:
        found.venue.place = wanted
    if not moved and not elsewhere:
        return 0
    session.flush()
    concerned = [row for row in rows.values() if row.slot_at] if elsewhere else moved
    for row in concerned:
        _tell(session, row, now=now)
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


def move(session: Session, actor_id: int, place_id: int, at: datetime, *, now: datetime) -> int:
    """Move one turn. Raises as ``put``."""
    venue_id = _venue_of(session, place_id)
    return put(session, actor_id, venue_id, {place_id: at}, now=now)


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
        ballots.seat(session, found, now=now)
    schedule.plan_venue(session, venue_id, now=now)
    return True


def post(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> int:
    """Let the timetable, by number, go to the groups of the competition and the venue's unit.

    Returns to how many; the same timetable goes to a group once. Raises NotFound, NotAllowed,
    NotUnderWay, TooEarlyAtVenue or TooLateAtVenue.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, HELD)
    facts = timetable(session, found)
    said = repr([(one.number, one.slot_at) for one in facts.turns] + [(facts.place, None)])
    version = sha256(said.encode()).hexdigest()[:16]
    chats = session.exec(
        select(Chat.id).where(
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
    ).all()
    for chat_id in chats:
        outbox.put(
            session,
            POSTED,
            chat_id=chat_id,
            facts={"venue_id": venue_id},
            priority=Priority.CARD,
            not_before=at_venue.next_ring(session, now),
            useful_until=max((one.slot_at for one in facts.turns if one.slot_at), default=None),
            dedupe_key=f"{POSTED}:{venue_id}:{chat_id}:{version}",
            now=now,
        )
    audit.record(
        session, actor_id, "post_turns", f"venue:{venue_id}", now=now, after={"chats": len(chats)}
    )
    session.flush()
    return len(chats)


def public(session: Session, venue_id: int) -> Timetable | None:
    """Return the timetable by number alone; None once it is of no use to a group."""
    found = at_venue.here(session, venue_id)
    if found.competition.state is not CompetitionState.PUBLISHED or found.venue.state not in HELD:
        return None
    return timetable(session, found)


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
        found.venue.place,
        row.state is RoundState.SCHEDULED
        and found.competition.state is CompetitionState.PUBLISHED
        and found.venue.state in HELD,
    )


def _tell(session: Session, row: EntryRound, *, now: datetime) -> None:
    """Ring whom a turn concerns; what waited to say the former one is not said any more."""
    entrant = session.exec(select(Entry.teacher_id).where(Entry.id == row.entry_id)).one()
    makers = session.exec(
        select(EntryAuthor.teacher_id).where(EntryAuthor.entry_id == row.entry_id, authors.JOINED)
    ).all()
    assert row.slot_at is not None
    for teacher_id in {entrant, *makers}:
        outbox.put(
            session,
            TURN,
            teacher_id=teacher_id,
            facts={"place_id": row.id, "at": now.isoformat()},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            useful_until=row.slot_at,
            dedupe_key=f"{TURN}:{row.id}:{teacher_id}:{now.isoformat()}",
            now=now,
        )


def _venue_of(session: Session, place_id: int) -> int:
    venue_id = session.exec(select(EntryRound.venue_id).where(EntryRound.id == place_id)).first()
    if venue_id is None:
        raise NotFound("turn")
    return venue_id


def _judges(session: Session, teacher_id: int, venue_id: int) -> bool:
    serves = select(Judge.id).where(
        Judge.venue_id == venue_id,
        Judge.teacher_id == teacher_id,
        Judge.state == JudgeState.ACCEPTED,
    )
    return session.exec(serves).first() is not None
