"""Where a class's public card hangs: in which of the places that somebody tends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import quiet, workdays
from storage.messaging import audiences, groups, owners, relays
from storage.messaging.groups import Group
from storage.messaging.tables import Chat, GroupCard, OutboxMessage, OutboxState
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound

PAGE = 8
CARD = "group_card"
"""The kind of message that puts a class's card into words."""

# Of a class the engine knows a few columns, by name.
_batch = sa.table("batch", sa.column("id"), sa.column("programme_id"), sa.column("cancelled_at"))
_programme = sa.table("programme", sa.column("id"), sa.column("state"))


@dataclass(frozen=True)
class CardPlaces:
    """A page of the places, each with whether the card hangs there; pages count from 0.

    On the first page are the units without a group, too, that can be told of the class through
    their other channels: id, name, and whether they have been.
    """

    lines: tuple[tuple[Group, bool], ...]
    page: int
    pages: int
    units: tuple[tuple[int, str, bool], ...] = ()


def card_places(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> CardPlaces:
    """Return the places in which the actor may hang the card of this class.

    Raises NotAllowed for who does not speak for the class.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
    mine = sa.and_(owners.tended(session, actor_id, today=today), col(Chat.active))
    total = session.exec(select(sa.func.count()).select_from(Chat).where(mine)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    hanging = set(
        session.exec(select(GroupCard.chat_id).where(GroupCard.batch_id == batch_id)).all()
    )
    rows = session.exec(
        select(Chat)
        .where(mine)
        .order_by(col(Chat.title), col(Chat.thread_id), col(Chat.id))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    lines = tuple((groups.as_group(row), row.id in hanging) for row in rows)
    units: list[tuple[int, str]] = []
    if page == 0:
        units = relays.without_group(session, actor_id, today=today)[:PAGE]
    told = relays.announced(session, _name(batch_id)) if units else set()
    return CardPlaces(lines, page, pages, tuple((*unit, unit[0] in told) for unit in units))


def tell(session: Session, actor_id: int, batch_id: int, unit_id: int, *, now: datetime) -> bool:
    """Let a unit without a group have the card as a text, once, through its other channels.

    False when it has had it. Raises NotFound or NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
    authority.check(session, actor_id, Act.NOTIFY_UNIT, unit_id, today=today)
    _check_published(session, batch_id)
    if unit_id in relays.announced(session, _name(batch_id)):
        return False
    at = quiet.next_push(workdays.load(session), now)
    facts = {"batch_id": batch_id}
    relays.announce(session, [unit_id], CARD, facts, name=_name(batch_id), at=at, now=now)
    audit.record(
        session, actor_id, "hang_card", f"batch:{batch_id}", now=now, after={"unit_id": unit_id}
    )
    return True


@dataclass(frozen=True)
class Hanging:
    """A class's card in a place; where it is a message already, which."""

    batch_id: int
    title: str
    tg_chat_id: int
    message_id: int | None


def hanging(session: Session, actor_id: int, chat_id: int, *, now: datetime) -> tuple[Hanging, ...]:
    """Return the cards that hang in a place, or are to.

    Raises NotAllowed for who does not tend it.
    """
    today = local_day(now, offices.zone(session))
    if not owners.tends(session, actor_id, chat_id, today=today):
        raise NotAllowed
    rows = session.exec(
        select(GroupCard.batch_id, GroupCard.message_id, Chat.tg_chat_id)
        .join(Chat, col(Chat.id) == col(GroupCard.chat_id))
        .where(GroupCard.chat_id == chat_id)
        .order_by(col(GroupCard.id))
    ).all()
    return tuple(
        Hanging(batch_id, audiences.class_title(session, batch_id), tg_chat_id, message_id)
        for batch_id, message_id, tg_chat_id in rows
    )


def take_down(
    session: Session, actor_id: int, chat_id: int, batch_id: int, *, now: datetime
) -> Hanging | None:
    """Keep this card in the place no longer; None when it does not hang there any more.

    The message itself is for the caller to delete. Raises NotAllowed.
    """
    found = hanging(session, actor_id, chat_id, now=now)
    one = next((each for each in found if each.batch_id == batch_id), None)
    if one is None:
        return None
    card_id = session.exec(
        sa.delete(GroupCard)
        .where(col(GroupCard.chat_id) == chat_id, col(GroupCard.batch_id) == batch_id)
        .returning(col(GroupCard.id))
    ).scalar_one()
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.chat_id) == chat_id,
            col(OutboxMessage.kind) == CARD,
            col(OutboxMessage.state) == OutboxState.PENDING,
            col(OutboxMessage.dedupe_key).like(f"{CARD}:{card_id}:%"),
        )
        .values(state=OutboxState.SKIPPED, fault="taken down")
    )
    audit.record(
        session,
        actor_id,
        "take_down_card",
        f"batch:{batch_id}",
        now=now,
        after={"chat_id": chat_id},
    )
    return one


def _name(batch_id: int) -> str:
    return f"{CARD}:{batch_id}"


def hang(session: Session, actor_id: int, batch_id: int, chat_id: int, *, now: datetime) -> bool:
    """Hang the card of a published class in a place; False when it hangs there already.

    It is posted in the next hour of work and kept up to date from then on. Raises NotFound or
    NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
    if not owners.tends(session, actor_id, chat_id, today=today):
        raise NotAllowed
    _check_published(session, batch_id)
    hangs = select(GroupCard.id).where(GroupCard.chat_id == chat_id, GroupCard.batch_id == batch_id)
    if session.exec(hangs).first() is not None:
        return False
    groups.post_card(session, chat_id, batch_id)
    audit.record(
        session, actor_id, "hang_card", f"batch:{batch_id}", now=now, after={"chat_id": chat_id}
    )
    return True


def _check_published(session: Session, batch_id: int) -> None:
    published = sa.select(_batch.c.id).where(
        _batch.c.id == batch_id,
        _batch.c.cancelled_at.is_(None),
        _programme.c.id == _batch.c.programme_id,
        _programme.c.state == "published",
    )
    if session.exec(published).first() is None:  # type: ignore[call-overload]
        raise NotFound("programme")
