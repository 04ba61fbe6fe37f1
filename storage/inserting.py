"""Insert what is not there yet: one spelling for both engines."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_new(session: Session, table: type[SQLModel]) -> Any:
    """Return an ``INSERT`` that skips rows which a unique key already holds."""
    engine = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return engine.insert(table).on_conflict_do_nothing()
