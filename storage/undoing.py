"""How each kind of deed is undone: where the wings meet the deeds, like ``storage.kinds``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from storage import deeds
from storage.deeds import Deed
from storage.training import plan_sheet

UNDO: Mapping[str, Callable[[Session, Deed, datetime], None]] = {
    plan_sheet.KIND: plan_sheet.undo,
}
"""Each puts back what its deed did, or raises ChangedSince and leaves everything as it is."""


def undo(session: Session, actor_id: int, deed_id: int, *, now: datetime) -> bool:
    """Undo the deed; False when that was done before.

    Raises NotFound, NotAllowed, TooLateToUndo or ChangedSince.
    """
    deed = deeds.take_back(session, actor_id, deed_id, now=now)
    if deed is None:
        return False
    UNDO[deed.kind](session, deed, now)
    session.flush()
    return True
