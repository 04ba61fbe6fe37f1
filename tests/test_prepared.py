"""Statements said to the driver itself: values, rows and failures as through the session."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, col

from storage.audit import AuditLog
from storage.database import Database
from storage.people.tables import Account
from storage.prepared import Prepared
from tests.make import NOW

_log = AuditLog.__table__.c  # type: ignore[attr-defined]
WRITE = Prepared(
    sa.insert(AuditLog)
    .values(
        {
            name: sa.bindparam(name, type_=_log[name].type)
            for name in ("at", "actor_id", "thing", "after")
        }
        | {"action": "测试", "reason": ""}
    )
    .returning(_log.id)
)
READ = Prepared(
    sa.select(
        col(AuditLog.at), col(AuditLog.after), col(AuditLog.action), sa.func.count().over()
    ).where(col(AuditLog.thing) == sa.bindparam("thing"))
)
ERASE = Prepared(sa.delete(AuditLog).where(col(AuditLog.thing) == sa.bindparam("thing")))
JOIN = Prepared(
    sa.insert(Account).values(
        tg_user_id=sa.bindparam("tg"),
        started_at=NOW,
        **{
            name: Account.model_fields[name].default
            for name in (
                *("language", "language_chosen", "reachable", "wrong_codes", "awaiting"),
                *("continue_to", "brief_minute", "quiet_from", "quiet_until"),
            )
        },
    )
)
LINE: dict[str, Any] = {
    "at": NOW,
    "actor_id": None,
    "thing": "班次:1",
    "after": {"席位": [1, None]},
}


async def test_values_pass_through_the_types_of_their_columns(database: Database) -> None:
    def keep(session: Session) -> int:
        number: int = WRITE.scalar(session, **LINE)
        return number

    assert await database.write(keep) == await database.read(
        lambda session: session.connection().execute(sa.select(col(AuditLog.id))).scalar_one()
    )
    row = await database.read(lambda session: READ.first(session, thing="班次:1"))
    assert row is not None
    assert (row.at, row.after, row.action, row[3]) == (NOW, {"席位": [1, None]}, "测试", 1)
    assert row.at.tzinfo is not None
    assert await database.read(lambda session: READ.first(session, thing="nothing")) is None
    assert await database.read(lambda session: READ.scalar(session, thing="nothing")) is None
    assert await database.read(lambda session: READ.all(session, thing="nothing")) == []


async def test_it_says_how_many_rows_it_has_changed(database: Database) -> None:
    def twice(session: Session) -> tuple[int, int]:
        for _ in range(3):
            WRITE.scalar(session, **LINE)
        return ERASE.count(session, thing="班次:1"), ERASE.count(session, thing="班次:1")

    assert await database.write(twice) == (3, 0)


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = {**LINE, "at": datetime(2026, 11, 1)}  # noqa: DTZ001
    with pytest.raises((StatementError, ValueError, TypeError)):
        await database.write(lambda session: WRITE.scalar(session, **naive))
    aware = {**LINE, "at": datetime(2026, 11, 1, tzinfo=UTC)}
    await database.write(lambda session: WRITE.scalar(session, **aware))


async def test_a_refusal_of_the_database_is_sqlalchemys(database: Database) -> None:
    await database.write(lambda session: JOIN.count(session, tg=7))
    with pytest.raises(IntegrityError) as caught:
        await database.write(lambda session: JOIN.count(session, tg=7))
    assert "account" in str(caught.value)


async def test_a_value_that_is_not_given_is_missed_at_once(sqlite: Database) -> None:
    with pytest.raises(KeyError):
        await sqlite.read(lambda session: READ.first(session, subject="班次:1"))


async def test_a_text_that_grows_with_its_values_is_refused(sqlite: Database) -> None:
    growing = Prepared(sa.select(col(AuditLog.id)).where(col(AuditLog.id).in_([1, 2, 3])))
    with pytest.raises(ValueError, match="varies"):
        await sqlite.read(lambda session: growing.all(session))


async def test_whoever_listens_hears_it(sqlite: Database) -> None:
    heard: list[str] = []

    def listening(session: Session) -> None:
        connection = session.connection()

        def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            heard.append(statement)

        sa.event.listen(connection, "before_cursor_execute", note)
        READ.all(session, thing="班次:1")

    await sqlite.read(listening)
    assert len(heard) == 1
    assert "audit_log" in heard[0]
