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


def test_invitations_and_lists_move_from_drafts_and_deeds_into_columns(empty_url: str) -> None:
    engine = sa.create_engine(empty_url, poolclass=sa.NullPool)
    at = "2026-11-20 01:00:00+00:00"
    with engine.connect() as connection:
        config = migrations.config(connection)
        command.upgrade(config, "0007")
        rows: dict[str, list[dict[str, object]]] = {
            "entry": [{"id": 5, "teacher_id": 1, "created_at": at, "changed_at": at}],
            "entry_author": [{"id": 1, "entry_id": 5, "teacher_id": 2}],
            "draft": [
                {"id": 1, "account_id": 1, "kind": "entry_team:5", "data": '{"asked": [2, 3]}'},
                {"id": 2, "account_id": 1, "kind": "turns", "data": '{"turns": {"4": "x"}}'},
            ],
            "round": [{"id": 7, "position": 1}],
            "deed": [
                {"id": n, "kind": "publicity", "data": data, "at": at, "undone_at": undone}
                for n, data, undone in (
                    (1, '{"round_id": 7, "version": 1, "lines": [[4, "x"]]}', None),
                    (2, '{"round_id": 7, "version": 2, "lines": [[4, "y"]]}', None),
                    (3, '{"round_id": 7, "version": 3, "lines": []}', at),
                )
            ],
        }
        filled = {"TEXT": "", "VARCHAR": "", "JSON": "[]", "BOOLEAN": 0, "INTEGER": 0}
        for table, made in rows.items():
            found = sa.Table(table, sa.MetaData(), autoload_with=connection)
            names = ", ".join(f'"{column.name}"' for column in found.columns)
            holders = ", ".join(f":{column.name}" for column in found.columns)
            for row in made:
                usual = {
                    column.name: None
                    if column.nullable
                    else filled.get(str(column.type).partition("(")[0], at)
                    for column in found.columns
                }
                insert = f'INSERT INTO "{table}" ({names}) VALUES ({holders})'
                connection.execute(sa.text(insert), usual | row)
        command.upgrade(config, "0009")
        authors = connection.execute(
            sa.text("SELECT teacher_id, asked_by, agreed_at IS NULL FROM entry_author ORDER BY id")
        ).all()
        drafts = connection.execute(sa.text("SELECT kind FROM draft")).all()
        lists = connection.execute(
            sa.text("SELECT list_version, public_list, publicity_started_at IS NULL FROM round")
        ).all()
    engine.dispose()
    assert [tuple(row) for row in authors] == [(2, 1, 0), (3, 1, 1)]
    assert drafts == []
    assert [tuple(row) for row in lists] == [(2, '[[4, "y"]]', 0)]
