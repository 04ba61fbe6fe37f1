"""A scratch copy of the database: tables that one connection sees in place of the real ones.

They are temporary tables of the same names, so whatever runs on that connection works with
them and knows no difference; and they are gone when the connection closes. Nothing real can be
changed on the way: SQLite's file is opened for reading only, and on PostgreSQL the transaction
may write to temporary tables alone. Nobody waits for it, for no lock is taken on a real row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Session, SQLModel

Copied = Mapping[type[SQLModel], sa.ColumnElement[bool] | None]
"""Which tables are copied, and of each which rows: None is all. The others are empty."""

_COPY = "copy"  # stands for the schema of temporary tables, whatever the engine calls it


def engine(url: sa.URL) -> sa.Engine:
    """Make an engine for scratch copies of this database; it keeps no connection open."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url,
            poolclass=sa.NullPool,
            connect_args={"options": "-c default_transaction_read_only=on"},
        )

    def connect() -> sqlite3.Connection:
        file = f"file:{quote(url.database or '')}?mode=ro"
        made = sqlite3.connect(file, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in ("temp_store=MEMORY", "busy_timeout=30000", "cache_size=-65536"):
            made.execute(f"PRAGMA {pragma}")
        return made

    made = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)

    @sa.event.listens_for(made, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return made


@contextmanager
def opened(source: sa.Engine, copied: Copied) -> Iterator[Session]:
    """Open a session on a copy of these rows as they are now; afterwards all of it is gone."""
    with source.connect() as connection:
        with connection.begin():
            _fill(connection, copied)
        with Session(connection) as session:
            yield session
            session.rollback()


def _fill(connection: sa.Connection, copied: Copied) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        real, temporary = "main", "temp"
    else:
        # One snapshot for all tables; the real ones are still only read.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
        real = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
        temporary = "pg_temp"
    names = {"schema_translate_map": {None: real, _COPY: temporary}}
    tables = _tables()
    # All tables have a copy, so that nothing said to this connection can mean a real one.
    for table in tables.sorted_tables:
        connection.execute(CreateTable(table), execution_options=names)
        for index in table.indexes:
            connection.execute(CreateIndex(index), execution_options=names)
    for model, condition in copied.items():
        kept: sa.Table = model.__table__  # type: ignore[attr-defined]
        rows = sa.select(kept) if condition is None else sa.select(kept).where(condition)
        copy = tables.tables[f"{_COPY}.{kept.name}"]
        connection.execute(
            sa.insert(copy).from_select([column.name for column in kept.columns], rows),
            execution_options=names,
        )
        if not is_sqlite:
            _count_on(connection, kept.name)


def _count_on(connection: sa.Connection, name: str) -> None:
    """Let new rows follow the copied ones, and let the planner know how many there are."""
    connection.exec_driver_sql(
        f"SELECT setval(pg_get_serial_sequence('pg_temp.{name}', 'id'), max(id))"  # noqa: S608
        f" FROM pg_temp.{name}"
    )
    connection.exec_driver_sql(f"ANALYZE pg_temp.{name}")


@cache
def _tables() -> sa.MetaData:
    """All tables once more, without the ties between them: rows are copied by need."""
    made: Any = sa.MetaData()
    for table in SQLModel.metadata.sorted_tables:
        copy = table.to_metadata(made, schema=_COPY)
        copy.constraints.difference_update(copy.foreign_key_constraints)
    return made  # type: ignore[no-any-return]
