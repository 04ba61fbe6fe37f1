"""Migrations: how a database of an earlier edition becomes one of this.

Alembic is loaded only when there is something for it to do: on an ordinary start the database
is up to date, and that is known by one row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, bound to the connection if one is given."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(url: str | sa.URL, revision: str = "head") -> None:
    """Bring the database to the revision; what is there already is left alone."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # Two processes that start together migrate one after the other.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7061990)")
        if revision != "head" or not is_current(connection):
            from alembic import command

            command.upgrade(config(connection), revision)
    engine.dispose()


def newest() -> str:
    """The number of the newest migration: files are named after theirs, and numbers grow."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def is_current(connection: sa.Connection) -> bool:
    """Whether the database has every migration."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    applied = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
    return set(applied) == {newest()}
