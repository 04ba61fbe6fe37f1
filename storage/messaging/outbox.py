"""The outbox: whatever the product says unprompted is a row before it is a message.

A dispatcher claims as many rows as it is about to send, and no more; the claim marks them
``sending`` with a lease, in a commit of its own, before any of them leaves. It settles each
by itself as soon as Telegram has answered. So after a kill only the messages in flight are in
doubt, and two dispatchers never hold the same row. Failures are sorted by remedy: sent,
refused for good, later, moved, broken.

The account that a row goes to is looked up again at every claim: who relinks on a new phone
gets what was waiting there, and the old phone gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.calendar import workdays
from storage.inserting import insert_new
from storage.messaging import groups, quiet
from storage.messaging.tables import (
    Chat,
    DeadlineStep,
    Hold,
    OutboxMessage,
    OutboxState,
    Priority,
    Relay,
    Reminder,
    ReminderState,
)
from storage.people.tables import Account
from storage.prepared import Prepared, among
from storage.tables import KEY

BRIEF = "brief"
REMINDER = "reminder"
NOTICE = "notice"
GROUP_REMINDER = "group_reminder"
UPWARD = "approvals_waiting"
"""The one message of the day to whoever decides or answers for others."""
COPY = "relay"
"""What goes through a second channel: a text already, which no voice is asked for."""

NOT_REPEATED = frozenset({NOTICE})
"""Kinds that a person decides about when a crash leaves it open whether they were sent."""

UNREACHABLE = "unreachable"
TOO_LATE = "too late"
CLOSED = "closed"
"""Why a message to a place waits: its topic is closed, or nobody lets the bot write."""
_CLOSED_FOR = timedelta(hours=1)  # until it is looked at again; opening wakes it sooner
_WHOLE = "whole"
_PASSES = 50  # of one claim over rows that turn out not to be sendable now


@dataclass(frozen=True)
class Claimed:
    """A row that is ours to send until its lease runs out."""

    id: int
    kind: str
    tg_chat_id: int
    thread_id: int
    """The topic of a group that it goes to; 0 is none."""
    language: str
    account_id: int | None
    chat_id: int | None
    teacher_id: int | None
    facts: dict[str, Any]
    priority: int
    useful_until: datetime | None
    rings: bool
    attempts: int
    stream: int = 0
    relayed: bool = False
    """Whether whom it is for has a second channel."""


@dataclass(frozen=True)
class Recovered:
    """What became of the rows that were in hand at a crash."""

    again: int
    doubtful: int


def put(
    session: Session,
    kind: str,
    *,
    teacher_id: int | None = None,
    chat_id: int | None = None,
    facts: dict[str, Any],
    priority: int,
    not_before: datetime,
    useful_until: datetime | None = None,
    dedupe_key: str,
    now: datetime,
    rings: bool = True,
    stream: int = 0,
) -> int | None:
    """Queue a message for a teacher or a group; saying it twice under one key queues it once.

    Returns the row's id, or None when the teacher has no account that can be written to (or
    the group is gone): this is kept as a refused row, so that somebody can be told whom
    nobody could reach.
    """
    account_id = None
    if chat_id is None:
        account_id = session.exec(
            select(Account.id).where(Account.teacher_id == teacher_id, col(Account.reachable))
        ).first()
        reachable = account_id is not None
    else:
        reachable = bool(session.exec(select(Chat.active).where(Chat.id == chat_id)).first())
    session.exec(
        insert_new(session, OutboxMessage).values(
            kind=kind,
            teacher_id=teacher_id,
            account_id=account_id,
            chat_id=chat_id,
            facts=facts,
            priority=priority,
            not_before=not_before,
            useful_until=useful_until,
            dedupe_key=dedupe_key,
            rings=rings,
            stream=stream,
            state=OutboxState.PENDING if reachable else OutboxState.REFUSED,
            attempts=0,
            created_at=now,
            fault="" if reachable else UNREACHABLE,
        )
    )
    kept: Any = session.exec(
        select(OutboxMessage.id, OutboxMessage.state, OutboxMessage.fault).where(
            OutboxMessage.dedupe_key == dedupe_key
        )
    ).one()
    refused = kept.state is OutboxState.REFUSED and kept.fault == UNREACHABLE
    return None if refused else kept.id


def put_all(
    session: Session,
    kind: str,
    teachers: Any,
    *,
    facts: dict[str, Any],
    priority: int,
    not_before: datetime,
    useful_until: datetime | None = None,
    key: str,
    now: datetime,
    rings: bool = True,
    stream: int = 0,
) -> None:
    """Queue the same for each of these teachers, in one statement; for each it is as ``put``.

    ``teachers`` selects their ids, each once; the key of each is ``key`` and their id.
    """
    values = {
        "kind": kind,
        "facts": facts,
        "priority": priority,
        "not_before": not_before,
        "useful_until": useful_until,
        "rings": rings,
        "stream": stream,
        "attempts": 0,
        "created_at": now,
    }
    columns = OutboxMessage.__table__.c  # type: ignore[attr-defined]
    teacher = next(iter(teachers.subquery("whom").c))
    is_reachable = col(Account.id).is_not(None)
    rows = (
        sa.select(
            teacher,
            col(Account.id),
            sa.literal(key, sa.String).concat(sa.cast(teacher, sa.String)),
            sa.case(
                (is_reachable, sa.literal(OutboxState.PENDING, columns.state.type)),
                else_=sa.literal(OutboxState.REFUSED, columns.state.type),
            ),
            sa.case((is_reachable, sa.literal("")), else_=sa.literal(UNREACHABLE)),
            *(sa.literal(value, columns[name].type) for name, value in values.items()),
        )
        .outerjoin(Account, sa.and_(col(Account.teacher_id) == teacher, col(Account.reachable)))
        .where(sa.true())
    )
    names = ["teacher_id", "account_id", "dedupe_key", "state", "fault", *values]
    session.exec(insert_new(session, OutboxMessage).from_select(names, rows))


def take_back(session: Session, keys: Sequence[str]) -> None:
    """Say none of what waits under these keys: what it tells of has been undone."""
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.dedupe_key).in_(keys),
            col(OutboxMessage.state).in_([OutboxState.PENDING, OutboxState.REFUSED]),
        )
        .values(state=OutboxState.SKIPPED, fault="undone")
    )


def claim(
    session: Session,
    *,
    now: datetime,
    lease: timedelta,
    limit: int,
    exclude_chats: Collection[int] = (),
    turns: Mapping[int, int] | None = None,
) -> list[Claimed]:
    """Take up to ``limit`` rows that may be sent now, the most urgent first.

    Among rows of one priority the streams take turns, row by row, so that a notice to the
    whole county does not hold up another; within a stream the older goes first. ``turns``
    says for each priority which stream had the last turn.

    ``exclude_chats`` are Telegram's ids of chats that something is being sent to already.
    On the way, what is too late is skipped, what would ring in somebody's quiet hours waits
    for the next allowed moment, and what nobody can receive is refused.
    """
    if session.exec(select(Hold.id).where(Hold.name == _WHOLE, Hold.until > now)).first():
        return []
    blocked = _blocked(session, exclude_chats, now)
    claimed: list[Claimed] = []
    passes = 0
    priority = _next_priority(session, None)
    while priority is not None and len(claimed) < limit:
        after = (turns or {}).get(priority, 0)
        waiting = {
            stream
            for (stream,) in session.exec(_STREAMS, params={"priority": priority, "now": now})
        }
        while waiting and len(claimed) < limit and passes < _PASSES:
            passes += 1
            order = sorted(waiting, key=lambda stream: (stream <= after, stream))
            rows, exhausted = _in_turn(session, priority, order, blocked, now, limit - len(claimed))
            waiting -= exhausted
            after = rows[-1].stream if rows else after
            sendable = _sendable(session, rows, now)
            take(session, [row.id for row in sendable], now + lease)
            claimed += sendable
        priority = _next_priority(session, priority)
    return claimed


def take(session: Session, ids: Collection[int], until: datetime) -> None:
    """Mark rows as being sent, with a lease until then."""
    if ids:
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id).in_(ids))
            .values(
                state=OutboxState.SENDING,
                lease_until=until,
                attempts=OutboxMessage.attempts + 1,
            )
        )


def _in_turn(
    session: Session,
    priority: int,
    streams: Sequence[int],
    blocked: list[sa.ColumnElement[bool]],
    now: datetime,
    limit: int,
) -> tuple[list[Any], set[int]]:
    """Return up to ``limit`` due rows, one of each stream after the other, the first one first.

    There may be fewer though more are due: what a short stream leaves is for another pass.
    Beside them the streams that have none; one that has few may have them again, for another
    account.
    """
    queues, exhausted = [], set()
    for place, stream in enumerate(streams[:limit]):
        share = (limit - place - 1) // len(streams) + 1
        queues.append(_due(session, priority, stream, blocked, now, share))
        if not queues[-1]:
            exhausted.add(stream)
    longest = max(len(queue) for queue in queues)
    rows = [queue[n] for n in range(longest) for queue in queues if n < len(queue)]
    return rows, exhausted


def due_streams(which: Callable[[Any], sa.ColumnElement[bool]]) -> Any:
    """Select the streams of a ``priority`` in which something is due at ``now``, of ``which``.

    It takes one step of the index for each; to ask for distinct streams would be to look at
    every row that waits.
    """
    row = OutboxMessage.__table__.c  # type: ignore[attr-defined]
    mine = (
        row.state == sa.literal(OutboxState.PENDING, row.state.type),
        row.priority == sa.bindparam("priority", type_=sa.Integer),
        which(row.stream),
    )
    walk = sa.select(sa.func.min(row.stream).label("stream")).where(*mine).cte(recursive=True)
    following = sa.select(sa.func.min(row.stream)).where(*mine, row.stream > walk.c.stream)
    walk = walk.union_all(sa.select(following.scalar_subquery()).where(walk.c.stream.is_not(None)))
    return sa.select(walk.c.stream).where(
        sa.exists().where(
            *mine,
            row.stream == walk.c.stream,
            row.not_before <= sa.bindparam("now", type_=row.not_before.type),
        )
    )


# What goes through a second channel has a stream below zero: see ``relays``.
_STREAMS = due_streams(lambda stream: stream >= 0)


def _next_priority(session: Session, after: int | None) -> int | None:
    statement = select(sa.func.min(OutboxMessage.priority)).where(
        OutboxMessage.state == OutboxState.PENDING
    )
    if after is not None:
        statement = statement.where(OutboxMessage.priority > after)
    return session.exec(statement).one()


def _blocked(
    session: Session, chats: Collection[int], now: datetime
) -> list[sa.ColumnElement[bool]]:
    """Conditions that keep out what is on hold or busy; usually there are none."""
    accounts: set[int | None] = set()
    groups: set[int | None] = set()
    held = session.exec(select(Hold.account_id, Hold.chat_id).where(Hold.until > now)).all()
    for account_id, chat_id in held:
        accounts.add(account_id)
        groups.add(chat_id)
    if chats:
        accounts.update(
            session.exec(select(Account.id).where(col(Account.tg_user_id).in_(chats))).all()
        )
        groups.update(session.exec(select(Chat.id).where(col(Chat.tg_chat_id).in_(chats))).all())
    conditions: list[sa.ColumnElement[bool]] = []
    for column, ids in ((OutboxMessage.account_id, accounts), (OutboxMessage.chat_id, groups)):
        known = [found for found in ids if found is not None]
        if known:
            conditions.append(sa.or_(col(column).is_(None), col(column).not_in(known)))
    return conditions


def _due(
    session: Session,
    priority: int,
    stream: int,
    blocked: list[sa.ColumnElement[bool]],
    now: datetime,
    limit: int,
) -> Sequence[Any]:
    statement = (
        sa.select(
            col(OutboxMessage.id),
            col(OutboxMessage.kind),
            col(OutboxMessage.account_id),
            col(OutboxMessage.chat_id),
            col(OutboxMessage.teacher_id),
            col(OutboxMessage.facts),
            col(OutboxMessage.priority),
            col(OutboxMessage.stream),
            col(OutboxMessage.useful_until),
            col(OutboxMessage.rings),
            col(OutboxMessage.attempts),
            col(Account.tg_user_id),
            col(Account.teacher_id).label("linked"),
            col(Account.reachable),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
            col(Chat.tg_chat_id),
            col(Chat.thread_id),
            col(Chat.active),
            col(Chat.closed),
            sa.func.coalesce(col(Chat.language), col(Account.language)).label("language"),
            _RELAYED.label("relayed"),
        )
        .outerjoin(Account, col(Account.id) == col(OutboxMessage.account_id))
        .outerjoin(Chat, col(Chat.id) == col(OutboxMessage.chat_id))
        .where(
            col(OutboxMessage.state) == OutboxState.PENDING,
            col(OutboxMessage.priority) == priority,
            col(OutboxMessage.stream) == stream,
            col(OutboxMessage.not_before) <= now,
            *blocked,
        )
        .order_by(col(OutboxMessage.not_before), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxMessage)
    )
    return session.exec(statement).all()  # type: ignore[call-overload, no-any-return]


_RELAYED = sa.or_(
    sa.exists().where(col(Relay.teacher_id) == col(OutboxMessage.teacher_id), col(Relay.active)),
    sa.exists().where(col(Relay.unit_id) == col(Chat.unit_id), col(Relay.active)),
)


def look(session: Session, ids: Collection[int]) -> list[Claimed]:
    """Return these rows of people as whoever sends them would get them, without taking them."""
    rows: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            OutboxMessage, col(Account.tg_user_id), col(Account.language), col(Account.id)
        )
        .join(Account, col(Account.teacher_id) == col(OutboxMessage.teacher_id))
        .where(col(OutboxMessage.id).in_(ids))
        .order_by(col(OutboxMessage.priority), col(OutboxMessage.id))
    ).all()
    return [
        Claimed(
            id=row.id,
            kind=row.kind,
            tg_chat_id=tg_user_id,
            thread_id=0,
            language=language,
            account_id=account_id,
            chat_id=None,
            teacher_id=row.teacher_id,
            facts=row.facts,
            priority=row.priority,
            useful_until=row.useful_until,
            rings=row.rings,
            attempts=row.attempts,
            stream=row.stream,
        )
        for row, tg_user_id, language, account_id in rows
    ]


def _sendable(session: Session, rows: Sequence[Any], now: datetime) -> list[Claimed]:
    """Return the rows that may go now; settle, move or postpone the others."""
    sendable: list[Claimed] = []
    late: list[int] = []
    closed: set[quiet.Hours] = set()
    closed_places: list[int] = []
    calendar: quiet.Calendar | None = None
    for row in rows:
        # A brief says of itself what is still worth saying.
        if row.kind != BRIEF and row.useful_until is not None and row.useful_until <= now:
            late.append(row.id)
            if row.kind == REMINDER:
                _too_late(session, row.teacher_id, row.facts["deadlines"], now)
            continue
        if row.chat_id is not None:
            if not row.active:
                _refuse(session, row.id, UNREACHABLE, now)
                continue
            if row.closed:
                closed_places.append(row.id)
                continue
        else:
            if row.teacher_id is not None and row.linked != row.teacher_id:
                _redirect(session, row.id, row.teacher_id, now)
                continue
            if not row.reachable:
                _refuse(session, row.id, UNREACHABLE, now)
                continue
            if row.rings and row.priority > Priority.URGENT:
                calendar = calendar or workdays.load(session)
                hours = quiet.Hours(row.brief_minute, row.quiet_from, row.quiet_until)
                if quiet.ring_at(now, hours, calendar, lapses=row.useful_until) > now:
                    closed.add(hours)
                    continue
        sendable.append(
            Claimed(
                id=row.id,
                kind=row.kind,
                tg_chat_id=row.tg_chat_id if row.chat_id is not None else row.tg_user_id,
                thread_id=row.thread_id or 0,
                language=row.language,
                account_id=row.account_id,
                chat_id=row.chat_id,
                teacher_id=row.teacher_id,
                facts=row.facts,
                priority=row.priority,
                useful_until=row.useful_until,
                rings=row.rings,
                attempts=row.attempts + 1,
                stream=row.stream,
                relayed=row.relayed,
            )
        )
    if late:
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id).in_(late))
            .values(state=OutboxState.SKIPPED, fault=TOO_LATE)
        )
    if closed_places:
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id).in_(closed_places))
            .values(not_before=now + _CLOSED_FOR, fault=CLOSED)
        )
    for hours in closed:
        assert calendar is not None
        _wait_for_opening(session, hours, calendar, now)
    return sendable


def _too_late(
    session: Session, teacher_id: int, deadline_ids: Sequence[int], now: datetime
) -> None:
    session.exec(
        sa.update(Reminder)
        .where(
            col(Reminder.teacher_id) == teacher_id,
            col(Reminder.state) == ReminderState.DUE,
            col(Reminder.step_id).in_(
                sa.select(col(DeadlineStep.id)).where(
                    col(DeadlineStep.deadline_id).in_(deadline_ids),
                    col(DeadlineStep.useful_until) <= now,
                )
            ),
        )
        .values(state=ReminderState.STALE, settled_at=now)
    )


def _wait_for_opening(
    session: Session, hours: quiet.Hours, calendar: quiet.Calendar, now: datetime
) -> None:
    """Put everything that must not ring now, for people with these hours, off to when it may.

    All of it at once: a night must not be spent looking at a broadcast row by row.
    """
    workday = quiet.opening(now, hours, calendar)
    any_day = quiet.opening(now, hours, calendar, any_day=True)
    lapses = col(OutboxMessage.useful_until)
    cannot_wait = sa.and_(lapses.is_not(None), lapses <= workday)
    waiting = sa.and_(
        col(OutboxMessage.state) == OutboxState.PENDING,
        col(OutboxMessage.not_before) <= now,
        col(OutboxMessage.rings),
        col(OutboxMessage.priority) > Priority.URGENT,
        col(OutboxMessage.account_id).in_(
            sa.select(col(Account.id)).where(
                col(Account.brief_minute) == hours.brief,
                col(Account.quiet_from) == hours.quiet_from,
                col(Account.quiet_until) == hours.quiet_until,
            )
        ),
    )
    if workday > now:
        session.exec(
            sa.update(OutboxMessage)
            .where(waiting, sa.or_(lapses.is_(None), lapses > workday))
            .values(not_before=workday)
        )
    if any_day > now:
        session.exec(
            sa.update(OutboxMessage).where(waiting, cannot_wait).values(not_before=any_day)
        )


def _redirect(session: Session, outbox_id: int, teacher_id: int, now: datetime) -> None:
    """Send to wherever the teacher is linked now; refuse when that is nowhere."""
    account_id = session.exec(select(Account.id).where(Account.teacher_id == teacher_id)).first()
    if account_id is None:
        _refuse(session, outbox_id, UNREACHABLE, now)
        return
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id)
        .values(account_id=account_id)
    )


def settle_sent(session: Session, outbox_id: int, message_id: int, now: datetime) -> None:
    """Note that the message has been delivered, and with it whatever it told."""
    settle_many(session, [(outbox_id, message_id)], now)


def settle_many(session: Session, sent: Sequence[tuple[int, int]], now: datetime) -> None:
    """Note deliveries: pairs of a row's id and the id of the message it became.

    A success counts even when the lease had run out on the way.
    """
    for first in range(0, len(sent), _TOGETHER):
        some = sent[first : first + _TOGETHER]
        pairs = [*some, *[(_NOBODY, 0)] * (_TOGETHER - len(some))]
        values: dict[str, Any] = {"now": now}
        for n, (outbox_id, message_id) in enumerate(pairs):
            values[f"id_{n}"], values[f"message_{n}"] = outbox_id, message_id
        _SETTLE.count(session, **values)
        _TELL_REMINDERS.count(session, **values)
        _TELL_NEWS.count(session, **values)


LAST_FILE = "last_file"
"""The number of the last file of a message, among the facts of its row."""


def note_file(session: Session, outbox_id: int, message_id: int) -> None:
    """Keep which message is the last file of this one: it bears the same keys once more."""
    facts = session.exec(select(OutboxMessage.facts).where(OutboxMessage.id == outbox_id)).one()
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id)
        .values(facts={**facts, LAST_FILE: message_id})
    )


_TOGETHER = 64
_NOBODY = -1  # fills up the last places
_IDS = [sa.bindparam(f"id_{n}", type_=KEY) for n in range(_TOGETHER)]
_outbox, _reminder, _news = (
    SQLModel.metadata.tables[name] for name in ("outbox_message", "reminder", "news")
)
_TOLD = sa.select(_outbox.c.teacher_id).where(
    _outbox.c.id.in_(_IDS), among(_outbox.c.kind, (BRIEF, REMINDER, UPWARD))
)

# One statement for all: run once for each row, they would let go of the interpreter as often,
# and wait for it as often while the loop is busy sending.
_SETTLE = Prepared(
    sa.update(_outbox)
    .where(
        _outbox.c.id.in_(_IDS),
        among(_outbox.c.state, (OutboxState.SENDING, OutboxState.PENDING, OutboxState.DOUBTFUL)),
    )
    .values(
        state=OutboxState.SENT,
        message_id=sa.case(
            *(
                (_outbox.c.id == id_, sa.bindparam(f"message_{n}", type_=KEY))
                for n, id_ in enumerate(_IDS)
            )
        ),
        sent_at=sa.bindparam("now"),
        lease_until=None,
    )
)
_TELL_REMINDERS = Prepared(
    sa.update(_reminder)
    .where(
        _reminder.c.teacher_id.in_(_TOLD),
        _reminder.c.state == ReminderState.DUE,
        _reminder.c.outbox_id.in_(_IDS),
    )
    .values(state=ReminderState.SENT, settled_at=sa.bindparam("now"))
)
_TELL_NEWS = Prepared(
    sa.update(_news)
    .where(_news.c.teacher_id.in_(_TOLD), _news.c.told_at.is_(None), _news.c.outbox_id.in_(_IDS))
    .values(told_at=sa.bindparam("now"))
)


def settle_refused(session: Session, outbox_id: int, *, fault: str, now: datetime) -> None:
    """Note that this chat refuses us for good: blocked, deactivated, removed.

    The person counts as unreachable until they write to us again; a group as left.
    """
    row: Any = session.exec(
        select(OutboxMessage.account_id, OutboxMessage.chat_id).where(OutboxMessage.id == outbox_id)
    ).one()
    if row.account_id is not None:
        session.exec(
            sa.update(Account)
            .where(col(Account.id) == row.account_id, col(Account.reachable))
            .values(reachable=False, unreachable_since=now)
        )
    if row.chat_id is not None:
        session.exec(sa.update(Chat).where(col(Chat.id) == row.chat_id).values(active=False))
    _refuse(session, outbox_id, fault, now)


def _refuse(session: Session, outbox_id: int, fault: str, now: datetime) -> None:
    row = session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id)
        .values(state=OutboxState.REFUSED, fault=fault[:500], lease_until=None)
        .returning(col(OutboxMessage.kind), col(OutboxMessage.teacher_id))
    ).one()
    if row.kind in (BRIEF, REMINDER):
        session.exec(
            sa.update(Reminder)
            .where(
                col(Reminder.teacher_id) == row.teacher_id,
                col(Reminder.state) == ReminderState.DUE,
            )
            .values(state=ReminderState.UNREACHABLE, settled_at=now)
        )


def settle_skipped(session: Session, outbox_id: int, *, reason: str) -> None:
    """Note that there was nothing left to say when the turn of this row came."""
    _close(session, outbox_id, OutboxState.SKIPPED, reason)


def settle_broken(session: Session, outbox_id: int, *, fault: str) -> None:
    """Note that we cannot send this through a fault of our own; it is counted and shown."""
    _close(session, outbox_id, OutboxState.BROKEN, fault)


def _close(session: Session, outbox_id: int, state: OutboxState, fault: str) -> None:
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id)
        .values(state=state, fault=fault[:500], lease_until=None)
    )


def try_later(session: Session, outbox_id: int, until: datetime, *, fault: str = "") -> None:
    """Give the row back: the network or Telegram failed, and nobody asked for a pause."""
    session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id) == outbox_id, col(OutboxMessage.state) == OutboxState.SENDING)
        .values(state=OutboxState.PENDING, not_before=until, lease_until=None, fault=fault[:500])
    )


def put_off(session: Session, outbox_id: int, until: datetime, *, whole: bool) -> None:
    """Give the row back: Telegram asked for a pause of this chat, or of everything.

    The pause is a row too, so it outlives a restart; a longer one that is known stands.
    """
    try_later(session, outbox_id, until)
    row: Any = session.exec(
        select(OutboxMessage.account_id, OutboxMessage.chat_id).where(OutboxMessage.id == outbox_id)
    ).one()
    if whole:
        name, account_id, chat_id = _WHOLE, None, None
    elif row.chat_id is not None:
        name, account_id, chat_id = f"chat:{row.chat_id}", None, row.chat_id
    else:
        name, account_id, chat_id = f"account:{row.account_id}", row.account_id, None
    session.exec(
        insert_new(session, Hold).values(
            name=name, account_id=account_id, chat_id=chat_id, until=until
        )
    )
    session.exec(
        sa.update(Hold).where(col(Hold.name) == name, col(Hold.until) < until).values(until=until)
    )


def held_until(session: Session, *, now: datetime) -> datetime | None:
    """Return until when nothing at all may be sent, or None."""
    return session.exec(select(Hold.until).where(Hold.name == _WHOLE, Hold.until > now)).first()


def recover(session: Session, *, now: datetime) -> Recovered:
    """Take up what was in hand when a process died: rows whose lease has run out.

    Reminders, offers, briefs and cards go out again: one that comes twice is a smaller harm
    than one that never comes. Broadcasts wait for a person.
    """
    lost = (
        col(OutboxMessage.state) == OutboxState.SENDING,
        col(OutboxMessage.lease_until) <= now,
    )
    doubtful = session.exec(
        sa.update(OutboxMessage)
        .where(*lost, col(OutboxMessage.kind).in_(NOT_REPEATED))
        .values(state=OutboxState.DOUBTFUL, lease_until=None)
    ).rowcount
    again = session.exec(
        sa.update(OutboxMessage)
        .where(*lost, col(OutboxMessage.kind).not_in(NOT_REPEATED))
        .values(state=OutboxState.PENDING, lease_until=None)
    ).rowcount
    session.exec(sa.delete(Hold).where(col(Hold.until) <= now))
    return Recovered(again=again, doubtful=doubtful)


def stats(session: Session) -> dict[OutboxState, int]:
    """Return how many rows are in each state."""
    rows = session.exec(
        select(OutboxMessage.state, sa.func.count()).group_by(col(OutboxMessage.state))
    ).all()
    return {OutboxState(state): number for state, number in rows}


def unreached(session: Session, *, since: datetime) -> list[int]:
    """Return the teachers whom something was meant for since then and could not reach."""
    found = session.exec(
        select(OutboxMessage.teacher_id)
        .distinct()
        .where(
            OutboxMessage.state == OutboxState.REFUSED,
            OutboxMessage.created_at >= since,
            col(OutboxMessage.teacher_id).is_not(None),
        )
        .order_by(col(OutboxMessage.teacher_id))
    ).all()
    return [teacher_id for teacher_id in found if teacher_id is not None]


def migrated(session: Session, old_tg_chat_id: int, new_tg_chat_id: int) -> None:
    """Note that a group has moved to a new id; what was on its way there goes out again."""
    groups.migrate(session, old_tg_chat_id, new_tg_chat_id)
