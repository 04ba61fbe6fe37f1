"""The classes that somebody runs or sends people to, as their desk shows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import authority, offices, units
from storage.people.authority import WITH_PROGRAMMES, Act
from storage.refusals import NotAllowed
from storage.training.classes import batch_of
from storage.training.tables import (
    Batch,
    Mode,
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
    is_paused: bool = False
    is_cancelled: bool = False
    no: int = 1
    of: int = 1  # how many classes the programme has


class Which(StrEnum):
    """Which classes a list shows."""

    RUNNING = "r"  # published, whether they have begun or not
    DRAFTS = "d"
    FINISHED = "f"  # finished or cancelled


@dataclass(frozen=True)
class Runs:
    """A page of classes, the latest first; pages count from 0.

    ``counts`` says how many there are of each kind, by ``Which``.
    """

    lines: tuple[RunLine, ...]
    page: int
    pages: int
    acts: frozenset[Act]  # whatever the actor may do somewhere
    which: Which = Which.RUNNING
    counts: Mapping[Which, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A class as its desk shows it.

    ``counts`` has the registrations by state, those of the own people only for somebody who
    does not run it; ``seats`` is None without a limit. ``has_ended``: all classes of the
    programme are over, so that it can be finished.
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
    place: str = ""
    has_ended: bool = False
    mode: Mode = Mode.FACE_TO_FACE


def runs(
    session: Session,
    actor_id: int,
    *,
    page: int = 0,
    which: Which | None = Which.RUNNING,
    first: Collection[int] = (),
    now: datetime,
) -> Runs:
    """Return the classes that the actor runs, or sends people to. Raises NotAllowed.

    Without ``which``, those under way, or the drafts if there is nothing else. Those of
    ``first``, ids of classes, stand before the others.
    """
    today = local_day(now, offices.zone(session))
    held = authority.acts(session, actor_id, today=today)
    if not held & (WITH_PROGRAMMES | set(OF_PEOPLE)):
        raise NotAllowed
    mine = authority.batches(session, actor_id, Act.SEE_PROGRAMME, today=today)
    seen: sa.ColumnElement[bool] = col(Batch.id).in_(mine)
    if held & set(OF_PEOPLE):  # what is published concerns every school
        seen = sa.or_(seen, col(Programme.state) != ProgrammeState.DRAFT)
    kind = sa.case(
        (col(Programme.state) == ProgrammeState.DRAFT, Which.DRAFTS.value),
        (
            sa.or_(
                col(Programme.state) != ProgrammeState.PUBLISHED,
                col(Batch.cancelled_at).is_not(None),
            ),
            Which.FINISHED.value,
        ),
        else_=Which.RUNNING.value,
    )
    all_of = (
        select(kind.label("kind"))
        .select_from(Batch)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(seen, col(Programme.state) != ProgrammeState.ARCHIVED)
    ).subquery()
    counted = session.exec(select(all_of.c.kind, sa.func.count()).group_by(all_of.c.kind)).all()
    counts = {Which(key): number for key, number in counted}
    if which is None:
        which = next((one for one in Which if counts.get(one)), Which.RUNNING)
    siblings = sa.orm.aliased(Batch)
    number = (
        sa.select(sa.func.count())
        .select_from(siblings)
        .where(col(siblings.programme_id) == col(Programme.id))
        .scalar_subquery()
    )
    found = (
        select(Batch, Programme, number)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(seen, col(Programme.state) != ProgrammeState.ARCHIVED, kind == which.value)
    )
    total = counts.get(which, 0)
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        found.order_by(
            col(Batch.id).not_in(first),
            # What is to come or runs, the soonest first; then what is over, the latest first:
            # a class of months that has just ended has its closing work to do.
            col(Batch.ends_at) <= now,
            sa.case((col(Batch.ends_at) > now, col(Batch.starts_at))),
            sa.case((col(Batch.ends_at) <= now, col(Batch.ends_at))).desc(),
            col(Batch.starts_at).desc(),
            col(Batch.id).desc(),
        )
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    lines = tuple(_line(batch, programme, of) for batch, programme, of in rows)
    return Runs(lines, page, pages, held, which, counts)


def run(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Run:
    """Return a class as far as the actor may see it. Raises NotFound or NotAllowed."""
    today = local_day(now, offices.zone(session))
    batch, programme = batch_of(session, batch_id)
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
    siblings, last = session.exec(
        select(
            sa.func.count(),
            sa.func.max(sa.case((col(Batch.cancelled_at).is_(None), col(Batch.ends_at)))),
        )
        .select_from(Batch)
        .where(Batch.programme_id == programme.id)
    ).one()
    seats, taken = session.exec(
        select(sa.func.sum(Quota.seats), sa.func.coalesce(sa.func.sum(Quota.taken), 0)).where(
            Quota.batch_id == batch_id
        )
    ).one()
    return Run(
        line=_line(batch, programme, siblings),
        owner=units.signature(session, programme.owner_unit_id),
        acts=acts,
        runs_it=runs_it,
        counts={RegistrationState(state): number for state, number in counts},
        seats=None if seats is None else int(seats),
        taken=int(taken),
        reg_open=batch.reg_open,
        reg_close=batch.reg_close,
        is_paused=programme.paused_at is not None,
        place=batch.place,
        has_ended=last is not None and last <= now,
        mode=programme.mode,
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


def _line(batch: Batch, programme: Programme, of: int) -> RunLine:
    return RunLine(
        batch_id=batch.id,
        title=programme.title,
        batch=batch.title,
        state=programme.state,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        is_paused=programme.paused_at is not None,
        is_cancelled=batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED,
        no=batch.no,
        of=of,
    )
