"""Groups: which chat stands for what, and the programme cards kept up to date in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.messaging.tables import Chat, ChatPurpose, GroupCard, Hold, OutboxMessage, OutboxState

LOOKED_AT_LEAST = timedelta(hours=1)
"""A card is compared with the truth this often even if nothing seems to have changed."""

# Of a batch the engine knows two columns, by name: it does not import the training wing.
_batch = sa.table("batch", sa.column("id"), sa.column("revision", sa.Integer))


@dataclass(frozen=True)
class Group:
    """A group as others see it."""

    id: int
    tg_chat_id: int
    title: str
    purpose: ChatPurpose | None
    unit_id: int | None
    programme_id: int | None
    language: str
    active: bool
    bot_is_admin: bool


@dataclass(frozen=True)
class Card:
    """A programme's card in a group whose turn it is to be looked at."""

    id: int
    chat_id: int
    tg_chat_id: int
    language: str
    batch_id: int
    message_id: int | None
    shown: str
    revision: int


def chat_by_tg_id(session: Session, tg_chat_id: int) -> Group | None:
    """Return the group with this Telegram id, active or not."""
    chat = session.exec(select(Chat).where(Chat.tg_chat_id == tg_chat_id)).first()
    return None if chat is None else _group(chat)


def _group(chat: Chat) -> Group:
    return Group(
        chat.id,
        chat.tg_chat_id,
        chat.title,
        chat.purpose,
        chat.unit_id,
        chat.programme_id,
        chat.language,
        chat.active,
        chat.bot_is_admin,
    )


def bind(
    session: Session,
    tg_chat_id: int,
    title: str,
    *,
    purpose: ChatPurpose | None = None,
    unit_id: int | None = None,
    programme_id: int | None = None,
    language: str = "zh_Hans",
) -> Group:
    """Note what this group stands for; without a purpose it is only known, and active again."""
    session.exec(
        insert_new(session, Chat).values(
            tg_chat_id=tg_chat_id, title=title, language=language, active=True, bot_is_admin=False
        )
    )
    chat = session.exec(
        select(Chat).where(Chat.tg_chat_id == tg_chat_id).execution_options(populate_existing=True)
    ).one()
    chat.title = title
    chat.active = True
    if purpose is not None:
        chat.purpose = purpose
        chat.unit_id = unit_id
        chat.programme_id = programme_id
        chat.language = language
    session.add(chat)
    session.flush()
    return _group(chat)


def deactivate(session: Session, tg_chat_id: int) -> None:
    """The bot has been removed from the group: nothing goes there until it is back."""
    session.exec(sa.update(Chat).where(col(Chat.tg_chat_id) == tg_chat_id).values(active=False))


def set_admin(session: Session, tg_chat_id: int, is_admin: bool) -> None:
    """Note whether the bot may do an administrator's work in the group."""
    session.exec(
        sa.update(Chat).where(col(Chat.tg_chat_id) == tg_chat_id).values(bot_is_admin=is_admin)
    )


def migrate(session: Session, old_tg_chat_id: int, new_tg_chat_id: int) -> None:
    """The group has become a supergroup: it keeps what it stands for under its new id.

    Telegram tells it twice, in a message and as a failure; the second time nothing is left to
    do. When the new id was met before the news came, that stranger gives way.
    """
    old = session.exec(select(Chat.id).where(Chat.tg_chat_id == old_tg_chat_id)).first()
    if old is None:
        return
    new = session.exec(select(Chat.id).where(Chat.tg_chat_id == new_tg_chat_id)).first()
    if new is not None:
        # Cards that both have stay where they are: in the supergroup people read on.
        session.exec(
            sa.delete(GroupCard).where(
                col(GroupCard.chat_id) == old,
                col(GroupCard.batch_id).in_(
                    sa.select(col(GroupCard.batch_id)).where(col(GroupCard.chat_id) == new)
                ),
            )
        )
        session.exec(sa.delete(Hold).where(col(Hold.chat_id) == new))
        session.exec(sa.update(GroupCard).where(col(GroupCard.chat_id) == new).values(chat_id=old))
        session.exec(
            sa.update(OutboxMessage).where(col(OutboxMessage.chat_id) == new).values(chat_id=old)
        )
        session.exec(sa.delete(Chat).where(col(Chat.id) == new))
    session.exec(
        sa.update(Chat).where(col(Chat.id) == old).values(tg_chat_id=new_tg_chat_id, active=True)
    )
    # What was on its way to the old id goes to the new one.
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.chat_id) == old, col(OutboxMessage.state) == OutboxState.SENDING)
        .values(state=OutboxState.PENDING, lease_until=None)
    )


def post_card(session: Session, chat_id: int, batch_id: int) -> None:
    """Keep a card of this batch in the group; it is posted at the next look."""
    session.exec(
        insert_new(session, GroupCard).values(chat_id=chat_id, batch_id=batch_id, shown="")
    )


def cards_to_refresh(
    session: Session, *, now: datetime, at_least: timedelta, limit: int
) -> list[Card]:
    """Take the cards whose batch has changed, none sooner than ``at_least`` after its last look.

    Taking counts as a look, so two processes do not take the same card. Post or edit, then
    say ``card_shown``; a card that was taken and not shown comes again after ``at_least``.
    """
    looked = col(GroupCard.looked_at)
    due: Any = (
        sa.select(
            col(GroupCard.id),
            col(GroupCard.chat_id),
            col(Chat.tg_chat_id),
            col(Chat.language),
            col(GroupCard.batch_id),
            col(GroupCard.message_id),
            col(GroupCard.shown),
            _batch.c.revision,
        )
        .join(Chat, col(Chat.id) == col(GroupCard.chat_id))
        .join(_batch, _batch.c.id == col(GroupCard.batch_id))
        .where(
            col(Chat.active),
            sa.or_(looked.is_(None), looked <= now - at_least),
            sa.or_(
                col(GroupCard.message_id).is_(None),
                col(GroupCard.shown_revision).is_distinct_from(_batch.c.revision),
                looked <= now - LOOKED_AT_LEAST,
            ),
        )
        .order_by(looked.nulls_first(), col(GroupCard.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=GroupCard)
    )
    cards = [Card(*row) for row in session.exec(due).all()]
    if cards:
        session.exec(
            sa.update(GroupCard)
            .where(col(GroupCard.id).in_([card.id for card in cards]))
            .values(looked_at=now)
        )
    return cards


def card_shown(
    session: Session, card: Card, digest: str, message_id: int | None, *, now: datetime
) -> None:
    """Note what the group sees now, or that it saw the truth already (the same digest)."""
    session.exec(
        sa.update(GroupCard)
        .where(col(GroupCard.id) == card.id)
        .values(shown=digest, message_id=message_id, shown_revision=card.revision, looked_at=now)
    )


def card_lost(session: Session, card_id: int) -> None:
    """The message is gone (deleted, or too old to edit): the next look posts a new one."""
    session.exec(
        sa.update(GroupCard)
        .where(col(GroupCard.id) == card_id)
        .values(message_id=None, shown="", shown_revision=None)
    )
