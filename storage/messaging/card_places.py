"""Where a class's public card hangs: in which of the places that somebody tends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.messaging import groups, owners
from storage.messaging.groups import Group
from storage.messaging.tables import Chat, GroupCard
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound

PAGE = 8

# Of a class the engine knows a few columns, by name.
_batch = sa.table("batch", sa.column("id"), sa.column("programme_id"), sa.column("cancelled_at"))
_programme = sa.table("programme", sa.column("id"), sa.column("state"))


@dataclass(frozen=True)
class CardPlaces:
    """A page of the places, each with whether the card hangs there; pages count from 0."""

    lines: tuple[tuple[Group, bool], ...]
    page: int
    pages: int


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
    return CardPlaces(lines, page, pages)


def hang(session: Session, actor_id: int, batch_id: int, chat_id: int, *, now: datetime) -> bool:
    """Hang the card of a published class in a place; False when it hangs there already.

    It is posted in the next hour of work and kept up to date from then on. Raises NotFound or
    NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today)
    if not owners.tends(session, actor_id, chat_id, today=today):
        raise NotAllowed
    published = sa.select(_batch.c.id).where(
        _batch.c.id == batch_id,
        _batch.c.cancelled_at.is_(None),
        _programme.c.id == _batch.c.programme_id,
        _programme.c.state == "published",
    )
    if session.exec(published).first() is None:  # type: ignore[call-overload]
        raise NotFound("programme")
    hangs = select(GroupCard.id).where(GroupCard.chat_id == chat_id, GroupCard.batch_id == batch_id)
    if session.exec(hangs).first() is not None:
        return False
    groups.post_card(session, chat_id, batch_id)
    audit.record(
        session, actor_id, "hang_card", f"batch:{batch_id}", now=now, after={"chat_id": chat_id}
    )
    return True
