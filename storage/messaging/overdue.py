"""Notices whose date is over and that somebody has not confirmed: they go on waiting.

They wait for who answers for the notice, and for the coordinators of the schools in question,
each of their own people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import tending
from storage.messaging.tables import Notice, NoticeRecipient
from storage.messaging.unconfirmed import OUT
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Posting
from storage.waiting_for import Waiting

LOOK_BACK = timedelta(weeks=14)
"""So long the engine reminds of what is overdue: for a school term at most."""


@dataclass(frozen=True)
class Overdue:
    """One such notice, and how many of the reader's people have not confirmed it."""

    notice_id: int
    title: str
    answer_by: datetime
    missing: int


def notices(session: Session, actor_id: int, *, now: datetime) -> tuple[Overdue, ...]:
    """Return the notices that are overdue and wait for this person, the oldest first."""
    today = local_day(now, offices.zone(session))
    units = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today, own=True)
    their_own = col(NoticeRecipient.teacher_id).in_(
        sa.select(col(Posting.teacher_id)).where(
            col(Posting.unit_id).in_(units), *tending.posted_on(today)
        )
    )
    rows = session.exec(
        select(
            Notice,
            sa.func.count(),
            sa.func.sum(sa.case((their_own, 1), else_=0)),
        )
        .join(NoticeRecipient, col(NoticeRecipient.notice_id) == col(Notice.id))
        .where(
            col(Notice.state).in_(OUT),
            col(Notice.wants_answer),
            col(Notice.answer_by) <= now,
            col(Notice.answer_by) > now - LOOK_BACK,
            col(NoticeRecipient.confirmed_at).is_(None),
            sa.or_(col(Notice.author_id) == actor_id, col(Notice.unit_id).in_(units), their_own),
        )
        .group_by(col(Notice.id))
        .order_by(col(Notice.answer_by), col(Notice.id))
    ).all()
    found = []
    for notice, missing, own in rows:
        assert notice.answer_by is not None
        answers = actor_id in tending.answerers(session, notice, today=today)
        if number := missing if answers else int(own or 0):
            found.append(Overdue(notice.id, notice.title, notice.answer_by, number))
    return tuple(found)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many notices somebody of this person's people has not confirmed in time."""
    number = len(notices(session, actor_id, now=now))
    return (Waiting("overdue", number),) if number else ()
