"""Whether the bot is in a group, and what it may do there.

What a place stands for survives all of it: removed and back, silenced, a topic closed and
opened again. Nothing is sent where it cannot be read, and whoever answers for the place is told
once of each turn (see ``storage.messaging.owners``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import quiet, workdays
from storage.messaging import groups, outbox, owners
from storage.messaging.tables import Chat, OutboxMessage, OutboxState, Priority
from storage.moments import local_day
from storage.people import offices
from storage.people.tables import Draft

POST, PIN, DELETE, TOPICS = "post", "pin", "delete", "topics"
RIGHTS = (POST, PIN, DELETE, TOPICS)
"""What is of use to the bot in a group. All it needs is the first."""

NEWS = "place_news"
HELLO = "group_hello"
GOODBYE = "group_goodbye"

MET = "bind:"
"""And the id of a place: the kind of the draft that keeps who has been there and may bind it."""

KNOWN_FOR = timedelta(days=7)
"""How long a group that nobody says anything about is put up with."""
HELLO_WITHIN = timedelta(hours=1)
# News of a migration may come a moment after the news of a group that nobody knows.
UNKNOWN_WAITS = timedelta(seconds=5)
# A coordinator who has just added the bot is asked in private; the group need not be.
BINDING_WAITS = timedelta(minutes=10)
JUST_NOW = timedelta(minutes=1)


class Turn(StrEnum):
    """What may happen to a place, as its owner is told."""

    REMOVED = "removed"
    BACK = "back"
    SILENCED = "silenced"
    SPEAKS = "speaks"
    RIGHTS_LOST = "rights_lost"
    CLOSED = "closed"
    DELETED = "deleted"
    REOPENED = "reopened"


class Adder(StrEnum):
    """Who has added the bot to a group, as far as it can be known."""

    MAY_BIND = "may_bind"
    KNOWN = "known"  # a linked teacher, or an administrator who hides who they are
    NOBODY = "nobody"


@dataclass(frozen=True)
class Standing:
    """What the bot is in a group."""

    is_admin: bool
    rights: tuple[str, ...]


def arrive(
    session: Session,
    tg_chat_id: int,
    title: str,
    standing: Standing,
    *,
    is_forum: bool,
    is_new: bool,
    adder: Adder,
    language: str,
    now: datetime,
) -> int:
    """The bot is in the group; return the id of its place there.

    If it is new there, it greets where the group stands for something, says where not that it
    has to be told, and leaves a group that nobody whom we know has added it to.
    """
    back = list(
        session.exec(
            sa.update(Chat)
            .where(col(Chat.tg_chat_id) == tg_chat_id, ~col(Chat.active))
            .values(active=True)
            .returning(col(Chat.id))
        ).scalars()
    )
    here = groups.bind(session, tg_chat_id, title, language=language)
    session.exec(
        sa.update(Chat)
        .where(col(Chat.tg_chat_id) == tg_chat_id)
        .values(title=title, is_forum=is_forum)
    )
    bound = groups.bound_places(session, tg_chat_id)
    _revive(session, back, now)
    _tell(session, [place.id for place in bound if place.id in back], Turn.BACK, now=now)
    if not is_new:
        note(session, tg_chat_id, standing, now=now)
        return here.id
    _tell(session, _change(session, tg_chat_id, standing).silenced, Turn.SILENCED, now=now)
    session.exec(sa.update(Chat).where(col(Chat.tg_chat_id) == tg_chat_id).values(met_at=now))
    if bound:
        for place in bound:
            greet(session, place.id, is_bound=True, not_before=now, now=now)
    elif adder is Adder.NOBODY:
        say_goodbye(session, here.id, not_before=now + UNKNOWN_WAITS, now=now)
    else:
        wait = BINDING_WAITS if adder is Adder.MAY_BIND else UNKNOWN_WAITS
        greet(session, here.id, is_bound=False, not_before=now + wait, now=now)
    return here.id


def greet(
    session: Session, chat_id: int, *, is_bound: bool, not_before: datetime, now: datetime
) -> None:
    """Leave a greeting; what it says is decided when it is sent."""
    outbox.put(
        session,
        HELLO,
        chat_id=chat_id,
        facts={"is_bound": is_bound},
        priority=Priority.CARD,
        not_before=not_before,
        useful_until=not_before + HELLO_WITHIN,
        dedupe_key=f"{HELLO}:{chat_id}:{int(is_bound)}:{now.isoformat()}",
        now=now,
    )


def is_greeted(session: Session, tg_chat_id: int, *, now: datetime) -> bool:
    """Whether the bot has come to the group only a moment ago."""
    met_at = session.exec(
        select(Chat.met_at).where(Chat.tg_chat_id == tg_chat_id, Chat.thread_id == 0)
    ).first()
    return met_at is not None and now - met_at < JUST_NOW


def removed(session: Session, tg_chat_id: int, *, now: datetime) -> None:
    """The bot is in the group no longer."""
    _tell(session, groups.deactivate(session, tg_chat_id), Turn.REMOVED, now=now)


def note(session: Session, tg_chat_id: int, standing: Standing, *, now: datetime) -> None:
    """Keep what the bot may do in the group now, and tell what it has lost or got back."""
    change = _change(session, tg_chat_id, standing)
    _revive(session, change.speaking, now)
    _tell(session, change.silenced, Turn.SILENCED, now=now)
    _tell(session, change.speaking, Turn.SPEAKS, now=now)
    _tell(session, change.poorer, Turn.RIGHTS_LOST, now=now)


@dataclass(frozen=True)
class _Change:
    """The places of a group that a change of the bot's standing concerns."""

    silenced: list[int]
    speaking: list[int]
    poorer: list[int]


def _change(session: Session, tg_chat_id: int, standing: Standing) -> _Change:
    rows = session.exec(
        select(Chat)
        .where(Chat.tg_chat_id == tg_chat_id)
        .order_by(col(Chat.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    change = _Change([], [], [])
    may_post = POST in standing.rights
    for chat in rows:
        # Of a place that was never looked at it is taken that one may write there.
        might_post = POST in chat.rights or not chat.closed
        if might_post and not may_post and not chat.closed:
            chat.closed = True
            change.silenced.append(chat.id)
        elif not might_post and may_post:
            chat.closed = False
            change.speaking.append(chat.id)
        elif set(chat.rights) - set(standing.rights) - {POST}:
            change.poorer.append(chat.id)
        chat.rights = list(standing.rights)
        chat.bot_is_admin = standing.is_admin
    session.flush()
    return change


def silence(session: Session, tg_chat_id: int, *, now: datetime) -> None:
    """Telegram has refused a message: the group does not let the bot write any more."""
    chat = session.exec(select(Chat).where(Chat.tg_chat_id == tg_chat_id)).first()
    if chat is not None:
        rights = tuple(right for right in chat.rights if right != POST)
        note(session, tg_chat_id, Standing(chat.bot_is_admin, rights), now=now)


def close_topic(
    session: Session, tg_chat_id: int, thread_id: int, *, deleted: bool, now: datetime
) -> None:
    """The topic is closed, or is not there any more: nothing goes there, nor anywhere else."""
    closed = _set_closed(session, tg_chat_id, thread_id, closed=True)
    _tell(session, closed, Turn.DELETED if deleted else Turn.CLOSED, now=now)


def reopen_topic(session: Session, tg_chat_id: int, thread_id: int, *, now: datetime) -> None:
    """The topic is open again: what has waited goes out."""
    opened = _set_closed(session, tg_chat_id, thread_id, closed=False)
    _revive(session, opened, now)
    _tell(session, opened, Turn.REOPENED, now=now)


def _set_closed(session: Session, tg_chat_id: int, thread_id: int, *, closed: bool) -> list[int]:
    rows = session.exec(
        select(Chat)
        .where(
            Chat.tg_chat_id == tg_chat_id,
            Chat.thread_id == thread_id,
            col(Chat.closed).is_not(closed),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for chat in rows:
        chat.closed = closed
        # That it is the topic which is closed, and not the group, is told by this right.
        chat.rights = [POST, *(right for right in chat.rights if right != POST)]
    session.flush()
    return [chat.id for chat in rows]


def rename(
    session: Session, tg_chat_id: int, *, title: str = "", thread_id: int = 0, topic: str = ""
) -> None:
    """The group, or one topic of it, is called otherwise."""
    here = sa.update(Chat).where(col(Chat.tg_chat_id) == tg_chat_id)
    if title:
        session.exec(here.values(title=title))
    if thread_id and topic:
        session.exec(here.where(col(Chat.thread_id) == thread_id).values(topic=topic))


def is_so(session: Session, chat_id: int, turn: Turn) -> bool:
    """Whether what the owner of a place is about to be told is still true."""
    chat = groups.place(session, chat_id)
    if chat is None or chat.purpose is None:
        return False
    match turn:
        case Turn.REMOVED:
            return not chat.active
        case Turn.SILENCED | Turn.CLOSED | Turn.DELETED:
            return chat.active and chat.closed
        case Turn.BACK | Turn.SPEAKS | Turn.REOPENED:
            return chat.is_open
        case Turn.RIGHTS_LOST:
            return chat.active and set(chat.rights) != set(RIGHTS)


def _tell(session: Session, chat_ids: Iterable[int], turn: Turn, *, now: datetime) -> None:
    """Tell who answers for these places; of the topics of one group each is told once."""
    today = local_day(now, offices.zone(session))
    told: set[tuple[int, int]] = set()
    of_topics = turn in (Turn.CLOSED, Turn.DELETED, Turn.REOPENED)
    for chat_id in sorted(chat_ids):
        place = groups.place(session, chat_id)
        if place is None:
            continue
        for teacher_id in owners.owners(session, chat_id, today=today):
            if not of_topics and (place.tg_chat_id, teacher_id) in told:
                continue
            told.add((place.tg_chat_id, teacher_id))
            outbox.put(
                session,
                NEWS,
                teacher_id=teacher_id,
                facts={
                    "chat_id": chat_id,
                    "turn": turn.value,
                    "title": place.title,
                    "topic": place.topic if of_topics else "",
                },
                priority=Priority.LAST_HOURS,
                not_before=now,
                dedupe_key=f"{NEWS}:{chat_id}:{turn}:{now.isoformat()}:{teacher_id}",
                now=now,
            )


def _revive(session: Session, chat_ids: Collection[int], now: datetime) -> None:
    """Send what could not be sent there and is still of use."""
    rows = sa.update(OutboxMessage).where(col(OutboxMessage.chat_id).in_(chat_ids))
    session.exec(
        rows.where(
            col(OutboxMessage.state) == OutboxState.REFUSED,
            col(OutboxMessage.useful_until) > now,
            col(OutboxMessage.kind).not_in((HELLO, GOODBYE)),
        ).values(state=OutboxState.PENDING, not_before=now, fault="", lease_until=None)
    )
    session.exec(
        rows.where(
            col(OutboxMessage.state) == OutboxState.PENDING,
            col(OutboxMessage.fault) == outbox.CLOSED,
        ).values(not_before=now, fault="")
    )


# --- leaving ---------------------------------------------------------------------------------


def say_goodbye(session: Session, chat_id: int, *, not_before: datetime, now: datetime) -> None:
    """Say one sentence and leave; said to a group at most once a day, whoever adds the bot."""
    day = local_day(now, offices.zone(session))
    tg_chat_id = session.exec(select(Chat.tg_chat_id).where(Chat.id == chat_id)).one()
    outbox.put(
        session,
        GOODBYE,
        chat_id=chat_id,
        facts={},
        priority=Priority.CARD,
        not_before=not_before,
        useful_until=not_before + HELLO_WITHIN,
        dedupe_key=f"{GOODBYE}:{tg_chat_id}:{day.isoformat()}",
        now=now,
    )
    # Where it has been said today it counts for this time too.
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.dedupe_key) == f"{GOODBYE}:{tg_chat_id}:{day.isoformat()}")
        .values(created_at=now)
    )


def weary(session: Session, *, now: datetime) -> int:
    """Say goodbye to groups known for a week that stand for nothing; return to how many."""
    # What was known before groups were left in the end is known from now on.
    session.exec(
        sa.update(Chat)
        .where(col(Chat.active), col(Chat.purpose).is_(None), col(Chat.met_at).is_(None))
        .values(met_at=now)
    )
    unbound = _unbound().where(col(Chat.met_at) <= now - KNOWN_FOR)
    found = session.exec(unbound).all()
    if found:
        at = quiet.next_push(workdays.load(session), now)
        for row in found:
            say_goodbye(session, row.id, not_before=at, now=now)
    return len(found)


def to_leave(session: Session) -> list[int]:
    """Return Telegram's ids of the groups that have been said goodbye to."""
    over = (OutboxState.SENT, OutboxState.REFUSED, OutboxState.SKIPPED, OutboxState.BROKEN)
    said = sa.exists().where(
        col(OutboxMessage.chat_id) == col(Chat.id),
        col(OutboxMessage.kind) == GOODBYE,
        col(OutboxMessage.state).in_(over),
        col(OutboxMessage.fault) != BOUND,
        col(OutboxMessage.created_at) >= col(Chat.met_at),
    )
    return [row.tg_chat_id for row in session.exec(_unbound().where(said)).all()]


BOUND = "it stands for something"
"""Why a goodbye was not said after all."""


def has_left(session: Session, tg_chat_id: int, *, now: datetime) -> None:
    """The bot has left the group of its own accord; who has been there does not matter now."""
    left = groups.deactivate(session, tg_chat_id)
    if left:
        audit.record(session, None, "leave_group", f"group:{tg_chat_id}", now=now)
        met = [f"{MET}{chat_id}" for chat_id in left]
        session.exec(sa.delete(Draft).where(col(Draft.kind).in_(met)))


def _unbound() -> Any:
    """Select groups that the bot is in and in which no place stands for anything."""
    other = sa.orm.aliased(Chat)
    return sa.select(col(Chat.id), col(Chat.tg_chat_id)).where(
        col(Chat.active),
        col(Chat.thread_id) == 0,
        ~sa.exists().where(
            col(other.tg_chat_id) == col(Chat.tg_chat_id), col(other.purpose).is_not(None)
        ),
    )
