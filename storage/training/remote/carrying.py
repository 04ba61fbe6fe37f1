"""A remote plan goes along when its class is copied, moved or thrown away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.training.remote.plan import of_batch
from storage.training.remote.tables import ProgressItem, RemotePlan, TutorUnit


def copy(session: Session, of: int, to: int, modules: Mapping[int, int], shift: timedelta) -> None:
    """Give another class the plan of this one, so much later; its tutors do not come along.

    ``modules`` says which module became which.
    """
    row = of_batch(session, of)
    if row is None:
        return
    new = RemotePlan(**row.model_dump(exclude={"id"}) | {"batch_id": to})
    _shift_plan(new, shift)
    session.add(new)
    for item in _items(session, of):
        differs = {
            "batch_id": to,
            "module_id": modules.get(item.module_id or 0),
            "due_at": item.due_at and item.due_at + shift,
        }
        session.add(ProgressItem(**item.model_dump(exclude={"id"}) | differs))
    session.flush()


def move(session: Session, batch_id: int, shift: timedelta) -> None:
    """Move what is due, expected and made up with the class."""
    row = of_batch(session, batch_id)
    if row is None:
        return
    _shift_plan(row, shift)
    session.add(row)
    for item in _items(session, batch_id):
        item.due_at = item.due_at and item.due_at + shift
        session.add(item)
    session.flush()


def forget(session: Session, batch_ids: Collection[int]) -> None:
    """Throw the plans of drafts away with them."""
    for table in (TutorUnit, ProgressItem, RemotePlan):
        session.exec(sa.delete(table).where(col(table.batch_id).in_(batch_ids)))


def _items(session: Session, batch_id: int) -> list[ProgressItem]:
    found = select(ProgressItem).where(ProgressItem.batch_id == batch_id)
    return list(session.exec(found.order_by(col(ProgressItem.position))).all())


def _shift_plan(row: RemotePlan, shift: timedelta) -> None:
    row.makeup_from = row.makeup_from and row.makeup_from + shift
    row.makeup_until = row.makeup_until and row.makeup_until + shift
    row.milestones = [
        each | {"on": (date.fromisoformat(each["on"]) + shift).isoformat()}
        for each in row.milestones
    ]
