"""Sending a notice: what it costs in rings, when it goes, its release and its recall."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.calendar import quiet as hours
from storage.calendar import steps, workdays
from storage.messaging import audiences, drafting, notices, quiet, rings, seconding, tending
from storage.messaging.audiences import Count
from storage.messaging.drafting import Incomplete, PastMoment
from storage.messaging.notices import PAGE, NotADraft
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    Notice,
    NoticeState,
    OutboxMessage,
    OutboxState,
)
from storage.people import offices
from storage.people.tables import Account
from storage.refusals import NotFound, Refusal
from storage.training.tables import Batch, Programme, ProgrammeState

NOW, RIDE, AT, EVENT = "now", "ride", "at", "event"
WAYS = (NOW, RIDE, AT, EVENT)
EVENTS = ("reg_close", "batch_start", "remote_start", "remote_end", "nomination")
"""Kinds of deadlines of a class that a notice can go with."""
OFFSETS = ("T-7", "T-3", "T-2", "T-1", "T-0", "T+1")


class EventGone(Refusal):
    """The event does not take place, or the moment before it is over."""


@dataclass(frozen=True)
class Price:
    """What sending costs in rings.

    ``briefed`` had today's brief already, ``riding`` have one waiting for which nothing more
    rings. ``brief_at`` is when most get the next. ``opens`` is set in quiet hours: the next
    moment at which it may ring. ``seconds`` are then asked where it is urgent.
    """

    count: Count
    briefed: int
    riding: int
    brief_at: datetime
    opens: datetime | None
    seconds: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventLine:
    """An event to go with."""

    deadline_id: int
    kind: str
    title: str
    at: datetime


@dataclass(frozen=True)
class Released:
    """What became of a notice that was released."""

    notice_id: int
    state: NoticeState
    send_at: datetime
    rides: bool
    count: Count
    queued: bool = False
    """It wanted to go now and waits until quiet hours are over."""
    at_once: bool = False
    """It is going out now."""
    seconds: tuple[str, ...] = ()
    """Who has been asked, where it waits for a second person."""


# --- the price, and when -------------------------------------------------------------------------


def price(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Price:
    """Return what it costs in rings to send this now, and what it saves to wait for the brief."""
    notice = notices.access(session, actor_id, notice_id, now=now)
    calendar = workdays.load(session)
    today = moments.local_day(now, calendar.zone)
    found = audiences.people(
        session, notices.whose_reach(notice, actor_id), notice.audience, today=today
    ).subquery()
    brief = sa.orm.aliased(OutboxMessage)
    their_hours = (col(Account.brief_minute), col(Account.quiet_from), col(Account.quiet_until))
    counted: Any = (
        sa.select(
            sa.func.count().label("people"),
            sa.func.count(col(Account.id)).label("reached"),
            sa.func.count(sa.case((col(brief.state) == OutboxState.SENT, 1))).label("briefed"),
            sa.func.count(sa.case((col(brief.state) == OutboxState.PENDING, 1))).label("riding"),
            sa.func.count(sa.case((col(brief.state).not_in(rings.OPEN), 1))).label("closed"),
            *their_hours,
        )
        .select_from(found)
        .outerjoin(Account, sa.and_(col(Account.teacher_id) == found.c.id, col(Account.reachable)))
        .outerjoin(brief, col(brief.dedupe_key) == rings.brief_key(found.c.id, today))
        .group_by(*their_hours)
    )
    rows = session.exec(counted).all()
    most = max((row for row in rows if row.reached), key=lambda row: row.reached, default=None)
    usual = (steps.BRIEF_MINUTE, hours.UNTIL_MINUTE, hours.FROM_MINUTE)
    if most is not None:
        usual = (most.brief_minute, most.quiet_from, most.quiet_until)
    opens = None if hours.may_push(calendar, now) else hours.next_push(calendar, now)
    brief_at = quiet.brief_at(now, quiet.Hours(*usual), calendar)
    if most is not None and 2 * most.closed > most.reached:
        brief_at = quiet.brief_after(today, quiet.Hours(*usual), calendar)
    return Price(
        count=Count(sum(row.people for row in rows), sum(row.reached for row in rows)),
        briefed=sum(row.briefed for row in rows),
        riding=sum(row.riding for row in rows),
        brief_at=brief_at,
        opens=opens,
        seconds=(
            seconding.names(session, notice, but=actor_id, now=now)
            if opens is not None and notice.urgent
            else ()
        ),
    )


def set_moment(
    session: Session, actor_id: int, notice_id: int, at: datetime, *, now: datetime
) -> bool:
    """Let it go out at this moment, once it is released; not in quiet hours, but after them.

    False when it was put off so. Raises PastMoment.
    """
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    if at <= now:
        raise PastMoment("send")
    goes = hours.next_push(workdays.load(session), at)
    notice.send_at, notice.rides = goes, False
    _forget_event(notice)
    session.flush()
    return goes == at


def _forget_event(notice: Notice) -> None:
    notice.event_kind, notice.event_id, notice.event_offset = "", 0, ""


def events(
    session: Session, actor_id: int, notice_id: int, *, page: int = 0, now: datetime
) -> tuple[tuple[EventLine, ...], int, int]:
    """Return a page of the events that it can go with: those of its class, else of any class."""
    notice = notices.access(session, actor_id, notice_id, now=now)
    found = _events().where(col(Deadline.at) > now)
    if notice.audience.get("batch"):
        found = found.where(col(Batch.id) == notice.audience["batch"])
    rows = session.exec(found.order_by(col(Deadline.at), col(Deadline.id)).limit(10 * PAGE)).all()
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(0, page), pages - 1)
    return (
        tuple(_event_line(*row) for row in rows[page * PAGE : (page + 1) * PAGE]),
        page,
        pages,
    )


@dataclass(frozen=True)
class Offsets:
    """An event, and when each moment is that a notice can go out at, seen from it."""

    event: EventLine
    moments: tuple[tuple[str, datetime], ...]


def offsets(
    session: Session, actor_id: int, notice_id: int, deadline_id: int, *, now: datetime
) -> Offsets:
    """Return the moments around an event that are still ahead. Raises EventGone without any."""
    notices.access(session, actor_id, notice_id, now=now)
    row = session.exec(_events().where(col(Deadline.id) == deadline_id)).first()
    found = []
    for offset in OFFSETS if row is not None else ():
        moment = event_moment(session, row.at, offset, now=now)
        if moment is not None and moment > now:
            found.append((offset, moment))
    if row is None or not found:
        raise EventGone
    return Offsets(_event_line(*row), tuple(found))


def _event_line(deadline_id: int, kind: str, at: datetime, *titles: str) -> EventLine:
    return EventLine(deadline_id, kind, " · ".join(filter(None, titles)), at)


def _events() -> Any:
    return (
        sa.select(
            col(Deadline.id),
            col(Deadline.kind),
            col(Deadline.at),
            col(Programme.title),
            col(Batch.title),
        )
        .join(Batch, col(Batch.id) == col(Deadline.subject_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Deadline.kind).in_(EVENTS),
            col(Deadline.teacher_id) == 0,
            col(Deadline.state) == DeadlineState.ACTIVE,
            col(Programme.state) == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
        )
    )


def set_event(
    session: Session,
    actor_id: int,
    notice_id: int,
    deadline_id: int,
    offset: str,
    *,
    now: datetime,
) -> datetime:
    """Let it go out so far from an event, and move with it; return when that is now.

    Raises EventGone when that moment is over.
    """
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    row = session.exec(_events().where(col(Deadline.id) == deadline_id)).first()
    if row is None or offset not in OFFSETS:
        raise EventGone
    at = event_moment(session, row.at, offset, now=now)
    if at is None or at <= now:
        raise EventGone
    subject_id = session.exec(select(Deadline.subject_id).where(Deadline.id == deadline_id)).one()
    notice.event_kind, notice.event_id, notice.event_offset = row.kind, subject_id, offset
    notice.send_at, notice.rides = at, False
    session.flush()
    return at


def event_moment(session: Session, at: datetime, offset: str, *, now: datetime) -> datetime | None:
    """Return the moment that far from an event; None when it is of no use any more."""
    planned = steps.plan_steps(at, [offset], workdays.load(session), now=now)
    return planned[0].due_at if planned else None


# --- releasing -----------------------------------------------------------------------------------


def release(
    session: Session, actor_id: int, notice_id: int, way: str, *, now: datetime
) -> Released:
    """Release it: now, with the daily brief, at the time that was set, or with the event.

    In quiet hours what was to go now waits until they are over; urgent, it goes as soon as a
    second person approves. Releasing twice returns what already is. Raises Incomplete,
    PastMoment, NoSecond, EventGone.
    """
    if way not in WAYS:
        raise NotFound("way")
    today = offices.today(session, now)
    notice = tending.whole(session, actor_id, notice_id, today=today)
    spec = notice.audience
    number = audiences.count(session, notices.whose_reach(notice, actor_id), spec, today=today)
    if notice.state is not NoticeState.DRAFT:
        if notice.state is NoticeState.WITHDRAWN:
            raise NotADraft(notice.state)
        return _released(session, notice, number, now=now)
    calendar = workdays.load(session)
    queued = asks = False
    match way:
        case "now" | "ride":
            _forget_event(notice)
            opens = hours.next_push(calendar, now)
            notice.rides = way == RIDE
            notice.send_at = now
            if way == NOW and opens > now:
                notice.send_at = opens
                asks, queued = notice.urgent, not notice.urgent
        case "at" | "event":
            notice.rides = False
            if notice.send_at is None or bool(notice.event_kind) != (way == EVENT):
                raise Incomplete("send")
            if notice.send_at <= now:
                raise PastMoment("send")
    _check_complete(notice, number, now)
    notice.author_id = actor_id
    notice.reason = ""
    notice.audience = {**spec, "names": audiences.names(session, spec)}
    notice.approved_by = notice.approved_at = None
    notice.state = NoticeState.SCHEDULED
    if asks:
        seconding.ask(session, notice, now=now, today=today)
    audit.record(
        session,
        actor_id,
        "release_notice",
        f"notice:{notice.id}",
        now=now,
        after={"state": notice.state, "people": number.people, "way": way},
    )
    session.flush()
    return replace(_released(session, notice, number, now=now), queued=queued)


def _released(session: Session, notice: Notice, number: Count, *, now: datetime) -> Released:
    waits = notice.state is NoticeState.AWAITING
    return Released(
        notice.id,
        notice.state,
        notice.send_at or now,
        notice.rides,
        number,
        at_once=not waits and not notice.rides and (notice.send_at or now) <= now,
        seconds=(seconding.names(session, notice, but=notice.author_id, now=now) if waits else ()),
    )


def _check_complete(notice: Notice, number: Count, now: datetime) -> None:
    if not notice.title:
        raise Incomplete("title")
    if not number.people and not notice.chats:
        raise Incomplete("people")
    goes = notice.send_at or now
    if notice.answer_by is not None and notice.answer_by <= goes:
        raise PastMoment("answer")
    last = notice.happens_until or notice.happens_at
    if last is not None and last <= goes:
        raise PastMoment("when")


def recall(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> None:
    """Make a draft again of what has not begun to go out; of a draft that changes nothing.

    A second person who has agreed that it goes out is told that it does not. Raises NotADraft
    when it has begun.
    """
    notice = tending.whole(session, actor_id, notice_id, today=offices.today(session, now))
    if notice.state is NoticeState.DRAFT:
        return
    if notice.state not in (NoticeState.SCHEDULED, NoticeState.AWAITING):
        raise NotADraft(notice.state)
    agreed, stamp = notice.approved_by, seconding.stamp(notice)
    drafting.to_draft(session, notice)
    audit.record(session, actor_id, "recall_notice", f"notice:{notice.id}", now=now)
    if agreed is not None and agreed != actor_id:
        seconding.tell_recalled(session, notice, agreed, stamp, by_id=actor_id, now=now)
    session.flush()
