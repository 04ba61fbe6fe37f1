"""Drafts: what somebody is filling in over several messages; a restart loses nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.people.tables import Draft


def keep(
    session: Session, account_id: int, kind: str, data: Mapping[str, Any], *, now: datetime
) -> None:
    """Make this the account's draft of the kind, in place of what there was. Plain JSON."""
    plain = dict(data)
    session.exec(
        insert_new(session, Draft).values(
            account_id=account_id, kind=kind, data=plain, updated_at=now
        )
    )
    session.exec(
        sa.update(Draft)
        .where(col(Draft.account_id) == account_id, col(Draft.kind) == kind)
        .values(data=plain, updated_at=now)
    )


def read(
    session: Session, account_id: int, kind: str, *, lock: bool = False
) -> dict[str, Any] | None:
    """Return the draft of the kind, or None; locked for who changes a part of it."""
    query = select(Draft.data).where(Draft.account_id == account_id, Draft.kind == kind)
    data = session.exec(query.with_for_update() if lock else query).first()
    return None if data is None else dict(data)


def kinds(session: Session, account_id: int, prefix: str) -> list[str]:
    """Return the kinds of the account's drafts that begin like this."""
    return list(
        session.exec(
            select(Draft.kind).where(
                Draft.account_id == account_id, col(Draft.kind).startswith(prefix, autoescape=True)
            )
        ).all()
    )


def drop(session: Session, account_id: int, kind: str) -> bool:
    """Forget the draft of the kind; False when there was none, which is no harm."""
    gone = session.exec(
        sa.delete(Draft).where(col(Draft.account_id) == account_id, col(Draft.kind) == kind)
    )
    return gone.rowcount > 0
