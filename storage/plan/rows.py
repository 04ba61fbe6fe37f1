"""Keeping rows as a plan says: new ones inserted, changed ones updated, none deleted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

Key = tuple[Any, ...]
Values = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What became of the rows: their ids by key, and which were new or changed."""

    ids: dict[Key, int]
    new: frozenset[Key]
    changed: frozenset[Key]

    @property
    def touched(self) -> frozenset[Key]:
        return self.new | self.changed


def keep(
    session: Session,
    model: type[SQLModel],
    key: Sequence[str],
    rows: Sequence[Values],
    *,
    among: dict[str, Iterable[Any]] | None = None,
    update: bool = True,
) -> Kept:
    """Make the table say what the rows say, by a few statements however many rows there are.

    Rows are matched by ``key``, and all have the same columns; a column that they leave out
    keeps its value, or gets its default in a new row. ``among`` limits what is read of the
    table to some values of a column. Without ``update`` what is there is left as it is.
    """
    if not rows:
        return Kept({}, frozenset(), frozenset())
    session.flush()  # what is expired below must have been written
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    names = list(rows[0])
    present = _present(session, table, key, names, among)
    new: list[Values] = []
    changed: list[Values] = []
    keys_changed: set[Key] = set()
    for row in rows:
        found = present.get(tuple(row[name] for name in key))
        if found is None:
            new.append(_defaults(model) | row)
        elif update and any(found[1][name] != row[name] for name in names):
            keys_changed.add(tuple(row[name] for name in key))
            changed.append({"row_id": found[0]} | {f"to_{name}": row[name] for name in names})
    if changed:
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("row_id"))
            .values({name: sa.bindparam(f"to_{name}") for name in names}),
            changed,
        )
    if new:
        session.connection().execute(sa.insert(table), new)
        present = _present(session, table, key, key, among)
    if new or changed:
        # Rows that somebody holds as objects must not go on saying what was.
        session.expire_all()
    return Kept(
        {each: found[0] for each, found in present.items()},
        frozenset(tuple(row[name] for name in key) for row in new),
        frozenset(keys_changed),
    )


def _present(
    session: Session,
    table: sa.Table,
    key: Sequence[str],
    names: Sequence[str],
    among: dict[str, Iterable[Any]] | None,
) -> dict[Key, tuple[int, Values]]:
    columns = list(dict.fromkeys([*key, *names]))
    statement = sa.select(table.c.id, *(table.c[name] for name in columns))
    for name, values in (among or {}).items():
        statement = statement.where(table.c[name].in_(sorted(values)))
    return {
        tuple(values[name] for name in key): (row_id, values)
        for row_id, *rest in session.connection().execute(statement)
        for values in [dict(zip(columns, rest, strict=True))]
    }


def _defaults(model: type[SQLModel]) -> Values:
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if name != "id" and not field.is_required()
    }
