"""The audit log: who did what to whom, written in the transaction that did it."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, Session

from storage.tables import Row, document, key


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
