"""The classes that somebody runs or sends people to, as their desk shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import WITH_PROGRAMMES, Act
from storage.people.tables import OrgUnit
from storage.refusals import NotAllowed, NotFound
from storage.training.tables import (
    Batch,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
)

PAGE = 6
OF_PEOPLE = (Act.NOMINATE, Act.DECIDE_FIRST, Act.MARK_PRESENCE)
"""What whoever looks after people does in a class, whoever runs it."""


@dataclass(frozen=True)
class RunLine:
    """A class in a list."""

    batch_id: int
    title: str
    batch: str  # the batch's own title or number, empty when there is one only
    state: ProgrammeState
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Runs:
    """A page of classes, the latest first; pages count from 0."""

    lines: tuple[RunLine, ...]
    page: int
    pages: int
    acts: frozenset[Act]  # whatever the actor may do somewhere


@dataclass(frozen=True)
class Run:
    """A class as its desk shows it.

    ``counts`` has the registrations by state, those of the own people only for somebody who
    does not run it; ``seats`` is None without a limit.
    """

    line: RunLine
    owner: str
    acts: frozenset[Act]
    runs_it: bool
    counts: dict[RegistrationState, int]
    seats: int | None
    taken: int
    reg_open: datetime | None
    reg_close: datetime | None
    is_paused: bool


def runs(session: Session, actor_id: int, *, page: int = 0, now: datetime) -> Runs:
    """Return the classes that the actor runs, or sends people to. Raises NotAllowed."""
    today = local_day(now, offices.zone(session))
    held = authority.acts(session, actor_id, today=today)
    if not held & (WITH_PROGRAMMES | set(OF_PEOPLE)):
        raise NotAllowed
    mine = authority.batches(session, actor_id, Act.SEE_PROGRAMME, today=today)
    seen: sa.ColumnElement[bool] = col(Batch.id).in_(mine)
    if held & set(OF_PEOPLE):  # what is published concerns every school
        seen = sa.or_(seen, col(Programme.state) != ProgrammeState.DRAFT)
    found = (
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(seen, col(Programme.state) != ProgrammeState.ARCHIVED)
    )
    total = session.exec(select(sa.func.count()).select_from(found.subquery())).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        found.order_by(col(Batch.starts_at).desc(), col(Batch.id).desc())
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return Runs(tuple(_line(batch, programme) for batch, programme in rows), page, pages, held)


def run(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Run:
    """Return a class as far as the actor may see it. Raises NotFound or NotAllowed."""
    today = local_day(now, offices.zone(session))
    found = session.exec(
        select(Batch, Programme, OrgUnit.name)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Programme.owner_unit_id))
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("programme")
    batch, programme, owner = found
    acts = acts_on(session, actor_id, batch_id, now=now)
    runs_it = bool(acts & WITH_PROGRAMMES)
    if not acts or (programme.state is ProgrammeState.DRAFT and not runs_it):
        raise NotAllowed
    of = [col(Registration.batch_id) == batch_id]
    if not runs_it:
        own = authority.reaches(session, actor_id, Act.DECIDE_FIRST, today=today, own=True)
        of.append(col(Registration.unit_id_at).in_(own))
    counts = session.exec(
        select(Registration.state, sa.func.count()).where(*of).group_by(col(Registration.state))
    ).all()
    seats, taken = session.exec(
        select(sa.func.sum(Quota.seats), sa.func.coalesce(sa.func.sum(Quota.taken), 0)).where(
            Quota.batch_id == batch_id
        )
    ).one()
    return Run(
        line=_line(batch, programme),
        owner=owner,
        acts=acts,
        runs_it=runs_it,
        counts={RegistrationState(state): number for state, number in counts},
        seats=None if seats is None else int(seats),
        taken=int(taken),
        reg_open=batch.reg_open,
        reg_close=batch.reg_close,
        is_paused=programme.paused_at is not None,
    )


def under_way(
    session: Session, actor_id: int, act: Act, *, limit: int = 10, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Return the classes that are not over and with which the actor may do this, with titles."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, act, today=today)
    rows = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.id).in_(mine),
            Batch.ends_at > now,
            col(Programme.state).in_([ProgrammeState.DRAFT, ProgrammeState.PUBLISHED]),
        )
        .order_by(col(Batch.starts_at), col(Batch.id))
        .limit(limit)
    ).all()
    return tuple(
        (batch.id, " · ".join(part for part in (programme.title, batch.title) if part))
        for batch, programme in rows
    )


def acts_on(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> frozenset[Act]:
    """What the actor may do in this class: as who runs it, or for people they look after."""
    today = local_day(now, offices.zone(session))
    held = authority.acts(session, actor_id, today=today)
    return frozenset(
        act
        for act in held & (WITH_PROGRAMMES | set(OF_PEOPLE))
        if act in OF_PEOPLE or authority.may_with(session, actor_id, act, batch_id, today=today)
    )


def _line(batch: Batch, programme: Programme) -> RunLine:
    return RunLine(
        batch_id=batch.id,
        title=programme.title,
        batch=batch.title,
        state=programme.state,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
    )
