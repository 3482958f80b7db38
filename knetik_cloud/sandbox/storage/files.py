"""SQLite files: checked before they are opened and while they are, and created for their owner only."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from knetik_cloud.sandbox.storage.tables import state, version_in
from knetik_cloud.sandbox.storage.unusable import UnusableDatabase

FOREIGN = "holds the data of another program"
REMOVED = "its file was removed or replaced: start the sandbox again"
OWNER_ONLY = 0o600
"""The permissions of a new file, which contains passwords and tokens."""


def prepare(path: Path) -> None:
    """Create the file of a new database, or check that an existing one may be written to.

    Raises:
        UnusableDatabase: If the file holds the data of another program. It is unchanged.
        OSError: If the file can't be created.
        sqlite3.Error: If the file can't be read, or is not an SQLite database.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
    # In this mode SQLite changes nothing, not even the file's journal mode. Names need not be UTF-8.
    reading = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
    with closing(sqlite3.connect(reading, uri=True)) as connection:
        connection.execute("PRAGMA busy_timeout = 1000")
        objects = connection.execute("SELECT name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*'")
        names = {name for (name,) in objects}
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({state.name})")}
        if columns == {*state.c.keys()}:
            found = connection.execute("SELECT document FROM state WHERE name = 'schema'").fetchone()
            with suppress(TypeError, ValueError):
                if version_in(json.loads(found[0])) is not None:
                    return
    if names:
        listed = ", ".join(sorted(names)[:5])
        raise UnusableDatabase(f"{path} {FOREIGN}: it contains {listed}. Use another file.")


class Opened:
    """A database's file and its log, as they were opened. SQLite writes on to files that were removed.

    Args:
        path: The file of a database that is open.
    """

    def __init__(self, path: Path) -> None:
        real = path.resolve()
        self._paths = [str(real), f"{real}-wal"]
        self._found = self._find()

    def is_in_place(self) -> bool:
        """Return whether the files are still at their paths."""
        return self._find() == self._found

    def _find(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for path in self._paths:
            try:
                status = os.stat(path)
                found.append((status.st_dev, status.st_ino))
            except OSError:
                found.append(None)
        return found
