"""Filling: a notice that is due becomes a line for each person, and what carries it to them.

Set-based, in chunks by the teacher's id, each a transaction of its own with the last id noted in
the row: so taps do not wait, a crash loses and repeats nothing, and two processes never fill one
notice at once. Unique keys (notice and teacher; notice, teacher and ringing) have the last word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.inserting import insert_new
from storage.messaging import (
    audiences,
    confirming,
    drafting,
    notice_posts,
    outbox,
    relays,
    releasing,
    rings,
    seconding,
    tending,
)
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    News,
    Notice,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people import offices, units
from storage.people.tables import Account, Teacher

CHUNK = 10_000
NEWS = "notice"
UNDATED = timedelta(days=14)
"""So long a notice without a date is still of use to who could not be reached."""


@dataclass(frozen=True)
class Filled:
    """What one transaction did: for whom, and whether there is more to do at once."""

    notice_id: int | None
    people: int
    more: bool


def fill(session: Session, *, now: datetime, chunk: int = CHUNK) -> Filled:
    """Fill the next chunk of the most urgent notice that is due; one transaction.

    Its author is authorised again; whoever has lost the right in between has it stopped.
    """
    notice = session.exec(
        select(Notice)
        .where(
            sa.or_(
                col(Notice.state) == NoticeState.SENDING,
                sa.and_(
                    # What nobody has approved when quiet hours are over needs nobody's word.
                    col(Notice.state).in_([NoticeState.SCHEDULED, NoticeState.AWAITING]),
                    col(Notice.send_at) <= now,
                ),
            )
        )
        .order_by(col(Notice.urgent).desc(), col(Notice.send_at), col(Notice.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if notice is None:
        return Filled(None, 0, False)
    today = moments.local_day(now, offices.zone(session))
    if not tending.may_tend(session, notice.author_id, notice, today=today):
        stop(session, notice, now=now)
        return Filled(notice.id, 0, True)
    found = audiences.people(session, notice.author_id, notice.audience, today=today).subquery()
    ids = (
        sa.select(found.c.id)
        .where(found.c.id > notice.filled_to)
        .order_by(found.c.id)
        .limit(chunk)
        .subquery()
    )
    last, number = session.exec(  # type: ignore[call-overload]
        sa.select(sa.func.max(ids.c.id), sa.func.count())
    ).one()
    notice.state = NoticeState.SENDING
    if number:
        some = sa.select(found.c.id).where(found.c.id > notice.filled_to, found.c.id <= last)
        _record(session, notice, some, late=False)
        _carry(session, notice, _told(notice, notice.filled_to, last), now=now)
        notice.filled_to = last
    if number < chunk:
        confirming.open_answers(session, notice.id, now=now)
        notice_posts.announce(session, notice, now=now)
        notice.state, notice.filled_at = NoticeState.SENT, now
    session.flush()
    return Filled(notice.id, number, True)


def again(session: Session, notice_id: int) -> None:
    """Let the notice, whose ``ring_revision`` has grown, go out to everybody once more."""
    session.exec(
        sa.update(Notice)
        .where(col(Notice.id) == notice_id, col(Notice.state) == NoticeState.SENT)
        .values(state=NoticeState.SENDING, filled_to=0)
    )


def stop(session: Session, notice: Notice, *, now: datetime) -> None:
    """Its author may not send it any more: nothing (more) goes out, and the county is told.

    What nobody has got is a draft again; what has begun is withdrawn.
    """
    began = session.exec(
        select(NoticeRecipient.id).where(NoticeRecipient.notice_id == notice.id).limit(1)
    ).first()
    if began is None:
        drafting.to_draft(session, notice)
    else:
        notice.state, notice.withdrawn_at = NoticeState.WITHDRAWN, now
        session.exec(
            sa.update(OutboxMessage)
            .where(
                col(OutboxMessage.kind) == outbox.NOTICE,
                col(OutboxMessage.stream) == notice.id,
                col(OutboxMessage.state) == OutboxState.PENDING,
            )
            .values(state=OutboxState.SKIPPED, fault="stopped")
        )
    audit.record(session, None, "stop_notice", f"notice:{notice.id}", now=now)
    today = moments.local_day(now, offices.zone(session))
    author = session.exec(select(Teacher.name).where(Teacher.id == notice.author_id)).one()
    told = seconding.seconds(session, notice.unit_id, but=notice.author_id, today=today, above=True)
    for teacher_id in told:
        outbox.put(
            session,
            "notice_stopped",
            teacher_id=teacher_id,
            facts={
                "notice_id": notice.id,
                "title": notice.title,
                "why": "author",
                "author": author,
                "unit": units.name_of(session, notice.unit_id),
            },
            priority=Priority.CARD,
            not_before=now,
            dedupe_key=f"notice_stopped:{notice.id}:{now.isoformat()}:{teacher_id}",
            now=now,
        )
    session.flush()


def _told(notice: Notice, after: int, last: int) -> Any:
    """Select whom the notice concerns by its lines, of these ids."""
    return sa.select(col(NoticeRecipient.teacher_id).label("id")).where(
        col(NoticeRecipient.notice_id) == notice.id,
        col(NoticeRecipient.teacher_id) > after,
        col(NoticeRecipient.teacher_id) <= last,
    )


def _record(session: Session, notice: Notice, people: Any, *, late: bool) -> None:
    """Give each of these a line of the notice; nobody gets a second."""
    who = people.subquery()
    has_chat = sa.exists().where(col(Account.teacher_id) == who.c.id, col(Account.reachable))
    columns = ("notice_id", "teacher_id", "revision", "reached", "late", "by_deed")
    session.exec(
        insert_new(session, NoticeRecipient).from_select(
            columns,
            sa.select(
                sa.literal(notice.id, sa.BigInteger),
                who.c.id,
                sa.literal(notice.revision),
                has_chat,
                sa.literal(late),
                sa.literal(False),
            ).where(sa.true()),
        )
    )


def _carry(session: Session, notice: Notice, people: Any, *, now: datetime) -> None:
    """Put what carries the notice to those of these who can be written to: by itself, or as
    news of their next brief. Whom Telegram does not reach gets it by mail, if they have that."""
    who = people.subquery()
    accounts = _accounts(people)
    relays.mail(
        session,
        sa.select(who.c.id),
        outbox.NOTICE,
        {"notice_id": notice.id, "ringing": notice.ring_revision},
        name=f"notice:{notice.id}:{notice.ring_revision}",
        now=now,
    )
    if notice.rides and not notice.ring_revision:
        _ride(session, notice, accounts, now=now)
        return
    values: dict[str, Any] = {
        "kind": outbox.NOTICE,
        "facts": {"notice_id": notice.id, "ringing": notice.ring_revision},
        "priority": _priority(notice),
        "not_before": now,
        "useful_until": concerns_until(notice),
        "stream": notice.id,
        "rings": True,
        "state": OutboxState.PENDING,
        "attempts": 0,
        "created_at": now,
        "fault": "",
    }
    table = OutboxMessage.__table__.c  # type: ignore[attr-defined]
    teacher, account = accounts.selected_columns
    key = rings.key_of(f"notice:{notice.id}:", teacher).concat(
        sa.literal(f":{notice.ring_revision}", sa.String)
    )
    literals = [sa.literal(value, table[name].type) for name, value in values.items()]
    session.exec(
        insert_new(session, OutboxMessage).from_select(
            ["teacher_id", "account_id", "dedupe_key", *values],
            accounts.with_only_columns(teacher, account, key, *literals),
        )
    )
    carried = sa.orm.aliased(OutboxMessage)
    session.exec(
        sa.update(NoticeRecipient)
        .where(
            col(NoticeRecipient.notice_id) == notice.id,
            col(NoticeRecipient.teacher_id).in_(sa.select(who.c.id)),
        )
        .values(
            revision=notice.revision,
            outbox_id=sa.func.coalesce(
                sa.select(col(carried.id))
                .where(
                    col(carried.dedupe_key)
                    == rings.key_of(f"notice:{notice.id}:", col(NoticeRecipient.teacher_id)).concat(
                        sa.literal(f":{notice.ring_revision}", sa.String)
                    )
                )
                .scalar_subquery(),
                col(NoticeRecipient.outbox_id),
            ),
        )
        .execution_options(synchronize_session=False)
    )


def _accounts(people: Any) -> Any:
    """Select those of these people who can be written to, with their accounts."""
    who = people.subquery()
    return (
        sa.select(col(Account.teacher_id), col(Account.id).label("account_id"))
        .join(who, who.c.id == col(Account.teacher_id))
        .where(col(Account.reachable))
    )


def _ride(session: Session, notice: Notice, accounts: Any, *, now: datetime) -> None:
    facts = {
        "title": notice.title,
        "issuer": units.signature(session, notice.unit_id),
        "wants_answer": notice.wants_answer,
    }
    table = News.__table__.c  # type: ignore[attr-defined]
    values = {"subject_id": notice.id, "facts": facts, "at": now}
    literals = [sa.literal(NEWS)]
    literals += [sa.literal(value, table[name].type) for name, value in values.items()]
    teacher = accounts.selected_columns[0]
    session.exec(
        insert_new(session, News).from_select(
            ["teacher_id", "kind", *values], accounts.with_only_columns(teacher, *literals)
        )
    )


def _priority(notice: Notice) -> int:
    if not notice.urgent:
        return Priority.BULK
    return Priority.OFFER if notice.approved_at is None else Priority.URGENT


def concerns_until(notice: Notice) -> datetime:
    """Return until when it concerns anybody: its last date, or without one some days."""
    ends = (notice.happens_until or notice.happens_at, notice.answer_by)
    last = max((end for end in ends if end is not None), default=None)
    return last or (notice.send_at or notice.created_at) + UNDATED


# --- who joins later -------------------------------------------------------------------------


@dataclass(frozen=True)
class Joined:
    """Who has joined a notice's audience since it went out, or can be written to since."""

    notice_id: int
    new: tuple[int, ...]
    linked: tuple[int, ...]


def joined(session: Session, *, now: datetime, limit: int = 500) -> list[Joined]:
    """Find whom a notice that was sent concerns since, if it still concerns anybody; only reads.

    One without a date concerns nobody who was not there, but still who could not be reached.
    Where the author has lost the right nobody is added.
    """
    today = moments.local_day(now, offices.zone(session))
    found = []
    for notice in session.exec(
        select(Notice)
        .where(
            Notice.state == NoticeState.SENT,
            sa.or_(
                col(Notice.answer_by) > now,
                col(Notice.happens_at) > now,
                col(Notice.happens_until) > now,
                sa.and_(_undated(), col(Notice.send_at) > now - UNDATED),
            ),
        )
        .order_by(col(Notice.id))
    ).all():
        if tending.may_tend(session, notice.author_id, notice, today=today):
            new = [] if _is_undated(notice) else _new(session, notice, today, limit)
            linked = _linked(session, notice, limit)
            if new or linked:
                found.append(Joined(notice.id, tuple(new), tuple(linked)))
    return found


def _undated() -> sa.ColumnElement[bool]:
    return sa.and_(
        *(col(one).is_(None) for one in (Notice.answer_by, Notice.happens_at, Notice.happens_until))
    )


def _is_undated(notice: Notice) -> bool:
    return (notice.answer_by, notice.happens_at, notice.happens_until) == (None, None, None)


def _new(session: Session, notice: Notice, today: date, limit: int) -> list[int]:
    found = audiences.people(session, notice.author_id, notice.audience, today=today).subquery()
    known = sa.exists().where(
        col(NoticeRecipient.notice_id) == notice.id, col(NoticeRecipient.teacher_id) == found.c.id
    )
    new: Any = sa.select(found.c.id).where(~known).order_by(found.c.id).limit(limit)
    return [row[0] for row in session.exec(new)]


def _linked(session: Session, notice: Notice, limit: int) -> list[int]:
    return list(
        session.exec(
            select(NoticeRecipient.teacher_id)
            .join(Account, col(Account.teacher_id) == col(NoticeRecipient.teacher_id))
            .where(
                NoticeRecipient.notice_id == notice.id,
                col(NoticeRecipient.reached).is_(False),
                col(NoticeRecipient.confirmed_at).is_(None),
                col(Account.reachable),
            )
            .order_by(col(NoticeRecipient.teacher_id))
            .limit(limit)
        ).all()
    )


def add_late(session: Session, late: Joined, *, now: datetime) -> int:
    """Tell those who have joined what still concerns them, once each; return how many."""
    notice = session.exec(
        select(Notice)
        .where(Notice.id == late.notice_id, Notice.state == NoticeState.SENT)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if notice is None:
        return 0
    _tell_new(session, notice, list(late.new), now)
    _tell_linked(session, notice, list(late.linked), now)
    session.flush()
    return len(late.new) + len(late.linked)


def _tell_new(session: Session, notice: Notice, ids: list[int], now: datetime) -> None:
    _record(session, notice, _these(ids), late=True)
    _carry(session, notice, _these(ids), now=now)


def _tell_linked(session: Session, notice: Notice, ids: list[int], now: datetime) -> None:
    session.exec(
        sa.update(NoticeRecipient)
        .where(
            col(NoticeRecipient.notice_id) == notice.id, col(NoticeRecipient.teacher_id).in_(ids)
        )
        .values(reached=True, late=True)
    )
    if _is_undated(notice):
        # Somebody who was away may have missed many, and nothing hurries.
        _ride(session, notice, _accounts(_these(ids)), now=now)
    else:
        _carry(session, notice, _these(ids), now=now)


def _these(ids: list[int]) -> Any:
    return sa.select(col(Teacher.id)).where(col(Teacher.id).in_(ids))


# --- with an event ---------------------------------------------------------------------------


def follow_events(session: Session, *, now: datetime) -> int:
    """Move what goes with an event along with it; return how many moved or stopped.

    An event that does not take place any more, or whose moment is over before anything went
    out, makes the notice a draft again, and its author is told.
    """
    changed = 0
    for notice in session.exec(
        select(Notice)
        .where(Notice.state == NoticeState.SCHEDULED, Notice.event_kind != "")
        .order_by(col(Notice.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all():
        event: Any = session.exec(
            select(Deadline.at, Deadline.state).where(
                Deadline.kind == notice.event_kind,
                Deadline.subject_id == notice.event_id,
                Deadline.teacher_id == 0,
            )
        ).first()
        if event is None or event.state is not DeadlineState.ACTIVE:
            _event_gone(session, notice, "event", now=now)
            changed += 1
            continue
        moment = releasing.event_moment(session, event.at, notice.event_offset, now=now)
        if moment is None:
            # The event has come nearer than the notice was to be: then it goes at once.
            moment = now if event.at > now else None
        if moment is None:
            _event_gone(session, notice, "past", now=now)
            changed += 1
        elif moment != notice.send_at and not (moment <= now and _is_due(notice, now)):
            notice.send_at = moment
            changed += 1
    session.flush()
    return changed


def _is_due(notice: Notice, now: datetime) -> bool:
    return notice.send_at is not None and notice.send_at <= now


def _event_gone(session: Session, notice: Notice, why: str, *, now: datetime) -> None:
    """Make it a draft again; ``why`` is "event" where that is off, "past" where it is over."""
    title = audiences.class_title(session, notice.event_id)
    drafting.to_draft(session, notice)
    notice.send_at = None
    notice.event_kind, notice.event_id, notice.event_offset = "", 0, ""
    outbox.put(
        session,
        "notice_stopped",
        teacher_id=notice.author_id,
        facts={"notice_id": notice.id, "title": notice.title, "why": why, "event": title},
        priority=Priority.CARD,
        not_before=now,
        dedupe_key=f"notice_stopped:{notice.id}:{now.isoformat()}",
        now=now,
    )
