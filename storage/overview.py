"""What waits for a coordinator today, from all wings, by programme.

Like ``storage.kinds`` a place where the wings meet: each says what waits in it, within what
this person may decide, and this is read in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, select

from storage import deeds
from storage.competitions import editing, lists_waiting, receiving
from storage.credits import appeals, claims, posting
from storage.messaging import binding, overdue, questions, seconding
from storage.people import staff
from storage.people.authority import Act
from storage.people.staff import Desk
from storage.people.tables import Teacher
from storage.training import (
    attendance,
    completion,
    hosting,
    my_people,
    publishing,
    results,
    reviewing,
    runs,
    thinning,
    worklist,
)
from storage.training.remote import study_claims
from storage.training.runs import Runs, Which
from storage.training.tables import Programme
from storage.waiting_for import Waiting

WAITS: tuple[Callable[..., tuple[Waiting, ...]], ...] = (
    worklist.waits,
    my_people.waits,
    thinning.waits,
    publishing.waits,
    hosting.waits,
    attendance.waits,
    reviewing.waits,
    study_claims.waits,
    results.waits,
    completion.waits,
    posting.waits,
    claims.waits,
    appeals.waits,
    questions.waits,
    seconding.waits,
    binding.waits,
    overdue.waits,
    editing.waits,
    receiving.waits,
    lists_waiting.waits,
)
"""Each takes a session, ``actor_id`` and ``now``."""


class FirstStep(StrEnum):
    """What a new office does before anything else can be done."""

    ROSTER = "roster"
    PROGRAMME = "programme"


@dataclass(frozen=True)
class Overview:
    """A desk, and what waits on it: the most of a kind first within each kind.

    ``first_steps`` are those that this person may take, and nobody has taken yet.
    """

    desk: Desk
    waiting: tuple[Waiting, ...]
    first_steps: tuple[FirstStep, ...] = ()
    undoable: int = 0
    """How much of what they have done can still be taken back."""


def overview(session: Session, actor_id: int, *, now: datetime) -> Overview:
    """Return what this person looks after and what waits. Raises NotAllowed without a role."""
    desk = staff.desk(session, actor_id, now=now)
    return Overview(
        desk,
        waiting(session, actor_id, now=now),
        tuple(_first_steps(session, actor_id, desk)),
        len(deeds.undoable(session, actor_id, now=now)),
    )


def _first_steps(session: Session, actor_id: int, desk: Desk) -> Iterator[FirstStep]:
    """A roster where there is nobody else yet, and a programme where there never was one."""
    if desk.acts & {Act.IMPORT_ROSTER, Act.APPOINT}:
        looks_after_nobody = desk.looks_after and not desk.units
        others = select(Teacher.id).where(Teacher.id != actor_id).limit(1)
        if looks_after_nobody or session.exec(others).first() is None:
            yield FirstStep.ROSTER
    if Act.RUN_PROGRAMME not in desk.acts:
        return
    if session.exec(select(Programme.id).limit(1)).first() is None:
        yield FirstStep.PROGRAMME


def classes(
    session: Session,
    actor_id: int,
    *,
    page: int = 0,
    which: Which | None = Which.RUNNING,
    now: datetime,
) -> Runs:
    """Return a page of classes (``runs.runs``), first those in which something waits.

    Else what has ended would stand after all that is to come, with its closing work undone.
    Raises NotAllowed.
    """
    first = {each.batch_id for each in waiting(session, actor_id, now=now) if each.batch_id}
    return runs.runs(session, actor_id, page=page, which=which, first=first, now=now)


def waiting(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return what waits for this person, nothing without a role."""
    if not staff.has_desk(session, actor_id, now=now):
        return ()
    return tuple(
        each for waits in WAITS for each in waits(session, actor_id, now=now) if each.count
    )
