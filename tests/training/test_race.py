"""The opening minute: everybody taps at once, and no seat is given twice."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.database import Database
from storage.people.tables import OrgUnit
from storage.training import registration, waiting
from storage.training.tables import (
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
    Source,
)
from tests import make
from tests.make import NOW

APPROVED = RegistrationState.APPROVED
WAITLISTED = RegistrationState.WAITLISTED


def crowd(session: Session, count: int, schools: int = 1) -> list[int]:
    """Make teachers of several schools in turn."""
    return [make.teacher(session, at=f"第{n % schools + 1}小学") for n in range(count)]


def seated(session: Session, batch_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(Registration)
        .where(Registration.batch_id == batch_id, Registration.state == APPROVED)
    ).one()


def books(session: Session) -> list[tuple[int, int, int]]:
    """Return for each allotment its seats, what it counts as taken, and what really is."""
    held = (
        select(func.count())
        .select_from(Registration)
        .where(Registration.quota_id == Quota.id)
        .scalar_subquery()
    )
    offered = (
        select(func.count())
        .select_from(SeatOffer)
        .where(SeatOffer.quota_id == Quota.id, SeatOffer.state == OfferState.OPEN)
        .scalar_subquery()
    )
    return list(session.exec(select(Quota.seats, Quota.taken, held + offered)).all())


async def test_two_hundred_taps_at_once_never_seat_a_sixth(database: Database) -> None:
    batch = await database.write(make.batch, seats=5)
    people = await database.write(crowd, 200)
    outcomes = await asyncio.gather(
        *(database.write(registration.register, x, batch, now=NOW) for x in people)
    )
    assert sum(x.state is APPROVED for x in outcomes) == 5
    assert sum(x.state is WAITLISTED for x in outcomes) == 195
    assert await database.read(seated, batch) == 5
    assert await database.read(books) == [(5, 5, 5)]


async def test_nor_do_they_through_two_processes(
    two_processes: tuple[Database, Database],
) -> None:
    one, other = two_processes
    batch = await one.write(make.batch, seats=5)
    people = await one.write(crowd, 200)
    outcomes = await asyncio.gather(
        *(
            (one if n % 2 else other).write(registration.register, x, batch, now=NOW)
            for n, x in enumerate(people)
        )
    )
    assert sum(x.state is APPROVED for x in outcomes) == 5
    assert await one.read(books) == [(5, 5, 5)]


async def test_the_race_is_real_when_seats_are_counted_and_then_written(
    two_processes: tuple[Database, Database],
) -> None:
    # If this fails, the tests above prove nothing.
    one, other = two_processes
    batch = await one.write(make.batch, seats=5)
    people = await one.write(crowd, 40)
    unit_id = await one.write(make.school, "第1小学")

    def unguarded(session: Session, teacher_id: int) -> None:
        state = APPROVED if seated(session, batch) < 5 else WAITLISTED
        time.sleep(0.02)
        session.add(
            Registration(
                batch_id=batch,
                teacher_id=teacher_id,
                unit_id_at=unit_id,
                source=Source.SELF,
                state=state,
                submitted_at=NOW,
                queued_at=NOW,
                changed_at=NOW,
            )
        )
        session.flush()

    await asyncio.gather(
        *((one if n % 2 else other).write(unguarded, x) for n, x in enumerate(people))
    )
    assert await one.read(seated, batch) > 5


async def test_a_pause_in_the_middle_of_registering_changes_nothing(
    two_processes: tuple[Database, Database],
) -> None:
    one, other = two_processes
    batch = await one.write(make.batch, seats=5)
    people = await one.write(crowd, 40)

    def slowly(session: Session, teacher_id: int) -> RegistrationState:
        @sa.event.listens_for(session.connection(), "before_cursor_execute")
        def pause(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE quota"):
                time.sleep(0.02)

        outcome = registration.register(session, teacher_id, batch, now=NOW)
        sa.event.remove(session.connection(), "before_cursor_execute", pause)
        return outcome.state

    await asyncio.gather(
        *((one if n % 2 else other).write(slowly, x) for n, x in enumerate(people))
    )
    assert await one.read(seated, batch) == 5


async def test_schools_and_the_pool_are_filled_exactly_and_nobody_sees_a_fault(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=4)
    people = await database.write(crowd, 160, schools=6)

    def allot(session: Session) -> None:
        for number in range(1, 7):
            unit_id = session.exec(
                select(OrgUnit.id).where(OrgUnit.name == f"第{number}小学")
            ).one()
            session.add(Quota(batch_id=batch, unit_id=unit_id, seats=2))

    await database.write(allot)
    outcomes = await asyncio.gather(
        *(database.write(registration.register, x, batch, now=NOW) for x in people)
    )
    assert sum(x.state is APPROVED for x in outcomes) == 16
    assert all(seats == taken == real for seats, taken, real in await database.read(books))


async def test_double_taps_of_everybody_leak_no_seat(database: Database) -> None:
    batch = await database.write(make.batch, seats=60)
    people = await database.write(crowd, 60)
    taps = [x for x in people for _ in range(3)]
    outcomes = await asyncio.gather(
        *(database.write(registration.register, x, batch, now=NOW) for x in taps)
    )
    assert {x.state for x in outcomes} == {APPROVED}
    assert sum(x.is_new for x in outcomes) == 60
    assert await database.read(books) == [(60, 60, 60)]


async def test_taps_and_withdrawals_that_pass_each_other_lose_no_seat(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=20)
    people = await database.write(crowd, 60)
    for someone in people[:20]:
        await database.write(registration.register, someone, batch, now=NOW)

    def moment(number: int) -> datetime:
        return NOW + timedelta(seconds=number)

    taps = [
        database.write(registration.register, x, batch, now=moment(n))
        for n, x in enumerate(people[20:])
    ]
    leaves = [database.write(registration.withdraw, x, batch, now=moment(0)) for x in people[:20]]
    mixed = [x for pair in zip(taps, leaves, strict=False) for x in pair] + taps[20:]
    await asyncio.gather(*mixed)
    await database.write(waiting.promote, now=moment(60))
    # Forty want the twenty seats that were given back: none stays free.
    assert await database.read(books) == [(20, 20, 20)]
    states = await database.read(
        lambda s: s.exec(
            select(col(Registration.state), func.count()).group_by(col(Registration.state))
        ).all()
    )
    counts = dict(states)
    assert counts[RegistrationState.WITHDRAWN] == 20
    assert counts[WAITLISTED] == 20
