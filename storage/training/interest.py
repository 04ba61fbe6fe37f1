"""Asking to be told before a registration closes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.refusals import NotFound
from storage.training.tables import Batch, Interest


def follow(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> None:
    """Note that this teacher wants to be told; asking twice notes it once."""
    if session.exec(select(Batch.id).where(Batch.id == batch_id)).first() is None:
        raise NotFound("programme")
    session.exec(
        insert_new(session, Interest).values(batch_id=batch_id, teacher_id=teacher_id, since=now)
    )


def unfollow(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> None:
    """Forget it; what was not noted is not missed."""
    del now
    session.exec(
        sa.delete(Interest).where(
            col(Interest.batch_id) == batch_id, col(Interest.teacher_id) == teacher_id
        )
    )
