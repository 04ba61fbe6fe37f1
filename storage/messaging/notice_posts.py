"""Notices in groups: each place has one post with a live count, and never a name.

A post is queued in the outbox once its notice leaves, and looked at every minute as long as
people still answer; what has changed in the notice itself is seen at the next look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.calendar import quiet, workdays
from storage.messaging import notice_views, notices, outbox, relays, tending
from storage.messaging.notice_views import SEEN, NoticeText
from storage.messaging.tables import (
    Chat,
    Notice,
    NoticePost,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.moments import local_day
from storage.people import offices

KIND = "notice_post"
LOOK_EVERY = timedelta(minutes=1)
LOOK_SELDOM = timedelta(hours=6)
LIVELY = timedelta(days=3)
"""After its date, or its sending, a post is looked at seldom; what changes by hand is at once."""
FEWEST = 5
"""Below so many people there is no count in a group (domain, messages 8.2)."""
MAY_PIN = "can_pin_messages"


@dataclass(frozen=True)
class GroupNotice:
    """What a group sees of a notice: what everybody may read, and counts of at least five."""

    said: NoticeText
    confirmed: int | None
    of: int | None


@dataclass(frozen=True)
class Post:
    """A notice in one place, whose turn it is to be looked at."""

    id: int
    notice_id: int
    tg_chat_id: int
    thread_id: int
    language: str
    message_id: int
    shown: str


@dataclass(frozen=True)
class ToPin:
    """A message to pin in a place, and the older one that gives way."""

    chat_id: int
    tg_chat_id: int
    message_id: int
    older: int | None


def facts(session: Session, notice_id: int) -> GroupNotice:
    """Return what groups see of the notice now. Raises NotFound."""
    notice = tending.get(session, notice_id)
    of, confirmed = session.exec(
        sa.select(  # type: ignore[call-overload]
            sa.func.count(), sa.func.count(col(NoticeRecipient.confirmed_at))
        ).where(col(NoticeRecipient.notice_id) == notice_id)
    ).one()
    counts = notice.wants_answer and of >= FEWEST
    return GroupNotice(
        said=notice_views.text_of(session, notice),
        confirmed=confirmed if counts else None,
        of=of if counts else None,
    )


def missing(session: Session, notice_id: int) -> int | None:
    """Return how many have not confirmed, if that is enough of them to be said in a group."""
    found = facts(session, notice_id)
    if found.said.is_withdrawn or found.of is None or found.confirmed is None:
        return None
    left = found.of - found.confirmed
    return left if left >= FEWEST else None


def _of_open_places() -> tuple[Any, ...]:
    return col(Chat.active), ~col(Chat.closed), col(Notice.state).in_(SEEN)


def queue(session: Session, *, now: datetime) -> int:
    """Put the posts that hang nowhere yet into the outbox; note which have become messages.

    An urgent one goes at once, the others in the next hour of work. Returns how many wait.
    """
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(NoticePost.id),
            col(NoticePost.chat_id),
            col(NoticePost.notice_id),
            col(Chat.tg_chat_id),
            col(Notice.urgent),
        )
        .join(Chat, col(Chat.id) == col(NoticePost.chat_id))
        .join(Notice, col(Notice.id) == col(NoticePost.notice_id))
        .where(
            col(NoticePost.message_id).is_(None),
            *_of_open_places(),
            col(Notice.state) != NoticeState.WITHDRAWN,
        )
    ).all()
    if not rows:
        return 0
    at = quiet.next_push(workdays.load(session), now)
    left = len(rows)
    for row in rows:
        # Message ids do not carry over when a group moves: then it is posted once more.
        dedupe_key = f"{KIND}:{row.id}:{row.tg_chat_id}"
        outbox.put(
            session,
            KIND,
            chat_id=row.chat_id,
            facts={"notice_id": row.notice_id},
            priority=Priority.OFFER if row.urgent else Priority.CARD,
            not_before=now if row.urgent else at,
            dedupe_key=dedupe_key,
            now=now,
            stream=row.notice_id,
        )
        message_id = session.exec(
            select(OutboxMessage.message_id).where(
                OutboxMessage.dedupe_key == dedupe_key, OutboxMessage.state == OutboxState.SENT
            )
        ).first()
        if message_id is not None:
            left -= 1
            session.exec(
                sa.update(NoticePost)
                .where(col(NoticePost.id) == row.id)
                .values(message_id=message_id, shown="", looked_at=None)
            )
    return left


def announce(session: Session, notice: Notice, *, now: datetime) -> None:
    """Let units without a group have it through their other channels, when groups get it."""
    relays.announce(
        session,
        notices.channels_of(notice),
        KIND,
        {"notice_id": notice.id},
        name=f"{KIND}:{notice.id}",
        at=now if notice.urgent else quiet.next_push(workdays.load(session), now),
        now=now,
    )


def to_refresh(session: Session, *, now: datetime, limit: int) -> list[Post]:
    """Take the posts whose turn it is to be compared with the truth.

    Taking counts as a look. Edit what differs, then say ``shown``.
    """
    looked = col(NoticePost.looked_at)
    lively = sa.or_(
        col(Notice.answer_by) > now - LIVELY,
        sa.func.coalesce(col(Notice.send_at), col(Notice.created_at)) > now - LIVELY,
    )
    due: Any = (
        sa.select(
            col(NoticePost.id),
            col(NoticePost.notice_id),
            col(Chat.tg_chat_id),
            col(Chat.thread_id),
            col(Chat.language),
            col(NoticePost.message_id),
            col(NoticePost.shown),
        )
        .join(Chat, col(Chat.id) == col(NoticePost.chat_id))
        .join(Notice, col(Notice.id) == col(NoticePost.notice_id))
        .where(
            col(NoticePost.message_id).is_not(None),
            *_of_open_places(),
            sa.or_(
                looked.is_(None),
                sa.and_(lively, looked <= now - LOOK_EVERY),
                looked <= now - LOOK_SELDOM,
            ),
        )
        .order_by(looked.nulls_first(), col(NoticePost.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=NoticePost)
    )
    posts = [Post(*row) for row in session.exec(due).all()]
    if posts:
        session.exec(
            sa.update(NoticePost)
            .where(col(NoticePost.id).in_([post.id for post in posts]))
            .values(looked_at=now)
        )
    return posts


def shown(session: Session, post_id: int, digest: str) -> None:
    """Note what the group sees now."""
    session.exec(sa.update(NoticePost).where(col(NoticePost.id) == post_id).values(shown=digest))


def drop(session: Session, post_id: int) -> None:
    """The message is gone: somebody deleted it, and did not mean to see it again."""
    session.exec(sa.delete(NoticePost).where(col(NoticePost.id) == post_id))


def look_again(session: Session, notice_id: int) -> None:
    """The notice has changed: its posts are looked at next."""
    session.exec(
        sa.update(NoticePost).where(col(NoticePost.notice_id) == notice_id).values(looked_at=None)
    )


def to_pin(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> tuple[ToPin, ...]:
    """Return what is to be pinned where the bot has the right. Raises NotFound, NotAllowed."""
    today = local_day(now, offices.zone(session))
    return pinnable(session, tending.whole(session, actor_id, notice_id, today=today))


def pinnable(session: Session, notice: Notice) -> tuple[ToPin, ...]:
    """Return what is not pinned yet where the bot has the right."""
    rows = session.exec(
        select(Chat, NoticePost.message_id)
        .join(NoticePost, col(NoticePost.chat_id) == col(Chat.id))
        .where(
            NoticePost.notice_id == notice.id,
            col(NoticePost.message_id).is_not(None),
            col(Chat.active),
            ~col(Chat.closed),
        )
        .execution_options(populate_existing=True)
    ).all()
    return tuple(
        ToPin(chat.id, chat.tg_chat_id, message_id, chat.pinned_message_id)
        for chat, message_id in rows
        if message_id is not None
        and notice.state is not NoticeState.WITHDRAWN
        and MAY_PIN in chat.rights
        and chat.pinned_message_id != message_id
    )


def pinned(session: Session, chat_id: int, message_id: int) -> None:
    """Note which message of ours is pinned in the place."""
    session.exec(
        sa.update(Chat).where(col(Chat.id) == chat_id).values(pinned_message_id=message_id)
    )
