"""Exporting a list to JSON lines, CSV or Parquet, in constant memory, and resumable.

All formats are fetched as JSON lines first, which are the items' own bytes. CSV and Parquet files are made of
these at the end.
"""

from __future__ import annotations

import json
import os
import stat
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from knetik_cloud.bulk.files import (
    Appender,
    check_path,
    compression_of,
    format_of,
    load_zstandard,
    open_bytes,
    replace,
)
from knetik_cloud.bulk.journal import BulkError, BusyError, Lease, on_disk
from knetik_cloud.bulk.progress import Meter, Progress
from knetik_cloud.bulk.slices import Slices, lines, split
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.paging import MAX_REMEMBERED_IDS, RowsMovedWarning, grown_by, key_of
from knetik_cloud.data import codec, types
from knetik_cloud.exceptions import ApiConnectionException, ApiValueError
from knetik_cloud.paging import Ahead, Pager

PAGE_SIZE = 1000
CHECKPOINT_SECONDS = 1.0
BATCH_ROWS = 10_000
BODY_ATTEMPTS = 3
FORMATS = ("jsonl", "csv", "parquet")
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


class Exported(NamedTuple):
    """The result of an export.

    Attributes:
        path: The file.
        rows: The number of items in it.
        total: The number of items that the service reported, or None.
        has_moved: Whether items moved between pages while they were read, so that one may have been missed.
        is_resumed: Whether an earlier export was continued.
        skipped: The number of items before the pager's `start_page`, which the export left out.
    """

    path: Path
    rows: int
    total: int | None
    has_moved: bool
    is_resumed: bool
    skipped: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether the file certainly holds as many items as the service reported, less the skipped ones."""
        return not self.has_moved and self._expected in (None, self.rows)

    @property
    def _expected(self) -> int | None:
        return None if self.total is None else max(0, self.total - self.skipped)


def export(
    pager: Pager[Any, Any],
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    resume: bool = True,
    progress: Progress = None,
) -> Exported:
    """Write the items of a list to a file.

    JSON lines hold each item exactly as the service sent it, unknown fields included. CSV files have a column
    for each field of the contract, with nested values as JSON, and one for all other fields. Parquet files
    have the columns and types of `pager.to_arrow()`. While it runs, the export writes to `PATH.part`.

        bulk.export(api.iter_users_inventory(inactive=True, prefetch=4), "entries.jsonl.gz")

    Args:
        pager: The list, such as `api.iter_users_inventory()`, with its filters, `limit`, `prefetch` and
            `start_page`. The export reads 1000 items at a time unless the pager has a `page_size` or a
            `start_page`. The pager's `deadline` limits the reading, from the start of the export.
        path: The regular file, which is replaced at the end. A link is followed. `.gz` and `.zst` compress
            JSON lines and CSV files.
        format: `jsonl`, `csv` or `parquet`. By default, it depends on the name of the file.
        resume: Whether to continue an unfinished export of the same list to the same file.
        progress: None shows a bar on a terminal and prints one JSON line every ten seconds otherwise. False
            shows nothing. A function is called with each state.

    Returns:
        The result of the export. If items are missing, a `RowsMovedWarning` is issued.

    Raises:
        ApiException: If a page can't be fetched, or a deadline has passed. The same call continues.
        BulkError: If another process is writing the file, the disk is full, or the file is open in another
            program on Windows. The same call continues.
        ApiValueError: If the format is unknown, the path is that of a folder or a device, or the pager is one
            of the asyncio client.
        FileNotFoundError: If the folder of the file does not exist.
    """
    from knetik_cloud.paging import Pager

    if not isinstance(pager, Pager):
        raise types.invalid_value_error("pager", "a pager of the blocking client", pager)
    named = check_path("path", path)
    target = Path(os.path.realpath(named))
    chosen, compression = _format(named, format), compression_of(named)
    if named.exists() and not named.is_file():
        raise ApiValueError(f"{path} is not a regular file, which an export replaces: name another path")
    part = target.with_name(f"{target.name}.part")
    try:
        lease = Lease(part)
    except BusyError:
        raise BulkError(f"another process is exporting to {path}") from None
    except OSError as error:  # it names the file of the lease
        unusable = target.parent if isinstance(error, FileNotFoundError) else path
        raise OSError(error.errno, error.strerror, str(unusable)) from None
    try:
        with on_disk(path, "and use the same call to continue"):
            _take_permissions(part, target)
            packed = compression if chosen == "jsonl" else None
            result = _Export(pager, named, part, packed, resume, progress).fetch()
            if chosen == "jsonl":
                replace(part, target)
            else:
                converted = target.with_name(f"{target.name}.new")
                _take_permissions(converted, target)
                convert = _to_csv if chosen == "csv" else _to_parquet
                convert(part, converted, pager._plan.page_model, compression)
                replace(converted, target)
            for left in (_state_path(part), part):
                with suppress(OSError):  # open elsewhere: without either, nothing is continued
                    left.unlink(missing_ok=True)
    finally:
        lease.remove()
    if result.has_moved or (pager._plan.limit is None and not result.is_complete):
        total = "" if result.total is None else f" of {result._expected}"
        warnings.warn(
            f"{path} holds {result.rows} items{total}: others may have been missed, because items moved "
            "between pages. Collect items first, then change them",
            RowsMovedWarning,
            stacklevel=2,
        )
    return result


def _take_permissions(path: Path, target: Path) -> None:
    """Create a file with the permissions of the one that it will replace, before it holds any items."""
    if target.exists():
        path.touch(0o600)
        path.chmod(stat.S_IMODE(target.stat().st_mode) | stat.S_IWUSR)


def _format(path: Path, format: str | None) -> str:
    suffix = format_of(path)
    if format is None and suffix and suffix not in _SUFFIXES:
        raise ApiValueError(f"{path}: {suffix} is not a known format: use {', '.join(_SUFFIXES)}, or none")
    chosen = _SUFFIXES.get(suffix, "jsonl") if format is None else format
    if chosen not in FORMATS:
        raise types.invalid_value_error("format", f"one of {', '.join(FORMATS)}", format)
    if chosen == "parquet" and compression_of(path):
        raise ApiValueError(f"{path}: Parquet files are compressed inside: leave {path.suffix} out")
    if chosen == "parquet":  # check now, because the file is made at the end
        _load_parquet()
    if compression_of(path) == ".zst":
        load_zstandard(path)
    return chosen


def _load_parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ApiValueError("writing Parquet needs pyarrow: pip install 'knetik_cloud[arrow]'") from None
    return parquet


def _state_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


class _State:
    """The progress of an export, stored next to its file."""

    def __init__(self, what: str) -> None:
        self.list = what
        self.page = 1
        self.bytes = 0
        self.rows = 0
        self.skipped = 0
        self.total: int | None = None
        self.has_moved = False
        self.last: int | str | None = None
        """The id of the item before the page, or None if the page before it was not full."""

    def load(self, part: Path) -> bool:
        """Read the state of an earlier export of the same list, and return whether it can be continued."""
        try:
            found = json.loads(_state_path(part).read_text(encoding="utf-8"))
            size = part.stat().st_size
        except (OSError, ValueError):
            return False
        if found.get("list") != self.list or size < found["bytes"]:  # a crash of the machine took the end
            return False
        self.__dict__.update(found)
        return True

    def save(self, path: Path) -> None:
        """Store the state atomically."""
        scratch = path.with_name(f"{path.name}.new")
        scratch.write_text(json.dumps(self.__dict__), encoding="utf-8")
        replace(scratch, path)


class _Export:
    def __init__(
        self,
        pager: Pager[Any, Any],
        target: Path,
        part: Path,
        compression: str | None,
        resume: bool,
        progress: Progress,
    ) -> None:
        plan = pager._plan
        self._plan = plan
        self._client = pager._client
        self._part = part
        self._target = target
        self._compression = compression
        self._progress = progress
        self._end = plan.end()
        host = self._client.configuration.host
        self._arguments = plan.page_arguments(PAGE_SIZE)
        self._size = int(self._arguments[plan.size_name])
        start = plan.start.text(plan.operation.id)
        what = f"{host} {start} {sorted(self._arguments.items())} {plan.limit} {compression}"
        self._state = state = _State(what)
        self._is_resumed = resume and state.load(part)
        self._seen = deque([list[Any](plan.start.seen)])
        self._is_consistent = True
        if not self._is_resumed:
            _state_path(part).unlink(missing_ok=True)
            state.page, state.total, state.last = plan.start.page, plan.start.total, plan.start.last

    def fetch(self) -> Exported:
        """Fetch all pages that are left into the file with the JSON lines."""
        state, plan = self._state, self._plan
        with (
            closing(Appender(self._part, self._compression, state.bytes)) as file,
            closing(Meter(None, state.rows, self._progress, plan.operation.id)) as meter,
        ):
            saved = monotonic()
            if state.rows:
                self._seen.extend(_batches(self._written_ids()))
            self._keys = {key for ids in self._seen for key in ids}
            try:
                self._check_start()
                for data, page in self._pages():
                    self._take(file, data, page)
                    meter.total = plan.limit if plan.limit is not None else self._result()._expected
                    meter.update(state.rows, plan.prefetch, {})
                    if monotonic() - saved >= CHECKPOINT_SECONDS:
                        self._save(file)
                        saved = monotonic()
            finally:
                if self._is_consistent:
                    self._save(file)
        return self._result()

    def _result(self) -> Exported:
        state = self._state
        return Exported(
            self._target, state.rows, state.total, state.has_moved, self._is_resumed, state.skipped
        )

    def _save(self, file: Appender) -> None:
        """Store the state and all items that were taken. If this is interrupted, the earlier state stays."""
        self._is_consistent = False
        self._state.bytes = file.checkpoint()
        self._state.save(_state_path(self._part))
        self._is_consistent = True

    def _take(self, file: Appender, data: bytes, page: Slices) -> None:
        """Append the items of a page that did not come before."""
        self._is_consistent = False  # until the state counts all that is in the file
        state, limit = self._state, self._plan.limit
        keep: list[bool] | None = None
        repeated = 0
        if not self._keys.isdisjoint(page.ids):
            keep = [key is None or key not in self._keys for key in page.ids]
            repeated = keep.count(False)
        self._compare(page, repeated)
        count = len(page.items) - repeated
        if limit is not None and state.rows + count > limit:
            keep = keep or [True] * len(page.items)
            for number in range(len(keep) - 1, -1, -1):
                if keep[number] and state.rows + count > limit:
                    keep[number] = False
                    count -= 1
        file.write(lines(page, keep, data))
        ids = [key for key in page.ids if key is not None]
        self._keys.update(ids)
        self._seen.append(ids)
        while len(self._keys) > MAX_REMEMBERED_IDS and len(self._seen) > 2:
            self._keys.difference_update(self._seen.popleft())
        state.last = page.ids[-1] if len(page.items) == self._size else None
        state.rows += count
        state.total = page.total
        state.page += 1
        self._is_consistent = True

    def _written_ids(self) -> Iterator[int | str]:
        """Yield the latest ids that an earlier export wrote, which this one must not write again."""
        for line in deque(_lines(self._part, self._compression), MAX_REMEMBERED_IDS):
            key = key_of(codec.decode_fast(line, "an item"))
            if key is not None:
                yield key

    def _check_start(self) -> None:
        """Notice that items have moved since the item before the first page was read, however long ago."""
        state = self._state
        if state.last is not None:
            page = split(self._fetch((state.page - 1) * self._size, 1), self._plan.pages)
            grown = grown_by(page.total, state.total)
            state.has_moved |= self._plan.has_moved(page.ids, state.last, grown)

    def _compare(self, page: Slices, repeated: int) -> None:
        """Notice that items moved since the last page was read."""
        state, start = self._state, self._plan.start
        if state.page == start.page:  # what the first page repeats was read before the start
            before = (start.page - 1) * self._plan.size
            listed = page.total if start.total is None else start.total
            state.skipped = repeated + (before if listed is None else min(before, listed))
            repeated = 0
        grown = grown_by(page.total, state.total)
        state.has_moved |= grown < 0 or repeated > grown

    def _pages(self) -> Iterator[tuple[bytes, Slices]]:
        """Yield the pages that are left, some of them fetched ahead by threads."""
        plan, state = self._plan, self._state
        fetches: deque[Callable[[], bytes]] = deque()
        last = state.page
        number = state.page
        ahead = Ahead(plan.prefetch, "knetik_cloud_export")
        try:
            while state.page <= last and (plan.limit is None or state.rows < plan.limit):
                while number <= last and len(fetches) <= plan.prefetch:
                    fetches.append(ahead.begin(partial(self._fetch, number)))
                    number += 1
                data = fetches.popleft()()
                page = split(data, plan.pages)
                if page.items:
                    counted = -(-page.total // self._size) if page.total is not None else state.page + 1
                    last = max(state.page, page.pages if page.pages is not None else counted)
                else:
                    last = state.page - 1
                yield data, page
        finally:
            ahead.close()

    def _fetch(self, number: int, size: int | None = None) -> bytes:
        # A body that breaks off while it streams is not retried by the client.
        for attempt in range(BODY_ATTEMPTS):
            try:
                return self._read(number, size or self._size)
            except ApiConnectionException:
                if attempt == BODY_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _read(self, number: int, size: int) -> bytes:
        plan = self._plan
        options = {**plan.options_until(self._end, number), "_preload_content": False}
        arguments = {**self._arguments, plan.page_name: number, plan.size_name: size}
        with self._client.call(plan.operation, arguments, options) as response:
            data: bytes = response.data
        return data


def _items(part: Path) -> Iterator[Any]:
    for line in _lines(part, None):
        yield codec.decode_fast(line, "an item")


def _lines(part: Path, compression: str | None) -> Iterator[bytes]:
    with open_bytes(part, compression) as file:
        yield from file


def _to_csv(part: Path, target: Path, page_model: Any, compression: str | None) -> None:
    """Make a CSV file of JSON lines."""
    import csv
    import io

    fields = _fields(page_model)
    file = Appender(target, compression, 0)
    try:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*fields, "other_fields"])
        known = set(fields)
        for number, item in enumerate(_items(part), 1):
            is_object = isinstance(item, dict)
            row = item if is_object else {}
            unknown = {name: value for name, value in row.items() if name not in known} or None
            others = _json(unknown if is_object else item)
            writer.writerow([*(_cell(row.get(name)) for name in fields), others])
            if number % BATCH_ROWS == 0:
                file.write(text.getvalue().encode(errors="backslashreplace"))
                text.seek(0)
                text.truncate()
        file.write(text.getvalue().encode(errors="backslashreplace"))
        file.checkpoint()
    finally:
        file.close()


def _fields(page_model: Any) -> list[str]:
    """Return the wire names of an item's fields, the id first."""
    items = next(field for field in page_model._fields.values() if field.wire == page_model._items)
    names = [field.wire for field in items.type.element.model._fields.values()]
    return sorted(names, key=lambda name: name != "id")


def _cell(value: Any) -> Any:
    return _json(value) if isinstance(value, (dict, list, bool)) else value


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _to_parquet(part: Path, target: Path, page_model: Any, compression: str | None) -> None:
    """Make a Parquet file of JSON lines, with the columns of the contract."""
    from knetik_cloud import upward

    rows = upward.load("arrow").rows_of(page_model)
    # The file is opened here, because pyarrow rejects names that aren't UTF-8.
    with (
        target.open("wb") as file,
        _load_parquet().ParquetWriter(file, rows.schema, compression="zstd") as writer,
    ):
        for batch in _batches(_items(part)):
            writer.write_batch(rows.batch(batch))


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    from itertools import islice

    while batch := list(islice(items, BATCH_ROWS)):
        yield batch
