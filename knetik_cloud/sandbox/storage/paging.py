"""Pages of a query: one slice of its rows, and the number of all of them."""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Table,
    bindparam,
    cast,
    func,
    null,
    select,
)

from knetik_cloud.sandbox.storage.statements import Statement, Values

T = TypeVar("T")

MIN_REMEMBERED: Final = 1000
"""Rows from which the length of a list is remembered. Shorter lists are counted in no time."""

MAX_LISTS: Final = 32
"""The maximum number of lists whose lengths are remembered."""

MAX_BOOKMARKS: Final = 4096
"""The maximum number of bookmarks in a list."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: a field's wire name and the direction."""

    field: str
    ascending: bool = True


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of a page, and the number of rows of all pages."""

    rows: Sequence[T]
    total: int


def fetch(db: Connection, query: Select[Any], page: int, size: int, read: Callable[[Row[Any]], T]) -> Page[T]:
    """Fetch one page of an ordered query. Pages are numbered from 1."""
    total = db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    start = (page - 1) * size
    rows = db.execute(query.limit(size).offset(start)).all() if start < total else []
    return Page([read(row) for row in rows], total)


class Listing:
    """The rows of a table that meet some conditions, in the order of their ids. Compiled once, read by page.

    `id` is the first column of `table`. `ends` is the column with the instant at which a row ceases to meet
    the conditions, or None if time has no part in them.
    """

    def __init__(
        self, table: Table, conditions: Sequence[ColumnElement[bool]], ends: ColumnElement[Any] | None = None
    ) -> None:
        limit, skip = bindparam("limit", type_=BigInteger), bindparam("skip", type_=BigInteger)
        rows = select(table).where(*conditions).order_by(table.c.id).limit(limit).offset(skip)
        self._rows = Statement(rows)
        self._rows_after = Statement(rows.where(table.c.id > bindparam("after", type_=BigInteger)))
        until = null() if ends is None else func.min(ends)
        self._count = Statement(select(func.count(), until).select_from(table).where(*conditions))

    def page(
        self,
        db: Connection,
        bookmarks: Bookmarks,
        key: Hashable,
        values: Mapping[str, Any],
        number: int,
        size: int,
        now: float,
    ) -> Page[Values]:
        """Fetch a page, numbered from 1. `key` identifies the list, `values` are its parameters."""
        start = (number - 1) * size
        known = bookmarks.find(db, key, now)
        if known is None:
            # One row more than asked for shows whether there are more.
            rows = self._rows.all(db, **values, limit=size + 1, skip=start)
            if len(rows) <= size and (rows or start == 0):
                return Page(rows, start + len(rows))
            # Read the version first so that a later change is noticed.
            version = bookmarks.version(db)
            total, until = self._count.one(db, **values)
            if total >= MIN_REMEMBERED:
                bookmarks.add(key, _Known(version, int(now), math.inf if until is None else until, total))
            # Where this page ends is not recorded: in PostgreSQL, its rows may be older than the version.
            return Page(rows[:size], total)
        if start >= known.total:
            rows = []
        else:
            position, after = known.nearest(start)
            skip = start - position
            if position:
                rows = self._rows_after.all(db, **values, limit=size, skip=skip, after=after)
            else:
                rows = self._rows.all(db, **values, limit=size, skip=skip)
        if rows:
            known.mark(start + len(rows), rows[-1][0])
        return Page(rows, known.total)


@dataclass(slots=True)
class _Known:
    """The length of a list and the ids at some positions, at one version of the data.

    `since` and `until` (epoch seconds) bound the time for which they hold. A position is the number of rows
    up to and including the row with the id.
    """

    version: object
    since: int
    until: float
    total: int
    _positions: list[int] = field(default_factory=lambda: [0])
    _ids: list[int] = field(default_factory=lambda: [0])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def nearest(self, position: int) -> tuple[int, int]:
        """Return the last known position that is not beyond `position`, and its id."""
        with self._lock:
            index = bisect_right(self._positions, position) - 1
            return self._positions[index], self._ids[index]

    def mark(self, position: int, id: int) -> None:
        """Record the id at a position, unless one is recorded nearby."""
        with self._lock:
            index = bisect_right(self._positions, position)
            if position - self._positions[index - 1] > self.total // MAX_BOOKMARKS:
                self._positions.insert(index, position)
                self._ids.insert(index, id)


class Bookmarks:
    """The lengths of long lists and the ids at which their pages begin. They hold until something is written.

    With them, a page of a long list costs the same wherever it is, and nothing is counted twice.
    """

    def __init__(self) -> None:
        self._lists: OrderedDict[Hashable, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, db: Connection, key: Hashable, now: float) -> _Known | None:
        """Return what is known of a list, or None if that is nothing or no longer true."""
        with self._lock:
            known = self._lists.get(key)
            if known is not None:
                self._lists.move_to_end(key)
        if known is None:
            return None
        if known.since <= int(now) < known.until and known.version == self.version(db):
            return known
        with self._lock:
            self._lists.pop(key, None)
        return None

    def add(self, key: Hashable, known: _Known) -> None:
        """Record what is known of a list."""
        with self._lock:
            self._lists[key] = known
            self._lists.move_to_end(key)
            if len(self._lists) > MAX_LISTS:
                self._lists.popitem(last=False)

    def clear(self) -> None:
        """Discard all."""
        with self._lock:
            self._lists.clear()

    @staticmethod
    def version(db: Connection) -> object:
        """Return a value that differs after every change of the database, by whichever process."""
        if db.dialect.name == "sqlite":
            driver: Any = db.connection.driver_connection
            (elsewhere,) = driver.execute("PRAGMA data_version").fetchone()
            return driver.total_changes, elsewhere
        return _SNAPSHOT.one(db)


_SNAPSHOT = Statement(select(cast(func.pg_current_snapshot(), String)))
"""The transactions that a query sees in PostgreSQL."""


def ordered(table: Table, sorts: Sequence[Sort], key: str, db: Connection) -> list[ColumnElement[Any]]:
    """Return the ORDER BY for sort keys: nulls first when ascending, text by code point, ties by `key`."""
    clauses: list[ColumnElement[Any]] = []
    for sort in sorts:
        column: ColumnElement[Any]
        if sort.field in table.c:
            column = table.c[sort.field]
        elif sort.field in ("sort",):
            column = table.c.document[sort.field].as_integer()
        else:
            column = table.c.document[sort.field].as_string()
        if db.dialect.name == "postgresql" and str(column.type).startswith(("VARCHAR", "TEXT")):
            column = column.collate("C")
        clauses.append(column.asc().nulls_first() if sort.ascending else column.desc().nulls_last())
    return [*clauses, table.c[key].asc()]
