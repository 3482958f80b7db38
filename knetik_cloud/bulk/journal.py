"""The folder of a bulk run: its manifest, and the rows and the journal of each shard.

A journal is a text file with one record per line, written before a row is sent (`intent ROW TIME`, in the
service's epoch seconds) and after (`applied ROW TIME`, or `denied`, `absent`, `unapplied` or `unknown` with
details as JSON). An `intent` may be followed by another one with a corrected time. `unapplied` rows are
absent ones that no attempt can have applied. `before ROW [SINCE, IDS]` precedes the first intent of a row
that could be confused with older writes: the ids that existed, or null if they couldn't be read. One process
at a time writes the file. An incomplete last line, which a crash may leave, is discarded.
"""

from __future__ import annotations

import errno
import json
import os
import weakref
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, ClassVar, Literal, NamedTuple, Self

from knetik_cloud.bulk.files import check_path, replace

MANIFEST = "manifest.json"
STOP = "stop"
VERSION = 2

PENDING, OPEN, APPLIED, FOUND, DENIED, ABSENT, UNKNOWN, UNAPPLIED = range(8)
"""States of a row, as `History.states` holds them. `OPEN` rows have an intent without an outcome."""
NAMES = ("pending", "open", "applied", "found", "denied", "absent", "unknown", "unapplied")
REPORTED = {**{name: name for name in NAMES}, "open": "pending", "unapplied": "absent"}
"""The names of the states in a report."""
FINAL = frozenset((APPLIED, FOUND, DENIED))
"""States that a later run leaves alone."""
PLANNING = "plan"
"""The name of the lease of the process that stores the rows."""
RUNNING = "run"
"""The name of the lease of the process that runs the shards, in threads or in an executor."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a write for which the disk has no room."""
HELD = frozenset((errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK))
"""Errors of a lock that another process holds. With any other, the file system has no locks."""

CODES = {
    b"before": PENDING,
    b"intent": OPEN,
    **{name.encode(): code for code, name in enumerate(NAMES) if code > OPEN},
}
"""The state of a row after a record, by the first word of the record."""

Safety = Literal["process", "power"]


class BulkError(Exception):
    """A bulk run can't start or continue. The message names the remedy."""


class InvalidRowsError(BulkError, ValueError):
    """Rows can't be sent, or keys occur twice. Nothing was sent; `problems` lists the first of them.

    Attributes:
        problems: One line per problem.
        count: The number of problems.
    """

    def __init__(self, problems: list[str], count: int) -> None:
        more = "" if count == len(problems) else f"\n... and {count - len(problems)} more"
        listed = "\n".join(problems)
        counted = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(f"nothing was sent, because of {counted}:\n{listed}{more}")
        self.problems = problems
        self.count = count

    def __reduce__(self) -> tuple[Any, ...]:
        return InvalidRowsError, (self.problems, self.count)


class ChangedInputError(BulkError, ValueError):
    """The journal belongs to other rows or options. The message names the difference."""


class BusyError(BulkError):
    """Another process is running the shard."""


@contextmanager
def on_disk(path: object, remedy: str) -> Iterator[None]:
    """Turn the errors of a full disk and of `replace` into a BulkError with the path and the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            advice = "Correct that"
        elif isinstance(error, PermissionError) and error.filename2:
            path, advice = error.filename2, "Make sure that no other program has it open"
        else:  # such as that of a source
            raise
        raise BulkError(f"{path} can't be written: {error.strerror}. {advice}, {remedy}") from None


class Manifest(NamedTuple):
    """The description of a run.

    Attributes:
        operation: The id of the operation.
        api: The API class, as `module:name`.
        host: The URL of the service.
        run: A random id, from which rows without a key get theirs.
        rows: The number of rows.
        shards: The number of shards that rows are spread over.
        sizes: The number of rows in each shard that has some.
    """

    operation: str
    api: str
    host: str
    run: str
    rows: int
    shards: int
    sizes: Mapping[int, int]


class Folder:
    """The folder of a run.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        named = check_path("journal", path)
        self.path = named.absolute()  # the program may change its current folder during the run
        self._name = str(named)

    def __str__(self) -> str:
        return self._name

    def rows_path(self, shard: int) -> Path:
        """Return the file with the rows of a shard."""
        return self.path / f"{shard:04}.rows"

    def journal_path(self, shard: int) -> Path:
        """Return the journal of a shard."""
        return self.path / f"{shard:04}.journal"

    @property
    def is_planned(self) -> bool:
        """Whether the rows were checked and stored."""
        return (self.path / MANIFEST).exists()

    @property
    def is_being_planned(self) -> bool:
        """Whether a run has begun to check its rows, and has not stored them yet."""
        return not self.is_planned and self._planning_lease.exists()

    def check_journals(self) -> None:
        """Check that the journals, which hold records only after the manifest was written, have one.

        Raises:
            BulkError: If they have lost it.
        """
        size = 0
        for path in self.path.glob("*.journal"):
            with suppress(FileNotFoundError):  # another process discards its plan
                size += path.stat().st_size
        if size and not self.is_planned:
            raise BulkError(f"{self} holds journals without {MANIFEST}: restore it from a copy")

    @property
    def _planning_lease(self) -> Path:
        return (self.path / PLANNING).with_suffix(".lease")

    def read_manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            BulkError: If the folder holds no run, one whose rows aren't checked yet, one that is damaged, or
                one of another version.
        """
        try:
            found = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
            if found.pop("version") == VERSION:
                sizes = {int(shard): size for shard, size in found["sizes"].items()}
                return Manifest(**{**found, "sizes": sizes})
        except FileNotFoundError:
            self.check_journals()
            if self.is_being_planned:
                raise BulkError(
                    f"the rows of {self} aren't checked yet: wait for its first call, or start it again"
                ) from None
            raise BulkError(f"{self} holds no bulk run: check the path, or start one") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BulkError(f"{self.path / MANIFEST} is damaged: restore it from a copy") from None
        raise BulkError(f"{self} was written by another version of knetik_cloud: finish it with that one")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest, all at once, after the rows that it describes and their empty journals."""
        for shard in manifest.sizes:
            sync(self.rows_path(shard))
            self.journal_path(shard).touch()  # not by the first run: later, a missing one is a lost one
        scratch = self.path / f"{MANIFEST}.new"
        with scratch.open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, **manifest._asdict()}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        replace(scratch, self.path / MANIFEST)
        self.begin()
        sync(self.path)

    def begin(self) -> None:
        """Note that the run begins, or continues, now."""
        # Windows would touch it with the time of this machine. Elsewhere, only its owner may choose a time.
        os.utime(self.path / MANIFEST, (self._now(),) * 2 if os.name == "nt" else None)

    def age(self) -> float:
        """Return the seconds since the run began or continued, by the clock that all its machines share.

        It is that of the file system, because their own may differ.
        """
        return max(0.0, self._now() - (self.path / MANIFEST).stat().st_mtime)

    def _now(self) -> float:
        with TemporaryFile(dir=self.path) as probe:
            return os.fstat(probe.fileno()).st_mtime

    def is_stopped(self) -> bool:
        """Return whether the run was asked to stop, by any process."""
        return (self.path / STOP).exists()

    def stop(self) -> None:
        """Ask all processes of the run to stop after the calls in flight."""
        (self.path / STOP).touch()

    def clear_stop(self) -> None:
        """Withdraw an earlier request to stop."""
        (self.path / STOP).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, survive the end of the machine."""
    if os.name == "nt" and path.is_dir():  # Windows can't open folders, and stores names by itself
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lease:
    """The exclusive right to write a shard's journal or an export. It ends with the process, however it ends.

    Raises:
        BusyError: If another process holds it.
        BulkError: If the file system has no locks.
    """

    _all: ClassVar[weakref.WeakSet[Lease]] = weakref.WeakSet()

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(".lease")
        while True:
            self._file: IO[bytes] = self._path.open("ab")
            self._all.add(
                self
            )  # before the file is locked: a process that is forked then would hold the lock
            try:
                _lock(self._file)
            except OSError as error:
                self._file.close()
                if error.errno in HELD:
                    raise BusyError(f"another process is running {path}") from None
                raise BulkError(
                    f"{path} can't be locked ({error.strerror}): name one on a file system that locks files"
                ) from None
            if self._is_in_place():
                return
            self._file.close()

    def _is_in_place(self) -> bool:
        """Return whether the locked file is still at its path: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Release the lease. A forked process doesn't hold that of its parent."""
        if self._file.closed:
            return
        try:
            _unlock(self._file)
        finally:
            self._file.close()

    def remove(self) -> None:
        """Release the lease and remove its file. In a forked process, this does nothing."""
        if self._file.closed:
            return
        with suppress(OSError):  # Windows removes no file that is open
            self._path.unlink()  # while it is locked: later, it could be the file of the next holder
        self.close()
        if os.name == "nt":
            with suppress(OSError):
                self._path.unlink()

    @classmethod
    def close_inherited(cls) -> None:
        """Close the files of a parent process, so that its leases end with it, and not with this process."""
        for lease in list(cls._all):
            lease._file.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=Lease.close_inherited)


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows, where nothing is forked
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_UN)


class History:
    """The content of a journal: the state of each row.

    Args:
        path: The journal.
        rows: The number of rows.
        with_details: Whether to record where the details of outcomes are.

    Attributes:
        states: The state of each row.
        end: The length of the file in bytes, without an incomplete last line.

    Raises:
        BulkError: If the journal is missing or damaged, or too many files are open.
    """

    def __init__(self, path: Path, rows: int, *, with_details: bool = False) -> None:
        self.path = path
        self.states = bytearray(rows)
        self.details = array("q", bytes(8 * rows)) if with_details else None
        self.end = 0
        with open_stored(path, "rb") as file:
            self._replay(file)

    def _replay(self, file: IO[bytes]) -> None:
        states, details, codes = self.states, self.details, CODES
        end = 0
        for line in file:
            if line[-1:] != b"\n":
                break
            fields = line.split(b" ", 2)
            try:
                code, row = codes[fields[0]], int(fields[1])
                states[row] = code
            except (KeyError, ValueError, IndexError):
                raise BulkError(
                    f"{self.path} is damaged at byte {end}: {line[:80]!r}. Restore it from a copy. If the "
                    'machine has lost power during a run with safety="power", cut the journal off there'
                ) from None
            if details is not None:
                details[row] = end
            end += len(line)
        self.end = end

    def detail(self, row: int) -> dict[str, Any]:
        """Read the details of a row's outcome from the journal."""
        assert self.details is not None
        with open_stored(self.path, "rb") as file:  # not kept open: a report reads all shards at once
            file.seek(self.details[row])
            fields = file.readline().split(b" ", 3)
        found: dict[str, Any] = json.loads(fields[3]) if len(fields) > 3 else {}
        return found


class ShardJournal:
    """The journal of a shard, opened for writing under a lease.

    Args:
        path: The journal.
        rows: The number of rows in the shard.
        safety: `"process"` survives the end of the process at any moment, and `"power"` that of the machine
            too, at about 5 ms per row.

    Raises:
        BusyError: If another process is running the shard.
        BulkError: If the journal is missing or damaged.
    """

    def __init__(self, path: Path, rows: int, safety: Safety = "process") -> None:
        self._lease = Lease(path)
        try:
            self.history = History(path, rows)
            # A row that no attempt can have applied is sent again as if it were new.
            self.states = self.history.states.replace(bytes([UNAPPLIED]), bytes([PENDING]))
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except BaseException:
            self._lease.close()
            raise
        self._path = path
        self._size = self.history.end
        os.truncate(self._descriptor, self._size)
        self._sync = getattr(os, "fdatasync", os.fsync) if safety == "power" else None
        if self._sync is not None:  # the plan may have been killed before it did, or a copy restored
            sync(path.parent)

    def note_existing(self, row: int, since: int, ids: Collection[Any] | None) -> None:
        """Record what exists before a row is sent: the ids, or None if they can't be read.

        Args:
            row: The row.
            since: The service's time from which they were listed, in epoch seconds.
            ids: The ids.

        Raises:
            BulkError: If the journal can't be written.
        """
        listed = None if ids is None else list(ids)
        self._append(b"before %d %s\n" % (row, json.dumps([since, listed]).encode()))

    def intend(self, row: int, time: int) -> None:
        """Record that a row is about to be sent, at the service's time in epoch seconds.

        Raises:
            BulkError: If the journal can't be written. The row must not be sent then.
        """
        self._append(b"intent %d %d\n" % (row, time))
        if self._sync is not None:
            self._sync(self._descriptor)
        self.states[row] = OPEN

    def record(self, row: int, state: int, time: int, detail: Mapping[str, Any] | None = None) -> None:
        """Record the outcome of a row, at the service's time in epoch seconds.

        Raises:
            BulkError: If the journal can't be written.
        """
        if detail is None:
            self._append(b"%s %d %d\n" % (_NAMES[state], row, time))
        else:
            text = json.dumps(detail, ensure_ascii=True).encode()
            self._append(b"%s %d %d %s\n" % (_NAMES[state], row, time, text))
        self.states[row] = state

    def _append(self, line: bytes) -> None:
        """Write a record as a whole; a full disk may take a part of it."""
        try:
            written = os.write(self._descriptor, line)
            if written == len(line):
                self._size += written
                return
            reason = os.strerror(errno.ENOSPC)
            os.truncate(self._descriptor, self._size)
        except OSError as error:
            reason = str(error.strerror)
        raise BulkError(
            f"{self._path} can't be written: {reason}. Correct that, and use the same command to continue"
        )

    def close(self) -> None:
        """Close the journal, and release the lease."""
        os.close(self._descriptor)
        self._lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_NAMES = [name.encode() for name in NAMES]


def open_stored(path: Path, mode: str) -> IO[Any]:
    """Open the rows or the journal of a shard, as bytes or as text.

    Raises:
        BulkError: If it is missing, or too many files are open.
    """
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    try:
        return path.open(mode, encoding=encoding, newline=newline)
    except FileNotFoundError:
        reason = f"{path} is missing: restore it from a copy"
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        reason = "too many open files: use fewer shards, or raise the limit (ulimit -n)"
    raise BulkError(reason)


def read_rows(path: Path, size: int) -> Iterator[tuple[int, str | None, dict[str, Any]]]:
    """Yield the rows of a shard: the position in the input, the key and the arguments.

    Args:
        path: The file with the rows.
        size: The number of rows that it has to hold.

    Raises:
        BulkError: If the file is missing or damaged, or too many files are open.
    """
    from knetik_cloud.data import codec

    decode = codec.fast_decoder() or json.loads
    number = 0
    with open_stored(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = decode(line)
            except ValueError:
                number -= 1
                break
            yield row
    if number != size:
        raise BulkError(f"{path} is damaged: it holds {number:,} of {size:,} rows. Restore it from a copy")
