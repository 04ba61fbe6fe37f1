"""Steps that speak to groups: figures only, one a working day and three a week in each group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds, moments
from storage.calendar import quiet, workdays
from storage.inserting import insert_new
from storage.kinds import Figures
from storage.messaging import outbox, owed
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Deadline,
    GroupCard,
    OutboxMessage,
    OutboxState,
    Priority,
)

A_DAY, A_WEEK = 1, 3
"""Automatic posts that a group bears (domain, reminders 5.2)."""
ENOUGH = "the group has had enough today"
LEAST = 5
"""A figure that counts fewer people than this says too much about them."""
BULLETIN = "remote_bulletin"
_COUNTED = (outbox.GROUP_REMINDER, BULLETIN)
_TAKEN = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.SENT, OutboxState.DOUBTFUL)


@dataclass(frozen=True)
class Unsaid:
    """Groups that a step concerned, and that did not hear it."""

    enough: int = 0
    """They had had as much that day, or that week, as they bear."""
    nothing: int = 0
    """When its turn came nothing was left to say, or too few to be a figure."""


def post(
    session: Session, step_id: int, deadline_id: int, useful_until: datetime, *, now: datetime
) -> int | None:
    """Queue the card of this step for each group that it concerns; return for how many.

    A group that has had enough gets none, and that is kept as a row that was skipped. None
    where no allowed moment is left to say it.
    """
    calendar = workdays.load(session)
    moment = quiet.next_push(calendar, now)
    if moment >= useful_until:
        return None
    queued = 0
    for chat_id in session.exec(chats(session, deadline_id, now=now)).scalars().all():
        key = f"{_key(step_id)}{chat_id}"
        facts = {"deadline_id": deadline_id}
        if has_enough(session, chat_id, moment, calendar):
            session.exec(
                insert_new(session, OutboxMessage).values(
                    kind=outbox.GROUP_REMINDER,
                    chat_id=chat_id,
                    facts=facts,
                    priority=Priority.CARD,
                    not_before=moment,
                    dedupe_key=key,
                    rings=False,
                    state=OutboxState.SKIPPED,
                    attempts=0,
                    created_at=now,
                    fault=ENOUGH,
                )
            )
            continue
        outbox.put(
            session,
            outbox.GROUP_REMINDER,
            chat_id=chat_id,
            facts=facts,
            priority=Priority.CARD,
            not_before=moment,
            useful_until=useful_until,
            dedupe_key=key,
            rings=False,
            now=now,
        )
        queued += 1
    return queued


def unsaid(session: Session, step_id: int) -> Unsaid:
    """Return how many groups did not hear a step that was posted, and why not."""
    skipped = session.exec(
        select(OutboxMessage.fault).where(
            col(OutboxMessage.dedupe_key).startswith(_key(step_id), autoescape=True),
            OutboxMessage.state == OutboxState.SKIPPED,
        )
    ).all()
    enough = skipped.count(ENOUGH)
    return Unsaid(enough, len(skipped) - enough)


def _key(step_id: int) -> str:
    return f"{outbox.GROUP_REMINDER}:{step_id}:"


def chats(session: Session, deadline_id: int, *, now: datetime) -> Any:
    """Select the groups and topics that a deadline concerns."""
    row = session.exec(select(Deadline).where(Deadline.id == deadline_id)).one()
    kind = kinds.KINDS[row.kind]
    place = kinds.place(session, row.kind, row.subject_id)
    found = (
        sa.select(col(Chat.id)).where(col(Chat.active), ~col(Chat.closed)).order_by(col(Chat.id))
    )
    if kind.of_coordinators:
        return found.where(
            col(Chat.purpose) == ChatPurpose.COORDINATORS, col(Chat.unit_id) == place.unit_id
        )
    if place.programme_id is not None:
        ways = [col(Chat.programme_id) == place.programme_id]
        if kind.figures is Figures.SEATS:  # where it was announced, too
            ways.append(
                sa.exists().where(
                    col(GroupCard.chat_id) == col(Chat.id),
                    col(GroupCard.batch_id) == place.batch_id,
                )
            )
        return found.where(sa.or_(*ways))
    if place.unit_id is not None:
        units: Any = [place.unit_id]
    else:
        counted = owed.outstanding(session, row.kind, row.subject_id, 0, now=now).subquery()
        units = sa.select(counted.c.unit_id)
    return found.where(col(Chat.purpose) == ChatPurpose.ALL_STAFF, col(Chat.unit_id).in_(units))


def number(session: Session, kind: str, subject_id: int, *, now: datetime) -> int | None:
    """Return how many still owe it, or how many schools; None where that is not to be said."""
    counted = owed.outstanding(session, kind, subject_id, 0, now=now).subquery()
    figures = kinds.KINDS[kind].figures
    what = sa.func.count() if figures is Figures.SCHOOLS else sa.func.sum(counted.c.number)
    found = session.connection().execute(sa.select(what).select_from(counted)).scalar_one()
    total = int(found or 0)
    return total if total >= LEAST or (figures is Figures.SCHOOLS and total) else None


def has_enough(
    session: Session, chat_id: int, moment: datetime, calendar: workdays.WorkCalendar
) -> bool:
    """Whether a group has heard all that it bears on that day, or in that week."""
    day = moments.local_day(moment, calendar.zone)
    monday = day - timedelta(days=day.weekday())
    said = session.exec(
        select(OutboxMessage.not_before).where(
            OutboxMessage.chat_id == chat_id,
            col(OutboxMessage.kind).in_(_COUNTED),
            col(OutboxMessage.state).in_(_TAKEN),
            col(OutboxMessage.not_before) >= moments.at(monday, 0, calendar.zone),
        )
    ).all()
    days = [moments.local_day(each, calendar.zone) for each in said]
    return days.count(day) >= A_DAY or len(days) >= A_WEEK
