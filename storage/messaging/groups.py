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
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    GroupCard,
    Hold,
    NoticePost,
    OutboxMessage,
    OutboxState,
    Question,
)

_OF_THE_GROUP = ("title", "bot_is_admin", "is_forum", "rights", "closed")
_OF_THE_BINDING = (
    *("purpose", "unit_id", "programme_id", "subject", "language", "urges"),
    *("bound_by", "bound_at", "met_at", "dissolve_at"),
)

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
    subject: str
    """Of a subject group, as the roster names it; empty until somebody has said."""
    language: str
    active: bool
    bot_is_admin: bool
    is_forum: bool
    rights: tuple[str, ...]
    """What the bot may do there, of ``storage.messaging.presence.RIGHTS``."""
    closed: bool
    urges: bool
    """Whether it may be said there how many have not confirmed a notice."""
    bound_by: int | None
    bound_at: datetime | None
    dissolve_at: datetime | None
    """When a group for one task should be over."""

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
    thread_id: int
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
    return None if chat is None else as_group(chat)


def place(session: Session, chat_id: int) -> Group | None:
    """Return the place with this id of ours."""
    chat = session.exec(
        select(Chat).where(Chat.id == chat_id).execution_options(populate_existing=True)
    ).first()
    return None if chat is None else as_group(chat)


def bound_places(session: Session, tg_chat_id: int) -> list[Group]:
    """Return the places in this group that stand for something: it, or topics of it."""
    return [
        as_group(chat)
        for chat in session.exec(
            select(Chat)
            .where(Chat.tg_chat_id == tg_chat_id, col(Chat.purpose).is_not(None))
            .order_by(col(Chat.thread_id))
            .execution_options(populate_existing=True)
        ).all()
    ]


def language_of(session: Session, tg_chat_id: int, thread_id: int = 0) -> str | None:
    """Return in which language the bot speaks there; None in a group that it does not know."""
    return session.exec(
        select(Chat.language)
        .where(Chat.tg_chat_id == tg_chat_id, col(Chat.thread_id).in_((0, thread_id)))
        .order_by(col(Chat.purpose).is_(None), col(Chat.thread_id).desc())
    ).first()


def as_group(chat: Chat) -> Group:
    """The place behind a row, as others see it."""
    return Group(
        id=chat.id,
        tg_chat_id=chat.tg_chat_id,
        thread_id=chat.thread_id,
        title=chat.title,
        topic=chat.topic,
        purpose=chat.purpose,
        unit_id=chat.unit_id,
        programme_id=chat.programme_id,
        subject=chat.subject,
        language=chat.language,
        active=chat.active,
        bot_is_admin=chat.bot_is_admin,
        is_forum=chat.is_forum,
        rights=tuple(chat.rights),
        closed=chat.closed,
        urges=chat.urges,
        bound_by=chat.bound_by,
        bound_at=chat.bound_at,
        dissolve_at=chat.dissolve_at,
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
            subject="",
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
    return as_group(chat)


def deactivate(session: Session, tg_chat_id: int) -> list[int]:
    """The bot has been removed from the group: nothing goes there until it is back.

    Returns the places in it that were active until now.
    """
    return list(
        session.exec(
            sa.update(Chat)
            .where(col(Chat.tg_chat_id) == tg_chat_id, col(Chat.active))
            .values(active=False)
            .returning(col(Chat.id))
        ).scalars()
    )


def migrate(session: Session, old_tg_chat_id: int, new_tg_chat_id: int) -> None:
    """The group has become a supergroup: it keeps what it stands for under its new id.

    Telegram tells it twice, in a message and as a failure; the second time nothing is left to
    do. When the new id was met before the news came, that stranger gives way.
    """
    # Only a group without topics can become a supergroup.
    rows = {
        chat.tg_chat_id: chat
        for chat in session.exec(
            select(Chat)
            .where(col(Chat.tg_chat_id).in_((old_tg_chat_id, new_tg_chat_id)), Chat.thread_id == 0)
            .order_by(col(Chat.id))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
    }
    moving, met = rows.get(old_tg_chat_id), rows.get(new_tg_chat_id)
    if moving is None:
        return
    if met is not None:
        # What is known of the supergroup itself is the newer news.
        for name in (*_OF_THE_GROUP, *(_OF_THE_BINDING if moving.purpose is None else ())):
            setattr(moving, name, getattr(met, name))
        session.flush()
    old, new = moving.id, None if met is None else met.id
    # Message ids do not carry over, so the cards are posted once more in the supergroup. A
    # notice is not, for it would ring again: what stands there is not edited any more.
    session.exec(
        sa.update(GroupCard)
        .where(col(GroupCard.chat_id) == old)
        .values(message_id=None, shown="", shown_revision=None)
    )
    session.exec(
        sa.update(NoticePost)
        .where(col(NoticePost.chat_id) == old)
        .values(message_id=None, shown="")
    )
    session.exec(sa.update(Chat).where(col(Chat.id) == old).values(pinned_message_id=None))
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
        session.exec(
            sa.delete(NoticePost).where(
                col(NoticePost.chat_id) == old,
                col(NoticePost.notice_id).in_(
                    sa.select(col(NoticePost.notice_id)).where(col(NoticePost.chat_id) == new)
                ),
            )
        )
        session.exec(sa.delete(Hold).where(col(Hold.chat_id) == new))
        for table in (GroupCard, NoticePost, OutboxMessage, Question):
            session.exec(sa.update(table).where(col(table.chat_id) == new).values(chat_id=old))
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
            col(Chat.thread_id),
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
            ~col(Chat.closed),
            col(Chat.purpose).is_not(None),
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
