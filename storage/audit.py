"""The audit log: who did what to whom, written in the transaction that did it."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Field, Session, col, select

from storage.tables import Row, document, key

LOOKED_FOR = timedelta(days=1)
"""So long the same look at the same person is one line: a keypad looks once a digit."""


class AuditLog(Row, table=True):
    """One act: approvals, corrections, exports, looks at another person's data."""

    at: datetime
    actor_id: int | None = key(default=None, index=True)  # a teacher; None is the clock
    action: str
    thing: str = Field(index=True)  # what was acted on, such as "registration:17"
    before: dict[str, Any] | None = document(default=None)
    after: dict[str, Any] | None = document(default=None)
    reason: str = ""


def record(
    session: Session,
    actor_id: int | None,
    action: str,
    thing: str,
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Add one line; it is kept if, and only if, the act itself is."""
    session.add(
        AuditLog(
            at=now,
            actor_id=actor_id,
            action=action,
            thing=thing,
            before=before,
            after=after,
            reason=reason,
        )
    )


def looked(session: Session, actor_id: int, action: str, thing: str, *, now: datetime) -> None:
    """Add a line for a look at another person's data, unless it was looked at just so today."""
    same = select(AuditLog.id).where(
        AuditLog.thing == thing,
        AuditLog.actor_id == actor_id,
        AuditLog.action == action,
        col(AuditLog.at) > now - LOOKED_FOR,
    )
    if session.exec(same).first() is None:
        record(session, actor_id, action, thing, now=now)
