"""Seats: taken one at a time by a guarded update, and given back.

``Quota.taken`` counts the registrations that hold a seat of this allotment together with the
open offers of one, so nobody can take a seat that is held for somebody else. A batch without
any quota row has no limit.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.prepared import Prepared
from storage.training.tables import (
    Approval,
    Batch,
    Programme,
    Quota,
    RegistrationState,
)

_quota = SQLModel.metadata.tables["quota"]
_registration = SQLModel.metadata.tables["registration"]

# Anybody who waits for this allotment goes first: all who wait for the pool, those of the
# school for a school's own seats.
TAKE = Prepared(
    sa.update(_quota)
    .where(
        _quota.c.id == sa.bindparam("quota_id"),
        _quota.c.taken < _quota.c.seats,
        ~sa.exists().where(
            _registration.c.batch_id == _quota.c.batch_id,
            _registration.c.state == RegistrationState.WAITLISTED,
            _registration.c.id != sa.bindparam("registration_id"),
            sa.or_(_quota.c.is_pool, _registration.c.unit_id_at == _quota.c.unit_id),
        ),
    )
    .values(taken=_quota.c.taken + 1)
)
HOLD = Prepared(
    sa.update(_quota)
    .where(_quota.c.id == sa.bindparam("quota_id"), _quota.c.taken < _quota.c.seats)
    .values(taken=_quota.c.taken + 1)
)
FREE = Prepared(
    sa.update(_quota)
    .where(_quota.c.id == sa.bindparam("quota_id"), _quota.c.taken > 0)
    .values(taken=_quota.c.taken - 1)
)
_other = _registration.alias("other")
PLACE = Prepared(
    sa.select(sa.func.count(_other.c.id))
    .select_from(
        _registration.join(
            _other,
            sa.and_(
                _other.c.batch_id == _registration.c.batch_id,
                _other.c.state == RegistrationState.WAITLISTED,
                sa.or_(
                    _other.c.queued_at < _registration.c.queued_at,
                    sa.and_(
                        _other.c.queued_at == _registration.c.queued_at,
                        _other.c.id <= _registration.c.id,
                    ),
                ),
            ),
        )
    )
    .where(
        _registration.c.id == sa.bindparam("registration_id"),
        _registration.c.state == RegistrationState.WAITLISTED,
    )
)


def state_with_seat(approval: Approval) -> RegistrationState:
    """Return what a registration is once it holds a seat: done, or waiting to be approved."""
    if approval is Approval.NONE:
        return RegistrationState.APPROVED
    return RegistrationState.SUBMITTED


def lock(session: Session, *batch_ids: int, alone: bool = False) -> None:
    """Let nobody else move seats of these batches before this transaction ends.

    All who touch more than one allotment come through here first, so that two transactions
    never wait for each other's rows. SQLite has one writer anyway.

    A registration into the open pool, or where there is no limit, does not come through here:
    its row alone holds on to the batch. ``alone`` waits for those too, and lets no further one
    in: for whoever lets a class not take place, stand still, or have another limit.
    """
    session.connection().execute(
        sa.select(col(Batch.id))
        .where(col(Batch.id).in_(batch_ids))
        .order_by(col(Batch.id))
        .with_for_update(key_share=not alone)
    ).all()


def take(session: Session, quota_id: int, registration_id: int) -> bool:
    """Take a seat for a newcomer; False when none is left or somebody waits for it."""
    return TAKE.count(session, quota_id=quota_id, registration_id=registration_id) == 1


def hold(session: Session, quota_id: int) -> bool:
    """Take a seat for whoever is next in the queue; False when none is left."""
    return HOLD.count(session, quota_id=quota_id) == 1


def free(session: Session, quota_id: int | None) -> None:
    """Give a seat back; a registration without an allotment holds none."""
    if quota_id is not None:
        FREE.count(session, quota_id=quota_id)


def release_unused(session: Session, batch_id: int, *, now: datetime) -> int:
    """Let unused seats of schools flow back to the pool once their moment has come.

    Returns how many seats moved; a second call finds none. A seat that is freed later in a
    released allotment flows back the same way.
    """
    due = (
        col(Quota.batch_id) == batch_id,
        col(Quota.is_pool).is_(False),
        col(Quota.release_at) <= now,
        col(Quota.taken) < col(Quota.seats),
    )
    lock(session, batch_id)
    unused = session.exec(
        select(Quota.unit_id, Quota.seats - Quota.taken, Quota.over_allowed).where(*due)
    ).all()
    if not unused:
        return 0
    # A seat beyond the capacity was for this school alone: unused, it is no seat any more.
    moved = sum(max(0, seats - over) for _, seats, over in unused)
    left_over = col(Quota.over_allowed) - (col(Quota.seats) - col(Quota.taken))
    session.exec(
        sa.update(Quota)
        .where(*due)
        .values(seats=Quota.taken, over_allowed=sa.case((left_over > 0, left_over), else_=0))
    )
    pooled = session.exec(
        sa.update(Quota)
        .where(col(Quota.batch_id) == batch_id, col(Quota.is_pool))
        .values(seats=Quota.seats + moved)
    )
    if pooled.rowcount == 0:
        owner = session.exec(
            select(Programme.owner_unit_id)
            .join(Batch, col(Batch.programme_id) == col(Programme.id))
            .where(Batch.id == batch_id)
        ).one()
        session.add(Quota(batch_id=batch_id, unit_id=owner, seats=moved, is_pool=True))
    audit.record(
        session,
        None,
        "release_seats",
        f"batch:{batch_id}",
        now=now,
        before={"unused": {str(unit_id): seats for unit_id, seats, _ in unused}},
        after={"to_pool": moved},
    )
    session.flush()
    return moved


def place_in_queue(session: Session, registration_id: int) -> int | None:
    """Return the place among those who wait for the batch, from 1; None when not waiting."""
    return PLACE.scalar(session, registration_id=registration_id) or None
