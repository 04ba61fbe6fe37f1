"""公示: the list of a round in public, for five working days at least, and taken down after.

What is public is a name, a school and an award (or that somebody goes on), and nothing else:
no score, no rank within an award, nobody who is not on the list. The round says which version
is up and since when; every version is kept as a deed. A correction is a new version, which hangs
for five working days itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.calendar import workdays
from storage.competitions import deciding, making, rights, round_cards, schedule, unsaid
from storage.competitions.editing import NotUnderWay
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    Objection,
    ObjectionState,
    Round,
    RoundCard,
    RoundCardKind,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.deeds import ChangedSince, Deed
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, OutboxState
from storage.moments import at, local_day
from storage.people import offices, units
from storage.people.tables import OrgUnit, Teacher, UnitKind
from storage.refusals import NotFound, Refusal

DEED = "publicity"
KIND = "list_card"
"""The kind of message that puts a list into words for a group."""
PAGE = 8
LOOKS_FOR = timedelta(days=20)
"""So long after it was posted a winners' card is still put right."""


class NotAllDecided(Refusal):
    """Some venue of the round has no list yet, or one that can still be taken back."""

    def __init__(self, venues: int) -> None:
        super().__init__(f"{venues} venues are not decided")
        self.venues = venues


class NothingPublic(Refusal):
    """Nobody is on the list, or the round has no public display."""


class TooEarlyToShow(Refusal):
    """Public display begins on a later day."""

    def __init__(self, day: date) -> None:
        super().__init__(f"begins on {day}")
        self.day = day


@dataclass(frozen=True)
class PublicLine:
    """Somebody on a public list: name, school, award.

    Among the winners who are congratulated without their consent: school and award alone.
    """

    track: str
    name: str
    school: str
    award: str
    """Empty for who goes on without an award."""
    place_id: int = 0
    """By which an objection says what it is about; never shown."""
    work: str = ""
    """The title of what has won, among winners alone, where its entrant consents."""


@dataclass(frozen=True)
class PublicList:
    """A list as anybody may see it. ``is_up`` is whether it is on display at this moment."""

    round_id: int
    competition_id: int
    title: str
    round_name: str
    owner: str
    contact: str
    lines: tuple[PublicLine, ...]
    version: int
    first: date | None
    until: date | None
    is_up: bool
    is_cancelled: bool


@dataclass(frozen=True)
class VenueLine:
    """A venue of the round on its organisers' desk of lists."""

    venue_id: int
    unit: str
    track: str
    state: VenueState
    entries: int
    to_forward: int


@dataclass(frozen=True)
class Lists:
    """The lists of a round for who organises: where they stand, and what can be done next."""

    round_id: int
    competition_id: int
    title: str
    round_name: str
    state: CompetitionState
    venues: tuple[VenueLine, ...]
    page: int
    pages: int
    total: int
    undecided: int
    has_publicity: bool
    is_deciding: bool
    public: PublicList | None
    is_over: bool
    """The time of public display is over."""
    open_objections: int
    is_confirmed: bool
    winners: int
    begins: date | None
    groups: int
    deed_id: int | None
    """What takes the display back, for whoever has put it up, while no group has seen it."""


def lists(session: Session, actor_id: int, round_id: int, *, page: int = 0, now: datetime) -> Lists:
    """Return where the lists of a round stand. Raises NotFound or NotAllowed."""
    round_, competition = _round(session, actor_id, round_id, now=now)
    counted = (
        sa.select(
            col(EntryRound.venue_id),
            sa.func.count().label("entries"),
            sa.func.sum(
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
            ).label("waiting"),
        )
        .where(col(EntryRound.round_id) == round_id)
        .group_by(col(EntryRound.venue_id))
        .subquery()
    )
    rows = session.connection().execute(
        sa.select(
            col(Venue.id),
            col(OrgUnit.name),
            col(Track.title),
            col(Venue.state),
            counted.c.entries,
            counted.c.waiting,
        )
        .join(OrgUnit, col(OrgUnit.id) == col(Venue.unit_id))
        .join(Track, col(Track.id) == col(Venue.track_id))
        .join(counted, counted.c.venue_id == col(Venue.id))
        .where(col(Venue.round_id) == round_id)
        .order_by(col(Track.position), col(OrgUnit.name), col(Venue.id))
    )
    venues = [VenueLine(*row) for row in rows]
    pages = max(1, -(-len(venues) // PAGE))
    page = min(max(0, page), pages - 1)
    public = public_list(session, round_id, now=now)
    winners = session.exec(
        select(sa.func.count())
        .select_from(Honour)
        .join(EntryRound, col(EntryRound.id) == col(Honour.entry_round_id))
        .where(EntryRound.round_id == round_id, col(Honour.revoked_at).is_(None))
    ).one()
    return Lists(
        round_id,
        competition.id,
        competition.title,
        round_.name,
        competition.state,
        tuple(venues[page * PAGE : (page + 1) * PAGE]),
        page,
        pages,
        len(venues),
        len(_undecided(session, round_id, now=now)),
        round_.publicity_until is not None,
        deciding.is_deciding(session, round_),
        public,
        is_over(session, round_, public, now=now),
        open_objections(session, round_id),
        bool(venues) and all(each.state is VenueState.CONFIRMED for each in venues),
        winners,
        round_.publicity_from,
        len(_chats(session, competition)),
        deeds.standing(session, actor_id, DEED, round_id, now=now, of="round_id"),
    )


def put_up(session: Session, actor_id: int, round_id: int, *, now: datetime) -> PublicList:
    """Put the list of a round on public display; doing so again returns what hangs.

    It hangs for five working days at least: where the list comes late, its last day moves.
    Raises NotFound, NotAllowed, NotUnderWay, NotAllDecided, NothingPublic or TooEarlyToShow.
    """
    session.exec(select(Round.id).where(Round.id == round_id).with_for_update())
    round_, competition = _round(session, actor_id, round_id, now=now)
    if competition.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    there = public_list(session, round_id, now=now)
    if there is not None:
        return there
    undecided = _undecided(session, round_id, now=now)
    if undecided:
        raise NotAllDecided(len(undecided))
    if round_.publicity_until is None:
        raise NothingPublic
    today = local_day(now, offices.zone(session))
    if round_.publicity_from is not None and today < round_.publicity_from:
        raise TooEarlyToShow(round_.publicity_from)
    kept = _kept(session, round_id)
    if not kept:
        raise NothingPublic
    _write(session, actor_id, round_, competition, kept, version=1, now=now)
    made = public_list(session, round_id, now=now)
    assert made is not None
    return made


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Take the list down again, as long as it hangs in no group."""
    round_id = deed.data["round_id"]
    round_, _competition = _round(session, deed.actor_id, round_id, now=now)
    cards = session.exec(
        select(RoundCard).where(
            RoundCard.round_id == round_id, RoundCard.kind == RoundCardKind.PUBLICITY
        )
    ).all()
    objected = session.exec(select(Objection.id).where(Objection.round_id == round_id)).first()
    if round_.list_version != 1 or objected is not None:
        raise ChangedSince("publicity")
    if any(card.message_id is not None for card in cards):
        raise ChangedSince("publicity")
    for card in cards:
        forget(session, card.id)
        session.delete(card)
    until = deed.data["before_until"]
    round_.publicity_until = None if until is None else date.fromisoformat(until)
    round_.publicity_started_at, round_.list_version, round_.public_list = None, 0, []
    schedule.plan_deadlines(session, round_.competition_id, now=now)
    session.flush()


def correct(session: Session, actor_id: int, round_id: int, *, now: datetime) -> PublicList | None:
    """Put up what the list is by now, as a new version; None where none is on display.

    Nothing changes when the list says the same. Whoever calls has checked the right.
    """
    round_, competition, _unit = _head(session, round_id)
    if not round_.list_version:
        return None
    kept = _kept(session, round_id)
    if kept != round_.public_list:
        number = round_.list_version + 1
        _write(session, actor_id, round_, competition, kept, version=number, now=now)
    return public_list(session, round_id, now=now)


def correct_due(session: Session, *, now: datetime) -> int:
    """Put up the lists that were put right and can be taken back no longer; return how many."""
    rows = session.exec(
        select(Deed)
        .where(
            Deed.kind == unsaid.CORRECTED,
            Deed.until <= now,
            Deed.until > now - LOOKS_FOR,
            col(Deed.undone_at).is_(None),
        )
        .order_by(col(Deed.id))
    ).all()
    due = [
        row
        for row in rows
        if not row.data.get("shown") and not _is_correcting(session, row.data["round_id"], now=now)
    ]
    for row in due:
        row.data = row.data | {"shown": True}
        correct(session, row.actor_id, row.data["round_id"], now=now)
    session.flush()
    return len(due)


def _is_correcting(session: Session, round_id: int, *, now: datetime) -> bool:
    """Whether the list was put right a moment ago, and that can still be taken back."""
    rows = session.exec(
        select(Deed).where(
            Deed.kind == unsaid.CORRECTED, Deed.until > now, col(Deed.undone_at).is_(None)
        )
    ).all()
    return any(row.data["round_id"] == round_id for row in rows)


def public_list(session: Session, round_id: int, *, now: datetime) -> PublicList | None:
    """Return the newest version of the list, as anybody may see it; None before the first."""
    found = _head(session, round_id)
    round_ = found[0]
    until = round_.publicity_until
    if round_.publicity_started_at is None or until is None:
        return None
    is_on = found[1].state in (CompetitionState.PUBLISHED, CompetitionState.FINISHED)
    is_up = is_on and now < ends_at(session, until)
    return _public(
        found,
        _lines(session, round_.public_list),
        version=round_.list_version,
        first=local_day(round_.publicity_started_at, offices.zone(session)),
        until=until,
        is_up=is_up,
    )


def winners(session: Session, round_id: int) -> PublicList | None:
    """Return who has won, once the result stands: honours that have not been taken back."""
    rows = session.exec(
        select(Honour.entry_round_id, Honour.award)
        .join(EntryRound, col(EntryRound.id) == col(Honour.entry_round_id))
        .where(EntryRound.round_id == round_id, col(Honour.revoked_at).is_(None))
        .distinct()
    ).all()
    if not rows:
        return None
    found = _head(session, round_id)
    awards = {each["name"]: n for n, each in enumerate(found[1].awards)}
    order = sorted(rows, key=lambda row: (awards.get(row[1], len(awards)), row[0] or 0))
    lines = _lines(session, [[place_id, award] for place_id, award in order], with_works=True)
    return _public(found, lines, version=1, first=None, until=None, is_up=True)


def is_over(session: Session, round_: Round, public: PublicList | None, *, now: datetime) -> bool:
    """Whether the time in which one could object is over."""
    if round_.publicity_until is None:
        return True
    if _is_correcting(session, round_.id, now=now):
        return False
    return public is not None and public.until is not None and now >= ends_at(session, public.until)


def ends_at(session: Session, until: date) -> datetime:
    """Return the moment at which a public display ends that hangs until this day."""
    return at(until, schedule.ENDS, offices.zone(session))


def open_objections(session: Session, round_id: int) -> int:
    """How many objections to a round's list are open; never whose."""
    return session.exec(
        select(sa.func.count())
        .select_from(Objection)
        .where(Objection.round_id == round_id, Objection.state == ObjectionState.OPEN)
    ).one()


def waits_to_show(session: Session, competition_ids: Any, *, now: datetime) -> list[int]:
    """Return the rounds of these competitions whose list could go on public display now."""
    today = local_day(now, offices.zone(session))
    rows = session.exec(
        select(Round)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            col(Competition.id).in_(competition_ids),
            Competition.state == CompetitionState.PUBLISHED,
            col(Round.publicity_until).is_not(None),
            col(Round.publicity_started_at).is_(None),
            sa.exists().where(
                col(Venue.round_id) == col(Round.id), col(Venue.state) == VenueState.DECIDED
            ),
        )
    ).all()
    return [
        each.id
        for each in rows
        if (each.publicity_from is None or each.publicity_from <= today)
        and not _undecided(session, each.id, now=now)
    ]


# --- cards in groups ------------------------------------------------------------------------------


def hang(session: Session, competition: Competition, round_id: int, kind: RoundCardKind) -> int:
    """Hang this card of a round in the groups that it is for; return in how many."""
    chats = _chats(session, competition)
    for chat_id in chats:
        round_cards.hang(session, chat_id, round_id, kind)
    return len(chats)


def cards_due(session: Session, *, now: datetime, limit: int) -> tuple[round_cards.Hung, ...]:
    """Return the cards of lists to look at: those that hang nowhere yet first."""
    rows = session.exec(
        select(RoundCard, Chat)
        .join(Chat, col(Chat.id) == col(RoundCard.chat_id))
        .where(
            col(RoundCard.kind).in_([RoundCardKind.PUBLICITY, RoundCardKind.WINNERS]),
            col(RoundCard.taken_down_at).is_(None),
            col(Chat.purpose).is_not(None),
            col(Chat.active),
            ~col(Chat.closed),
            sa.or_(
                col(RoundCard.kind) == RoundCardKind.PUBLICITY,
                col(RoundCard.posted_at).is_(None),
                col(RoundCard.posted_at) > now - LOOKS_FOR,
            ),
        )
        .order_by(col(RoundCard.message_id).is_not(None), col(RoundCard.id))
        .limit(limit)
    ).all()
    # As long as the display can be taken back no group sees it.
    waiting = {
        deed.data["round_id"]
        for deed in session.exec(
            select(Deed).where(Deed.kind == DEED, Deed.until > now, col(Deed.undone_at).is_(None))
        ).all()
    }
    return tuple(
        round_cards.hung(card, chat)
        for card, chat in rows
        if card.message_id is not None or card.round_id not in waiting
    )


def card_facts(
    session: Session, round_id: int, kind: RoundCardKind, *, now: datetime
) -> PublicList | None:
    """Return what the card of a list says now."""
    if kind is RoundCardKind.WINNERS:
        return winners(session, round_id)
    return public_list(session, round_id, now=now)


def took_down(session: Session, card_id: int, *, now: datetime) -> None:
    """Note that a card hangs no longer."""
    forget(session, card_id)
    session.exec(sa.update(RoundCard).where(col(RoundCard.id) == card_id).values(taken_down_at=now))


def forget(session: Session, card_id: int) -> None:
    """Send nothing of a card that waits to be posted."""
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.kind) == KIND,
            col(OutboxMessage.state) == OutboxState.PENDING,
            col(OutboxMessage.dedupe_key).like(f"{KIND}:{card_id}:%"),
        )
        .values(state=OutboxState.SKIPPED, fault="taken down")
    )


# --- how it is made -------------------------------------------------------------------------------


def _round(
    session: Session, actor_id: int, round_id: int, *, now: datetime
) -> tuple[Round, Competition]:
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        raise NotFound("round")
    return round_, rights.check_organises(session, actor_id, round_.competition_id, now=now)


def _undecided(session: Session, round_id: int, *, now: datetime) -> list[int]:
    """The venues with entries whose list is not decided, or can still be taken back."""
    return list(
        session.exec(
            select(Venue.id).where(
                Venue.round_id == round_id,
                sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
                sa.or_(
                    col(Venue.state).not_in(deciding.OVER),
                    sa.and_(
                        col(Venue.state) == VenueState.DECIDED,
                        col(Venue.decided_at) > now - deeds.MINUTES,
                    ),
                ),
            )
        ).all()
    )


def _kept(session: Session, round_id: int) -> list[list[Any]]:
    """Who is on the list by now: place and award, in the order of tracks and awards."""
    round_, competition, _unit = _head(session, round_id)
    awards = {each["name"]: n for n, each in enumerate(competition.awards)}
    rows = session.exec(
        select(EntryRound, Track.position)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(EntryRound.round_id == round_id)
    ).all()
    gives = deciding.is_deciding(session, round_) and bool(awards)
    on = [
        (position, awards.get(row.award, len(awards)), row.id, row.award)
        for row, position in rows
        if (row.award if gives else row.state is RoundState.ADVANCED)
    ]
    # Within an award by when they entered, so that no rank can be read from the list.
    return [[place_id, award] for _track, _award, place_id, award in sorted(on)]


def _write(
    session: Session,
    actor_id: int,
    round_: Round,
    competition: Competition,
    kept: Sequence[Sequence[Any]],
    *,
    version: int,
    now: datetime,
) -> None:
    calendar = workdays.load(session)
    first = local_day(now, calendar.zone)
    before = round_.publicity_until
    until = max(making.last_day(calendar, first), before or first)
    if until != before:
        round_.publicity_until = until
        session.flush()
        schedule.plan_deadlines(session, competition.id, now=now)
    round_.publicity_started_at = round_.publicity_started_at or now
    round_.list_version, round_.public_list = version, [list(each) for each in kept]
    deeds.done(
        session,
        DEED,
        actor_id,
        {
            "round_id": round_.id,
            "version": version,
            "lines": [list(each) for each in kept],
            "first": first.isoformat(),
            "until": until.isoformat(),
            "before_until": None if before is None else before.isoformat(),
        },
        now=now,
        # What is put right could be taken back for as long before it was shown.
        undo_for=deeds.MINUTES if version == 1 else timedelta(0),
    )
    hang(session, competition, round_.id, RoundCardKind.PUBLICITY)
    audit.record(
        session,
        actor_id,
        DEED,
        f"round:{round_.id}",
        now=now,
        after={"version": version, "until": until.isoformat(), "lines": len(kept)},
    )


def _head(session: Session, round_id: int) -> tuple[Round, Competition, OrgUnit]:
    found = session.exec(
        select(Round, Competition, OrgUnit)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Competition.owner_unit_id))
        .where(Round.id == round_id)
    ).first()
    if found is None:
        raise NotFound("round")
    return found


def _public(
    found: tuple[Round, Competition, OrgUnit],
    lines: Iterable[PublicLine],
    *,
    version: int,
    first: date | None,
    until: date | None,
    is_up: bool,
) -> PublicList:
    round_, competition, unit = found
    return PublicList(
        round_.id,
        competition.id,
        competition.title,
        round_.name,
        unit.name,
        competition.contact,
        tuple(lines),
        version,
        first,
        until,
        is_up,
        competition.state is CompetitionState.CANCELLED,
    )


def _lines(
    session: Session, kept: Sequence[Sequence[Any]], *, with_works: bool = False
) -> list[PublicLine]:
    ids = [place_id for place_id, _award in kept]
    rows = {
        place_id: (entry, track, school)
        for place_id, entry, track, school in session.exec(
            select(EntryRound.id, Entry, Track.title, OrgUnit.name)
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .join(Track, col(Track.id) == col(Entry.track_id))
            .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
            .where(col(EntryRound.id).in_(ids))
        ).all()
    }
    people = deciding.people(session, [entry.id for entry, _track, _school in rows.values()])
    everybody = {each for some in people.values() for each in some}
    names = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(everybody))).all()
    )
    found = []
    for place_id, award in kept:
        if place_id in rows:
            entry, track, school = rows[place_id]
            shown = people[entry.id] if entry.may_publish or not with_works else []
            together = "、".join(names[each] for each in shown)
            work = entry.title if with_works and entry.may_publish else ""
            found.append(PublicLine(track, together, school, award, place_id, work))
    return found


def groups(session: Session, round_id: int) -> int:
    """In how many groups the list of a round hangs."""
    return len(_chats(session, _head(session, round_id)[1]))


def _chats(session: Session, competition: Competition) -> list[int]:
    """The groups of the competition, and those for all of the staff of the units it is for."""
    kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == competition.owner_unit_id)).one()
    below = units.below([competition.owner_unit_id])
    whole = kind not in (UnitKind.SCHOOL, UnitKind.GROUP, UnitKind.AREA)
    return list(
        session.exec(
            select(Chat.id)
            .where(
                col(Chat.active),
                sa.or_(
                    sa.and_(
                        col(Chat.purpose) == ChatPurpose.COMPETITION,
                        col(Chat.competition_id) == competition.id,
                    ),
                    sa.and_(
                        col(Chat.purpose) == ChatPurpose.ALL_STAFF,
                        sa.true() if whole else col(Chat.unit_id).in_(below),
                    ),
                ),
            )
            .order_by(col(Chat.id))
        ).all()
    )
