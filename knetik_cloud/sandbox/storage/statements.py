"""The queries run most often: compiled once, and run on the driver's cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

Values = tuple[Any, ...]
"""The values of a row, in the order of its columns."""

Construct = Select[Any] | Insert | Update | Delete

Convert = Callable[[Any], Any]


class Statement:
    """A statement compiled once per dialect. A run costs a tenth of `Connection.execute`.

    `keys` are the columns that an INSERT or UPDATE sets, in addition to those in its own `values`. Parameters
    are passed by name. Values are converted as SQLAlchemy converts them, and errors are SQLAlchemy's.
    """

    __slots__ = ("_compiled", "_construct", "_keys")

    def __init__(self, construct: Construct, keys: Sequence[str] | None = None) -> None:
        self._construct = construct
        self._keys = keys
        self._compiled: dict[str, _Compiled] = {}

    def all(self, db: Connection, **values: Any) -> list[Values]:
        """Run it and return its rows."""
        cursor, compiled = self._execute(db, values)
        rows: list[Values] = cursor.fetchall()
        return [compiled.read(row) for row in rows] if compiled.results else rows

    def first(self, db: Connection, **values: Any) -> Values | None:
        """Run it and return its first row, or None without one."""
        cursor, compiled = self._execute(db, values)
        row: Values | None = cursor.fetchone()
        return compiled.read(row) if row is not None and compiled.results else row

    def one(self, db: Connection, **values: Any) -> Values:
        """Run it and return its only row."""
        row = self.first(db, **values)
        assert row is not None, "the statement returned no row"
        return row

    def run(self, db: Connection, **values: Any) -> int:
        """Run it and return the number of rows that it changed."""
        changed: int = self._execute(db, values)[0].rowcount
        return changed

    def many(self, db: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run it once for the values of each row."""
        dialect = db.dialect
        compiled = self._for(dialect)
        parameters = [compiled.bind(row) for row in rows]
        try:
            db.connection.cursor().executemany(compiled.text, parameters)
        except dialect.loaded_dbapi.Error as error:
            raise wrapped_error(db, error, compiled.text) from error

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._construct, self._keys, dialect)
        return compiled

    def _execute(self, db: Connection, values: dict[str, Any]) -> tuple[Any, _Compiled]:
        dialect = db.dialect
        compiled = self._for(dialect)
        parameters = compiled.bind(values)
        cursor = db.connection.cursor()
        try:
            cursor.execute(compiled.text, parameters)
        except dialect.loaded_dbapi.Error as error:
            raise wrapped_error(db, error, compiled.text, parameters) from error
        if compiled.results is None and cursor.description:
            compiled.results = _result_processors(self._construct, dialect, cursor.description)
        return cursor, compiled


def execute(db: Connection, text: str) -> None:
    """Run a statement without parameters on the driver's cursor."""
    try:
        db.connection.cursor().execute(text)
    except db.dialect.loaded_dbapi.Error as error:
        raise wrapped_error(db, error, text) from error


def wrapped_error(db: Connection, error: Exception, text: str, parameters: Any = None) -> Exception:
    """Return a driver's error as SQLAlchemy raises it."""
    dialect = db.dialect
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, parameters, error, base, dialect=dialect)


class _Compiled:
    """A statement in a dialect: its parameters and the columns of its rows, with their conversions if any."""

    __slots__ = ("_constants", "_parameters", "_positional", "results", "text")

    def __init__(self, construct: Construct, keys: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = construct.compile(dialect=dialect, column_keys=keys)
        self.text = str(compiled)
        # psycopg takes parameters by name, sqlite3 by position.
        self._positional = bool(compiled.positional)
        names = (compiled.positiontup if self._positional else list(compiled.binds)) or []
        self._parameters = [
            (name, _impl(compiled.binds[name].type, dialect).bind_processor(dialect)) for name in names
        ]
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        # What the columns are converted from is known once the driver describes them.
        self.results: list[tuple[int, Convert]] | None = None

    def bind(self, values: dict[str, Any]) -> Any:
        """Return the parameters as the driver expects them. Raises KeyError if one is missing."""
        if self._constants:
            values = {**self._constants, **values}
        if self._positional:
            return [
                values[name] if convert is None else convert(values[name])
                for name, convert in self._parameters
            ]
        return {
            name: values[name] if convert is None else convert(values[name])
            for name, convert in self._parameters
        }

    def read(self, row: Values) -> Values:
        """Convert the values of a row."""
        values = list(row)
        for index, convert in self.results or ():
            values[index] = convert(values[index])
        return tuple(values)


def _result_processors(
    construct: Construct, dialect: Dialect, description: Sequence[Any]
) -> list[tuple[int, Convert]]:
    found: list[tuple[int, Convert]] = []
    for index, (column, described) in enumerate(zip(construct.exported_columns, description, strict=True)):
        convert = _impl(column.type, dialect).result_processor(dialect, described[1])
        if convert is not None:
            found.append((index, convert))
    return found


def _impl(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)
