"""The floor: whole transactions, kept or undone as one, on both engines."""

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import Session, select

from storage.database import Database
from storage.people.tables import Account
from storage.refusals import Refusal
from tests.make import NOW


def join(session: Session, tg_user_id: int) -> int:
    account = Account(tg_user_id=tg_user_id, started_at=NOW)
    session.add(account)
    session.flush()
    return account.id


def count(session: Session) -> int:
    return len(session.exec(select(Account.id)).all())


async def test_what_was_answered_is_committed(database: Database) -> None:
    await database.write(join, 7_000_000_001)
    assert await database.read(count) == 1


async def test_a_telegram_id_of_64_bits_comes_back_whole(database: Database) -> None:
    await database.write(join, 7_999_999_999_999)
    kept = await database.read(lambda session: session.exec(select(Account.tg_user_id)).one())
    assert kept == 7_999_999_999_999


async def test_a_refusal_undoes_its_own_operation_and_no_other(database: Database) -> None:
    def refuse(session: Session) -> None:
        join(session, 13)
        raise Refusal

    outcomes = await asyncio.gather(
        *(database.write(join, 100 + n) for n in range(50)),
        database.write(refuse),
        *(database.write(join, 200 + n) for n in range(50)),
        return_exceptions=True,
    )
    assert [type(o) for o in outcomes if not isinstance(o, int)] == [Refusal]
    assert await database.read(count) == 100


async def test_a_broken_constraint_in_a_group_harms_nobody_else(database: Database) -> None:
    outcomes = await asyncio.gather(
        *(database.write(join, n % 40) for n in range(80)), return_exceptions=True
    )
    assert sum(isinstance(o, IntegrityError) for o in outcomes) == 40
    assert await database.read(count) == 40


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises((OperationalError, sa.exc.InternalError)):
        await database.read(join, 1)


async def test_a_naive_moment_is_refused_by_the_column(database: Database) -> None:
    def naive(session: Session) -> None:
        session.add(Account(tg_user_id=1, started_at=datetime(2026, 1, 1)))  # noqa: DTZ001
        session.flush()

    with pytest.raises(StatementError, match="timezone"):
        await database.write(naive)


async def test_moments_come_back_aware_in_utc(database: Database) -> None:
    await database.write(join, 1)
    kept = await database.read(lambda session: session.exec(select(Account.started_at)).one())
    assert kept == NOW
    assert kept.tzinfo is UTC


async def test_foreign_keys_are_kept(database: Database) -> None:
    def orphan(session: Session) -> None:
        session.add(Account(tg_user_id=1, teacher_id=99, started_at=NOW))
        session.flush()

    with pytest.raises(IntegrityError):
        await database.write(orphan)


async def test_closing_finishes_what_is_waiting(database_url: str) -> None:
    database = Database(database_url)
    waiting = [asyncio.ensure_future(database.write(join, n)) for n in range(200)]
    await asyncio.sleep(0)
    database.close()
    await asyncio.gather(*waiting)
    again = Database(database_url)
    assert await again.read(count) == 200
    again.close()


async def test_sqlite_keeps_every_commit_on_disk(sqlite: Database) -> None:
    def pragmas(session: Session) -> tuple[str, int, int]:
        read = session.connection().exec_driver_sql
        return tuple(
            read(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        )

    assert await sqlite.write(pragmas) == ("wal", 2, 1)
