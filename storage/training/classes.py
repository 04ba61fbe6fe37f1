"""A class, which is a batch, beside the programme that it is of."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training.tables import Batch, Programme


def batch_of(session: Session, batch_id: int) -> tuple[Batch, Programme]:
    """Return the class as it is now. Raises NotFound."""
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Batch.id == batch_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("programme")
    return found


def run_by(
    session: Session, actor_id: int, batch_id: int, *, now: datetime
) -> tuple[Batch, Programme]:
    """Return the class for who runs it. Raises NotFound or NotAllowed."""
    found = batch_of(session, batch_id)
    today = offices.today(session, now)
    authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    return found
