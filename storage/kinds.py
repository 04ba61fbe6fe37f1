"""Every kind of deadline and of news, in one place, a few lines each.

This is where the engine of deadlines and reminders (``storage.messaging``) meets the wings
whose deadlines they are. The engine asks here who still owes a thing, and never imports a
wing; a wing writes its deadlines through the engine; only this module knows both. So that a
wing may import the engine, what this module needs of a wing imports nothing of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Select
from sqlmodel import Session

from storage.messaging import owners, unconfirmed
from storage.messaging.tables import Priority
from storage.training import owing


class Owes(Protocol):
    """Who still owes it: a select of one column, the ids of teachers, each once."""

    def __call__(
        self, session: Session, kind: str, subject_id: int, *, teacher_id: int | None = None
    ) -> Select[int] | None:
        """Select all who owe it, or the one teacher if they do."""


@dataclass(frozen=True)
class Kind:
    """What the engine must know of one kind of deadline (domain, reminders 5.4)."""

    id: str
    subject: str
    """The table that ``subject_id`` points into."""
    preset: str
    """Its steps, as ``storage.calendar.steps`` reads them, unless a deadline says otherwise."""
    owes: Owes
    is_event: bool = False
    """The deadline is something that people go to: on its own day they may be told of it."""
    may_mute: bool = True
    """False where a lapse costs hours or the seat (domain, reminders 5.2)."""
    priority: int = Priority.LAST_HOURS
    """Of its steps that ring by themselves; the others ride in the brief."""


KINDS = {
    kind.id: kind
    for kind in (
        Kind("reg_open", "batch", "T+0", owing.owes),
        Kind("reg_close", "batch", "standard", owing.owes),
        Kind("menu_open", "menu", "T+0", owing.owes),
        Kind("menu_close", "menu", "standard", owing.owes),
        # The offer itself is a message of its own; these are the steps that follow it.
        Kind(
            "offer", "seat_offer", "T-12h T-2h", owing.owes, may_mute=False, priority=Priority.OFFER
        ),
        Kind("batch_start", "batch", "T-3 T-1 T-2h", owing.owes, is_event=True),
        Kind("session", "class_session", "T-1 T-1h", owing.owes, is_event=True),
        Kind("task_due", "task", "T-3 T-1 T-6h", owing.owes),
        # What a school's people, and its coordinators, owe before its seats are gone.
        Kind("nomination", "batch", "T-3 T-1 T-3h", owing.owes, may_mute=False),
        Kind("release", "batch", "T-1", owing.owes),
        Kind("remote_start", "batch", "T-3 T+0", owing.owes),
        Kind("chat_dissolve", "chat", "T-3 T-0 T+5", owners.owes),
        Kind("remote_end", "batch", "T-14 T-7 T-3 T-1 T-6h", owing.owes, may_mute=False),
        Kind("ack_due", "notice", "T-24h T-4h", unconfirmed.owes),
    )
}


def owes(session: Session, kind: str, subject_id: int, *, teacher_id: int | None = None) -> Any:
    """Select who still owes this: all, or the one teacher if they do."""
    who = KINDS[kind].owes(session, kind, subject_id, teacher_id=teacher_id)
    assert who is not None, f"{kind} is registered here and unknown in its own wing"
    return who


NEWS = (
    "credit_posted",
    "credit_reversed",
    "not_completed",
    "make_up",
    "completion_revoked",
    "claim_returned",
    "claim_refused",
    "appeal_decided",
    "work_accepted",
    "nomination_declined",
    "appointed_class_teacher",
    "appointed_tutor",
    "menu_settled",
    "menu_cancelled",
    "notice",
)
"""What happens to one person and rides in the next brief."""
