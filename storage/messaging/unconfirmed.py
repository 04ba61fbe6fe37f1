"""Who still owes a notice its confirmation; what the engine of deadlines asks.

A correction of what people have to go by takes the confirmations back that were given before
it: these people owe it once more. The audit log keeps that they had confirmed, and when.

This imports nothing of the engine, as ``storage.kinds`` wants it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.messaging.tables import Notice, NoticeRecipient, NoticeState

KIND = "ack_due"
"""The deadline of a confirmation (domain, reminders 5.4, 61); its subject is the notice."""

OUT = (NoticeState.SENDING, NoticeState.SENT)
"""States of a notice that people have, or are about to have, in hand."""

OVERTAKEN = "confirmed_before"


def _line() -> sa.ColumnElement[str]:
    """Under what the audit log keeps an overtaken confirmation of a recipient."""
    return sa.literal("notice_recipient:") + sa.cast(col(NoticeRecipient.id), sa.String)


def ask_again(session: Session, notice_id: int) -> None:
    """Take back what was confirmed up to now, and keep in the log that it was."""
    done = (
        col(NoticeRecipient.notice_id) == notice_id,
        col(NoticeRecipient.confirmed_at).is_not(None),
    )
    session.exec(
        sa.insert(AuditLog).from_select(
            ["at", "actor_id", "action", "thing", "reason"],
            sa.select(
                col(NoticeRecipient.confirmed_at),
                col(NoticeRecipient.teacher_id),
                sa.literal(OVERTAKEN),
                _line(),
                sa.literal(f"notice:{notice_id}"),
            ).where(*done),
        )
    )
    session.exec(sa.update(NoticeRecipient).where(*done).values(confirmed_at=None, by_deed=False))


def overtaken() -> sa.ColumnElement[bool]:
    """The condition that a recipient had confirmed before a correction that asks again."""
    return sa.exists().where(col(AuditLog.thing) == _line(), col(AuditLog.action) == OVERTAKEN)


def earlier(session: Session, recipient_id: int) -> datetime | None:
    """Return when a recipient last confirmed a version that a correction has overtaken."""
    return session.exec(
        select(sa.func.max(AuditLog.at)).where(
            AuditLog.thing == f"notice_recipient:{recipient_id}", AuditLog.action == OVERTAKEN
        )
    ).one()


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
