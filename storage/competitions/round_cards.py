"""A round's cards in groups: where they hang, what a group may know, when to look again.

What a group sees of the entries is how many there are, and that only from five on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import eligibility, rights, venues
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    Round,
    RoundCard,
    RoundCardKind,
    RoundLevel,
    RuleChange,
    Track,
)
from storage.inserting import insert_new
from storage.messaging import groups, owners
from storage.messaging.groups import Group
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, OutboxState
from storage.moments import local_day
from storage.people import offices, units
from storage.people.tables import OrgUnit, UnitKind
from storage.refusals import NotAllowed, NotFound
from storage.training.programmes import FEWEST

KIND = "round_card"
"""The kind of message that puts a round's card into words."""
PAGE = 8
LOOKS_FOR = timedelta(days=3)
"""So long after entries have closed its card still says what is different."""


@dataclass(frozen=True)
class Dates:
    """A round's name and days, and nobody's name."""

    name: str
    external: bool
    starts_at: datetime | None
    ends_at: datetime | None
    publicity_until: date | None
    forward_due_at: datetime | None


@dataclass(frozen=True)
class Opening:
    """What a group may know of a competition whose entries are open: no field is of a person."""

    competition_id: int
    round_id: int
    title: str
    round_name: str
    level: RoundLevel
    state: CompetitionState
    tracks: tuple[str, ...]
    entry_opens_at: datetime | None
    entry_closes_at: datetime | None
    schedule: tuple[Dates, ...]
    quota: dict[str, object]
    entries: int | None
    """How many; None when there are too few to say."""
    rules_changed: date | None
    contact: str


@dataclass(frozen=True)
class Hung:
    """A card in a place; where it is a message already, which."""

    id: int
    chat_id: int
    tg_chat_id: int
    thread_id: int
    language: str
    round_id: int
    kind: RoundCardKind
    message_id: int | None
    shown: str
    venue_id: int | None = None
    """Of a timetable, which is of one venue."""


@dataclass(frozen=True)
class Places:
    """A page of the groups in which the card may hang, each with whether it does."""

    round_id: int
    competition_id: int
    lines: tuple[tuple[Group, bool], ...]
    page: int
    pages: int


def opening(session: Session, round_id: int) -> Opening:
    """Return what a group may know. Raises NotFound for a draft."""
    found = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == round_id, col(Competition.state) != CompetitionState.DRAFT)
    ).first()
    if found is None:
        raise NotFound("round")
    round_, row = found
    entries = session.exec(
        select(sa.func.count())
        .select_from(Entry)
        .where(
            Entry.competition_id == row.id,
            col(Entry.state).in_([CompetingState.SUBMITTED, CompetingState.COMPETING]),
        )
    ).one()
    changed = session.exec(
        select(sa.func.max(RuleChange.settled_at))
        .join(Round, col(Round.id) == col(RuleChange.round_id))
        .where(Round.competition_id == row.id, col(RuleChange.confirmed))
    ).one()
    return Opening(
        row.id,
        round_.id,
        row.title,
        round_.name,
        round_.level,
        row.state,
        tuple(
            session.exec(
                select(Track.title)
                .where(Track.competition_id == row.id)
                .order_by(col(Track.position))
            ).all()
        ),
        round_.entry_opens_at,
        round_.entry_closes_at,
        tuple(
            Dates(
                each.name,
                each.external,
                each.starts_at,
                each.ends_at,
                each.publicity_until,
                each.forward_due_at,
            )
            for each in venues.rounds(session, row.id)
        ),
        dict(round_.quota),
        entries if entries >= FEWEST else None,
        None if changed is None else local_day(changed, offices.zone(session)),
        row.contact,
    )


def hang_opening(session: Session, competition_id: int) -> int:
    """Hang the card of the first round in the groups that it is for; return in how many.

    They are those of the competition itself, and those for all of the staff of its owner's
    unit and of the units below.
    """
    row = session.exec(select(Competition).where(Competition.id == competition_id)).one()
    own = [each for each in venues.rounds(session, competition_id) if not each.external]
    if not own:
        return 0
    below = units.below([row.owner_unit_id])
    whole = _whole_office(session, row.owner_unit_id)
    of_unit = sa.and_(
        col(Chat.purpose) == ChatPurpose.ALL_STAFF,
        sa.true() if whole else col(Chat.unit_id).in_(below),
    )
    chats = session.exec(
        select(Chat.id)
        .where(
            sa.or_(
                sa.and_(
                    col(Chat.purpose) == ChatPurpose.COMPETITION,
                    col(Chat.competition_id) == competition_id,
                ),
                of_unit,
            ),
            col(Chat.active),
        )
        .order_by(col(Chat.id))
    ).all()
    for chat_id in chats:
        hang(session, chat_id, own[0].id, RoundCardKind.OPEN)
    return len(chats)


def late(session: Session, *, now: datetime) -> tuple[tuple[int, int], ...]:
    """Return the groups bound to a competition since it was published, each with the round.

    Its opening card is to hang there while entries are open.
    """
    first = sa.select(sa.func.min(Round.position)).where(
        col(Round.competition_id) == col(Competition.id), ~col(Round.external)
    )
    rows = session.exec(
        select(Chat.id, Round.id)
        .join(Competition, col(Competition.id) == col(Chat.competition_id))
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .where(
            Chat.purpose == ChatPurpose.COMPETITION,
            col(Chat.active),
            Competition.state == CompetitionState.PUBLISHED,
            col(Round.position) == first.correlate(Competition).scalar_subquery(),
            col(Round.entry_closes_at) > now,
            ~sa.exists().where(
                col(RoundCard.chat_id) == col(Chat.id),
                col(RoundCard.round_id) == col(Round.id),
                col(RoundCard.kind) == RoundCardKind.OPEN,
            ),
        )
    ).all()
    return tuple((chat_id, round_id) for chat_id, round_id in rows)


def hang_late(session: Session, found: Iterable[tuple[int, int]]) -> None:
    """Hang the opening card in these groups."""
    for chat_id, round_id in found:
        hang(session, chat_id, round_id, RoundCardKind.OPEN)


def hang(
    session: Session,
    chat_id: int,
    round_id: int,
    kind: RoundCardKind,
    *,
    venue_id: int | None = None,
) -> None:
    """Hang a card in a place, where it does not hang yet."""
    session.exec(
        insert_new(session, RoundCard).values(
            chat_id=chat_id, round_id=round_id, venue_id=venue_id, kind=kind, shown_hash=""
        )
    )


def on_its_way() -> sa.ColumnElement[bool]:
    """Whether a ``RoundCard`` waits to be posted."""
    return sa.exists().where(
        col(OutboxMessage.kind) == KIND,
        col(OutboxMessage.chat_id) == col(RoundCard.chat_id),
        col(OutboxMessage.dedupe_key).like(
            sa.literal(f"{KIND}:") + sa.cast(col(RoundCard.id), sa.String) + sa.literal(":%")
        ),
        col(OutboxMessage.state).in_([OutboxState.PENDING, OutboxState.SENDING]),
    )


def due(session: Session, *, now: datetime) -> tuple[Hung, ...]:
    """Return the opening cards to look at: those that hang nowhere yet first.

    One is posted when entries open, and looked at until a while after they have closed, or
    until it says that the competition is cancelled. One that is on its way is not among them.
    """
    live = sa.or_(
        col(RoundCard.message_id).is_not(None), col(Competition.state) == CompetitionState.PUBLISHED
    )
    began = sa.or_(col(Round.entry_opens_at).is_(None), col(Round.entry_opens_at) <= now)
    open_ = sa.or_(
        col(Round.entry_closes_at).is_(None), col(Round.entry_closes_at) > now - LOOKS_FOR
    )
    ended = sa.and_(
        col(Competition.ended_at).is_not(None), col(Competition.ended_at) > now - LOOKS_FOR
    )
    rows = session.exec(
        select(RoundCard, Chat)
        .join(Chat, col(Chat.id) == col(RoundCard.chat_id))
        .join(Round, col(Round.id) == col(RoundCard.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            RoundCard.kind == RoundCardKind.OPEN,
            col(RoundCard.taken_down_at).is_(None),
            col(Chat.purpose).is_not(None),
            col(Chat.active),
            ~col(Chat.closed),
            live,
            began,
            sa.or_(open_, ended),
            sa.or_(col(RoundCard.message_id).is_not(None), ~on_its_way()),
        )
        .order_by(col(RoundCard.message_id).is_not(None), col(RoundCard.id))
    ).all()
    return tuple(hung(card, chat) for card, chat in rows)


def shown(session: Session, card_id: int, digest: str, message_id: int, *, now: datetime) -> None:
    """Keep what the group sees now, and in which message."""
    session.exec(
        sa.update(RoundCard)
        .where(col(RoundCard.id) == card_id)
        .values(
            shown_hash=digest,
            message_id=message_id,
            posted_at=sa.func.coalesce(col(RoundCard.posted_at), now),
        )
    )


def again(session: Session, card_id: int) -> None:
    """Let a card be posted once more: what hung was deleted."""
    session.exec(
        sa.update(RoundCard)
        .where(col(RoundCard.id) == card_id)
        .values(shown_hash="", message_id=None)
    )


def drop(session: Session, card_id: int) -> None:
    """Forget a card whose message is gone."""
    session.exec(sa.delete(RoundCard).where(col(RoundCard.id) == card_id))


def places(
    session: Session, actor_id: int, round_id: int, *, page: int = 0, now: datetime
) -> Places:
    """Return the groups in which the actor may hang the opening card.

    Raises NotFound, or NotAllowed for who does not organise.
    """
    round_ = _round(session, actor_id, round_id, now=now)
    today = local_day(now, offices.zone(session))
    mine = sa.and_(owners.tended(session, actor_id, today=today), col(Chat.active))
    total = session.exec(select(sa.func.count()).select_from(Chat).where(mine)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    hanging = set(
        session.exec(
            select(RoundCard.chat_id).where(
                RoundCard.round_id == round_.id, RoundCard.kind == RoundCardKind.OPEN
            )
        ).all()
    )
    rows = session.exec(
        select(Chat)
        .where(mine)
        .order_by(col(Chat.title), col(Chat.thread_id), col(Chat.id))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    lines = tuple((groups.as_group(row), row.id in hanging) for row in rows)
    return Places(round_.id, round_.competition_id, lines, page, pages)


def hang_in(session: Session, actor_id: int, round_id: int, chat_id: int, *, now: datetime) -> bool:
    """Hang the opening card in a group that the actor tends; False when it hangs there.

    Raises NotFound, NotAllowed, or EntriesClosed when it is too late for it.
    """
    round_ = _round(session, actor_id, round_id, now=now)
    competition = session.exec(
        select(Competition).where(Competition.id == round_.competition_id)
    ).one()
    if competition.state is not CompetitionState.PUBLISHED:
        raise NotFound("competition")
    closes = round_.entry_closes_at
    if closes is not None and now >= closes:
        raise eligibility.EntriesClosed(competition.title, closes)
    today = local_day(now, offices.zone(session))
    if not owners.tends(session, actor_id, chat_id, today=today):
        raise NotAllowed
    known = select(RoundCard.id).where(
        RoundCard.round_id == round_id,
        RoundCard.chat_id == chat_id,
        RoundCard.kind == RoundCardKind.OPEN,
    )
    if session.exec(known).first() is not None:
        return False
    hang(session, chat_id, round_id, RoundCardKind.OPEN)
    return True


def _round(session: Session, actor_id: int, round_id: int, *, now: datetime) -> Round:
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        raise NotFound("round")
    rights.check_organises(session, actor_id, round_.competition_id, now=now)
    return round_


def _whole_office(session: Session, unit_id: int) -> bool:
    """Whether what this unit organises is for the whole office: it is no school and no area."""
    kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == unit_id)).one()
    return kind not in (UnitKind.SCHOOL, UnitKind.GROUP, UnitKind.AREA)


def hung(card: RoundCard, chat: Chat) -> Hung:
    """Return a card and where it hangs."""
    return Hung(
        card.id,
        chat.id,
        chat.tg_chat_id,
        chat.thread_id,
        chat.language,
        card.round_id,
        card.kind,
        card.message_id,
        card.shown_hash,
        card.venue_id,
    )
