"""Who still owes a notice its confirmation; what the engine of deadlines asks.

This imports nothing of the engine, as ``storage.kinds`` wants it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.messaging.tables import Notice, NoticeRecipient, NoticeState

KIND = "ack_due"
"""The deadline of a confirmation (domain, reminders 5.4, 61); its subject is the notice."""

OUT = (NoticeState.SENDING, NoticeState.SENT)
"""States of a notice that people have, or are about to have, in hand."""


def owes(
    session: Session,  # noqa: ARG001
    kind: str,
    subject_id: int,
    *,
    now: datetime | None = None,  # noqa: ARG001
    teacher_id: int | None = None,
) -> sa.Select[int] | None:
    """Select whom the notice concerns and who have not confirmed it; nobody once it is withdrawn.

    None is for a kind that is none of notices'.
    """
    if kind != KIND:
        return None
    who = (
        sa.select(col(NoticeRecipient.teacher_id))
        .join(Notice, col(Notice.id) == col(NoticeRecipient.notice_id))
        .where(
            col(NoticeRecipient.notice_id) == subject_id,
            col(NoticeRecipient.confirmed_at).is_(None),
            col(Notice.wants_answer),
            col(Notice.state).in_(OUT),
        )
    )
    return who if teacher_id is None else who.where(col(NoticeRecipient.teacher_id) == teacher_id)
