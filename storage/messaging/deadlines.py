"""Deadlines and their steps, written in the transaction of the thing they belong to."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session


def set_deadline(
    session: Session,
    kind: str,
    subject_id: int,
    at: datetime,
    *,
    now: datetime,
    preset: str | None = None,
) -> int:
    """Create or move the deadline of this thing, with its steps; return its id."""
    raise NotImplementedError


def cancel_deadline(session: Session, kind: str, subject_id: int, *, now: datetime) -> None:
    """Remind nobody of this any more; a deadline that is not there is not missed."""
    raise NotImplementedError
