"""One colleague as far as the reader's scope goes: roster, registrations, hours, reachability.

Like ``storage.home`` a place where wings are read together. Who tends the unit sees it all;
who looks from above sees the roster and what concerns their own programmes (domain, model 2.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.credits.balance import balance_of
from storage.moments import local_day
from storage.people import authority, offices, reaching, staff
from storage.people.authority import Act
from storage.people.staff import Person
from storage.training.tables import (
    Batch,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)

SHOWN = 6  # registrations


@dataclass(frozen=True)
class HoursLine:
    """This school year's hours in the unit of the credit profile."""

    year: str
    unit: str
    counted: Decimal
    floor: Decimal | None


@dataclass(frozen=True)
class Colleague:
    """What the actor may see of one person; ``hours`` is None for who does not tend the unit."""

    person: Person
    registrations: tuple[tuple[str, RegistrationState], ...]  # title and state, latest first
    hours: HoursLine | None
    contacted_at: datetime | None


def colleague(session: Session, actor_id: int, teacher_id: int, *, now: datetime) -> Colleague:
    """Return it, and write down that the actor looked. Raises NotAllowed."""
    person = staff.person(session, actor_id, teacher_id, now=now)
    today = local_day(now, offices.zone(session))
    unit_id = person.profile.unit_id
    tends = unit_id is not None and authority.may(
        session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True
    )
    hours = None
    if tends:
        balance = balance_of(session, teacher_id, now=now)
        year = balance.year
        hours = HoursLine(year.span.code, balance.unit, year.counted, year.floor)
    registered = (
        sa.select(col(Programme.title), col(Registration.state))
        .select_from(Registration)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Registration.teacher_id) == teacher_id,
            col(Programme.state).in_([ProgrammeState.PUBLISHED, ProgrammeState.FINISHED]),
        )
        .order_by(col(Registration.changed_at).desc(), col(Registration.id).desc())
        .limit(SHOWN)
    )
    if not tends:
        mine = authority.batches(session, actor_id, Act.SEE_PROGRAMME, today=today)
        registered = registered.where(col(Registration.batch_id).in_(mine))
    rows = session.exec(registered).all()  # type: ignore[call-overload]
    return Colleague(
        person=person,
        registrations=tuple((title, RegistrationState(state)) for title, state in rows),
        hours=hours,
        contacted_at=reaching.contacted_at(session, [teacher_id], now=now).get(teacher_id),
    )
