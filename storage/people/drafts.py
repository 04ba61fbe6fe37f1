"""Drafts: what somebody is filling in over several messages; a restart loses nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people.tables import Draft


def keep(
    session: Session, account_id: int, kind: str, data: Mapping[str, Any], *, now: datetime
) -> None:
    """Make this the account's draft of the kind, in place of what there was. Plain JSON."""
    row = _row(session, account_id, kind)
    if row is None:
        row = Draft(account_id=account_id, kind=kind, data={}, updated_at=now)
    row.data = dict(data)
    row.updated_at = now
    session.add(row)
    session.flush()


def read(session: Session, account_id: int, kind: str) -> dict[str, Any] | None:
    """Return the draft of the kind, or None."""
    row = _row(session, account_id, kind)
    return None if row is None else dict(row.data)


def drop(session: Session, account_id: int, kind: str) -> None:
    """Forget the draft of the kind; none is no harm."""
    session.exec(
        sa.delete(Draft).where(col(Draft.account_id) == account_id, col(Draft.kind) == kind)
    )


def _row(session: Session, account_id: int, kind: str) -> Draft | None:
    return session.exec(
        select(Draft)
        .where(Draft.account_id == account_id, Draft.kind == kind)
        .execution_options(populate_existing=True)
    ).first()
