"""A remote plan goes along when its class is copied, moved or thrown away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.training.remote.tables import ProgressItem, RemotePlan, TutorUnit


def is_remote(session: Session, batch_id: int) -> bool:
    """Whether somebody has said how the class studies remotely."""
    return _plan(session, batch_id) is not None


def due_items(session: Session, batch_id: int) -> list[tuple[int, datetime | None]]:
    """Return each item with its own day, if it has one and has to be done."""
    items = _items(session, batch_id)
    return [(item.id, item.due_at if item.mandatory else None) for item in items]


def copy(session: Session, of: int, to: int, modules: Mapping[int, int], shift: timedelta) -> None:
    """Give another class the plan of this one, so much later; its tutors do not come along.

    ``modules`` says which module became which.
    """
    row = _plan(session, of)
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
    row = _plan(session, batch_id)
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


def _plan(session: Session, batch_id: int) -> RemotePlan | None:
    return session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).first()


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
