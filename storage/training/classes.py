"""A class, which is a batch, beside the programme that it is of."""

from __future__ import annotations

from sqlmodel import Session, col, select

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
