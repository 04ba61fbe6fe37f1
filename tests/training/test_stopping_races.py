"""Whoever cancels, pauses or limits a class while somebody registers: nobody falls between."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.database import Database
from storage.messaging.tables import OutboxMessage
from storage.training import allotting, changing, publishing, registration, thinning
from storage.training.changing import What
from storage.training.refusals import ProgrammeCancelled, ProgrammePaused
from storage.training.tables import SEATED, Quota, Registration, RegistrationState
from tests import make
from tests.make import NOW
from tests.training import meeting_makers

APPROVED = RegistrationState.APPROVED
WAITLISTED = RegistrationState.WAITLISTED
PATIENCE = 0.3  # seconds for which the first transaction stays open

Operation = Callable[[Session], Any]


async def second_while_first_is_open(
    both: tuple[Database, Database], first: Operation, second: Operation
) -> list[Any]:
    """Do the second thing while the first is done and not committed."""
    done, over = threading.Event(), threading.Event()

    def holding(session: Session) -> Any:
        answer = first(session)
        session.flush()
        done.set()
        over.wait(PATIENCE)
        return answer

    def then(session: Session) -> Any:
        done.wait()
        return second(session)

    return list(
        await asyncio.gather(both[0].write(holding), both[1].write(then), return_exceptions=True)
    )


async def second_after_reading(
    both: tuple[Database, Database], first: Operation, second: Operation
) -> list[Any]:
    """Do the second thing from begin to commit after the first has read what it goes by."""
    has_read, over = threading.Event(), threading.Event()

    def reading(session: Session) -> Any:
        connection = session.connection()

        def pause(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith(("INSERT INTO registration", "UPDATE registration SET unit")):
                has_read.set()
                over.wait(PATIENCE)

        sa.event.listen(connection, "before_cursor_execute", pause)
        try:
            return first(session)
        finally:
            sa.event.remove(connection, "before_cursor_execute", pause)

    async def then() -> Any:
        await asyncio.to_thread(has_read.wait)
        answer = await both[1].write(second)
        over.set()
        return answer

    return list(await asyncio.gather(both[0].write(reading), then(), return_exceptions=True))


def class_of(session: Session, *, seats: int | None) -> tuple[int, int]:
    return meeting_makers.organiser(session), make.batch(session, seats=seats)


def linked(session: Session, name: str) -> int:
    teacher_id = make.teacher(session, name)
    make.account(session, teacher_id)
    return teacher_id


def told(session: Session) -> list[int | None]:
    return list(
        session.exec(
            select(OutboxMessage.teacher_id).where(OutboxMessage.kind == "cancelled")
        ).all()
    )


def registered(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Registration)).one()


def books(session: Session) -> list[tuple[int, int]]:
    return list(session.exec(select(Quota.seats, Quota.taken)).all())


def seated_without(session: Session) -> int:
    return session.exec(
        select(func.count())
        .select_from(Registration)
        .where(col(Registration.state).in_(SEATED), col(Registration.quota_id).is_(None))
    ).one()


async def test_who_registers_while_a_class_is_cancelled_is_told(
    two_processes: tuple[Database, Database],
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=3)
    lin = await one.write(linked, "林老师")
    outcome, off = await second_while_first_is_open(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
        lambda s: publishing.cancel_programme(s, organiser, batch, "停电", now=NOW).told,
    )
    assert (outcome, off) == (APPROVED, 1)
    assert await one.read(told) == [lin]


@pytest.mark.parametrize("seats", [3, None])
async def test_nobody_gets_into_a_class_that_is_being_cancelled(
    two_processes: tuple[Database, Database], seats: int | None
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=seats)
    lin = await one.write(linked, "林老师")
    off, outcome = await second_while_first_is_open(
        two_processes,
        lambda s: publishing.cancel_programme(s, organiser, batch, "停电", now=NOW).told,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
    )
    assert off == 0
    assert isinstance(outcome, ProgrammeCancelled)
    assert await one.read(registered) == 0


async def test_nor_by_what_was_read_before_it_was_cancelled(
    two_processes: tuple[Database, Database],
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=3)
    lin = await one.write(linked, "林老师")
    outcome, off = await second_after_reading(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
        lambda s: publishing.cancel_programme(s, organiser, batch, "停电", now=NOW).told,
    )
    assert off == 0
    assert isinstance(outcome, ProgrammeCancelled)


async def test_nor_by_registering_once_more(two_processes: tuple[Database, Database]) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=3)
    lin = await one.write(linked, "林老师")
    await one.write(registration.register, lin, batch, now=NOW)
    await one.write(registration.withdraw, lin, batch, now=NOW)
    again = NOW + timedelta(minutes=1)
    outcome, off = await second_while_first_is_open(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=again).state,
        lambda s: publishing.cancel_programme(s, organiser, batch, "停电", now=again).told,
    )
    assert (outcome, off) == (APPROVED, 1)


async def test_nobody_gets_into_a_programme_that_is_being_paused(
    two_processes: tuple[Database, Database],
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=3)
    lin = await one.write(linked, "林老师")
    _, outcome = await second_while_first_is_open(
        two_processes,
        lambda s: publishing.pause(s, organiser, batch, now=NOW).is_new,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
    )
    assert isinstance(outcome, ProgrammePaused)


async def test_a_class_is_not_too_thin_with_whoever_is_just_registering(
    two_processes: tuple[Database, Database],
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=3)
    lin = await one.write(linked, "林老师")
    thin_at = NOW + timedelta(days=1)
    await one.write(thinning.set_minimum, organiser, batch, 1, thin_at, now=NOW)
    outcome, cancelled = await second_while_first_is_open(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=thin_at).state,
        lambda s: thinning.thin_out(s, now=thin_at),
    )
    assert (outcome, cancelled) == (APPROVED, 0)


async def test_seats_are_not_taken_away_from_whoever_is_just_registering(
    two_processes: tuple[Database, Database],
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=2)
    lin, chen = [await one.write(linked, name) for name in ("林老师", "陈老师")]
    await one.write(registration.register, chen, batch, now=NOW)
    outcome, fewer = await second_while_first_is_open(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
        lambda s: changing.change(s, organiser, batch, What.SEATS, 1, now=NOW),
    )
    assert outcome is APPROVED
    assert isinstance(fewer, changing.SeatsTaken)
    assert await one.read(books) == [(2, 2)]


def by_changing(session: Session, organiser: int, batch: int) -> None:
    changing.change(session, organiser, batch, What.SEATS, 1, now=NOW)


def by_allotting(session: Session, organiser: int, batch: int) -> None:
    allotting.set_capacity(session, organiser, batch, 1, now=NOW)


@pytest.mark.parametrize("limit", [by_changing, by_allotting])
async def test_a_new_limit_counts_whoever_is_just_registering(
    two_processes: tuple[Database, Database], limit: Callable[[Session, int, int], None]
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=None)
    lin, chen, bai = [await one.write(linked, name) for name in ("林老师", "陈老师", "白老师")]
    outcome, limited = await second_while_first_is_open(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
        lambda s: limit(s, organiser, batch),
    )
    assert (outcome, limited) == (APPROVED, None)
    assert await one.read(books) == [(1, 1)]
    assert await one.read(seated_without) == 0
    done = await one.write(registration.register, chen, batch, now=NOW)
    assert (done.state, done.place) == (WAITLISTED, 1)
    done = await one.write(registration.register, bai, batch, now=NOW)
    assert (done.state, done.place) == (WAITLISTED, 2)


@pytest.mark.parametrize("limit", [by_changing, by_allotting])
async def test_a_new_limit_holds_for_whoever_read_that_there_is_none(
    two_processes: tuple[Database, Database], limit: Callable[[Session, int, int], None]
) -> None:
    one, _ = two_processes
    organiser, batch = await one.write(class_of, seats=None)
    lin, chen = [await one.write(linked, name) for name in ("林老师", "陈老师")]
    outcome, limited = await second_after_reading(
        two_processes,
        lambda s: registration.register(s, lin, batch, now=NOW).state,
        lambda s: limit(s, organiser, batch),
    )
    assert (outcome, limited) == (APPROVED, None)
    assert await one.read(books) == [(1, 1)]
    done = await one.write(registration.register, chen, batch, now=NOW)
    assert (done.state, done.place) == (WAITLISTED, 1)
