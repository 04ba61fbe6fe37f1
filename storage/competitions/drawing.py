"""The draw of the order at a venue (抽签): lots that nobody can choose and anybody can check.

The lot of an entry is the SHA-256 of the venue's seed, the venue and the entry; the lowest comes
first. The hash of the seed is shown from the day on which the venue is made, before anybody can
know who will be in it, and the seed itself with the draw.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.audit import AuditLog
from storage.calendar import quiet, workdays
from storage.competitions import at_venue, rules, schedule
from storage.competitions.tables import (
    CompetingState,
    Entry,
    EntryRound,
    RoundState,
    RuleChange,
    VenueState,
)
from storage.refusals import Refusal
from storage.training.allocation import commitment

DRAWN = "draw_order"
"""The audit's word for a draw; its line keeps who was in it."""
READING = timedelta(hours=1)
"""So long after a changed rule can be told in working hours, nothing is drawn under it yet."""


class EntriesStillOpen(Refusal):
    """Entries can still come until this moment, so the order cannot be drawn yet."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"entries are open until {until}")
        self.until = until


class RulesJustChanged(Refusal):
    """Whom a changed rule concerns can have read of it from this moment on, and not before."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"a rule was changed; those concerned have read of it by {until}")
        self.until = until


class NothingToDraw(Refusal):
    """No entry is at the venue."""


@dataclass(frozen=True)
class Drawn:
    """What a draw did: how many got their place in the order now, and how many have one."""

    new: int
    all: int


@dataclass(frozen=True)
class Lot:
    """An entry's lot, as everybody may see it: it names nobody."""

    entry_id: int
    number: str
    lot: str


@dataclass(frozen=True)
class Proof:
    """What it takes to draw again; the seed is empty as long as nothing is drawn.

    ``draws`` has more than one group where entries came after the draw: those were drawn among
    themselves and follow behind.
    """

    venue_id: int
    commitment: str
    seed: str
    drawn_at: datetime | None
    draws: tuple[tuple[Lot, ...], ...]


def lot(seed: str, venue_id: int, entry_id: int) -> str:
    """The lot of one entry; the lowest, as text, comes first."""
    return sha256(f"{seed}:{venue_id}:{entry_id}".encode()).hexdigest()


def order(seed: str, venue_id: int, entry_ids: Collection[int]) -> list[int]:
    """Return these entries in the order of their lots, whatever the order they come in."""
    return sorted(entry_ids, key=lambda one: lot(seed, venue_id, one))


def draw(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Drawn:
    """Draw the order of all entries at the venue and give them their numbers.

    Drawing again changes nothing, except that entries which came since, such as a reserve who
    moved up, are drawn among themselves and follow behind. Raises NotFound, NotAllowed,
    NotUnderWay, EntriesStillOpen, RulesJustChanged, NothingToDraw or TooLateAtVenue.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    venue = found.venue
    closes = found.round.entry_closes_at
    if closes is not None and now < closes:
        raise EntriesStillOpen(closes)
    waiting = {place.entry_id: place for place in _undrawn(session, venue_id)}
    last = (
        session.exec(
            select(sa.func.max(EntryRound.order_no)).where(EntryRound.venue_id == venue_id)
        ).one()
        or 0
    )
    if not waiting:
        if not last:
            raise NothingToDraw
        return Drawn(0, last)
    at_venue.check_state(venue, at_venue.BEFORE_JUDGING)
    changed = rules.changed_at(session, found.round)
    if changed is not None:
        known = quiet.next_push(workdays.load(session), changed) + READING
        if now < known:
            raise RulesJustChanged(known)
    # From now on no rule of the round is changed: what waits for a second person is over.
    session.exec(
        sa.update(RuleChange)
        .where(col(RuleChange.round_id) == found.round.id, col(RuleChange.settled_at).is_(None))
        .values(settled_at=now, confirmed=False)
    )
    for position, entry_id in enumerate(order(venue.seed, venue_id, waiting), last + 1):
        place = waiting[entry_id]
        place.order_no = position
        place.number = f"{position:02}"
        place.state = RoundState.SCHEDULED
        place.changed_at = now
    if venue.state is VenueState.OPEN:
        venue.state, venue.drawn_at = VenueState.DRAWN, now
    audit.record(
        session,
        actor_id,
        DRAWN,
        f"venue:{venue_id}",
        now=now,
        after={"entries": sorted(waiting)},
    )
    session.flush()
    schedule.plan_venue(session, venue_id, now=now)
    return Drawn(len(waiting), last + len(waiting))


def undrawn(session: Session, venue_id: int) -> int:
    """Return how many entries of the venue have no place in the order yet."""
    return len(_undrawn(session, venue_id))


def proof(session: Session, venue_id: int) -> Proof:
    """Return what it takes for anybody to draw again. Raises NotFound."""
    venue = at_venue.here(session, venue_id).venue
    if venue.drawn_at is None:
        return Proof(venue_id, commitment(venue.seed), "", None, ())
    numbers = dict(
        session.exec(
            select(EntryRound.entry_id, EntryRound.number).where(
                EntryRound.venue_id == venue_id, EntryRound.number != ""
            )
        ).all()
    )
    drawn = session.exec(
        select(AuditLog.after)
        .where(AuditLog.action == DRAWN, AuditLog.thing == f"venue:{venue_id}")
        .order_by(col(AuditLog.id))
    ).all()
    groups = [
        [id_ for id_ in (after or {}).get("entries", ()) if id_ in numbers] for after in drawn
    ]
    draws = tuple(
        tuple(
            Lot(id_, numbers[id_], lot(venue.seed, venue_id, id_))
            for id_ in order(venue.seed, venue_id, group)
        )
        for group in groups
    )
    return Proof(venue_id, commitment(venue.seed), venue.seed, venue.drawn_at, draws)


def _undrawn(session: Session, venue_id: int) -> list[EntryRound]:
    return list(
        session.exec(
            select(EntryRound)
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .where(
                EntryRound.venue_id == venue_id,
                EntryRound.state == RoundState.READY,
                col(EntryRound.order_no).is_(None),
                Entry.state == CompetingState.COMPETING,
            )
        ).all()
    )
