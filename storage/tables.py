"""What all tables share: keys wide enough for Telegram, enums by value, named constraints."""

import re
from enum import StrEnum
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

E = TypeVar("E", bound=StrEnum)

# SQLite grows its row ids only for INTEGER keys; PostgreSQL needs the eight bytes said.
KEY: Any = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT: Any = sa.JSON().with_variant(JSONB(), "postgresql")


def key(**more: Any) -> Any:
    """A 64-bit whole number: a Telegram id, or a reference with ``foreign_key=``."""
    return Field(sa_type=KEY, **more)


def document(**more: Any) -> Any:
    """A JSON document."""
    return Field(sa_type=DOCUMENT, **more)


def one_of(choices: type[E], **more: Any) -> Any:
    """A choice, kept as its value in a plain column: a new choice needs no migration."""
    kind = sa.Enum(
        choices,
        native_enum=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
    return Field(sa_type=cast(Any, kind), **more)


class Row(SQLModel):
    """The base of all tables; a table is named after its class, in snake case."""

    id: int = Field(default=None, primary_key=True, sa_type=KEY)

    @sa.orm.declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
