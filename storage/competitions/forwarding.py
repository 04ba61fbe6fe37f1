"""推送: from one round into the next, by the unit that holds the venue and before its hour.

Where a round has a date of forwarding, whoever holds the venue recommends each entry that goes
on; one that is not recommended in time lapses. Where there is none, the entries go on by
themselves once the list stands. An entry may be passed over with a reason as long as there is
time: the first reserve moves up in its place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import deciding, ranking, rights, schedule, telling, venues
from storage.competitions.editing import NotUnderWay
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Round,
    RoundState,
    Venue,
    VenueState,
)
from storage.deeds import MINUTES
from storage.people.tables import Teacher
from storage.refusals import NotFound, OwnCase, Refusal

LAPSED = "competition_lapsed"
"""The kind of message that tells organisers that entries were not forwarded in time."""


class TooLateToForward(Refusal):
    """The hour by which entries were to be forwarded is over."""

    def __init__(self, due: datetime) -> None:
        super().__init__(f"due {due}")
        self.due = due


class NotStandingYet(Refusal):
    """The list may still be taken back, or is on public display."""


class NothingToForward(Refusal):
    """This entry is not one that waits to be forwarded."""


@dataclass(frozen=True)
class Forwarded:
    """How many entries were forwarded now, into which round."""

    number: int
    next_round: str


def forward(
    session: Session,
    actor_id: int,
    venue_id: int,
    *,
    place_id: int | None = None,
    now: datetime,
) -> Forwarded:
    """Recommend one entry, or all that go on, for the next round; those forwarded stay so.

    Raises NotFound, NotAllowed, OwnCase, NotUnderWay, NotStandingYet or TooLateToForward.
    """
    venue, round_ = _open(session, actor_id, venue_id, now=now)
    after = venues.next_round(session, round_)
    rows = [
        row for row in _waiting(session, [venue.id]) if place_id is None or row[0].id == place_id
    ]
    number = _forward(session, rows, after, actor_id, now=now) if after is not None else 0
    if number:
        audit.record(
            session,
            actor_id,
            "forward_entries",
            f"venue:{venue_id}",
            now=now,
            after={"entry_rounds": [row.id for row, _entry in rows]},
        )
        # What they hand in for the next round is due from now on.
        deciding.tell(session, [row.id for row, _entry in rows], now=now)
    return Forwarded(number, "" if after is None else after.name)


def would_pass_over(
    session: Session, actor_id: int, place_id: int, *, now: datetime
) -> tuple[str, str]:
    """Return whose entry would not be forwarded, and whose would move up; empty for nobody's.

    Raises as ``pass_over``.
    """
    row = session.exec(select(EntryRound).where(EntryRound.id == place_id)).first()
    if row is None or row.venue_id is None:
        raise NotFound("entry")
    venue, _round = _open(session, actor_id, row.venue_id, now=now)
    if row.state is not RoundState.ADVANCED or row.forwarded_at is not None:
        raise NothingToForward
    reserve = next_reserve(session, venue, without=place_id)
    ids = [row.entry_id, *([] if reserve is None else [reserve.entry_id])]
    names = dict(
        session.exec(
            select(Entry.id, Teacher.name)
            .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
            .where(col(Entry.id).in_(ids))
        ).all()
    )
    return names[row.entry_id], "" if reserve is None else names[reserve.entry_id]


def pass_over(
    session: Session, actor_id: int, place_id: int, reason: str, *, now: datetime
) -> int | None:
    """Do not forward this entry after all; return the reserve that moved up, None without one.

    The reason is for who decides, and kept. Raises as ``forward`` does, and NothingToForward.
    """
    row = session.exec(select(EntryRound).where(EntryRound.id == place_id)).first()
    if row is None or row.venue_id is None:
        raise NotFound("entry")
    venue, _round = _open(session, actor_id, row.venue_id, now=now)
    if row.state is RoundState.LAPSED:
        return None
    if row.state is not RoundState.ADVANCED or row.forwarded_at is not None:
        raise NothingToForward
    end(session, row, RoundState.LAPSED, now=now)
    moved = move_up(session, venue, now=now)
    deciding.tell(session, [row.id, *([] if moved is None else [moved])], now=now)
    audit.record(
        session,
        actor_id,
        "pass_over_entry",
        f"entry_round:{place_id}",
        now=now,
        after={"moved_up": moved},
        reason=reason,
    )
    return moved


def move_up(session: Session, venue: Venue, *, now: datetime) -> int | None:
    """Let the first reserve go on, if one may; return its place. Whoever calls tells them."""
    row = next_reserve(session, venue)
    if row is None:
        return None
    row.state, row.changed_at = RoundState.ADVANCED, now
    session.flush()
    return row.id


def next_reserve(
    session: Session, venue: Venue, *, without: int | None = None
) -> EntryRound | None:
    """Return the first reserve that may go on, as if the place ``without`` did not.

    Never more than the quota go on, and of a unit no more than may.
    """
    round_ = session.exec(select(Round).where(Round.id == venue.round_id)).one()
    after = venues.next_round(session, round_)
    if after is None:
        return None
    rows = session.exec(
        select(EntryRound, Entry)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.venue_id == venue.id)
    ).all()
    # Whoever shares a rank comes in the order of the lots, as on the list.
    rows = sorted(rows, key=lambda each: (each[0].rank or 0, deciding.lot_of(venue, each[0])))
    on = [entry for row, entry in rows if row.state is RoundState.ADVANCED and row.id != without]
    judged = sum(row.state in deciding.JUDGED for row, _entry in rows)
    places, most = ranking.seats(round_.quota, venue.unit_id, judged), round_.unit_most
    if after.external:
        places = ranking.fewest(places, ranking.seats(after.quota, venue.unit_id, judged))
        most = ranking.fewest(most, after.unit_most)
    if places is not None and len(on) >= places:
        return None
    of_unit = Counter(entry.unit_id for entry in on)
    for row, entry in rows:
        if row.state is RoundState.RESERVE and (most is None or of_unit[entry.unit_id] < most):
            return row
    return None


def end(session: Session, row: EntryRound, state: RoundState, *, now: datetime) -> None:
    """Let an entry end in this round; an award that it has stays."""
    row.state, row.changed_at = state, now
    entry = session.exec(select(Entry).where(Entry.id == row.entry_id)).one()
    entry.state, entry.changed_at = CompetingState.OUT, now
    session.flush()


def settle_due(session: Session, *, now: datetime) -> int:
    """Do what time does: lists stand, entries go on by themselves, what was not sent lapses.

    Returns how much was done; doing it again does nothing.
    """
    return _stand(session, now) + _lapse(session, now)


def _stand(session: Session, now: datetime) -> int:
    """Let decided lists without publicity stand once they cannot be taken back."""
    rows = session.exec(
        select(Venue, Round)
        .join(Round, col(Round.id) == col(Venue.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            Venue.state == VenueState.DECIDED,
            col(Venue.decided_at) <= now - MINUTES,
            col(Round.publicity_until).is_(None),
            Competition.state == CompetitionState.PUBLISHED,
        )
        .with_for_update(of=Venue)
    ).all()
    done = 0
    for venue, round_ in rows:
        if deciding.is_deciding(session, round_):
            continue  # its awards are confirmed by a person
        venue.state = VenueState.CONFIRMED
        goes_on(session, round_, [venue.id], now=now)
        done += 1
    session.flush()
    return done


def goes_on(session: Session, round_: Round, venue_ids: list[int], *, now: datetime) -> int:
    """Forward what goes on by itself, as the round has no date of forwarding; how many."""
    after = venues.next_round(session, round_)
    if after is None or (round_.forward_due_at is not None and not after.external):
        return 0
    rows = _waiting(session, venue_ids)
    number = _forward(session, rows, after, None, now=now)
    if after.external and round_.publicity_until is not None:
        # Until now they were told that they wait for it.
        deciding.tell(session, [row.id for row, _entry in rows], now=now)
    return number


def _lapse(session: Session, now: datetime) -> int:
    """End what was not forwarded in time, and tell the organisers how many."""
    rows = session.exec(
        select(EntryRound, Round)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .join(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            col(EntryRound.state).in_([RoundState.ADVANCED, RoundState.RESERVE]),
            col(EntryRound.forwarded_at).is_(None),
            col(Venue.state).in_(deciding.OVER),
            col(Round.forward_due_at) <= now,
            Competition.state == CompetitionState.PUBLISHED,
        )
        .with_for_update(of=EntryRound)
    ).all()
    lapsed: Counter[int] = Counter()
    rounds: dict[int, Round] = {}
    told = []
    for row, round_ in rows:
        if row.state is RoundState.ADVANCED:
            end(session, row, RoundState.LAPSED, now=now)
            lapsed[round_.id] += 1
            rounds[round_.id] = round_
            told.append(row.id)
        else:
            end(session, row, RoundState.AWARDED if row.award else RoundState.OUT, now=now)
    deciding.tell(session, told, now=now)
    for round_id, number in lapsed.items():
        telling.tell(
            session,
            LAPSED,
            telling.organisers(session, rounds[round_id].competition_id, now=now),
            {"round_id": round_id, "number": number},
            f"{LAPSED}:{round_id}:{int(now.timestamp())}",
            now=now,
        )
    return len(rows)


def _open(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> tuple[Venue, Round]:
    """Return a venue from which the actor may forward now, locked."""
    session.exec(select(Venue.id).where(Venue.id == venue_id).with_for_update())
    venue = rights.check_holds(session, actor_id, venue_id, now=now)
    if deciding.is_entrant(session, actor_id, venue_id):
        raise OwnCase
    round_, state = session.exec(
        select(Round, Competition.state)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == venue.round_id)
    ).one()
    if state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    if not stands(venue, round_, now=now):
        raise NotStandingYet
    if round_.forward_due_at is not None and now >= round_.forward_due_at:
        raise TooLateToForward(round_.forward_due_at)
    return venue, round_


def stands(venue: Venue, round_: Round, *, now: datetime) -> bool:
    """Whether the list of the venue is one to build on."""
    if venue.state is VenueState.CONFIRMED:
        return True
    return (
        venue.state is VenueState.DECIDED
        and round_.publicity_until is None
        and venue.decided_at is not None
        and venue.decided_at <= now - MINUTES
    )


def _waiting(session: Session, venue_ids: list[int]) -> list[tuple[EntryRound, Entry]]:
    return list(
        session.exec(
            select(EntryRound, Entry)
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .where(
                col(EntryRound.venue_id).in_(venue_ids),
                EntryRound.state == RoundState.ADVANCED,
                col(EntryRound.forwarded_at).is_(None),
                Entry.state == CompetingState.COMPETING,
            )
            .order_by(col(EntryRound.rank), col(EntryRound.id))
        ).all()
    )


def _forward(
    session: Session,
    rows: list[tuple[EntryRound, Entry]],
    after: Round,
    actor_id: int | None,
    *,
    now: datetime,
) -> int:
    at: set[int] = set()
    for row, entry in rows:
        row.forwarded_by, row.forwarded_at, row.changed_at = actor_id, now, now
        place = venues.let_in(session, entry, after, now=now)
        if place.venue_id is not None:
            at.add(place.venue_id)
    session.flush()
    for venue_id in at:
        schedule.plan_venue(session, venue_id, now=now)
    return len(rows)


def to_forward(session: Session, venue_id: int) -> int:
    """How many entries of a venue wait to be forwarded."""
    return session.exec(
        select(sa.func.count())
        .select_from(EntryRound)
        .where(
            EntryRound.venue_id == venue_id,
            EntryRound.state == RoundState.ADVANCED,
            col(EntryRound.forwarded_at).is_(None),
        )
    ).one()


def round_name(session: Session, round_id: int) -> tuple[int, str, str] | None:
    """Return the competition of a round, its title, and the round's name."""
    return session.exec(
        select(Competition.id, Competition.title, Round.name)
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .where(Round.id == round_id)
    ).first()
