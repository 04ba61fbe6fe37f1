"""Notices that ride in the daily brief: until when they wait for it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.calendar import workdays
from storage.messaging import outbox, rings, tending
from storage.messaging.tables import News, Notice, NoticeRecipient, NoticeState
from storage.people.tables import Account


def goes_at(session: Session, notice: Notice, *, now: datetime) -> datetime | None:
    """Return when most get a notice that waits for their daily brief.

    None for what does not ride, has begun to be told, or waits for nobody.
    """
    if not notice.rides or notice.ring_revision or notice.state is not NoticeState.SENT:
        return None
    told = select(NoticeRecipient.id).where(
        NoticeRecipient.notice_id == notice.id, tending.told_in_brief()
    )
    if session.exec(told.limit(1)).first() is not None:
        return None
    waiting = (
        sa.select(col(Account.teacher_id), col(Account.id))
        .join(NoticeRecipient, col(NoticeRecipient.teacher_id) == col(Account.teacher_id))
        .where(
            col(Account.reachable),
            col(NoticeRecipient.notice_id) == notice.id,
            col(NoticeRecipient.confirmed_at).is_(None),
            sa.exists().where(
                col(News.kind) == outbox.NOTICE,
                col(News.teacher_id) == col(NoticeRecipient.teacher_id),
                col(News.subject_id) == notice.id,
            ),
        )
    )
    calendar = workdays.load(session)
    most = max(rings.by_hours(session, waiting), key=lambda each: each[1], default=None)
    return None if most is None else rings.next_brief(session, *most, calendar, now)
