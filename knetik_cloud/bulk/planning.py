"""Planning a bulk run: check all rows before the first call, and store them by shard."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import shutil
import tempfile
import time
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import date
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import IO, Any, NamedTuple

from knetik_cloud.bulk.journal import (
    MANIFEST,
    PLANNING,
    RUNNING,
    STOP,
    BulkError,
    BusyError,
    ChangedInputError,
    Folder,
    InvalidRowsError,
    Lease,
    Manifest,
    on_disk,
    open_stored,
    read_rows,
)
from knetik_cloud.bulk.sources import RowReader, Rows, open_rows
from knetik_cloud.core import options
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.request import build
from knetik_cloud.data import codec, types
from knetik_cloud.exceptions import ApiValueError

MAX_PROBLEMS = 20
MAX_ROW_SHOWN = 200
DEFAULT_SHARDS = 64
MAX_SHARDS = 4096
MAX_CONCURRENCY = 256
BUCKETS = 256
BUCKET_KEYS = 4096
"""Keys of a bucket that are held in memory before they go to its file."""
KEYS = "keys"
"""The name of the folder with these files."""
OWN_FILE = re.compile(
    rf"[0-9]{{4}}\.(rows|journal|lease)|({PLANNING}|{RUNNING})\.lease|{STOP}|{re.escape(MANIFEST)}(\.new)?"
)
"""The names of the files in the folder of a run."""
OWN_KEYS = re.compile("[0-9]{1,3}")
"""The names of the files with keys."""
MAX_SUSPECTS = 10_000
SECONDS_PER_CALL = 0.05
PLANNING_POLL_SECONDS = 0.1


class Target(NamedTuple):
    """The method that a run calls.

    Attributes:
        client: The client of the method.
        operation: The operation.
        api: The class of the API object, as `module:name`.
    """

    client: Any
    operation: Operation[Any]
    api: str


class Plan(NamedTuple):
    """The plan of a bulk run. Nothing was sent.

    Attributes:
        operation: The id of the operation.
        host: The URL of the service.
        rows: The number of rows.
        shards: The number of shards that have rows, and the maximum number of calls at the same time.
        seconds: The estimated duration, at 50 ms per call or at the rate of `tps`.
        requests: The first requests, as curl commands.
    """

    operation: str
    host: str
    rows: int
    shards: int
    seconds: float
    requests: list[str]

    def __str__(self) -> str:
        lines = [
            f"{self.rows:,} calls of {self.operation} at {self.host}, in {self.shards} shards",
            f"about {_duration(self.seconds)}",
            "first requests:",
            *(f"  {request}" for request in self.requests),
        ]
        return "\n".join(lines)


def target_of(method: Callable[..., Any]) -> Target:
    """Return what a method calls.

    Raises:
        TypeError: If it is not a method of an API object that makes one call.
        ApiValueError: If the operation changes nothing.
    """
    import inspect

    from knetik_cloud.recovery import capture

    parameters = inspect.signature(method).parameters if inspect.ismethod(method) else {}
    required = {
        name: None
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }
    captured = capture(method, (), required)
    if captured.operation.retry == "safe":
        raise ApiValueError(f"{captured.operation.id} changes nothing: bulk.run() is for writes")
    if inspect.iscoroutinefunction(captured.client.call):
        raise ApiValueError(
            "bulk runs need a method of the blocking client, such as that of knetik_cloud.UsersInventoryApi: "
            "in a coroutine, use await asyncio.to_thread(bulk.run, ...)"
        )
    kind = type(method.__self__)  # type: ignore[attr-defined]
    return Target(captured.client, captured.operation, f"{kind.__module__}:{kind.__qualname__}")


def check_tps(tps: float | None) -> float | None:
    """Check a number of rows per second, and return None for no limit.

    Raises:
        ApiValueError: If it is not a number above 0.
    """
    if tps is None or tps == math.inf:
        return None
    if isinstance(tps, bool) or not isinstance(tps, (int, float)) or not tps > 0:
        raise types.invalid_value_error("tps", "a number of rows per second above 0", tps)
    return tps


def plan(
    rows: Rows,
    method: Callable[..., Any],
    *,
    tps: float | None = None,
    concurrency: int = 16,
    shards: int = DEFAULT_SHARDS,
    sample: int = 3,
) -> Plan:
    """Check all rows, and return what `run` would do with them. Nothing is sent.

    Args:
        rows: As for `run`.
        method: As for `run`.
        tps: As for `run`.
        concurrency: As for `run`.
        shards: As for `run`.
        sample: The number of first requests to show.

    Raises:
        InvalidRowsError: If rows can't be sent, or keys occur twice.
        BulkError: If the disk for temporary files is full.
        ApiValueError: If an option is out of range.
    """
    concurrency = options.integer("concurrency", concurrency, 1, MAX_CONCURRENCY)
    shards = options.integer("shards", shards, 1, MAX_SHARDS)
    tps = check_tps(tps)
    target = target_of(method)
    host = target.client.configuration.host
    with tempfile.TemporaryDirectory(prefix="knetik_bulk_") as scratch:
        folder = Folder(scratch)
        with on_disk(scratch, "or name another folder with TMPDIR"):
            manifest = spool(rows, target, folder, shards)
        requests = [
            build(target.operation, arguments, target.client.configuration.base_path, {}).as_curl(
                target.client.configuration.origin
            )
            for arguments in first_rows(target.operation, folder, manifest, sample)
        ]
    at_once = max(1, min(concurrency, len(manifest.sizes)))
    seconds = manifest.rows * SECONDS_PER_CALL / at_once
    if tps is not None:
        seconds = max(seconds, manifest.rows / tps)
    return Plan(target.operation.id, host, manifest.rows, len(manifest.sizes), seconds, requests)


def first_rows(
    operation: Operation[Any], folder: Folder, manifest: Manifest, count: int
) -> list[dict[str, Any]]:
    """Return the arguments of the first rows of the input, with markers as they would be sent."""
    from knetik_cloud.bulk.shard import mark

    found = [
        row
        for shard, size in manifest.sizes.items()
        for row in islice(read_rows(folder.rows_path(shard), size), count)
    ]
    first = sorted(found, key=lambda row: row[0])[:count]
    for position, key, arguments in first:
        mark(operation, arguments, f"{manifest.run}-{position + 1}" if key is None else key)
    return [arguments for _, _, arguments in first]


def store_rows(rows: Rows, target: Target, folder: Folder, shards: int) -> Manifest:
    """Store the rows of a new run, or check that those of an earlier one are the same.

    Raises:
        BulkError: If the folder holds other files.
        InvalidRowsError: If rows can't be sent, or keys occur twice.
        ChangedInputError: If the rows or the options differ from those of the earlier run.
    """
    is_new = not folder.path.exists()
    if folder.is_planned:
        folder.read_manifest()
    else:
        _own_files(folder)
    folder.clear_stop()  # only now is it certain that the folder is that of a run
    if not folder.is_planned:
        with closing(_planning_lease(folder)) as lease:
            if not folder.is_planned:  # no other process has stored them meanwhile
                try:
                    return _store_new_rows(rows, target, folder, shards)
                except BaseException:
                    _discard(folder, lease, is_new)
                    raise
    manifest = folder.read_manifest()
    for name, before, now in (
        ("the operation", manifest.operation, target.operation.id),
        ("the host", manifest.host, target.client.configuration.host),
        ("shards", manifest.shards, shards),
    ):
        if before != now:
            raise ChangedInputError(
                f"{folder} belongs to another run: {name} was {before}, and is {now} now. Use the same "
                "command to resume, or name another folder"
            )
    compare(rows, target, folder, manifest)
    return manifest


def _planning_lease(folder: Folder) -> Lease:
    """Make the folder, and acquire the right to store the rows. While another process stores them, wait."""
    while True:
        folder.path.mkdir(parents=True, exist_ok=True)
        with suppress(BusyError, FileNotFoundError):  # another process stores them, or has removed the folder
            return Lease(folder.path / PLANNING)
        time.sleep(PLANNING_POLL_SECONDS)


def _store_new_rows(rows: Rows, target: Target, folder: Folder, shards: int) -> Manifest:
    _empty(folder)
    with on_disk(folder, "and use the same command to start"):
        manifest = spool(rows, target, folder, shards)
        folder.write_manifest(manifest)
    return manifest


def _discard(folder: Folder, lease: Lease, is_new: bool) -> None:
    """Remove what a plan that fails has written, and its folder if it has made that."""
    if folder.is_planned:  # other processes may run it already
        return
    with suppress(OSError, BulkError):  # what remains is removed by the next plan
        _empty(folder)
        folder.clear_stop()
        lease.remove()
        if is_new:
            folder.path.rmdir()


def _empty(folder: Folder) -> None:
    """Remove what a plan has left that was not finished.

    Raises:
        BulkError: If there are other files, such as journals that have lost their manifest.
    """
    found = _own_files(folder)
    folder.check_journals()
    for path in found:
        if path.suffix != ".lease" and path.name != STOP:
            path.unlink()
    with suppress(FileNotFoundError):
        (folder.path / KEYS).rmdir()


def _own_files(folder: Folder) -> list[Path]:
    """List the files of a folder. Other processes may be changing them.

    Raises:
        BulkError: If there is one that no run has written.
    """
    found: list[Path] = []
    folders = [(folder.path, OWN_FILE)]
    for path, own in folders:
        with suppress(FileNotFoundError), os.scandir(path) as entries:
            for entry in entries:
                if entry.name == KEYS and path == folder.path and entry.is_dir(follow_symlinks=False):
                    folders.append((path / KEYS, OWN_KEYS))
                elif own.fullmatch(entry.name) and not entry.is_dir():
                    found.append(path / entry.name)
                else:
                    other = (path / entry.name).relative_to(folder.path)
                    raise BulkError(f"{folder} holds other files, such as {other}: name a new folder")
    return found


def spool(rows: Rows, target: Target, folder: Folder, shards: int) -> Manifest:
    """Check all rows, and store them by shard."""
    sizes: dict[int, int] = {}
    problems = _Problems()
    with ExitStack() as stack:
        keys = stack.enter_context(_Keys(folder.path / KEYS))
        files: dict[int, IO[str]] = {}
        count = 0
        for shard, line, key in _lines(rows, target, shards, problems):
            file = files.get(shard)
            if file is None:
                file = files[shard] = stack.enter_context(open_stored(folder.rows_path(shard), "w"))
                sizes[shard] = 0
            file.write(line)
            sizes[shard] += 1
            count += 1
            if key is not None:
                keys.add(key)
        suspects = keys.twice()
    if suspects:
        _name_duplicates(folder, sizes, suspects, problems)
    problems.check()
    host = target.client.configuration.host
    run = secrets.token_hex(4)
    return Manifest(target.operation.id, target.api, host, run, count, shards, dict(sorted(sizes.items())))


def compare(rows: Rows, target: Target, folder: Folder, manifest: Manifest) -> None:
    """Check that the rows are those of the earlier run.

    Raises:
        ChangedInputError: If they are not. The message names the first difference.
    """
    problems = _Problems()
    count = 0
    with ExitStack() as stack:
        files = {
            shard: stack.enter_context(open_stored(folder.rows_path(shard), "r")) for shard in manifest.sizes
        }
        for shard, line, _ in _lines(rows, target, manifest.shards, problems):
            count += 1
            stored = files[shard].readline() if shard in files else ""
            if stored != line and _canonical(stored) != _canonical(line):
                if problems.count:
                    break
                number, before, now = _difference(line, folder, manifest)
                raise ChangedInputError(
                    f"{folder} belongs to other rows: row {number + 1} was {before}, and is {now} now. Use "
                    "the same input to resume, or name another folder"
                )
    if problems.count:
        raise ChangedInputError(f"{folder} belongs to other rows: {problems.first[0]}")
    if count != manifest.rows:
        raise ChangedInputError(
            f"{folder} belongs to other rows: there were {manifest.rows:,}, and there are {count:,} now. Use "
            "the same input to resume, or name another folder"
        )


def _canonical(line: str) -> str:
    """Return a stored row in a form that doesn't depend on the order of its arguments and fields."""
    return line and json.dumps(json.loads(line), sort_keys=True)


def _difference(line: str, folder: Folder, manifest: Manifest) -> tuple[int, str, str]:
    """Return the position of a row, and the stored row there and the row as text, around their difference."""
    now = json.loads(line)
    stored = (
        row for shard, size in manifest.sizes.items() for row in read_rows(folder.rows_path(shard), size)
    )
    before = next((row for row in stored if row[0] == now[0]), None)  # perhaps in the shard of another user
    texts = ["none" if before is None else _text(before), _text(now)]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = same - MAX_ROW_SHOWN // 2
    return now[0], _excerpt(texts[0], start), _excerpt(texts[1], start)


def _text(row: Sequence[Any]) -> str:
    return json.dumps({**row[2], **({} if row[1] is None else {"key": row[1]})}, ensure_ascii=False)


def _excerpt(text: str, start: int = 0) -> str:
    """Return a text, or its part from `start` on if it is long."""
    if len(text) <= MAX_ROW_SHOWN:
        return text
    start = max(0, min(start, len(text) - MAX_ROW_SHOWN))
    end = start + MAX_ROW_SHOWN
    return f"{'...' if start else ''}{text[start:end]}{'...' if end < len(text) else ''}"


def _lines(
    rows: Rows, target: Target, shards: int, problems: _Problems
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the shard, the stored line and the key of each row that can be sent."""
    reader = RowReader(target.operation)
    number = -1
    for number, row in enumerate(open_rows(rows, reader)):
        try:
            key, arguments = reader.read(row)
            line = f"{_encode([number, key, arguments])}\n"
            if not line.isascii():
                line.encode()  # raises what storing it would
        except (ApiValueError, TypeError, ValueError, RecursionError) as error:
            problems.add(f"row {number + 1}: {getattr(error, 'reason', None) or error}")
            continue
        yield zlib.crc32((reader.owner(arguments) or line).encode()) % shards, line, key


def _plain(value: Any) -> Any:
    """Return the JSON value that a call sends for a value. Arguments may also be dates and iterables."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        raise TypeError(f"a {type(value).__name__} has no order: pass a list")
    try:
        return codec.to_json(value)
    except TypeError:
        if not hasattr(value, "__iter__"):
            raise
    return list(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode


class _Problems:
    """The rows that can't be sent: how many, and the first of them."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0

    def add(self, problem: str) -> None:
        self.count += 1
        if len(self.first) < MAX_PROBLEMS:
            self.first.append(problem)

    def check(self) -> None:
        """Raise an error if there are any."""
        if self.count:
            raise InvalidRowsError(self.first, self.count)


class _Keys:
    """Finds keys that occur twice, with constant memory: hashes in files, by bucket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._buckets = [array("q") for _ in range(BUCKETS)]
        self._spilled = False

    def __enter__(self) -> _Keys:
        return self

    def __exit__(self, *error: object) -> None:
        if self._spilled:
            shutil.rmtree(self._path)

    def add(self, key: str) -> None:
        value = hash(key)
        bucket = self._buckets[value % BUCKETS]
        bucket.append(value)
        if len(bucket) >= BUCKET_KEYS:
            self._path.mkdir(exist_ok=True)
            self._spilled = True
            with (self._path / str(value % BUCKETS)).open("ab") as file:
                bucket.tofile(file)
            del bucket[:]

    def twice(self) -> set[int]:
        """Return the hashes that occur more than once; hashes may be equal though the keys differ."""
        found: set[int] = set()
        for number, bucket in enumerate(self._buckets):
            values = bucket
            spilled = self._path / str(number)
            if self._spilled and spilled.exists():
                values = array("q")
                values.frombytes(spilled.read_bytes())
                values.extend(bucket)
            if len(set(values)) < len(values):
                ordered = sorted(values)
                found.update(one for one, other in pairwise(ordered) if one == other)
            if len(found) > MAX_SUSPECTS:
                break
        return found


def _name_duplicates(
    folder: Folder, sizes: Mapping[int, int], suspects: set[int], problems: _Problems
) -> None:
    seen: dict[str, int] = {}
    for shard, size in sizes.items():
        for number, key, _ in read_rows(folder.rows_path(shard), size):
            if key is not None and hash(key) in suspects:
                other = seen.setdefault(key, number)
                if other != number:
                    first, second = sorted((other, number))
                    problems.add(f"rows {first + 1} and {second + 1} have the same key {key!r}")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    if seconds < 5400:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
