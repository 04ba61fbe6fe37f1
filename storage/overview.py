"""What waits for a coordinator today, from all wings, by programme.

Like ``storage.kinds`` a place where the wings meet: each says what waits in it, within what
this person may decide, and this is read in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from storage.credits import appeals, claims, posting
from storage.messaging import notices, questions
from storage.people import staff
from storage.people.staff import Desk
from storage.training import (
    attendance,
    nominating,
    publishing,
    results,
    reviewing,
    thinning,
    worklist,
)
from storage.waiting_for import Waiting

WAITS: tuple[Callable[..., tuple[Waiting, ...]], ...] = (
    worklist.waits,
    nominating.waits,
    thinning.waits,
    publishing.waits,
    attendance.waits,
    reviewing.waits,
    results.waits,
    posting.waits,
    claims.waits,
    appeals.waits,
    questions.waits,
    notices.waits,
)
"""Each takes a session, ``actor_id`` and ``now``."""


@dataclass(frozen=True)
class Overview:
    """A desk, and what waits on it: the most of a kind first within each kind."""

    desk: Desk
    waiting: tuple[Waiting, ...]


def overview(session: Session, actor_id: int, *, now: datetime) -> Overview:
    """Return what this person looks after and what waits. Raises NotAllowed without a role."""
    return Overview(staff.desk(session, actor_id, now=now), waiting(session, actor_id, now=now))


def waiting(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return what waits for this person, nothing without a role."""
    if not staff.has_desk(session, actor_id, now=now):
        return ()
    return tuple(
        each for waits in WAITS for each in waits(session, actor_id, now=now) if each.count
    )
