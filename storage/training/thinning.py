"""两轮报名: a class with too few people does not run, and those who lost it choose once more.

``Batch.minimum`` people have to hold a seat by ``thin_at``. A day before, whoever runs a class
that is still below is asked whether to cancel it or to run it all the same; without an answer
it is cancelled at that moment by the sweep. Everybody in it is told, and until ``second_close``
they alone may register for another class of the same organiser or menu (see
``registration.second_round``), in the queue with the place of their first choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, offices, roles
from storage.people.authority import MAY, Act
from storage.people.tables import OrgUnit, Role
from storage.refusals import NotFound, Refusal
from storage.training import schedule, seats
from storage.training.classes import run_by
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    SEATED,
    Batch,
    Programme,
    ProgrammeState,
    Registration,
)
from storage.waiting_for import Waiting

ASKED_BEFORE = timedelta(hours=24)
"""How long before a thin class is cancelled its organiser is asked."""


class DatesNotInOrder(Refusal):
    """The day of reckoning lies ahead and before the start, and choosing again after it."""


class ThinSettled(Refusal):
    """It was decided already whether this class runs."""

    def __init__(self, title: str) -> None:
        super().__init__(f"whether {title!r} runs is decided")
        self.title = title


@dataclass(frozen=True)
class Thin:
    """A class that may not run: ``seated`` of at least ``minimum``, reckoned at ``thin_at``."""

    batch_id: int
    title: str
    seated: int
    minimum: int
    thin_at: datetime
    second_close: datetime | None
    is_settled: bool
    is_cancelled: bool

    @property
    def is_thin(self) -> bool:
        """Whether there are too few."""
        return self.seated < self.minimum


def set_minimum(
    session: Session,
    actor_id: int,
    batch_id: int,
    minimum: int | None,
    thin_at: datetime | None = None,
    second_close: datetime | None = None,
    *,
    now: datetime,
) -> None:
    """Set the smallest class, when it is reckoned, and until when one may choose again.

    Without a minimum the class always runs. Raises NotFound, NotAllowed, ProgrammeCancelled or
    DatesNotInOrder.
    """
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    if batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    before = _dates(batch)
    if minimum is None or minimum < 1:
        minimum = thin_at = second_close = None
    elif (
        thin_at is None
        or not now < thin_at < batch.starts_at
        or (second_close is not None and not thin_at < second_close <= batch.starts_at)
    ):
        raise DatesNotInOrder
    batch.minimum, batch.thin_at, batch.second_close = minimum, thin_at, second_close
    batch.thin_settled_at = None
    session.flush()
    after = _dates(batch)
    if after == before:
        return
    batch.revision += 1
    audit.record(
        session, actor_id, "set_minimum", f"batch:{batch_id}", now=now, before=before, after=after
    )
    session.flush()


def thin(session: Session, batch_id: int) -> Thin:
    """Return how a class with a minimum stands. Raises NotFound for one without."""
    row = session.exec(_thin().where(col(Batch.id) == batch_id)).first()
    if row is None:
        raise NotFound("programme")
    return _as_thin(row)


def run_all_the_same(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> bool:
    """Let a class run though it is thin; False when that was said before.

    Raises NotFound, NotAllowed or ProgrammeCancelled.
    """
    seats.lock(session, batch_id)
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    if batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    if batch.thin_settled_at is not None:
        return False
    batch.thin_settled_at = now
    session.flush()
    audit.record(session, actor_id, "run_thin_class", f"batch:{batch_id}", now=now)
    return True


def cancel_thin(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> int:
    """Cancel a thin class before its time; return how many are told.

    Raises NotFound, NotAllowed, or ThinSettled when it is not thin (any more) or was let run.
    """
    schedule.lock_classes(session, batch_id)
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    if batch.cancelled_at is not None:
        return 0
    facts = thin(session, batch_id)
    if facts.is_settled or not facts.is_thin:
        raise ThinSettled(programme.title)
    batch.thin_settled_at = now
    session.flush()
    return schedule.cancel_batch(session, actor_id, batch_id, now=now).told


def thin_out(session: Session, *, now: datetime) -> int:
    """Ask about thin classes whose time comes, and cancel those whose time has come.

    Returns how many were cancelled. Nothing to do costs one statement over the few classes
    that have a minimum.
    """
    rows = session.exec(
        _thin()
        .where(
            col(Batch.thin_at) <= now + ASKED_BEFORE,
            col(Batch.thin_settled_at).is_(None),
            col(Batch.cancelled_at).is_(None),
            col(Batch.starts_at) > now,
            col(Programme.state) == ProgrammeState.PUBLISHED,
        )
        .order_by(col(Batch.id))
    ).all()
    cancelled = 0
    for facts in map(_as_thin, rows):
        if now < facts.thin_at:
            if facts.is_thin:
                _ask(session, facts, now=now)
            continue
        schedule.lock_classes(session, facts.batch_id)
        # Counted once more: nobody moves seats from here on.
        facts = thin(session, facts.batch_id)
        batch = session.exec(
            select(Batch)
            .where(Batch.id == facts.batch_id)
            .execution_options(populate_existing=True)
        ).one()
        if batch.thin_settled_at is not None or batch.cancelled_at is not None:
            continue
        batch.thin_settled_at = now
        session.flush()
        if facts.is_thin:
            schedule.cancel_batch(session, None, facts.batch_id, now=now)
            cancelled += 1
    return cancelled


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return the thin classes of this person that will be cancelled within a day."""
    today = local_day(now, offices.zone(session))
    if Act.RUN_PROGRAMME not in authority.acts(session, actor_id, today=today):
        return ()
    mine = authority.batches(session, actor_id, Act.RUN_PROGRAMME, today=today)
    rows = session.exec(
        _thin()
        .where(
            col(Batch.id).in_(mine),
            col(Batch.thin_at) > now,
            col(Batch.thin_at) <= now + ASKED_BEFORE,
            col(Batch.thin_settled_at).is_(None),
            col(Batch.cancelled_at).is_(None),
            col(Programme.state) == ProgrammeState.PUBLISHED,
        )
        .order_by(col(Batch.thin_at))
    ).all()
    return tuple(
        Waiting("thin", 1, facts.batch_id, facts.title)
        for facts in map(_as_thin, rows)
        if facts.is_thin
    )


def _thin() -> Any:
    seated = (
        sa.select(sa.func.count())
        .select_from(Registration)
        .where(col(Registration.batch_id) == col(Batch.id), col(Registration.state).in_(SEATED))
        .correlate(Batch)
        .scalar_subquery()
    )
    return (
        sa.select(
            col(Batch.id),
            col(Programme.title),
            seated,
            col(Batch.minimum),
            col(Batch.thin_at),
            col(Batch.second_close),
            col(Batch.thin_settled_at),
            col(Batch.cancelled_at),
        )
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.minimum).is_not(None), col(Batch.thin_at).is_not(None))
    )


def _as_thin(row: Any) -> Thin:
    batch_id, title, seated, minimum, thin_at, second_close, settled_at, cancelled_at = row
    return Thin(
        batch_id=batch_id,
        title=title,
        seated=seated,
        minimum=minimum,
        thin_at=thin_at,
        second_close=second_close,
        is_settled=settled_at is not None,
        is_cancelled=cancelled_at is not None,
    )


def _ask(session: Session, facts: Thin, *, now: datetime) -> None:
    """Ask the coordinators of whoever organises the class; once each."""
    today = local_day(now, offices.zone(session))
    unit_id: int | None = session.exec(
        select(Programme.owner_unit_id)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == facts.batch_id)
    ).one()
    asked: list[int] = []
    runs = [
        role
        for role in Role
        if Act.RUN_PROGRAMME in MAY[role] and role is not Role.RESEARCH_OFFICER
    ]
    # An office without a coordinator of its own is tended by that of the unit above it.
    while unit_id is not None and not asked:
        for role in runs:
            asked += roles.holders(session, role, unit_id, today=today)
        unit_id = session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)).first()
    for teacher_id in dict.fromkeys(asked):
        outbox.put(
            session,
            "thin_class",
            teacher_id=teacher_id,
            facts={"batch_id": facts.batch_id},
            priority=Priority.OFFER,
            not_before=now,
            useful_until=facts.thin_at,
            dedupe_key=f"thin:{facts.batch_id}:{facts.thin_at.isoformat()}:{teacher_id}",
            now=now,
        )


def _dates(batch: Batch) -> dict[str, Any]:
    moments = {"thin_at": batch.thin_at, "second_close": batch.second_close}
    said: dict[str, Any] = {name: at and at.isoformat() for name, at in moments.items()}
    return said | {"minimum": batch.minimum}
