"""Briefs: what a person is told is decided when its turn comes, from what is still owed then.

The attention budget (domain, reminders 5.2) is kept here: one routine ring a day, three a week
outside the last two days of a deadline, and only in the person's hours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds, moments
from storage.calendar import workdays
from storage.messaging import deadlines, outbox, quiet, rings
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    News,
    OutboxMessage,
    OutboxState,
    Priority,
    Reminder,
    ReminderMute,
    ReminderState,
)
from storage.people.tables import Account

BRIEFS_A_WEEK = 3
OVERDUE = timedelta(days=7)
"""So long what is overdue and was put off waits for a brief at most."""
LAST_DAYS = timedelta(days=2)
"""Before a deadline, in which the weekly limit does not hold."""


@dataclass(frozen=True)
class Item:
    """One deadline that the person still owes; its due steps are folded into one line."""

    kind: str
    subject_id: int
    deadline_id: int
    at: datetime
    step: str
    """The latest step that is due, such as T-1."""
    reminder_ids: tuple[int, ...]
    over: datetime
    """From when on it is too late to say."""
    done: bool = False
    """Only in a brief that has been sent: the person has done it since."""
    again: datetime | None = None
    """Only in a brief that has been sent: the person has put it off until then."""
    muted: bool = False
    """Only in a brief that has been sent: the person wants to hear no more of it, and owes it."""


@dataclass(frozen=True)
class NewsItem:
    """Something that has happened to the person."""

    id: int
    kind: str
    subject_id: int
    facts: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Brief:
    """What to say to whom; plain facts, the soonest deadline first."""

    outbox_id: int
    account_id: int
    teacher_id: int
    tg_user_id: int
    language: str
    items: tuple[Item, ...]
    news: tuple[NewsItem, ...]
    breaks_out: bool
    """A message of its own, and not the brief of the day."""


@dataclass(frozen=True)
class Nothing:
    """There is nothing (left) to say; the outbox row is settled already."""

    reason: str


@dataclass(frozen=True)
class PutOff:
    """It must wait until then; the outbox row waits already."""

    until: datetime


def compose(session: Session, outbox_id: int, *, now: datetime) -> Brief | Nothing | PutOff:
    """Decide at the moment of sending what a claimed brief or reminder says."""
    kind = session.exec(select(OutboxMessage.kind).where(OutboxMessage.id == outbox_id)).one()
    compose_one = compose_brief if kind == outbox.BRIEF else compose_reminder
    return compose_one(session, outbox_id, now=now)


def compose_brief(session: Session, outbox_id: int, *, now: datetime) -> Brief | Nothing | PutOff:
    """Gather all that this person is to be told, asking anew whether they still owe it.

    The brief waits when it would be the second of the day, the fourth of the week, or come
    before the person's minute; unless something in it cannot wait that long. Then that goes
    out: as the brief of this day, or by itself when the day has had its brief or is a day off.
    """
    turn = _turn(session, outbox_id)
    if turn is None:
        return PutOff(now)
    items = _gather(session, turn.teacher_id, now=now)
    news = _untold(session, turn.teacher_id)
    if not items and not news:
        outbox.settle_skipped(session, outbox_id, reason="nothing left to say")
        return Nothing("nothing left to say")
    calendar = workdays.load(session)
    today = moments.local_day(now, calendar.zone)
    rung = _rung(session, turn.account_id, outbox_id, today, calendar)
    if rung.another_in_hand:
        # Two rows of one person at once: the other one speaks, this one looks again.
        return _wait(session, turn, now + timedelta(minutes=1), items, calendar, rename=False)
    spent = rung.this_week >= BRIEFS_A_WEEK and not any(
        now < item.at <= now + LAST_DAYS for item in items
    )
    until = quiet.brief_at(now, turn.hours, calendar)
    if rung.today or spent:
        until = quiet.brief_after(today, turn.hours, calendar)
    elif until <= now:
        return _speak(session, turn, items, news, breaks_out=False)
    urgent = [item for item in items if item.over <= until]
    if urgent:
        over = min(item.over for item in urgent)
        soonest = quiet.ring_at(now, turn.hours, calendar, lapses=over)
        if soonest > now:
            return _wait(session, turn, min(soonest, until), items, calendar, rename=False)
        if not rung.today and quiet.may_ring(now, turn.hours, calendar):
            return _speak(session, turn, items, news, breaks_out=False)
        rest = [item for item in items if item not in urgent]
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id) == outbox_id)
            .values(
                kind=outbox.REMINDER,
                priority=Priority.LAST_HOURS,
                facts={"deadlines": [item.deadline_id for item in urgent]},
                useful_until=max(item.over for item in urgent),
                dedupe_key=f"reminder:brief:{outbox_id}",
            )
        )
        if rest or news:
            over_rest = min((item.over for item in rest), default=None)
            rings.insert_briefs(
                session, rings.of_account(turn.account_id), until, calendar, over_rest, now
            )
        return _speak(session, turn, urgent, (), breaks_out=True)
    return _wait(session, turn, until, items, calendar, rename=True)


def compose_reminder(
    session: Session, outbox_id: int, *, now: datetime
) -> Brief | Nothing | PutOff:
    """Say the deadlines of a message that rings by itself, if the person still owes them."""
    turn = _turn(session, outbox_id)
    if turn is None:
        return PutOff(now)
    items = _gather(session, turn.teacher_id, now=now, only=turn.facts["deadlines"])
    if not items:
        outbox.settle_skipped(session, outbox_id, reason="nothing left to say")
        return Nothing("nothing left to say")
    calendar = workdays.load(session)
    over = min(item.over for item in items)
    soonest = quiet.ring_at(now, turn.hours, calendar, lapses=over)
    if soonest > now:
        return _wait(session, turn, soonest, items, calendar, rename=False)
    return _speak(session, turn, items, (), breaks_out=True)


def settle_brief(session: Session, outbox_id: int, message_id: int, *, now: datetime) -> None:
    """Note that the brief or reminder has arrived, with all that it told."""
    outbox.settle_sent(session, outbox_id, message_id, now)


@dataclass(frozen=True)
class _Turn:
    outbox_id: int
    teacher_id: int
    account_id: int
    tg_user_id: int
    language: str
    hours: quiet.Hours
    facts: dict[str, Any]


def _turn(session: Session, outbox_id: int) -> _Turn | None:
    """Whose turn it is; None, and the row back in the queue, if they have just relinked."""
    row = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(OutboxMessage.teacher_id),
            col(OutboxMessage.facts),
            col(Account.id),
            col(Account.tg_user_id),
            col(Account.language),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
        )
        .join(
            Account,
            sa.and_(
                col(Account.id) == col(OutboxMessage.account_id),
                col(Account.teacher_id) == col(OutboxMessage.teacher_id),
            ),
        )
        .where(col(OutboxMessage.id) == outbox_id)
    ).one_or_none()
    if row is None:
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id) == outbox_id)
            .values(state=OutboxState.PENDING, lease_until=None)
        )
        return None
    hours = quiet.Hours(row.brief_minute, row.quiet_from, row.quiet_until)
    return _Turn(outbox_id, row.teacher_id, row.id, row.tg_user_id, row.language, hours, row.facts)


def _gather(
    session: Session, teacher_id: int, *, now: datetime, only: Collection[int] | None = None
) -> list[Item]:
    """Return what the person is due to hear and still owes; mark whatever else was due."""
    due = [
        col(Reminder.state) == ReminderState.DUE,
        sa.or_(col(Reminder.not_before).is_(None), col(Reminder.not_before) <= now),
    ]
    if only is not None:
        due.append(col(DeadlineStep.deadline_id).in_(only))
    items: list[Item] = []
    settled: dict[ReminderState, list[int]] = {}
    for rows in _by_deadline(session, teacher_id, due):
        state = _standing(session, teacher_id, rows[0], now)
        alive = []
        for row in rows:
            if state is not None:
                settled.setdefault(state, []).append(row.id)
            elif _over(row) <= now:
                settled.setdefault(ReminderState.STALE, []).append(row.id)
            else:
                alive.append(row)
        if alive:
            items.append(_item(alive))
    for state, ids in settled.items():
        session.exec(
            sa.update(Reminder).where(col(Reminder.id).in_(ids)).values(state=state, settled_at=now)
        )
    return sorted(items, key=lambda item: (item.at, item.deadline_id))


def _by_deadline(
    session: Session, teacher_id: int, conditions: Sequence[sa.ColumnElement[bool]]
) -> list[list[Any]]:
    muted = sa.exists().where(
        col(ReminderMute.deadline_id) == col(Deadline.id),
        col(ReminderMute.teacher_id) == teacher_id,
    )
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Reminder.id),
            col(Reminder.not_before),
            col(Reminder.state).label("reminder"),
            col(DeadlineStep.name),
            col(DeadlineStep.useful_until),
            col(DeadlineStep.deadline_id),
            col(Deadline.kind),
            col(Deadline.subject_id),
            col(Deadline.at),
            col(Deadline.state),
            col(Deadline.teacher_id).label("own"),
            muted.label("muted"),
        )
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            col(Reminder.teacher_id) == teacher_id,
            col(DeadlineStep.level) == Level.TEACHER,
            *conditions,
        )
        .order_by(col(DeadlineStep.due_at), col(DeadlineStep.id))
    ).all()
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.deadline_id, []).append(row)
    return list(grouped.values())


def _standing(session: Session, teacher_id: int, row: Any, now: datetime) -> ReminderState | None:
    """Why nothing is to be said of this deadline; None when it is still owed."""
    if row.state is not DeadlineState.ACTIVE:
        return ReminderState.STALE
    owes = kinds.owes(session, row.kind, row.subject_id, now=now, teacher_id=teacher_id)
    if session.exec(owes).first() is None:
        return ReminderState.SATISFIED
    if not row.own and deadlines.own_dates(
        session, row.kind, row.subject_id, teacher_id=teacher_id
    ):
        return ReminderState.STALE  # they have got a date of their own
    return ReminderState.MUTED if row.muted else None


def _over(row: Any) -> datetime:
    """Until when it is worth saying: to whoever has put it off, until the deadline itself.

    Of what was overdue already when they put it off, some days more than that.
    """
    until: datetime = row.useful_until
    if row.not_before is not None:
        until = max(until, row.at if row.not_before < row.at else row.not_before + OVERDUE)
    return until


def _item(rows: Sequence[Any]) -> Item:
    last = rows[-1]
    return Item(
        kind=last.kind,
        subject_id=last.subject_id,
        deadline_id=last.deadline_id,
        at=last.at,
        step=last.name,
        reminder_ids=tuple(row.id for row in rows),
        over=max(last.at, *(_over(row) for row in rows)),
    )


def _untold(session: Session, teacher_id: int) -> tuple[NewsItem, ...]:
    rows = session.exec(
        select(News)
        .where(News.teacher_id == teacher_id, col(News.told_at).is_(None))
        .order_by(col(News.at), col(News.id))
    ).all()
    return tuple(NewsItem(row.id, row.kind, row.subject_id, row.facts, row.at) for row in rows)


@dataclass(frozen=True)
class _Rung:
    today: bool
    this_week: int
    another_in_hand: bool


def _rung(
    session: Session, account_id: int, outbox_id: int, today: date, calendar: quiet.Calendar
) -> _Rung:
    """How often the brief has rung for this person, in the local day and week (from Monday)."""
    monday = moments.at(today - timedelta(days=today.weekday()), 0, calendar.zone)
    sent = session.exec(
        select(OutboxMessage.sent_at).where(
            OutboxMessage.account_id == account_id,
            OutboxMessage.kind == outbox.BRIEF,
            OutboxMessage.state == OutboxState.SENT,
            col(OutboxMessage.sent_at) >= monday,
        )
    ).all()
    in_hand = session.exec(
        select(OutboxMessage.id).where(
            OutboxMessage.account_id == account_id,
            OutboxMessage.kind == outbox.BRIEF,
            OutboxMessage.state == OutboxState.SENDING,
            OutboxMessage.id < outbox_id,
            col(OutboxMessage.sent_at).is_(None),
        )
    ).first()
    days = [moments.local_day(moment, calendar.zone) for moment in sent if moment is not None]
    return _Rung(today in days, len(days), in_hand is not None)


def _speak(
    session: Session,
    turn: _Turn,
    items: Sequence[Item],
    news: Sequence[NewsItem],
    *,
    breaks_out: bool,
) -> Brief:
    """Note which rows this message tells, so that its delivery settles them."""
    # What an earlier attempt was going to tell is told by this one or waits again.
    session.exec(
        sa.update(Reminder)
        .where(
            col(Reminder.teacher_id) == turn.teacher_id,
            col(Reminder.state) == ReminderState.DUE,
            col(Reminder.outbox_id) == turn.outbox_id,
        )
        .values(outbox_id=None)
    )
    ids = [reminder_id for item in items for reminder_id in item.reminder_ids]
    session.exec(
        sa.update(Reminder).where(col(Reminder.id).in_(ids)).values(outbox_id=turn.outbox_id)
    )
    if news:
        session.exec(
            sa.update(News)
            .where(col(News.id).in_([item.id for item in news]))
            .values(outbox_id=turn.outbox_id)
        )
    return Brief(
        outbox_id=turn.outbox_id,
        account_id=turn.account_id,
        teacher_id=turn.teacher_id,
        tg_user_id=turn.tg_user_id,
        language=turn.language,
        items=tuple(items),
        news=tuple(news),
        breaks_out=breaks_out,
    )


def _wait(
    session: Session,
    turn: _Turn,
    until: datetime,
    items: Sequence[Item],
    calendar: quiet.Calendar,
    *,
    rename: bool,
) -> PutOff:
    """Put the row back until then; with ``rename`` it becomes the brief of that day.

    If that day has its brief already, that one says it all and this row is done with.
    """
    over = min((item.over for item in items), default=None)
    values: dict[str, Any] = {
        "state": OutboxState.PENDING,
        "not_before": until,
        "lease_until": None,
        "useful_until": over,
    }
    if rename:
        key = rings.brief_key(turn.teacher_id, moments.local_day(until, calendar.zone))
        other: Any = session.exec(
            select(OutboxMessage.id, OutboxMessage.state, OutboxMessage.useful_until)
            .where(OutboxMessage.dedupe_key == key, OutboxMessage.id != turn.outbox_id)
            .with_for_update()
        ).first()
        if other is None:
            values["dedupe_key"] = key
        elif other.state in rings.OPEN:
            outbox.settle_skipped(session, turn.outbox_id, reason="said by a later brief")
            known = other.useful_until
            session.exec(
                sa.update(OutboxMessage)
                .where(col(OutboxMessage.id) == other.id)
                .values(
                    state=OutboxState.PENDING,
                    not_before=until,
                    useful_until=min(filter(None, (over, known)), default=None),
                )
            )
            return PutOff(until)
    session.exec(
        sa.update(OutboxMessage).where(col(OutboxMessage.id) == turn.outbox_id).values(**values)
    )
    return PutOff(until)


@dataclass(frozen=True)
class TodaysBrief:
    """The brief that has rung on a day, as it would read now; editing it does not ring."""

    outbox_id: int
    message_id: int
    sent_at: datetime
    items: tuple[Item, ...]
    news: tuple[NewsItem, ...]
    breaks_out: bool = False
    """A message of its own, and not the brief of the day."""


def told_in(
    session: Session, account_id: int, message_id: int, *, now: datetime
) -> TodaysBrief | None:
    """Return the brief, or the reminder by itself, that is this message, as it would read now."""
    row: Any = session.exec(
        _SENT.where(
            col(OutboxMessage.account_id) == account_id,
            col(OutboxMessage.message_id) == message_id,
            col(OutboxMessage.kind).in_([outbox.BRIEF, outbox.REMINDER]),
        )
    ).first()
    return _as_it_reads(session, row, now)


def todays_brief(
    session: Session, account_id: int, day: date, *, now: datetime
) -> TodaysBrief | None:
    """Return the brief sent to this account on that local day, with what is done since marked."""
    calendar = workdays.load(session)
    start = moments.at(day, 0, calendar.zone)
    end = moments.at(day + timedelta(days=1), 0, calendar.zone)
    row: Any = session.exec(
        _SENT.where(
            col(OutboxMessage.account_id) == account_id,
            col(OutboxMessage.kind) == outbox.BRIEF,
            col(OutboxMessage.sent_at) >= start,
            col(OutboxMessage.sent_at) < end,
        ).order_by(col(OutboxMessage.sent_at).desc())
    ).first()
    return _as_it_reads(session, row, now)


_SENT: Any = sa.select(
    col(OutboxMessage.id),
    col(OutboxMessage.kind),
    col(OutboxMessage.message_id),
    col(OutboxMessage.teacher_id),
    col(OutboxMessage.sent_at),
).where(col(OutboxMessage.state) == OutboxState.SENT)


def _again(session: Session, teacher_id: int, deadline_id: int) -> datetime | None:
    """Until when the person has put this deadline off, in whichever message that was."""
    return session.exec(
        select(sa.func.max(Reminder.not_before))
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(
            Reminder.teacher_id == teacher_id,
            Reminder.state == ReminderState.DUE,
            DeadlineStep.deadline_id == deadline_id,
            DeadlineStep.level == Level.TEACHER,
        )
    ).one()


def _as_it_reads(session: Session, row: Any, now: datetime) -> TodaysBrief | None:
    if row is None or row.message_id is None or row.teacher_id is None:
        return None
    items = []
    for rows in _by_deadline(session, row.teacher_id, [col(Reminder.outbox_id) == row.id]):
        state = _standing(session, row.teacher_id, rows[0], now)
        item = _item(rows)
        own = deadlines.own_dates(session, item.kind, item.subject_id, teacher_id=row.teacher_id)
        at = own.get(row.teacher_id, item.at)
        items.append(
            replace(
                item,
                at=at,
                done=state is ReminderState.SATISFIED,
                again=_again(session, row.teacher_id, item.deadline_id),
                muted=state is ReminderState.MUTED,
            )
        )
    news = session.exec(
        select(News)
        .where(News.teacher_id == row.teacher_id, News.outbox_id == row.id)
        .order_by(col(News.at), col(News.id))
    ).all()
    return TodaysBrief(
        row.id,
        row.message_id,
        row.sent_at,
        tuple(sorted(items, key=lambda item: (item.at, item.deadline_id))),
        tuple(NewsItem(one.id, one.kind, one.subject_id, one.facts, one.at) for one in news),
        breaks_out=row.kind == outbox.REMINDER,
    )
