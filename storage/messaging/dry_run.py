"""A dry run: the sweep and the briefs as they will run, with a clock that jumps and no sender.

Only on a scratch copy (``storage.scratch``): it writes as the machine does, from one due moment
to the next, and nothing of it leaves. Whoever is alike in all that the engine looks at gets the
same messages, so one of them plays for all; ten thousand people are a few dozen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.messaging import briefs, outbox, owed, reminders, sweeping
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    News,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderMute,
    ReminderState,
)
from storage.people.tables import Account

LEASE = timedelta(minutes=2)
AT_ONCE = 100  # rows of the outbox that are taken up together
_SOME = 500  # ids in one statement


@dataclass(frozen=True)
class Part:
    """A line of a message: a deadline, with its step."""

    kind: str
    subject_id: int
    step: str


@dataclass(frozen=True)
class Message:
    """Something that would ring: a brief, a reminder by itself, or a message of another kind.

    ``facts`` are those of a message that is neither brief nor reminder; ``news`` counts what a
    brief tells besides deadlines.
    """

    at: datetime
    kind: str
    parts: tuple[Part, ...]
    facts: tuple[tuple[str, Any], ...] = ()
    news: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether it rings by itself, and is not the brief of the day."""
        return self.kind != outbox.BRIEF


@dataclass(frozen=True)
class Alike:
    """People who get the same messages at the same moments, and these."""

    teachers: tuple[int, ...]
    messages: tuple[Message, ...]


def play(
    session: Session,
    people: Collection[int],
    *,
    alone: Collection[int] = (),
    now: datetime,
    until: datetime,
    first: Callable[[Session, datetime], object],
) -> tuple[Alike, ...]:
    """Return what these teachers would be sent from now to ``until`` if nobody did anything.

    ``first`` is what else the clock does before each sweep. ``alone`` are teachers who may fare
    like nobody else, as does who waits in a queue. Who cannot be reached is left out.
    """
    _settle_in_hand(session, now)
    groups = _alike(session, people, set(alone), now, until)
    players = {min(group): group for group in groups}
    _leave_the_others_out(session, players)
    said: dict[int, list[Message]] = defaultdict(list)
    moment = now
    while True:
        first(session, moment)
        while sweeping.sweep(session, now=moment).more:
            pass
        _say(session, moment, said)
        following = reminders.next_event(session, now=moment)
        if following is None or following > until:
            break
        moment = following
    return tuple(Alike(tuple(group), tuple(said[one])) for one, group in players.items())


def _settle_in_hand(session: Session, now: datetime) -> None:
    """Count as sent what a dispatcher has in hand at this moment."""
    ids = session.exec(
        select(OutboxMessage.id).where(OutboxMessage.state == OutboxState.SENDING)
    ).all()
    outbox.settle_many(session, [(outbox_id, 0) for outbox_id in ids], now)


def _alike(
    session: Session, people: Collection[int], alone: set[int], now: datetime, until: datetime
) -> list[list[int]]:
    """Put those together who have the same hours, owe the same, and were told the same."""
    wanted = set(people)
    marks: dict[int, list[Any]] = {}
    for account in session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Account.teacher_id),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
        ).where(col(Account.reachable), col(Account.teacher_id).is_not(None))
    ):
        if account.teacher_id in wanted:
            marks[account.teacher_id] = [tuple(account)[1:]]

    def mark(rows: Iterable[Any]) -> None:
        for teacher_id, *what in rows:
            if teacher_id in marks:
                marks[teacher_id].append(tuple(what))

    for teacher_id in alone & marks.keys():
        marks[teacher_id].append(teacher_id)
    for deadline_id, kind, subject_id, own in _to_come(session, until):
        owing = owed.owing(session, kind, subject_id, own, now=now)
        mark((teacher_id, "owes", deadline_id) for teacher_id in session.exec(owing).scalars())
    mark(
        session.exec(
            sa.select(  # type: ignore[call-overload]
                col(Reminder.teacher_id), col(Reminder.step_id), col(Reminder.not_before)
            )
            .where(col(Reminder.state) == ReminderState.DUE)
            .order_by(col(Reminder.step_id))
        ).all()
    )
    mark(
        session.exec(
            select(ReminderMute.teacher_id, sa.literal("mute"), ReminderMute.deadline_id).order_by(
                col(ReminderMute.deadline_id)
            )
        ).all()
    )
    mark(
        session.exec(
            select(
                News.teacher_id,
                sa.func.count(),
                sa.func.count(col(News.queued_at)),
            )
            .where(col(News.told_at).is_(None))
            .group_by(col(News.teacher_id))
        ).all()
    )
    mark(_outbox_marks(session, now))
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for teacher_id in sorted(marks):
        groups[tuple(marks[teacher_id])].append(teacher_id)
    return list(groups.values())


def _to_come(session: Session, until: datetime) -> Sequence[tuple[int, str, int, int]]:
    """The deadlines of which something is still to be said: id, kind, subject and whose own."""
    told_of = sa.select(col(DeadlineStep.deadline_id)).where(
        sa.or_(
            sa.and_(col(DeadlineStep.outcome).is_(None), col(DeadlineStep.due_at) <= until),
            col(DeadlineStep.id).in_(
                sa.select(col(Reminder.step_id)).where(col(Reminder.state) == ReminderState.DUE)
            ),
        )
    )
    return session.exec(
        select(Deadline.id, Deadline.kind, Deadline.subject_id, Deadline.teacher_id)
        .where(Deadline.state == DeadlineState.ACTIVE, col(Deadline.id).in_(told_of))
        .order_by(col(Deadline.id))
    ).all()


def _outbox_marks(session: Session, now: datetime) -> Iterable[tuple[Any, ...]]:
    """What waits for each teacher, and on which days of this week the brief has rung."""
    zone = workdays.load(session).zone
    today = moments.local_day(now, zone)
    monday = today - timedelta(days=today.weekday())
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(OutboxMessage.teacher_id),
            col(OutboxMessage.id),
            col(OutboxMessage.kind),
            col(OutboxMessage.state),
            col(OutboxMessage.not_before),
            col(OutboxMessage.useful_until),
            col(OutboxMessage.sent_at),
            col(OutboxMessage.facts),
            col(OutboxMessage.dedupe_key),
        )
        .where(col(OutboxMessage.teacher_id).is_not(None))
        .order_by(col(OutboxMessage.not_before), col(OutboxMessage.id))
    ).all()
    for row in rows:
        waits = (row.not_before, row.useful_until) if row.state is OutboxState.PENDING else ()
        if row.kind == outbox.BRIEF:
            # Of one that is over only the days matter: of the limits, and of its own key.
            day = str(row.dedupe_key).split(":")[1]
            rung = None if row.sent_at is None else moments.local_day(row.sent_at, zone)
            if waits or day >= today.isoformat() or (rung is not None and rung >= monday):
                yield row.teacher_id, row.kind, row.state, *waits, rung, day
        elif waits and row.kind == outbox.REMINDER:
            yield row.teacher_id, row.kind, *waits, str(row.facts)
        elif waits:
            yield row.teacher_id, "own", row.id


def _leave_the_others_out(session: Session, players: Collection[int]) -> None:
    """Let only the players have an account that can be written to, and only what is theirs wait."""
    session.exec(sa.update(Account).values(reachable=False))
    ids = sorted(players)
    for start in range(0, len(ids), _SOME):
        session.exec(
            sa.update(Account)
            .where(col(Account.teacher_id).in_(ids[start : start + _SOME]))
            .values(reachable=True)
        )
    session.exec(
        sa.delete(OutboxMessage).where(
            col(OutboxMessage.state) == OutboxState.PENDING,
            ~sa.exists().where(
                col(Account.teacher_id) == col(OutboxMessage.teacher_id), col(Account.reachable)
            ),
        )
    )


def _say(session: Session, now: datetime, said: dict[int, list[Message]]) -> None:
    """Send whatever may be sent now, to nobody."""
    while claimed := outbox.claim(session, now=now, lease=LEASE, limit=AT_ONCE):
        for row in claimed:
            parts: tuple[Part, ...] = ()
            facts: tuple[tuple[str, Any], ...] = ()
            kind, news = row.kind, 0
            if row.kind in (outbox.BRIEF, outbox.REMINDER):
                brief = briefs.compose(session, row.id, now=now)
                if not isinstance(brief, briefs.Brief):
                    continue
                parts = tuple(Part(item.kind, item.subject_id, item.step) for item in brief.items)
                news = len(brief.news)
                kind = outbox.REMINDER if brief.breaks_out else outbox.BRIEF
            else:
                facts = tuple(row.facts.items())
            outbox.settle_sent(session, row.id, row.id, now)
            if row.teacher_id is not None and row.rings:
                said[row.teacher_id].append(Message(now, kind, parts, facts, news))
