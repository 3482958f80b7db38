"""The rows of a command's result, and their values as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from knetik_cloud.exceptions import CONTROL

BATCH = 200
"""Rows that decide the columns of CSV and the widths of a table, and that are flushed together."""
SURROGATE = re.compile("[\ud800-\udfff]")


class Rows:
    """The result of a command.

    Args:
        batches: The rows, in the batches in which they come. They may be read only once.
        is_list: False for a single object.
        columns: The fields that rows are known to have, in their order.
        epochs: The fields among them that hold epoch seconds.
        is_chosen: Whether the user chose the columns, which are then neither moved nor left out.
        kinds: The types of the fields, as the contract has them.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Any]],
        is_list: bool = True,
        columns: Sequence[str] = (),
        epochs: frozenset[str] = frozenset(),
        is_chosen: bool = False,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self.batches = batches
        self.is_list = is_list
        self.columns = columns
        self.epochs = epochs
        self.is_chosen = is_chosen
        self.kinds = kinds or {}

    @classmethod
    def of(
        cls, rows: Iterable[Any], columns: Sequence[str] = (), epochs: frozenset[str] = frozenset()
    ) -> Rows:
        """Make the result of a command that returns a list."""
        iterator = iter(rows)
        return cls(iter(lambda: list(islice(iterator, BATCH)), []), True, columns, epochs)

    @classmethod
    def single(cls, row: Any, columns: Sequence[str] = (), epochs: frozenset[str] = frozenset()) -> Rows:
        """Make the result of a command that returns one object. None is an empty result."""
        return cls([[row]], False, columns, epochs)

    def all(self) -> list[Any]:
        """Read all rows."""
        return [row for batch in self.batches for row in batch]

    def present(self) -> Iterator[Sequence[Any]]:
        """Iterate over the batches without the null of an empty result."""
        return (
            batch if self.is_list else [row for row in batch if row is not None] for batch in self.batches
        )


def dumps(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON text that UTF-8 can hold and that is inert on a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=to_plain)
    if text.isascii() or not (CONTROL.search(text) or SURROGATE.search(text)):
        return text
    return json.dumps(value, indent=indent, default=to_plain)


def to_plain(value: Any) -> Any:
    """Return the JSON under a model."""
    return value._json


def cell(value: Any) -> str:
    """Return a value as the text of one cell: texts as they are, null as nothing, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)


def columns_of(batch: Sequence[Any], known: Sequence[str]) -> list[str]:
    """Return the columns of rows: the id, the other known ones, then those of the first rows."""
    found = dict.fromkeys(sorted(known, key=lambda name: name != "id"))
    for row in batch:
        found.update(dict.fromkeys(as_object(row)))
    return list(found)


def as_object(row: Any) -> Mapping[str, Any]:
    """Return a row as an object: the elements of a list by their positions, anything else as `value`."""
    if isinstance(row, Mapping):
        return row
    if isinstance(row, (list, tuple)):
        return {str(position): value for position, value in enumerate(row)}
    return {"value": row}
