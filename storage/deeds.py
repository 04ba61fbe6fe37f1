"""Deeds: bulk acts that can be undone for a while.

Whoever does much at once writes down what it takes to undo it, in the same transaction. How a
kind of deed is undone is said by its wing, in ``storage.undoing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.tables import Row, document, key

MINUTES = timedelta(minutes=10)
"""How long decisions can be taken back (anchors b 8)."""
DAY = timedelta(hours=24)
"""How long an import can be."""


class Deed(Row, table=True):
    """A bulk act: what was done, by whom, and until when it can be undone."""

    __table_args__ = (sa.Index("ix_deed_kind", "kind", "until"),)

    kind: str
    actor_id: int = key(foreign_key="teacher.id", index=True)
    at: datetime
    until: datetime
    data: dict[str, Any] = document(default_factory=dict)  # what it takes to undo it
    undone_at: datetime | None = None


class TooLateToUndo(Refusal):
    """The time in which this could be undone is over."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"could be undone until {until}")
        self.until = until


class ChangedSince(Refusal):
    """What was done has been built upon since, so it cannot be undone as a whole."""

    def __init__(self, what: str = "") -> None:
        super().__init__(f"changed since: {what}")
        self.what = what


def done(
    session: Session,
    kind: str,
    actor_id: int,
    data: dict[str, Any],
    *,
    now: datetime,
    undo_for: timedelta = MINUTES,
) -> int:
    """Write down a deed and return its id. ``data`` is plain JSON."""
    row = Deed(kind=kind, actor_id=actor_id, at=now, until=now + undo_for, data=data)
    session.add(row)
    session.flush()
    return row.id


def standing(
    session: Session,
    actor_id: int,
    kind: str,
    about_id: int,
    *,
    now: datetime,
    of: str = "batch_id",
) -> int | None:
    """Return the newest deed of this kind and person with this class that can still be undone.

    ``of`` says what else it may be about: the name under which the deed has kept the id.

    A second tap finds nothing left to do; it must not cost the key that takes back the first.
    """
    rows = session.exec(
        select(Deed)
        .where(
            Deed.actor_id == actor_id,
            Deed.kind == kind,
            Deed.until > now,
            col(Deed.undone_at).is_(None),
        )
        .order_by(col(Deed.id).desc())
    )
    return next((row.id for row in rows if row.data.get(of) == about_id), None)


@dataclass(frozen=True)
class Undoable:
    """Something that this person can still take back."""

    deed_id: int
    kind: str
    at: datetime
    until: datetime
    about: str = ""
    """The name of what it was done to, where the deed has kept it."""


def undoable(session: Session, actor_id: int, *, now: datetime) -> tuple[Undoable, ...]:
    """Return what this person has done and can still take back, the newest first."""
    rows = session.exec(
        select(Deed)
        .where(Deed.actor_id == actor_id, Deed.until > now, col(Deed.undone_at).is_(None))
        .order_by(col(Deed.id).desc())
    )
    return tuple(
        Undoable(row.id, row.kind, row.at, row.until, str(row.data.get("about", "")))
        for row in rows
    )


def take_back(session: Session, actor_id: int, deed_id: int, *, now: datetime) -> Deed | None:
    """Mark the deed as undone and return it; None when it is undone already.

    Raises NotFound; NotAllowed for anybody but whoever did it; TooLateToUndo.
    """
    deed = session.exec(
        select(Deed).where(Deed.id == deed_id).with_for_update(key_share=True)
    ).first()
    if deed is None:
        raise NotFound("deed")
    if deed.actor_id != actor_id:
        raise NotAllowed
    if deed.undone_at is not None:
        return None
    if now >= deed.until:
        raise TooLateToUndo(deed.until)
    deed.undone_at = now
    session.flush()
    audit.record(session, actor_id, "undo", f"deed:{deed_id}", now=now, after={"kind": deed.kind})
    return deed
