"""The outcome of each row of a bulk run."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from knetik_cloud.bulk.files import check_path, create_text, format_of
from knetik_cloud.bulk.journal import (
    ABSENT,
    DENIED,
    NAMES,
    REPORTED,
    UNAPPLIED,
    UNKNOWN,
    Folder,
    History,
    Manifest,
    on_disk,
    read_rows,
)
from knetik_cloud.exceptions import ApiValueError

NOT_APPLIED = ("denied", "absent")
"""The states of the rows that can be sent again, as the input of another run."""

COLUMNS = ("row", "key", "state", "status", "code", "reason", "request_id", "candidates")


class RowReport(NamedTuple):
    """The outcome of a row.

    Attributes:
        row: The position of the row in the input, from 1.
        key: The key of the row, or None.
        state: `applied`, `found`, `denied`, `absent`, `unknown` or `pending`.
        arguments: The arguments of the call.
        status: The HTTP status of the last failure, or None.
        code: The service's error number, or None.
        reason: The reason why the row was not applied, or None.
        request_id: The service's trace id of the last failure, or None.
        candidates: For `unknown` rows, how many stored items may be the row's.
    """

    row: int
    key: str | None
    state: str
    arguments: Mapping[str, Any]
    status: int | None = None
    code: int | None = None
    reason: str | None = None
    request_id: str | None = None
    candidates: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict for JSON, without the values that are None."""
        found = {name: getattr(self, name) for name in COLUMNS}
        return {**{n: v for n, v in found.items() if v not in (None, 0)}, "arguments": dict(self.arguments)}

    def to_row(self) -> dict[str, Any]:
        """Return the row in the form in which it can be the input of another run."""
        return {**self.arguments, **({} if self.key is None else {"key": self.key})}


class Report:
    """The outcomes of the rows of a run, read from its journal.

    Attributes:
        journal: The folder of the run.
        operation: The id of the operation.
        total: The number of rows.
        counts: The number of rows by state: `applied`, `found`, `denied`, `absent`, `unknown`, `pending`.
        stopped: The reason why the run stopped before its end, or None.
    """

    def __init__(self, folder: Folder, manifest: Manifest, stopped: str | None = None) -> None:
        self.journal = str(folder)
        self.operation = manifest.operation
        self.total = manifest.rows
        self.stopped = stopped
        self.counts = dict.fromkeys(("applied", "found", "denied", "absent", "unknown", "pending"), 0)
        self._folder = folder
        self._manifest = manifest
        for shard, rows in manifest.sizes.items():
            states = History(folder.journal_path(shard), rows).states
            for code, name in enumerate(NAMES):
                self.counts[REPORTED[name]] += states.count(code)

    @property
    def applied(self) -> int:
        """The number of rows that have been applied, by this run or found from an earlier one."""
        return self.counts["applied"] + self.counts["found"]

    @property
    def failed(self) -> int:
        """The number of rows that ended without being applied: denied, absent or unknown."""
        return self.counts["denied"] + self.counts["absent"] + self.counts["unknown"]

    @property
    def is_complete(self) -> bool:
        """Whether every row has an outcome."""
        return self.counts["pending"] == 0

    def __repr__(self) -> str:
        return f"<Report of {self.journal}: {self}>"

    def __str__(self) -> str:
        shown = [f"{count:,} {state}" for state, count in self.counts.items() if count or state == "applied"]
        stopped = f" (stopped: {self.stopped})" if self.stopped else ""
        return f"{', '.join(shown)} of {self.total:,} rows{stopped}"

    def rows(self) -> Iterator[RowReport]:
        """Yield the outcome of each row, in the order of the input."""
        return heapq.merge(*(self._shard(shard) for shard in self._manifest.sizes), key=lambda row: row.row)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the outcome of each row to a `.csv` file, or as JSON lines to any other.

        Args:
            path: The file, which is replaced if it exists. `.gz` and `.zst` compress it.

        Raises:
            ApiValueError: If it is named as a Parquet file.
            BulkError: If the disk is full.
        """
        write_rows(path, lambda: (row.to_dict() for row in self.rows()), (*COLUMNS, "arguments"))

    def write_failed(self, path: str | os.PathLike[str]) -> int:
        """Write the rows that were not applied as the input of another run, and return their number.

        Rows with an unknown outcome are left out, because they may have been applied. `resume` reads them
        back again.

        Args:
            path: A `.csv` file, in which bodies are JSON, or any other for JSON lines. `.gz` and `.zst`
                compress it. It is replaced if it exists.

        Raises:
            ApiValueError: If it is named as a Parquet file.
            BulkError: If the disk is full.
        """
        return write_rows(
            path,
            lambda: (row.to_row() for row in self.rows() if row.state in NOT_APPLIED),
            None,
        )

    def _shard(self, shard: int) -> Iterator[RowReport]:
        path = self._folder.journal_path(shard)
        history = History(path, self._manifest.sizes[shard], with_details=True)
        rows = read_rows(self._folder.rows_path(shard), len(history.states))
        for number, (position, key, arguments) in enumerate(rows):
            code = history.states[number]
            detail: Mapping[str, Any] = {}
            if code in (DENIED, ABSENT, UNKNOWN, UNAPPLIED):
                detail = history.detail(number)
            yield RowReport(position + 1, key, REPORTED[NAMES[code]], arguments, **detail)


def write_rows(
    path: str | os.PathLike[str],
    rows: Callable[[], Iterator[dict[str, Any]]],
    columns: tuple[str, ...] | None,
) -> int:
    """Write dicts to a CSV file, or as JSON lines to any other, and return their number.

    Args:
        path: The file.
        rows: Yields the dicts. It is called twice for a CSV file whose columns are unknown.
        columns: The columns of a CSV file, or None for one for each field.

    Raises:
        ApiValueError: If it isn't a path, or is named as a Parquet file.
        BulkError: If the disk is full.
    """
    path = check_path("path", path)
    suffix = format_of(path)
    if suffix in (".parquet", ".pq"):
        raise ApiValueError(f"can't write {path}: use .csv or .jsonl")
    count = 0
    with on_disk(path, "and use the same call again"), create_text(path) as file:
        if suffix != ".csv":
            for row in rows():
                file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
                count += 1
            return count
        import csv

        names = columns or tuple(dict.fromkeys(name for row in rows() for name in row))
        writer = csv.DictWriter(file, names)
        if names:
            writer.writeheader()
        for row in rows():
            writer.writerow(_cells(row))
            count += 1
    return count


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list, bool)) else value
        for name, value in row.items()
    }


def report(journal: str | os.PathLike[str]) -> Report:
    """Return the outcomes of the rows of a run, which may still be running.

    Args:
        journal: The folder of the run.

    Raises:
        BulkError: If the folder holds no run.
    """
    folder = Folder(journal)
    return Report(folder, folder.read_manifest())


def status(journal: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the progress of a run, which may still be running, as a dict for JSON.

    Args:
        journal: The folder of the run.

    Returns:
        `operation`, `host`, `total`, the counts by state, and `complete`.

    Raises:
        BulkError: If the folder holds no run.
    """
    folder = Folder(journal)
    manifest = folder.read_manifest()
    found = Report(folder, manifest)
    return {
        "operation": manifest.operation,
        "host": manifest.host,
        "total": manifest.rows,
        **found.counts,
        "complete": found.is_complete,
    }
