"""How each kind of deed is undone: where the wings meet the deeds, like ``storage.kinds``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from storage import deeds
from storage.calendar import loading
from storage.competitions import deciding as list_deciding
from storage.competitions import objections, publicity, receiving, unsaid
from storage.credits import claims, posting
from storage.deeds import Deed
from storage.messaging import binding
from storage.people import appointing, imports, roster_missing, roster_undoing, school_list
from storage.training import (
    absences,
    allotting,
    approving,
    completion,
    marking,
    plan_sheet,
    results,
    reviewing,
    timetables,
)
from storage.training.remote import importing

UNDO: Mapping[str, Callable[[Session, Deed, datetime], None]] = {
    "hand_over": appointing.take_back_hand_over,
    approving.DEED: approving.undo,
    absences.DEED: absences.undo,
    "roster": roster_undoing.undo,
    "roster_missing": roster_missing.undo_missing,
    "units": school_list.undo,
    timetables.TIMETABLE: timetables.undo_timetable,
    reviewing.REVIEWED: reviewing.undo_review,
    allotting.DEED: allotting.undo,
    results.DEED: results.undo,
    completion.DEED: completion.undo,
    posting.DEED: posting.undo,
    posting.DEED_CONFIRM: posting.undo_confirm,
    claims.DEED: claims.undo_accept,
    "attendance": marking.undo,
    plan_sheet.KIND: plan_sheet.undo,
    binding.DEED: binding.undo,
    loading.KIND: loading.undo,
    importing.DEED: importing.undo,
    receiving.DEED: receiving.undo_accept,
    receiving.DEED_OUT: receiving.undo_disqualify,
    list_deciding.DEED: list_deciding.undo,
    publicity.DEED: publicity.undo,
    unsaid.CORRECTED: objections.undo,
}
"""Each puts back what its deed did, or raises ChangedSince and leaves everything as it is.

Before anything else it asks what the deed itself asked, of today: who may not do it any more
does not undo it. tests/test_matrix.py says so of every kind.
"""


def undo(session: Session, actor_id: int, deed_id: int, *, now: datetime) -> bool:
    """Undo the deed; False when that was done before.

    Whoever did it needs the right to it still. Raises NotFound, NotAllowed, TooLateToUndo or
    ChangedSince.
    """
    deed = deeds.take_back(session, actor_id, deed_id, now=now)
    if deed is None:
        return False
    UNDO[deed.kind](session, deed, now)
    imports.undone(session, deed_id, actor_id, now=now)
    session.flush()
    return True
