"""Results on stdout: the same rows in every format, written as they come."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import chain
from typing import IO, Any

import click

from knetik_cloud.cli.exits import CommandError
from knetik_cloud.cli.rows import Rows, as_object, cell, columns_of, dumps, to_plain
from knetik_cloud.cli.text import without_secrets
from knetik_cloud.exceptions import printable
from knetik_cloud.terminals import has_color, is_terminal

FORMATS = ("json", "jsonl", "csv", "yaml", "table", "id", "parquet")
LIBRARIES = {"yaml": "yaml", "table": "rich.cells", "parquet": "pyarrow"}
"""The libraries that the formats need."""
ELLIPSIS = "\u2026"
ASCII_ELLIPSIS = ".."
MIN_WIDTH = 20
"""Characters that a column of a table has at least if its values are that long: an instant fits."""


class Output:
    """How results are written.

    Attributes:
        format: One of `FORMATS`; None writes a table on a terminal and JSON lines elsewhere.
        fields: The fields to write, dots leading into objects; None writes all.
        select: A JMESPath expression that is applied to the whole result.
    """

    def __init__(self, format: str | None = None) -> None:
        self.format = format
        self.fields: tuple[str, ...] | None = None
        self.select: str | None = None
        self._expression: Any = None

    @property
    def chosen(self) -> str:
        """The format that is written."""
        return self.format or ("table" if is_terminal(sys.stdout) else "jsonl")

    @property
    def is_json(self) -> bool:
        """Whether the output is JSON or JSON lines."""
        return self.chosen in ("json", "jsonl")

    @property
    def is_for_reading(self) -> bool:
        """Whether people read the output on a terminal, and chose neither its format nor its fields."""
        return (self.format, self.fields, self.select) == (None, None, None) and is_terminal(sys.stdout)

    def check(self, columns: Sequence[str] | None, kinds: Mapping[str, str] | None = None) -> None:
        """Check the options before anything is sent.

        Args:
            columns: The fields that the rows are known to have; None if they are not known.
            kinds: The types of the fields, as far as they are known.

        Raises:
            click.UsageError: If the options can't be met.
        """
        if self.select is not None:
            self._expression = _compiled(self.select)
        if self.format in LIBRARIES:
            import_module(LIBRARIES[self.format])
        known = columns if self.select is None else None
        for path in self.fields or ():
            name = path.partition(".")[0]
            if known and name not in known:
                raise _unknown_field_error(name, known)
            if known:
                _check_nested(path, kinds or {})
        if self.chosen == "id" and known and "id" not in known:
            raise click.UsageError("-o id needs rows with an id; these have none: use another format")
        if self.chosen == "id" and self.fields is not None and "id" not in self.fields:
            raise click.UsageError("-o id writes the id, but --fields leaves it out: use one of them")
        if self.chosen == "parquet" and is_terminal(sys.stdout):
            raise click.UsageError(
                "-o parquet writes binary data: redirect it to a file, as in `> rows.parquet`"
            )

    def write(self, result: Rows, failure: CommandError | None = None) -> None:
        """Write a result to stdout, or as much of it as its reader wants. That changes no exit code.

        Args:
            result: The result.
            failure: The error with which the command ends, even if the result can't be written. None if the
                command has succeeded.

        Raises:
            CommandError: The failure; if there is none, the reason why `select` can't be applied.
            OSError: If stdout can't be written, and there is no failure.
        """
        try:
            WRITERS[self.chosen](self._narrowed(result), _stdout())
            _stdout().flush()
        except (OSError, CommandError) as error:
            if is_closed_pipe(error):
                drop_stdout()
            elif failure is None:
                raise
            else:
                note(f"the result was not written: {error}")
        if failure is not None:
            raise failure

    def _narrowed(self, result: Rows) -> Rows:
        if self.select is not None:
            result = self._selected(result)
        if self.fields is None:
            return result
        paths = [(path, path.split(".")) for path in self.fields]
        batches = (
            [
                None if row is None else {path: _at(as_object(row), steps) for path, steps in paths}
                for row in batch
            ]
            for batch in result.batches
        )
        epochs = frozenset(path for path in self.fields if path in result.epochs)
        return Rows(batches, result.is_list, self.fields, epochs, True, result.kinds)

    def _selected(self, result: Rows) -> Rows:
        rows = result.all()
        whole = rows if result.is_list else rows[0]
        try:
            value = self._expression.search(whole)
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:  # such as jmespath's own
            raise CommandError(f"--select {self.select!r} can't be applied to this result: {error}") from None
        return Rows.of(value) if isinstance(value, list) else Rows.single(value)


def is_closed_pipe(error: BaseException) -> bool:
    """Return whether an error means that the reader of stdout is gone: on Windows, an invalid argument."""
    if os.name == "nt" and isinstance(error, OSError) and error.filename is None:
        return error.errno in (errno.EPIPE, errno.EINVAL)
    return isinstance(error, BrokenPipeError)


def drop_stdout() -> None:
    """Drop what is left to write to stdout, so that neither a flush nor the interpreter's end fails."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_nested(path: str, kinds: Mapping[str, str]) -> None:
    """Check the names after the first dot, as far as the types tell: an `object` may have any field.

    Raises:
        click.UsageError: If there is no such field.
    """
    above, dot, rest = path.partition(".")
    while dot and (kind := kinds.get(above, "object")) != "object" and not kind.startswith("dict["):
        step, dot, rest = rest.partition(".")
        within = [name for name in kinds if name.startswith(f"{above}.")]
        above = f"{above}.{step}"
        if above not in within:
            raise _unknown_field_error(above, within)


def _unknown_field_error(name: str, known: Sequence[str]) -> click.UsageError:
    others = f"; the fields are {', '.join(known)}" if known else ""
    return click.UsageError(
        f"--fields has no field {name!r}{others}. For a field that the contract doesn't name, use --select."
    )


def _compiled(expression: str) -> Any:
    import jmespath

    try:
        return jmespath.compile(expression)
    except (RecursionError, ValueError) as error:  # jmespath's own are ValueErrors
        reason = str(error).replace("\n", " ")
        raise click.UsageError(f"--select {expression!r} isn't a JMESPath expression: {reason}") from None


def _at(row: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        row = row.get(step) if isinstance(row, Mapping) else None
    return row


def _stdout() -> IO[bytes]:
    sys.stdout.flush()
    return sys.stdout.buffer


def _write_json(result: Rows, out: IO[bytes]) -> None:
    if not result.is_list:
        out.writelines(f"{dumps(row, 2)}\n".encode() for row in result.all())
        return
    opening = "[\n"
    for batch in result.batches:
        for row in batch:
            text = "\n".join(f"  {line}" for line in dumps(row, 2).split("\n"))
            out.write(f"{opening}{text}".encode())
            opening = ",\n"
        out.flush()
    out.write(b"[]\n" if opening == "[\n" else b"\n]\n")


def _write_jsonl(result: Rows, out: IO[bytes]) -> None:
    for batch in result.present():
        out.write("".join([f"{dumps(row)}\n" for row in batch]).encode())
        out.flush()


def _write_yaml(result: Rows, out: IO[bytes]) -> None:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def dump(value: Any) -> bytes:
        text = yaml.dump(
            _utf8(value),
            Dumper=dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=100,
        )
        return str(text).removesuffix("...\n").encode()

    if not result.is_list:
        out.writelines(map(dump, result.all()))
        return
    is_empty = True
    for batch in result.batches:
        if not batch:
            continue
        is_empty = False
        out.write(dump(batch))
        out.flush()
    if is_empty:
        out.write(b"[]\n")


def _utf8(value: Any) -> Any:
    """Return a value whose texts can be encoded: YAML has no escape for a lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_utf8(name): _utf8(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_utf8(each) for each in value]
    return _utf8(to_plain(value)) if hasattr(value, "_json") else value


class _CsvLines(list[str]):
    """Lines of CSV. Their writer ends them with CR LF, else it quotes a lone CR only since Python 3.13."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")


def _write_csv(result: Rows, out: IO[bytes]) -> None:
    import csv

    columns: list[str] = []
    beyond: dict[str, None] = {}
    for batch in chain(result.present(), [[]]):
        lines = _CsvLines()
        writer = csv.writer(lines)
        if not columns:
            columns = list(result.columns) if result.is_chosen else columns_of(batch, result.columns)
            if columns:
                writer.writerow(columns)
        for row in batch:
            values = as_object(row)
            writer.writerow([cell(values.get(name)) for name in columns])
            if not values.keys() <= set(columns):
                beyond.update(dict.fromkeys(name for name in values if name not in columns))
        out.write("".join(lines).encode("utf-8", "backslashreplace"))
        out.flush()
    if beyond:
        note(f"left out of the CSV, since the first rows don't have them: {', '.join(beyond)} (use --fields)")


def _write_ids(result: Rows, out: IO[bytes]) -> None:
    has_rows = has_ids = False
    for batch in result.present():
        found = [row.get("id") if isinstance(row, Mapping) else row for row in batch]
        texts = [f"{cell(each)}\n" for each in found if each is not None]
        out.write("".join(texts).encode("utf-8", "backslashreplace"))
        out.flush()
        has_rows, has_ids = has_rows or bool(batch), has_ids or bool(texts)
    if has_rows and not has_ids:
        note("no row has an id")


def _write_table(result: Rows, out: IO[bytes]) -> None:
    out.flush()
    if not result.is_list:
        _write_object(result)
        return
    layout: _Layout | None = None
    for batch in result.batches:
        rows = [_shown(as_object(row), result.epochs) for row in batch]
        if not rows:
            continue
        if layout is None:
            columns = [*map(_flat, result.columns if result.is_chosen else columns_of(batch, result.columns))]
            if is_terminal(sys.stdout) and not result.is_chosen:
                columns = _most_useful(rows) or columns
            layout = _Layout(rows, columns)
            echo(layout.header())
        echo("\n".join(map(layout.line, rows)))
    if layout is None:
        note("no rows")
    elif layout.hidden:
        note(f"not shown: {', '.join(layout.hidden)} (use --fields, a wider terminal, or -o json)")


def _most_useful(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the columns that have values, in the order of the rows, those with objects last."""
    values: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            if value:
                values.setdefault(name, []).append(value)
    return sorted(values, key=lambda name: any(value.startswith(("{", "[")) for value in values[name]))


def _write_object(result: Rows) -> None:
    """Write one object as lines of names and values."""
    for row in chain.from_iterable(result.present()):
        values = _shown(as_object(row), result.epochs)
        width = max(map(len, values), default=0)
        for name, value in values.items():
            echo(f"{name.ljust(width)}  {value}")


def _shown(row: Mapping[str, Any], epochs: frozenset[str]) -> dict[str, str]:
    return {
        _flat(name): _flat(instant(value) if name in epochs else cell(value)) for name, value in row.items()
    }


def _flat(text: str) -> str:
    """Return text on one line and without tabs, which have another width in each column of a terminal."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def instant(seconds: Any) -> str:
    """Return epoch seconds as ISO 8601 in UTC, without their fraction; anything else as its cell."""
    import datetime as dt

    if type(seconds) not in (int, float):
        return cell(seconds)
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds // 1)
    except (OverflowError, ValueError):  # NaN
        return cell(seconds)
    return moment.isoformat().replace("+00:00", "Z")


def echo(text: str) -> None:
    """Write a line to stdout, in its encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    click.echo(shown, color=has_color(sys.stdout))


class _Layout:
    """The columns of a table and their widths, which hold for all rows to come."""

    def __init__(self, rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> None:
        from rich.cells import cell_len

        self.widths = {
            name: max([cell_len(name), *(cell_len(row.get(name, "")) for row in rows)]) for name in columns
        }
        self.hidden: list[str] = []
        self._is_cut = is_terminal(sys.stdout)
        if self._is_cut:
            self.widths, self.hidden = _fitted(self.widths, terminal_width())

    def header(self) -> str:
        """Return the line of the columns' names."""
        line = self.line({name: name for name in self.widths})
        return click.style(line, bold=True) if has_color(sys.stdout) else line

    def line(self, row: Mapping[str, str]) -> str:
        """Return the line of a row."""
        return "  ".join(self._fit(row.get(name, ""), width) for name, width in self.widths.items()).rstrip()

    def _fit(self, text: str, width: int) -> str:
        from rich.cells import cell_len, set_cell_size

        length = cell_len(text)
        if length <= width or not self._is_cut:
            return text + " " * (width - length)
        cut = ELLIPSIS if _can_show(ELLIPSIS) else ASCII_ELLIPSIS
        return set_cell_size(text, max(0, width - len(cut))) + cut[:width]


def _fitted(wanted: Mapping[str, int], width: int) -> tuple[dict[str, int], list[str]]:
    """Fit columns into a width: leave out the last ones if there are too many, then cut the longest."""
    shown = list(wanted)
    hidden: list[str] = []
    while len(shown) > 1 and sum(min(wanted[name], MIN_WIDTH) + 2 for name in shown) - 2 > width:
        hidden.insert(0, shown.pop())
    widths = {name: wanted[name] for name in shown}
    for _ in range(sum(widths.values()) + 2 * (len(widths) - 1) - width):
        longest = max(widths, key=lambda name: widths[name])
        widths[longest] = max(1, widths[longest] - 1)
    if shown:  # for longer rows to come
        widths[shown[-1]] += max(0, width - sum(widths.values()) - 2 * (len(widths) - 1))
    return widths, hidden


def terminal_width() -> int:
    """Return the width of the terminal in characters."""
    import shutil

    return max(20, shutil.get_terminal_size().columns)


def _can_show(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _write_parquet(result: Rows, out: IO[bytes]) -> None:
    from knetik_cloud.cli.parquet import write

    write(result, out)


def note(text: str) -> None:
    """Write a remark to stderr, unless --quiet was given."""
    context = click.get_current_context(silent=True)
    run = None if context is None else context.find_root().obj
    if not getattr(run, "quiet", False):
        click.echo(without_secrets(printable(text)), err=True)


WRITERS: Mapping[str, Callable[[Rows, IO[bytes]], None]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "yaml": _write_yaml,
    "table": _write_table,
    "id": _write_ids,
    "parquet": _write_parquet,
}
