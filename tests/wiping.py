"""One database for many tests: what the last one left in it is taken out before the next.

A new database for each test costs more than most tests: making it, connecting to it, and
compiling and preparing again whatever the product asks.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlmodel import Session

from storage.database import Database
from storage.schema import METADATA

PATIENCE = 5.0
"""Seconds for which what the last test still has under way may go on."""


def wipe(database: Database) -> None:
    """Take every row out, and begin its numbers anew, as if the database were just made."""
    database.write_now(_wipe_sqlite if database.is_sqlite else _wipe_postgres)


def _wipe_sqlite(session: Session) -> None:
    session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    for table in _dirty(session):
        session.execute(table.delete())


def _wipe_postgres(session: Session) -> None:
    connection = session.connection()
    _let_others_end(connection)
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in _dirty(session):
        session.execute(table.delete())
    for name in connection.exec_driver_sql(
        "SELECT sequencename FROM pg_sequences"
        " WHERE schemaname = 'public' AND last_value IS NOT NULL"
    ).scalars():
        connection.exec_driver_sql(f'ALTER SEQUENCE "{name}" RESTART')


def _let_others_end(connection: sa.Connection) -> None:
    others = (
        "FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    until = time.monotonic() + PATIENCE
    while connection.exec_driver_sql(f"SELECT count(*) {others}").scalar_one():
        if time.monotonic() > until:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}")
            return
        time.sleep(0.005)
        # Who is busy is looked up once in a transaction, unless it is forgotten.
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")


def _dirty(session: Session) -> list[sa.Table]:
    """The tables that have rows."""
    names = set(session.connection().exec_driver_sql(_QUESTION).scalars())
    return [table for table in reversed(METADATA.sorted_tables) if table.name in names]


_QUESTION = " UNION ALL ".join(
    f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM \"{table.name}\")"
    for table in METADATA.sorted_tables
)
