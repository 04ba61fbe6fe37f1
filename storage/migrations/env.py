"""Alembic's environment: how migrations run and what autogenerate writes."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from storage.migrations.env_types import same_type
from storage.schema import METADATA

config = context.config


def render_item(kind: str, thing: Any, autogen: Any) -> Any:
    """Write our and SQLModel's types with their imports."""
    if kind == "type":
        module = type(thing).__module__
        if module.startswith("sqlmodel"):
            if type(thing).__name__ == "UTCDateTime":
                autogen.imports.add("from storage.moments import Moment")
                return "Moment()"
            return f"sa.String(length={thing.length})" if thing.length else "sa.String()"
        if module == "storage.credits.hours":
            return "sa.Integer()"
        if isinstance(thing, sa.Enum):
            return f"sa.String(length={thing.length})"
        if isinstance(thing, sa.JSON):
            autogen.imports.add("from sqlalchemy.dialects import postgresql")
            return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=same_type,
        user_module_prefix=None,
    )
    with context.begin_transaction():
        context.run_migrations()


connection: sa.Connection | None = config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    engine = sa.create_engine(config.get_main_option("sqlalchemy.url") or "sqlite://")
    with engine.connect() as made:
        run(made)
