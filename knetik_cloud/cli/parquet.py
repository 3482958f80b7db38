"""Rows as Parquet, written as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet

from knetik_cloud.cli.exits import CommandError
from knetik_cloud.cli.rows import Rows, as_object, cell, columns_of

PLAIN: Mapping[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
KNOWN: Mapping[str, pa.DataType] = {
    "int32": pa.int64(),  # not 32 bits, which the service need not keep to
    "int64": pa.int64(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
"""The types of the contract that aren't texts or JSON."""


def write(result: Rows, out: IO[bytes]) -> None:
    """Write rows as a Parquet file.

    The contract decides which columns are numbers and booleans, and the first rows decide the types of the
    others. Objects, lists, and columns of several types are JSON.

    Raises:
        CommandError: If a later row doesn't fit the columns.
    """
    batches = result.present()
    first = next((batch for batch in batches if batch), [])
    names = list(result.columns) if result.is_chosen else columns_of(first, result.columns)
    kinds = {
        name: KNOWN.get(result.kinds.get(name, "")) or _kind([as_object(row).get(name) for row in first])
        for name in names
    }
    schema = pa.schema([pa.field(name, kind) for name, kind in kinds.items()])
    with pa.parquet.ParquetWriter(_Counting(out), schema) as writer:
        for number, batch in enumerate(chain([first], batches), 1):
            if batch:
                writer.write_batch(_batch(batch, schema, number))


def _kind(values: Sequence[Any]) -> pa.DataType:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pa.float64()
    return PLAIN.get(next(iter(kinds)), pa.string()) if len(kinds) == 1 else pa.string()


def _batch(rows: Sequence[Any], schema: pa.Schema, number: int) -> pa.RecordBatch:
    arrays = []
    for field in schema:
        values = [as_object(row).get(field.name) for row in rows]
        if field.type == pa.string():
            values = [None if value is None else _text(value) for value in values]
        try:
            arrays.append(pa.array(values, field.type))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise CommandError(
                f"column {field.name} is {field.type} in the first rows, but not in batch {number}: {error}",
                next_step="Use another format, or --select to make the column one type.",
            ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(value: Any) -> str:
    """Return a value as text that UTF-8 can encode: a lone surrogate is written as its escape."""
    return cell(value).encode("utf-8", "backslashreplace").decode()


class _Counting:
    """A stream that reports its position, which Parquet requires and a pipe doesn't support."""

    closed = False

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._position = 0

    def write(self, data: Any) -> int:
        self._out.write(data)
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        self.flush()
