"""Pages of a query: one slice of its rows, and how many there are in all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select

T = TypeVar("T")


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
    """Fetch one page of an ordered query; pages count from 1."""
    total = db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    start = (page - 1) * size
    rows = db.execute(query.limit(size).offset(start)).all() if start < total else []
    return Page([read(row) for row in rows], total)


def ordered(table: Table, sorts: Sequence[Sort], key: str, db: Connection) -> list[ColumnElement[Any]]:
    """Give the ORDER BY for sort keys: nulls first when ascending, text by code point, ties by `key`."""
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
