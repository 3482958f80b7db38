"""The difference between two copies of the data, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from knetik_cloud.sandbox.masking import MASK, SECRET_NAMES
from knetik_cloud.sandbox.storage.tables import DATA, metadata

MAX_ROWS: Final = 200
"""Changed rows that are listed for each table."""

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """A row that differs: its key, how it differs, and (field, before, after) of what does."""

    key: str
    kind: str
    fields: list[tuple[str, Any, Any]]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """The differences of one table: how many rows differ in which way, and the first of them."""

    name: str
    counts: Mapping[str, int]
    changes: list[Change]

    @property
    def total(self) -> int:
        """The number of rows that differ."""
        return sum(self.counts.values())


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[TableChanges]:
    """List the tables in which two copies differ."""
    found = []
    for table in DATA:
        keys = [column.name for column in metadata.tables[table.name].primary_key]
        old = _by_key(before["rows"].get(table.name) or (), keys)
        new = _by_key(after["rows"].get(table.name) or (), keys)
        counts = {ADDED: 0, REMOVED: 0, CHANGED: 0}
        changes: list[Change] = []
        for change in _changes(old, new, keys):
            counts[change.kind] += 1
            if len(changes) < MAX_ROWS:
                changes.append(change)
        if changes:
            found.append(TableChanges(table.name, counts, changes))
    return found


def _by_key(rows: Any, keys: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[key] for key in keys): row for row in rows}


def _changes(
    old: Mapping[tuple[Any, ...], dict[str, Any]],
    new: Mapping[tuple[Any, ...], dict[str, Any]],
    keys: list[str],
) -> Iterator[Change]:
    for key, row in new.items():
        before = old.get(key)
        if before is None:
            yield Change(_shown(key, keys), ADDED, _fields({}, row))
        elif before != row:
            yield Change(_shown(key, keys), CHANGED, _fields(before, row))
    for key, row in old.items():
        if key not in new:
            yield Change(_shown(key, keys), REMOVED, _fields(row, {}))


def _shown(key: tuple[Any, ...], keys: list[str]) -> str:
    parts = zip(keys, key, strict=True)
    return " ".join(MASK if name in SECRET_NAMES else str(part) for name, part in parts)


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = [*after, *(name for name in before if name not in after)]
    return [
        (name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]
