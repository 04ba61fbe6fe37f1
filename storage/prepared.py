"""Statements of the opening hour, said to the driver itself.

SQLAlchemy works out anew at each run what a statement and its values mean to this database;
for a statement that finds one row by its key that is five times the price of the statement.
A ``Prepared`` works it out once, and keeps what matters of it: every value passes through
the type of its column on the way in and out, and a failure is SQLAlchemy's.

For reading and writing a few rows where many people wait at the same moment. Everywhere else
the session is the way.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session

Convert = Callable[[Any], Any]


def among(column: sa.Column[Any], choices: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return ``column IN (…)`` as fixed text; a list of values is spelled out at every run."""
    return column.in_([sa.literal(choice, column.type) for choice in choices])


class Prepared:
    """A SELECT, or a change of rows with or without RETURNING, whose text never varies.

    The values of its ``bindparam`` are given by name. Rows come as named tuples.
    """

    def __init__(self, statement: sa.Executable) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def all(self, session: Session, **values: Any) -> list[Any]:
        """Run it and return all rows."""
        form, cursor = self._run(session, values)
        try:
            return [form.row(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def first(self, session: Session, **values: Any) -> Any | None:
        """Run it and return the first row, or None."""
        form, cursor = self._run(session, values)
        try:
            row = cursor.fetchone()
            return None if row is None else form.row(row)
        finally:
            cursor.close()

    def scalar(self, session: Session, **values: Any) -> Any:
        """Run it and return the first value of the first row, or None."""
        row = self.first(session, **values)
        return None if row is None else row[0]

    def count(self, session: Session, **values: Any) -> int:
        """Run it and return how many rows it has changed."""
        _form, cursor = self._run(session, values)
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _run(self, session: Session, values: dict[str, Any]) -> tuple[_Form, Any]:
        connection = session.connection()
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, dialect)
        given = form.given(values)
        cursor = connection.connection.cursor()
        # Whoever listens to what is said to the database hears this too.
        for hear in connection.dispatch.before_cursor_execute:
            hear(connection, cursor, form.text, given, None, False)
        try:
            cursor.execute(form.text, given)
        except dialect.loaded_dbapi.Error as error:
            cursor.close()
            raise DBAPIError.instance(
                form.text, None, error, dialect.loaded_dbapi.Error, dialect=dialect
            ) from error
        return form, cursor


class _Form:
    """What a statement is to one database: its text, and how values go in and out."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError(f"this text varies with its values: {compiled}")
        self.text = str(compiled)
        self._fixed: dict[str, Any] = {}
        self._wanted: list[tuple[str, Convert]] = []
        for name, bind in compiled.binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            if bind.required:
                self._wanted.append((name, convert))
            else:
                self._fixed[name] = convert(bind.value)
        self._order = compiled.positiontup
        columns = list(statement.exported_columns)
        if any(isinstance(column.type, sa.Numeric) for column in columns):
            raise ValueError(f"decimals need the driver's word for each row: {compiled}")
        self._outs = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        names = [str(column.key) for column in columns]
        self._row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]

    def given(self, values: dict[str, Any]) -> Any:
        """The values as the driver takes them."""
        converted = self._fixed.copy()
        for name, convert in self._wanted:
            converted[name] = convert(values[name])
        if self._order is None:
            return converted
        return [converted[name] for name in self._order]

    def row(self, raw: Any) -> Any:
        """A row as the columns' types read it."""
        if not self._outs:
            return self._row._make(raw)
        made = list(raw)
        for place, convert in self._outs:
            made[place] = convert(made[place])
        return self._row._make(made)


def _as_it_is(value: Any) -> Any:
    return value
