"""The rows of a bulk run: from any iterable, or from a CSV, JSON lines or Parquet file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from knetik_cloud import writes
from knetik_cloud.bulk.files import check_path, format_of, open_text
from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.core.request import build
from knetik_cloud.data import expressions, types
from knetik_cloud.documents import RepeatedNameError, parse_json
from knetik_cloud.exceptions import ApiValueError

Rows = Iterable[Mapping[str, Any]] | str | Path
"""The rows, or the path of a file with them."""

KEY = "key"


class RowReader:
    """Turns rows into the arguments of an operation, and checks them.

    A row maps the names of arguments to values. The fields of the body can also stand in the row directly,
    so that a CSV file needs no nesting: `user_id,entitlement_id`. They have the type that the constructor of
    the body sets. A row with two values for a field is rejected, even if they are equal.

    Args:
        operation: The operation.
    """

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self._parameters = {parameter.name: parameter for parameter in operation.parameters}
        self._body = next((p for p in operation.parameters if p.place == "body"), None)
        self._model = _model_of(self._body, operation)
        fields = () if self._model is None else self._model._fields.values()
        self._types = {field.wire: field for field in fields}
        taken = self._parameters.keys()
        names = {field.name: wire for wire, field in self._types.items()}
        names |= {wire: wire for wire in self._types}
        self._fields = {name: wire for name, wire in names.items() if name not in taken}
        self._takes_key = KEY in self._parameters or KEY in self._fields
        self._needs_order = bool(operation.read_back) and operation.marker is None
        self._owner = next((p.name for p in operation.parameters if p.place == "path"), None)

    def read(self, row: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Return the key of a row, or None without one, and its arguments.

        Raises:
            ApiValueError: If the row can't be sent.
        """
        if not isinstance(row, Mapping):
            raise types.invalid_value_error("a row", "a mapping of argument names to values", row)
        arguments: dict[str, Any] = {}
        body: dict[str, Any] = {}
        key = None
        parameters, fields = self._parameters, self._fields
        for name, value in row.items():
            if name in parameters:
                if value is not None:
                    arguments[name] = value
            elif name == KEY and not self._takes_key:
                key = self._key(value)
            elif name in fields:
                body[fields[name]] = value
            else:
                raise self._unknown_error(name)
        if self._body is not None and (body or self._body.name in arguments or self._body.required):
            inner = arguments.get(self._body.name, {})
            inner = getattr(inner, "_json", inner)
            if body:  # then it has fields
                inner = {**self._model()._json, **_merged(inner, body)}
            arguments[self._body.name] = self._check_body(inner)
        build(self.operation, arguments, "", {})
        owner = arguments.get(self._owner or "")
        is_number = not isinstance(owner, str) or (owner.isascii() and owner.isdigit())
        if self.operation.read_back and not is_number:
            self._check_read_back(arguments)
        return key, arguments

    def _check_read_back(self, arguments: Mapping[str, Any]) -> None:
        """Check that the outcome of a row can be read back, as that of the user `me` can't be."""
        from knetik_cloud.recovery import Lookup, Settings

        try:
            Lookup(self.operation, arguments, Settings(0, {}, ""), None).check()
        except ApiValueError as error:
            raise ApiValueError(f"{self.operation.id} can't be read back: {error.reason}") from None

    def _check_body(self, body: Any) -> Any:
        """Check the fields of a body that is a dict, as assigning them to the model would."""
        if self._model is None or not isinstance(body, Mapping):
            return body
        checked, model = dict(body), self._model()
        for wire, value in body.items():
            field = self._types.get(wire)
            if field is not None and value is not None:
                field.fset(model, value)
                checked[wire] = model._json[wire]
        return checked

    def from_text(self, row: Mapping[str, str | None]) -> dict[str, Any]:
        """Return a row of a CSV file with its texts turned into the values that they stand for.

        An empty text counts as absent. A name with dots, such as `grant_request.entitlement_id`, stands for a
        field of the argument before the dot.
        """
        found: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for name, text in row.items():
            if text is None or text == "" or name is None:
                continue
            head, _, rest = name.partition(".")
            if rest:
                nested.setdefault(head, {})[rest] = _value(self._expression(rest, rest), text)
            else:
                found[name] = _value(self._expression(name, name), text)
        for head, fields in nested.items():
            found[head] = _merged(found.get(head, {}), fields)
        return found

    def from_columns(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of a Parquet file without nulls, which Parquet can't leave out, and with JSON read."""
        return {
            name: _value(self._expression(name, name), value) if isinstance(value, str) else value
            for name, value in _without_nulls(row).items()
        }

    def flat(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row with the fields of its body in the row itself.

        The body stays whole if `read` would take a field for something else, or CSV would lose one.
        """
        body = self._body.name if self._body is not None else ""
        fields = row.get(body)
        if not isinstance(fields, Mapping) or not fields:
            return dict(row)
        if any(self._fields.get(name) != name or value in (None, "") for name, value in fields.items()):
            return dict(row)
        return {**{name: value for name, value in row.items() if name != body}, **fields}

    def owner(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what the rows have in common that have to run one after the other, or None.

        It is the value of the first path parameter or, without one, what the traces of the rows look like.
        """
        if self._owner is not None:
            return writes.canonical(self._parameters[self._owner], arguments.get(self._owner))
        return repr(writes.marks(self.operation, arguments)) if self._needs_order else None

    def _expression(self, name: str, field: str) -> str:
        if name in self._parameters:
            return self._parameters[name].type
        wire = self._fields.get(field, field)
        if wire in self._types:
            expression: str = self._types[wire].expression
            return expression
        return "str"

    def _key(self, value: Any) -> str | None:
        if value is None or value == "":
            return None
        from knetik_cloud.recovery import check_key

        return str(check_key(str(value) if hasattr(value, "__index__") else value))

    def _unknown_error(self, name: object) -> ApiValueError:
        known = [*dict.fromkeys([*self._parameters, *self._fields, *([] if self._takes_key else [KEY])])]
        advice = types.did_you_mean(str(name), known) or "."
        return ApiValueError(
            f"{self.operation.id} has no argument {name!r}{advice} A row takes {', '.join(known)}"
        )


def _model_of(body: Parameter | None, operation: Operation[Any]) -> Any:
    """Return the class of a body that is a model, or None."""
    kind = None if body is None else expressions.parse(body.type, operation.models)
    return kind.model if isinstance(kind, expressions.Reference) else None


def _merged(first: Any, second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of both.

    Raises:
        ApiValueError: If both have a field, or the first one has no fields.
    """
    if not isinstance(first, Mapping):
        raise types.invalid_value_error("a body whose fields have columns, too,", "a mapping", first)
    for name in second:
        if name in first:
            raise ApiValueError(f"the row has more than one value for {name!r}: keep one")
    return {**first, **second}


def _repeated(names: Iterable[str]) -> str | None:
    """Return the first name that occurs twice, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _value(expression: str, text: str) -> Any:
    """Return the value that a text of a CSV file stands for. What can't be read is left for the check."""
    if expression in types.INTEGERS or expression == "epoch":
        digits = text.strip().removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text
    if expression == "float":
        try:
            return float(text)
        except ValueError:
            return text
    if expression == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.strip().lower(), text)
    if expression not in ("str", "int | str", "date", "datetime"):  # a list, a map or a model
        try:
            return parse_json(text)
        except RepeatedNameError as error:
            raise ApiValueError(str(error)) from None
        except ValueError:
            return text
    return text


def open_rows(rows: Rows, reader: RowReader) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of any source.

    Raises:
        ApiValueError: If a file is of no known format, or the rows are a table, a mapping or no iterable.
    """
    if not isinstance(rows, (str, Path)):
        is_table = hasattr(rows, "__arrow_c_stream__")  # most of them iterate over their columns
        if is_table or isinstance(rows, Mapping) or not isinstance(rows, Iterable):
            expected = (
                "a path or an iterable of mappings, such as df.convert_dtypes().to_dict('records') of "
                "pandas, df.iter_rows(named=True) of Polars and table.to_pylist() of pyarrow"
            )
            raise types.invalid_value_error("rows", expected, type(rows))
        return iter(rows)
    path = check_path("rows", rows)
    suffix = format_of(path)
    if suffix == ".csv":
        return _csv(path, reader)
    if suffix in (".jsonl", ".ndjson", ".json"):
        return _json_lines(path)
    if suffix in (".parquet", ".pq"):
        return _parquet(path, reader)
    known = ".csv, .jsonl, .ndjson or .parquet"
    raise ApiValueError(f"{path} must be a {known} file: pass rows of other sources as an iterable")


def _csv(path: Path, reader: RowReader) -> Iterator[Mapping[str, Any]]:
    import csv

    with open_text(path) as file:
        lines = csv.DictReader(file, restkey="more values than columns", strict=True)
        try:
            while lines.fieldnames == []:  # a blank line before the names
                lines.fieldnames = None
            names = list(filter(None, lines.fieldnames or ()))
            other = re.search(r"[;\t|]", names[0]) if len(names) == 1 else None
            if other is not None:
                raise ApiValueError(f"{path} has columns separated by {other[0]!r}: separate them by commas")
            _check_columns(path, names)
            for row in lines:
                try:
                    arguments = reader.from_text(row)
                except ApiValueError as error:
                    raise ApiValueError(f"{path}, line {lines.line_num}: {error.reason}") from None
                yield arguments
        except csv.Error as error:
            if "field limit" in str(error):  # which is that of the process, for all its modules
                raise ApiValueError(
                    f"{path} has a value of more than {csv.field_size_limit():,} characters after line "
                    f"{lines.line_num}: close its quotation marks, or pass the rows as JSON lines"
                ) from None
            raise ApiValueError(f"{path} is not CSV after line {lines.line_num}: {error}") from None
        except UnicodeDecodeError:
            raise _encoding_error(path) from None


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    number = 0
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):  # noqa: B007 - the error names it
                if not line.isspace():
                    yield parse_json(line)
    except UnicodeDecodeError:
        raise _encoding_error(path) from None
    except ApiValueError:
        raise
    except (ValueError, RecursionError) as error:
        reason = f"{path}, line {number} is not JSON: {error}. Each line must hold one row as an object"
        raise ApiValueError(reason) from None


def _check_columns(path: Path, names: Iterable[str]) -> None:
    """Check that no column occurs twice, because the values of one would be lost.

    Raises:
        ApiValueError: If one does.
    """
    name = _repeated(names)
    if name is not None:
        raise ApiValueError(f"{path} has more than one column {name!r}: keep one")


def _encoding_error(path: Path) -> ApiValueError:
    return ApiValueError(f"{path} is not encoded in UTF-8: convert it")


def _parquet(path: Path, reader: RowReader) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ApiValueError(f"reading {path} needs pyarrow: pip install 'knetik_cloud[arrow]'") from None
    try:
        # The file is opened here, because pyarrow rejects names that aren't UTF-8, and has errors of its own.
        with path.open("rb") as stored, parquet.ParquetFile(stored) as file:
            _check_columns(path, file.schema_arrow.names)
            for column in file.schema_arrow:
                if "map<" in str(column.type):  # pyarrow reads maps as lists of pairs, also within others
                    raise ApiValueError(
                        f"{path}: the column {column.name!r} can't be of the type {column.type}: store it as "
                        "structs or as JSON text"
                    )
            for batch in file.iter_batches():
                yield from map(reader.from_columns, batch.to_pylist())
    except ApiValueError:
        raise
    except (ArrowException, OSError, ValueError, OverflowError) as error:  # such as a date after year 9999
        if isinstance(error, OSError) and error.errno is not None:  # of the system, not of pyarrow
            raise
        raise ApiValueError(f"{path} can't be read as Parquet ({error}): is it what its name says?") from None


def _without_nulls(value: Any) -> Any:
    """Return a value without the columns and fields that are null, also those of objects in lists."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
