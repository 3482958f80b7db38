"""A copy of the data that a sandbox started with, to return to on a reset."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, MetaData, func, select, text

from knetik_cloud.sandbox.storage.database import dump, load
from knetik_cloud.sandbox.storage.statements import execute
from knetik_cloud.sandbox.storage.tables import DATA

MAX_DOCUMENT_ROWS: Final = 20_000
"""The maximum number of rows that are copied out of PostgreSQL."""

SEQUENCES = "sqlite_sequence"


class FirstState:
    """The first data of a sandbox: a copy inside its SQLite database, which disappears with the connection.

    PostgreSQL has no such place for several connections. Up to `MAX_DOCUMENT_ROWS` rows are kept in memory
    instead; of more, none is kept.
    """

    def __init__(self) -> None:
        self._document: dict[str, Any] | None = None

    def keep(self, db: Connection) -> None:
        """Copy the data, in place of an earlier copy."""
        if db.dialect.name != "sqlite":
            self._document = dump(db) if count_rows(db) <= MAX_DOCUMENT_ROWS else None
            return
        for name in (*(table.name for table in DATA), SEQUENCES):
            execute(db, f"DROP TABLE IF EXISTS temp.first_{name}")
            execute(db, f"CREATE TEMP TABLE first_{name} AS SELECT * FROM main.{name}")  # noqa: S608

    def bring_back(self, db: Connection) -> bool:
        """Replace the data with the copy. Return False, changing nothing, if there is none."""
        if self._document is not None:
            load(db, self._document)
            return True
        if not _has_copy(db):
            return False
        for name in (*(table.name for table in DATA), SEQUENCES):
            execute(db, f"DELETE FROM main.{name}")  # noqa: S608
            execute(db, f"INSERT INTO main.{name} SELECT * FROM temp.first_{name}")  # noqa: S608
        return True

    def document(self, db: Connection, max_rows: int) -> dict[str, Any] | None:
        """Return the copy as `dump` does, or None if there is none or it has more than `max_rows` rows."""
        if self._document is not None:
            rows = sum(map(len, self._document["rows"].values()))
            return self._document if rows <= max_rows else None
        return _read_copy(db, max_rows) if _has_copy(db) else None


def _has_copy(db: Connection) -> bool:
    """Return whether an SQLite database holds a copy, which a failed transaction removes again."""
    if db.dialect.name != "sqlite":
        return False
    return bool(db.scalar(text(f"SELECT count(*) FROM sqlite_temp_master WHERE name = 'first_{SEQUENCES}'")))  # noqa: S608


def _read_copy(db: Connection, max_rows: int) -> dict[str, Any] | None:
    copies = {table: table.to_metadata(MetaData(), name=f"first_{table.name}") for table in DATA}
    rows: dict[str, Any] = {}
    for table, copy in copies.items():
        found = db.execute(select(copy).limit(max_rows + 1)).mappings()
        rows[table.name] = [dict(row) for row in found]
        max_rows -= len(rows[table.name])
        if max_rows < 0:
            return None
    last_ids = {row.name: row.seq for row in db.execute(text(f"SELECT name, seq FROM first_{SEQUENCES}"))}  # noqa: S608
    return {"rows": rows, "last_ids": last_ids}


def count_rows(db: Connection) -> int:
    """Count the rows of all data."""
    return sum(db.scalar(select(func.count()).select_from(table)) or 0 for table in DATA)
