"""Who decides on registrations and leave: the school on its people, the organiser on the class.

Two levels, and whoever stands on both decides once. A school that nobody looks after is
decided for by whoever oversees it; a school that lets its time pass leaves the word to the
organiser.

Nobody decides about themselves: what is one's own waits for the others with the same right.
Where a school has one person alone for that, whoever oversees the school speaks for it about
this person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import MAY, Act
from storage.people.tables import (
    OrgUnit,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
    UnitKind,
)
from storage.refusals import NotAllowed, Refusal
from storage.training.tables import Batch, Programme, ProgrammeState, Registration

DECIDES = frozenset({Act.DECIDE_FIRST, Act.DECIDE_LAST, Act.DECIDE_LEAVE})
SCHOOL_FIRST = timedelta(days=1)
"""For so long a late withdrawal or a leave is the school's alone to answer."""
LONGEST_SENTENCE = 300


class SchoolDecides(Refusal):
    """The school has the first word, until ``until`` (None: for as long as it takes)."""

    def __init__(self, title: str, until: datetime | None) -> None:
        super().__init__(f"the school decides on {title!r} until {until}")
        self.title = title
        self.until = until


class WantsOut(Refusal):
    """This person has asked to withdraw; that is to be answered first."""

    def __init__(self, name: str) -> None:
        super().__init__("there is a request to withdraw")
        self.name = name


class SentenceNeeded(Refusal):
    """Whoever is told no is told why."""


@dataclass(frozen=True)
class Scope:
    """What somebody may decide today, as selects of ids; never about themselves."""

    actor_id: int
    own: Any  # units whose people are theirs to decide on
    unattended: Any  # schools that they oversee and that nobody looks after
    alone: Any  # in such schools: unit and teacher, where this one alone looks after it
    last: Any  # batches
    leave: Any  # batches

    def first(self) -> sa.ColumnElement[bool]:
        """Whether the actor speaks for the school of a ``Registration``."""
        unit_id = col(Registration.unit_id_at)
        ways: list[sa.ColumnElement[bool]] = [unit_id.in_(self.own)]
        if self.unattended is not None:
            ways.append(unit_id.in_(self.unattended))
            ways.append(sa.tuple_(unit_id, col(Registration.teacher_id)).in_(self.alone))
        return sa.or_(*ways)

    def of(self, *, mine: bool = False) -> sa.ColumnElement[bool]:
        """Whether a ``Registration`` is somebody else's, or (``mine``) the actor's own."""
        teacher_id = col(Registration.teacher_id)
        return teacher_id == self.actor_id if mine else teacher_id != self.actor_id

    def speaks_about(self, session: Session, registration_ids: Collection[int]) -> frozenset[int]:
        """Those of these registrations about which the actor speaks for the school."""
        found = sa.select(col(Registration.id)).where(
            col(Registration.id).in_(registration_ids), self.first()
        )
        return frozenset(session.connection().execute(found).scalars())


def scope(session: Session, actor_id: int, *, now: datetime) -> Scope:
    """Return what the actor may decide today. Raises NotAllowed when that is nothing."""
    today = local_day(now, offices.zone(session))
    held = authority.acts(session, actor_id, today=today)
    if not held & DECIDES:
        raise NotAllowed
    every = authority.reaches(session, actor_id, Act.DECIDE_FIRST, today=today).subquery()
    oversees = any(
        grant.role in authority.OVERSEES and Act.DECIDE_FIRST in MAY[grant.role]
        for grant in authority.grants(session, actor_id, today=today)
    )
    overseen = (
        sa.select(col(OrgUnit.id)).where(
            col(OrgUnit.id).in_(sa.select(every.c.id)), col(OrgUnit.kind) == UnitKind.SCHOOL
        )
        if oversees
        else None
    )
    return Scope(
        actor_id=actor_id,
        own=authority.reaches(session, actor_id, Act.DECIDE_FIRST, today=today, own=True),
        unattended=None if overseen is None else overseen.where(~is_attended(today)),
        alone=None
        if overseen is None
        else authority.alone(Act.DECIDE_FIRST, overseen, today=today),
        last=authority.batches(session, actor_id, Act.DECIDE_LAST, today=today),
        leave=authority.batches(session, actor_id, Act.DECIDE_LEAVE, today=today),
    )


def of_batches(session: Session, batches: Any, wanted: Collection[int]) -> frozenset[int]:
    """Those of these batches that the select holds."""
    found = sa.select(col(Batch.id)).where(col(Batch.id).in_(wanted), col(Batch.id).in_(batches))
    return frozenset(session.connection().execute(found).scalars())


def is_attended(today: date) -> sa.ColumnElement[bool]:
    """Whether somebody of the unit itself (``OrgUnit``) decides on its people."""
    first = [
        role
        for role, acts in MAY.items()
        if Act.DECIDE_FIRST in acts and role not in authority.OVERSEES
    ]
    return (
        sa.exists()
        .where(
            col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
            col(RoleAssignment.scope_id) == col(OrgUnit.id),
            col(RoleAssignment.role).in_(first),
            authority.runs(today),
            col(Teacher.id) == col(RoleAssignment.teacher_id),
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
        )
        .correlate(OrgUnit)
    )


def school_is_late(batch: Batch, *, now: datetime) -> bool:
    """Whether the time in which the school has the first word is over."""
    return batch.approve_close is not None and now >= batch.approve_close


def under_way(now: datetime) -> sa.ColumnElement[bool]:
    """Whether the batch takes place and is not over: then something can wait in it."""
    return sa.and_(
        col(Programme.state) == ProgrammeState.PUBLISHED,
        col(Batch.cancelled_at).is_(None),
        col(Batch.ends_at) > now,
    )


def sentence(text: str) -> str:
    """The reason for a no, in the length that is kept. Raises SentenceNeeded for none."""
    if not text.strip():
        raise SentenceNeeded
    return text.strip()[:LONGEST_SENTENCE]


def name_of(session: Session, teacher_id: int | None) -> str:
    """The name of whoever decided; empty for the clock."""
    if teacher_id is None:
        return ""
    return session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).first() or ""
