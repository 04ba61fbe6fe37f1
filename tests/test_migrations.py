"""Migrations: up, down and up again, and at the top exactly what the models say."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage import migrations
from storage.migrations.env_types import same_type
from storage.schema import METADATA


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    return f"sqlite:///{tmp_path}/empty.sqlite3"


def revisions() -> list[str]:
    scripts = ScriptDirectory.from_config(migrations.config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def climb(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        config = migrations.config(connection)
        for revision in revisions():
            command.upgrade(config, revision)
            command.downgrade(config, "-1")
            command.upgrade(config, revision)
        connection.commit()
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": same_type}), METADATA
        )
        assert differences == []
        assert migrations.is_current(connection)
        command.downgrade(config, "base")
        connection.commit()
        left = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        assert not left
    engine.dispose()


def test_up_down_up_on_sqlite_ends_at_the_models(empty_url: str) -> None:
    climb(empty_url)


def test_up_down_up_on_postgresql_ends_at_the_models(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    METADATA.drop_all(engine)
    engine.dispose()
    climb(postgres_url)


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    migrations.upgrade(empty_url)


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1


def test_the_newest_migration_is_known_without_reading_any() -> None:
    heads = ScriptDirectory.from_config(migrations.config()).get_heads()
    assert list(heads) == [migrations.newest()]
