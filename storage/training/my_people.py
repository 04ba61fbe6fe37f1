"""A coordinator's own schools in a class: their seats, their people, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Posting, Teacher
from storage.refusals import NotAllowed, NotFound
from storage.training import nominations, reserves
from storage.training.classes import batch_of
from storage.training.nominations import REPLACEABLE
from storage.training.tables import (
    LIVE,
    Batch,
    Enrolment,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)
from storage.waiting_for import Waiting

PAGE = 8


@dataclass(frozen=True)
class UnitSeats:
    """A school of mine in a class. ``seats`` is None where it has no allotment of its own."""

    unit_id: int
    name: str
    seats: int | None
    taken: int
    reserved: Mapping[str, int]
    unfilled: int
    people: int  # of its people who are in, or wait


@dataclass(frozen=True)
class Member:
    """One of my people in a class; ``may`` names what can be done: take_back, replace."""

    teacher_id: int
    name: str
    unit_id: int
    unit: str
    state: RegistrationState
    source: Source
    may: frozenset[str]


@dataclass(frozen=True)
class MyPeople:
    """My people in a class, and what may be done; pages count from 0.

    ``pool_left`` are seats open to all schools that a nomination may take, None without limit.
    """

    batch_id: int
    title: str
    enrolment: Enrolment
    asks_consent: bool
    units: tuple[UnitSeats, ...]
    members: tuple[Member, ...]
    page: int
    pages: int
    total: int
    pool_left: int | None
    nominate_close: datetime | None
    roster_date: datetime | None
    release_at: datetime | None
    may_nominate: bool
    is_from_above: bool


def my_people(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> MyPeople:
    """Return my schools' seats and people in a class. Raises NotFound or NotAllowed.

    For whoever looks at schools from above, such as the county, the log keeps the look.
    """
    batch, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    mine, above = _mine(session, actor_id, today)
    if programme.state is ProgrammeState.DRAFT:
        raise NotFound("programme")
    if above:
        audit.record(session, actor_id, "look_at_members", f"batch:{batch_id}", now=now)
        session.flush()
    rows: Any = (
        sa.select(
            col(Registration.teacher_id),
            col(Teacher.name),
            col(OrgUnit.name).label("unit"),
            col(Registration.state),
            col(Registration.source),
            col(Registration.unit_id_at),
        )
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(col(Registration.batch_id) == batch_id, col(Registration.unit_id_at).in_(mine))
    )
    by_unit: dict[int, int] = dict(
        session.exec(
            sa.select(col(Registration.unit_id_at), sa.func.count())  # type: ignore[call-overload]
            .where(
                col(Registration.batch_id) == batch_id,
                col(Registration.unit_id_at).in_(mine),
                col(Registration.state).in_(LIVE),
            )
            .group_by(col(Registration.unit_id_at))
        ).all()
    )
    total = session.connection().execute(rows.with_only_columns(sa.func.count())).scalar_one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    is_live = sa.case((col(Registration.state).in_(LIVE), 0), else_=1)
    shown = session.connection().execute(
        rows.order_by(is_live, col(OrgUnit.code), col(Registration.submitted_at), col(Teacher.id))
        .offset(page * PAGE)
        .limit(PAGE)
    )
    closed = nominations.closes_at(batch)
    reported = batch.roster_date is not None and now >= batch.roster_date
    open_ = nominations.takes_place(batch, programme) and now < batch.ends_at

    def may(state: RegistrationState, source: Source) -> frozenset[str]:
        can = set()
        if open_ and nominations.may_take_back(programme, state, source, now, closed):
            can.add("take_back")
        is_in_time = not reported and now < batch.starts_at
        if open_ and state in REPLACEABLE and (is_in_time or above):
            can.add("replace")
        return frozenset(can)

    members = tuple(
        Member(teacher_id, name, unit_id, unit, state, source, may(state, source))
        for teacher_id, name, unit, state, source, unit_id in shown
    )
    quotas = nominations.quotas_of(session, batch_id)
    own = [quota for quota in quotas if not quota.is_pool]
    units = _units(session, mine, own, by_unit, above)
    pool_left = None if not quotas else nominations.pool_left(quotas, now, above)
    return MyPeople(
        batch_id=batch_id,
        title=programme.title,
        enrolment=programme.enrolment,
        asks_consent=programme.asks_consent,
        units=units,
        members=members,
        page=page,
        pages=pages,
        total=int(total),
        pool_left=pool_left,
        nominate_close=closed,
        roster_date=batch.roster_date,
        release_at=min((q.release_at for q in own if q.release_at), default=None),
        may_nominate=(
            nominations.takes_place(batch, programme)
            and programme.enrolment is Enrolment.NOMINATION
            and not reported
            and now < closed
        ),
        is_from_above=above,
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return where seats of the schools that this person tends can still be filled."""
    today = local_day(now, offices.zone(session))
    if Act.NOMINATE not in authority.acts(session, actor_id, today=today):
        return ()
    mine = authority.reaches(session, actor_id, Act.NOMINATE, today=today, own=True)
    closes_at = sa.func.coalesce(
        col(Batch.nominate_close), col(Batch.roster_date), col(Batch.starts_at)
    )
    rows = session.connection().execute(
        sa.select(col(Batch.id), col(Programme.title), sa.func.sum(Quota.seats - Quota.taken))
        .join(Batch, col(Batch.id) == col(Quota.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Quota.unit_id).in_(mine),
            col(Quota.is_pool).is_(False),
            col(Quota.taken) < col(Quota.seats),
            col(Programme.enrolment) == Enrolment.NOMINATION,
            col(Programme.state) == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            closes_at > sa.literal(now, SQLModel.metadata.tables["batch"].c.starts_at.type),
            col(Batch.starts_at) > now,
        )
        .group_by(col(Batch.id), col(Programme.title), col(Batch.starts_at))
        .order_by(col(Batch.starts_at), col(Batch.id))
    )
    return tuple(Waiting("nominate", int(left), id_, title) for id_, title, left in rows)


def _mine(session: Session, actor_id: int, today: date) -> tuple[Any, bool]:
    """Select the schools for which this person nominates, and whether from above."""
    if Act.NOMINATE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    mine = authority.reaches(session, actor_id, Act.NOMINATE, today=today)
    return mine, nominations.oversees(session, actor_id, today)


def _units(
    session: Session,
    mine: Any,
    own: Sequence[Quota],
    by_unit: Mapping[int, int],
    above: bool,
) -> tuple[UnitSeats, ...]:
    """My schools: all that I tend; from above those that have seats or people here first."""
    quotas = {quota.unit_id: quota for quota in own}
    units = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(
            col(OrgUnit.id).in_(mine),
            col(OrgUnit.active),
            sa.exists().where(col(Posting.unit_id) == col(OrgUnit.id), col(Posting.is_primary)),
        )
        .order_by(col(OrgUnit.code), col(OrgUnit.id))
    ).all()
    found = []
    for unit_id, name in units:
        quota = quotas.get(unit_id)
        found.append(
            UnitSeats(
                unit_id=unit_id,
                name=name,
                seats=quota.seats if quota else None,
                taken=quota.taken if quota else 0,
                reserved=dict(quota.reserved) if quota else {},
                unfilled=_unfilled(session, quota) if quota else 0,
                people=by_unit.get(unit_id, 0),
            )
        )
    found.sort(key=lambda unit: above and not (unit.seats or unit.people))
    return tuple(found)


def _unfilled(session: Session, quota: Quota) -> int:
    if not quota.reserved:
        return 0
    holders = reserves.holders_of(session, quota.id)
    kinds = reserves.kinds_of(session, quota.batch_id, holders, quota.reserved)
    return reserves.unmet(quota.reserved, [kinds[one] for one in holders])
