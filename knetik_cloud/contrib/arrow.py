"""Lists as Arrow tables, whose columns follow from the contract and not from the rows.

pyarrow builds the columns. nanoarrow is smaller, but it can't read a stream from a Python iterator, so a list
would have to fit in memory. pandas and Parquet need pyarrow anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from knetik_cloud.data import codec, expressions, types
from knetik_cloud.data.types import EARLIEST, LATEST
from knetik_cloud.secret import MASK

try:
    import pyarrow as pa
    import pyarrow.compute as pc
except ImportError as missing:
    raise ImportError("tables need pyarrow: pip install 'knetik_cloud[arrow]'") from missing

if TYPE_CHECKING:
    from knetik_cloud.data.model import Field, Model
    from knetik_cloud.data.page import Page

OTHER = "_other"
"""The last column: per row, the unknown fields and the values that don't fit their column, as JSON."""
TIMESTAMP, WHOLE_SECONDS, INT64 = pa.timestamp("ms", "UTC"), pa.timestamp("s", "UTC"), pa.int64()
NOTHING = type(None)
JSON_TYPES = (bool, int, float, str, list, dict, NOTHING)
UNREADABLE = (pa.ArrowException, TypeError, ValueError, OverflowError)

Others = dict[int, Any]
"""What a column can't hold, by the index of its row."""


class Column:
    """How JSON values become an Arrow array.

    Args:
        type: The type of the array.
        accepted: The JSON types of its values. pyarrow would convert some others: `"5"`, 1.5 and True to 5, 1
            and 1, for example.
    """

    def __init__(self, type: pa.DataType, *accepted: type) -> None:
        self.type = type
        self._accepted = frozenset((*accepted, NOTHING))
        self._rejected = tuple(each for each in JSON_TYPES if each not in accepted)

    def build(self, values: Sequence[Any], others: Others) -> pa.Array:
        """Build the array. Values that don't fit are put into `others`, and the array is null there."""
        if self._accepted.issuperset(map(type, values)):
            try:
                return self._array(values)
            except UNREADABLE:
                pass
        kept = [self._kept(value) for value in values]
        for i, value in enumerate(values):
            if kept[i] is None and value is not None:
                others[i] = value
        return self._array(kept)

    def _kept(self, value: Any) -> Any:
        """Return the JSON value if it fits, otherwise None."""
        try:
            json = value if isinstance(value, JSON_TYPES) else codec.to_json(value)
            if type(json) in self._accepted or not isinstance(json, self._rejected):
                self._array([json])
                return json
        except UNREADABLE:
            pass
        return None

    def _array(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, self.type)


class Seconds(Column):
    """Epoch seconds as instants. Numbers beyond the years 1 to 9999 don't fit."""

    def __init__(self) -> None:
        super().__init__(TIMESTAMP, int)

    def _array(self, values: Sequence[Any]) -> pa.Array:
        seconds = pa.array(values, INT64)
        bounds = pc.min_max(seconds).as_py()
        if bounds["min"] is not None and not EARLIEST <= bounds["min"] <= bounds["max"] <= LATEST:
            raise OverflowError
        return seconds.view(WHOLE_SECONDS).cast(TIMESTAMP)


class Parsed(Column):
    """ISO 8601 texts as dates or instants."""

    def __init__(self, type: pa.DataType, parse: Callable[[Any], Any]) -> None:
        super().__init__(type, str)
        self._parse = parse

    def _array(self, values: Sequence[Any]) -> pa.Array:
        moments = [None if value is None else self._parse(value) for value in values]
        if moments.count(None) != list(values).count(None) or any(map(_is_naive, moments)):
            raise ValueError
        return pa.array(moments, self.type)


class Json(Column):
    """Any JSON value as its text."""

    def __init__(self) -> None:
        super().__init__(pa.string())

    def build(self, values: Sequence[Any], others: Others) -> pa.Array:
        return _texts(values)


class Masked(Column):
    """Secrets, which are masked."""

    def __init__(self) -> None:
        super().__init__(pa.string())

    def build(self, values: Sequence[Any], others: Others) -> pa.Array:
        return pa.array([None if value is None else MASK for value in values], self.type)


class Struct(Column):
    """Objects of a model as structs of its fields."""

    def __init__(self, columns: dict[str, tuple[str, Column]]) -> None:
        self.fields = [pa.field(name, column.type) for name, column in columns.values()]
        super().__init__(pa.struct(self.fields))
        self._columns = [(wire, column) for wire, (_, column) in columns.items()]

    def build(self, values: Sequence[Any], others: Others) -> pa.Array:
        rows, is_null = self.rows(values, others)
        mask = pa.array(is_null, pa.bool_()) if any(is_null) else None
        return pa.StructArray.from_arrays(self.arrays(rows, others), fields=self.fields, mask=mask)

    def rows(self, values: Sequence[Any], others: Others) -> tuple[Sequence[dict[str, Any]], list[bool]]:
        """Return the objects behind the values, an empty one for null, and which ones are null, if any."""
        if set(map(type, values)) == {dict}:
            return values, []
        rows, is_null = [], []
        for i, value in enumerate(values):
            json = getattr(value, "_json", value)
            if type(json) is not dict and json is not None:
                others[i], json = json, None
            rows.append({} if json is None else json)
            is_null.append(json is None)
        return rows, is_null

    def arrays(self, rows: Sequence[dict[str, Any]], others: Others) -> list[pa.Array]:
        """Build the arrays of the fields, and put the unknown fields of each row into `others`."""
        columns = [_values(rows, wire) for wire, _ in self._columns]
        is_whole = None not in columns
        if not is_whole or sum(map(len, rows)) > len(rows) * len(columns):
            self._find_unknown(rows, others)
        arrays = []
        for (wire, column), values in zip(self._columns, columns, strict=True):
            misfits: Others = {}
            if values is None:  # some rows lack the field
                values = [row.get(wire) for row in rows]
            arrays.append(column.build(values, misfits))
            for i, value in misfits.items():
                others.setdefault(i, {})[wire] = value
        return arrays

    def _find_unknown(self, rows: Sequence[dict[str, Any]], others: Others) -> None:
        known = frozenset(wire for wire, _ in self._columns)
        if known.issuperset(set().union(*rows)):
            return
        for i, row in enumerate(rows):
            unknown = {name: value for name, value in row.items() if name not in known}
            if unknown:
                others[i] = unknown


class Listed(Column):
    """Lists. One with an element that doesn't fit is also kept as a whole."""

    def __init__(self, element: Column) -> None:
        super().__init__(pa.list_(element.type))
        self._element = element

    def build(self, values: Sequence[Any], others: Others) -> pa.Array:
        values = list(values)
        for i, value in enumerate(values):
            if type(value) is not list and value is not None:
                others[i], values[i] = value, None
        offsets, end = [], 0
        for value in values:
            offsets.append(None if value is None else end)
            end += len(value or ())
        misfits: Others = {}
        elements = self._element.build(list(chain.from_iterable(filter(None, values))), misfits)
        if misfits:
            owners = [i for i, value in enumerate(values) for _ in value or ()]
            for index in misfits:
                others[owners[index]] = values[owners[index]]
        return pa.ListArray.from_arrays(pa.array([*offsets, end], pa.int32()), elements, type=self.type)


class Rows:
    """The table of a list whose items are of one type."""

    def __init__(self, item: types.Type) -> None:
        column = _column(item, ())
        self._struct = column if isinstance(column, Struct) else Struct({"value": ("value", column)})
        self._wraps = not isinstance(column, Struct)
        self.schema = pa.schema([*self._struct.fields, pa.field(OTHER, pa.string())])

    def batch(self, items: Sequence[Any]) -> pa.RecordBatch:
        """Build a batch of rows."""
        others: Others = {}
        rows, _ = self._struct.rows([{"value": item} for item in items] if self._wraps else items, others)
        arrays = self._struct.arrays(rows, others)
        if others:
            arrays.append(_texts([others.get(i) for i in range(len(rows))]))
        else:
            arrays.append(pa.nulls(len(rows), pa.string()))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


@cache
def rows_of(page: type[Page]) -> Rows:
    """Return the table of the lists that come in pages of a model."""
    items = next(declared for declared in page._fields.values() if declared.wire == page._items)
    assert isinstance(items.type, expressions.ListOf)
    return Rows(items.type.element)


def page_batch(page: Page) -> pa.RecordBatch:
    """Build the batch of a page's items.

    Raises:
        ApiResponseError: If the response holds something other than a list.
    """
    items = page._json.get(page._items)
    if items is not None and not isinstance(items, list):
        raise types.invalid_response_error(f"{type(page).__name__}.{page._items}", "a list", items)
    return rows_of(type(page)).batch(items or [])


def page_table(page: Page) -> pa.Table:
    """Build the table of a page's items."""
    batch = page_batch(page)
    return pa.Table.from_batches([batch], batch.schema)


def table(page: type[Page], pages: Iterable[Page]) -> pa.Table:
    """Build the table of a whole list from its pages."""
    return pa.Table.from_batches(map(page_batch, pages), rows_of(page).schema)


def reader(page: type[Page], pages: Iterator[Page]) -> pa.RecordBatchReader:
    """Return a reader that fetches a page for each batch, so that memory stays constant."""
    return pa.RecordBatchReader.from_batches(rows_of(page).schema, map(page_batch, pages))


def to_pandas(read: pa.Table) -> Any:
    """Convert a table to pandas with Arrow's types, so that integers and nulls stay what they are."""
    try:
        import pandas as pd
    except ImportError as missing:
        raise ImportError("to_pandas() needs pandas: pip install pandas") from missing
    return read.to_pandas(types_mapper=pd.ArrowDtype)


def _column(kind: types.Type, parents: tuple[type, ...]) -> Column:
    """Choose the column of a type. Objects whose fields vary, and those that contain themselves, are JSON."""
    if isinstance(kind, expressions.Reference):
        model = kind.model
        if not model._fields or model in parents or _has_subclasses(model):
            return Json()
        fields = model._fields.values()
        return Struct({field.wire: (field.name, _field_column(field, (*parents, model))) for field in fields})
    if isinstance(kind, expressions.ListOf):
        return Listed(_column(kind.element, parents))
    if isinstance(kind, types.Integer):
        return Column(pa.int32() if kind.bits == 32 else INT64, int)
    if isinstance(kind, types.Boolean):
        return Column(pa.bool_(), bool)
    if isinstance(kind, types.Float):
        return Column(pa.float64(), float, int)
    if isinstance(kind, types.Text):
        return Column(pa.string(), str)
    if isinstance(kind, types.DateTime):
        return Parsed(pa.timestamp("us", "UTC"), kind.parse)
    if isinstance(kind, types.Date):
        return Parsed(pa.date32(), kind.parse)
    return Json()


def _field_column(field: Field, parents: tuple[type, ...]) -> Column:
    if field.secret:
        return Masked()
    return Seconds() if field.epoch else _column(field.type, parents)


def _has_subclasses(model: type[Model]) -> bool:
    return any(name != model.__name__ for name in (model._mapping or {}).values())


def _is_naive(moment: Any) -> bool:
    return hasattr(moment, "tzinfo") and moment.tzinfo is None


def _values(rows: Sequence[dict[str, Any]], wire: str) -> list[Any] | None:
    """Return the values of a field, or None if a row doesn't have it."""
    try:
        return list(map(itemgetter(wire), rows))
    except KeyError:
        return None


def _texts(values: Sequence[Any]) -> pa.Array:
    """Build the array of values as JSON texts, null for None."""
    encoder = _fast_encoder()
    if encoder is not None and values:
        try:
            lines = encoder.encode_lines(values)
        except (UnicodeEncodeError, RecursionError):  # msgspec does not write lone surrogates
            pass
        else:
            texts = (
                pc.split_pattern(pa.array([lines[:-1]], pa.large_string()), "\n").flatten().cast(pa.string())
            )
            if None not in values:
                return texts
            is_null = pa.array([value is None for value in values])
            return pc.if_else(is_null, pa.scalar(None, pa.string()), texts)
    return pa.array([None if value is None else codec.encode(value) for value in values], pa.string())


@cache
def _fast_encoder() -> Any:
    """Return msgspec's encoder, or None if it is not installed."""
    try:
        from msgspec.json import Encoder
    except ImportError:
        return None
    return Encoder(enc_hook=codec.to_json)
