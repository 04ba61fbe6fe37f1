"""Groups: which place stands for what, and the programme cards kept up to date in them.

A place is a whole group or one topic of it; each has a row, under the same id of Telegram's.
"""

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

# Of a batch and its seats the engine knows a few columns, by name: it does not import the
# training wing.
_batch = sa.table("batch", sa.column("id"), sa.column("revision", sa.Integer))
_quota = sa.table("quota", sa.column("batch_id"), sa.column("taken", sa.Integer))
_registration = sa.table("registration", sa.column("batch_id"))

# What a card shows changes with the batch's revision and with its seats. A registration does
# not touch the batch's row, which thousands would wait for in an opening minute, so the seats
# taken and the registrations made are counted here.
_seen: Any = (
    _batch.c.revision * 1_000_000
    + sa.select(sa.func.coalesce(sa.func.sum(_quota.c.taken), 0))
    .where(_quota.c.batch_id == _batch.c.id)
    .scalar_subquery()
    + sa.select(sa.func.count())
    .select_from(_registration)
    .where(_registration.c.batch_id == _batch.c.id)
    .scalar_subquery()
)


@dataclass(frozen=True)
class Group:
    """A place as others see it: a group, or one topic of it."""

    id: int
    tg_chat_id: int
    thread_id: int
    """The topic's; 0 is the group itself."""
    title: str
    topic: str
    purpose: ChatPurpose | None
    unit_id: int | None
    programme_id: int | None
    language: str
    active: bool
    bot_is_admin: bool
    is_forum: bool
    closed: bool

    @property
    def is_open(self) -> bool:
        """Whether anything can be posted here."""
        return self.active and not self.closed


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


def chat_by_tg_id(session: Session, tg_chat_id: int, thread_id: int = 0) -> Group | None:
    """Return the group with this Telegram id, active or not, or just this topic of it."""
    chat = session.exec(
        select(Chat)
        .where(Chat.tg_chat_id == tg_chat_id, Chat.thread_id == thread_id)
        .execution_options(populate_existing=True)
    ).first()
    return None if chat is None else _group(chat)


def _group(chat: Chat) -> Group:
    return Group(
        chat.id,
        chat.tg_chat_id,
        chat.thread_id,
        chat.title,
        chat.topic,
        chat.purpose,
        chat.unit_id,
        chat.programme_id,
        chat.language,
        chat.active,
        chat.bot_is_admin,
        chat.is_forum,
        chat.closed,
    )


def bind(
    session: Session,
    tg_chat_id: int,
    title: str,
    *,
    thread_id: int = 0,
    purpose: ChatPurpose | None = None,
    unit_id: int | None = None,
    programme_id: int | None = None,
    language: str = "zh_Hans",
) -> Group:
    """Note what this group stands for; without a purpose it is only known, and active again."""
    session.exec(
        insert_new(session, Chat).values(
            tg_chat_id=tg_chat_id,
            thread_id=thread_id,
            title=title,
            topic="",
            language=language,
            active=True,
            bot_is_admin=False,
            is_forum=False,
            rights=[],
            closed=False,
            urges=False,
        )
    )
    chat = session.exec(
        select(Chat)
        .where(Chat.tg_chat_id == tg_chat_id, Chat.thread_id == thread_id)
        .execution_options(populate_existing=True)
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
    # Only a group without topics can become a supergroup.
    old = session.exec(
        select(Chat.id).where(Chat.tg_chat_id == old_tg_chat_id, Chat.thread_id == 0)
    ).first()
    if old is None:
        return
    new = session.exec(
        select(Chat.id).where(Chat.tg_chat_id == new_tg_chat_id, Chat.thread_id == 0)
    ).first()
    # Message ids do not carry over, so the cards are posted once more in the supergroup.
    session.exec(
        sa.update(GroupCard)
        .where(col(GroupCard.chat_id) == old)
        .values(message_id=None, shown="", shown_revision=None)
    )
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
            _seen,
        )
        .join(Chat, col(Chat.id) == col(GroupCard.chat_id))
        .join(_batch, _batch.c.id == col(GroupCard.batch_id))
        .where(
            col(Chat.active),
            sa.or_(looked.is_(None), looked <= now - at_least),
            sa.or_(
                col(GroupCard.message_id).is_(None),
                col(GroupCard.shown_revision).is_distinct_from(_seen),
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


def drop_card(session: Session, card_id: int) -> None:
    """The message is gone: somebody deleted it, and did not mean to see it again."""
    session.exec(sa.delete(GroupCard).where(col(GroupCard.id) == card_id))
