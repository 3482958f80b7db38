"""Running the rows of a shard, one after the other: intent, call, outcome, and reading back what is unknown.

A generator without I/O of its own except for the journal. It yields `Send` for a row, `Run` and `Sleep` as
the recovery does, `Throttled` if the service asks to wait, and `NEXT` before each attempt to send a row, to
which the driver replies whether to continue.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from knetik_cloud import writes
from knetik_cloud.bulk.journal import (
    ABSENT,
    APPLIED,
    DENIED,
    FINAL,
    FOUND,
    OPEN,
    PENDING,
    UNAPPLIED,
    UNKNOWN,
    ShardJournal,
    read_rows,
)
from knetik_cloud.bulk.siblings import Beginning, Traces, find_traces
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.exceptions import ApiException, ApiValueError
from knetik_cloud.recovery import (
    CannotReadError,
    Look,
    Lookup,
    Marker,
    Run,
    ServiceTime,
    Settings,
    Steps,
    certain,
    is_denial,
    judge,
    look_for_marker,
)
from knetik_cloud.writes import Moment, State

MAX_THROTTLED = 20
"""How often the service may ask to wait for one row before it counts as absent."""
FAR_FUTURE = 253_402_300_799
"""The end of the year 9999 in epoch seconds."""
STATES: Mapping[str, int] = {"applied": APPLIED, "absent": ABSENT, "denied": DENIED, "unknown": UNKNOWN}


class Send(NamedTuple):
    """A command to send the row. The driver replies with the result, or with the `ApiException`."""

    arguments: Mapping[str, Any]


class Rest(NamedTuple):
    """A command to pause all workers. The driver replies as to `NEXT`."""

    seconds: float


class Throttled(NamedTuple):
    """A command to slow all workers down, and to wait. The driver replies as to `NEXT`."""

    seconds: float


NEXT = object()
"""A command to wait for the row's turn. The driver replies with True, or with False to stop."""

Command = Send | Run | Sleep | Rest | Throttled | object
ShardSteps = Generator[Any, Any, None]


class RejectedError(Exception):
    """The service rejects the credentials, so that no row can succeed."""

    def __init__(self, error: ApiException) -> None:
        super().__init__(error)
        self.error = error


class Job(NamedTuple):
    """The settings that all rows of a run share.

    Attributes:
        operation: The operation.
        settings: The settings of read-backs, and how often a row is sent again.
        settle: Seconds to wait for a late write.
        run: The id of the run.
        canary: Rows from this position on are left for later, or None.
        find_keys: Whether to look for a row's own key before sending it.
        beginning: When rows could be confused with writes before the run.
        ended: A function that is called with the state of each row that ends, and its error.
    """

    operation: Operation[Any]
    settings: Settings
    settle: float
    run: str
    canary: int | None
    find_keys: bool
    beginning: Beginning
    ended: Callable[[int, ApiException | None], None]


class _Unsettled(NamedTuple):
    """The outcome of a row, to be recorded as soon as none of its lost attempts can arrive any more.

    Attributes:
        until: That moment, by the monotonic clock.
        record: The arguments of `ShardJournal.record`.
    """

    until: float
    record: tuple[Any, ...]


class Shard:
    """The rows of a shard, and how to run them.

    Writes that can't be read back (PUT, DELETE and PATCH) overwrite each other. Therefore, a row of these
    waits until no lost attempt of the row before it for the same resource can arrive. If that row will be
    sent again by a later run, the row is left for that run.

    Args:
        job: The run.
        rows: The file with the rows.
        journal: The journal.
        clock: The service's time, shared by all shards of a process.
    """

    def __init__(self, job: Job, rows: Path, journal: ShardJournal, clock: ServiceTime) -> None:
        self._job = job
        self._rows = rows
        self._journal = journal
        self._clock = clock
        self._overwrites = not job.operation.read_back
        self._path_parameters = [p for p in job.operation.parameters if p.place == "path"]
        self._path: tuple[str, ...] = ()
        """The resource of the current row."""
        self._settled_at = 0.0
        """When no lost attempt of the current row can arrive any more, by the monotonic clock."""
        self._sent: tuple[Moment, int] | None = None
        """When this run last sent the current row, and the service's time that the journal has for it."""
        self._began = monotonic()
        self._held: set[tuple[str, ...]] = set()
        """Resources of rows that a later run sends again."""
        self._unsettled: dict[tuple[str, ...], _Unsettled] = {}

    def steps(self) -> ShardSteps:
        """Run all rows that have no final state yet.

        Raises:
            RejectedError: If the service rejects the credentials.
        """
        rejected: RejectedError | None = None
        try:
            yield from self._run_rows()
        except RejectedError as error:
            rejected = error
        for path in [*self._unsettled]:
            yield from self._settle(path)
        if rejected is not None:
            raise rejected

    def _run_rows(self) -> ShardSteps:
        job, journal, operation = self._job, self._journal, self._job.operation
        states, marker, beginning = journal.states, operation.marker, job.beginning
        leaves_traces = bool(operation.read_back) and marker is None
        for row, (position, key, arguments) in enumerate(self._read()):
            if states[row] in FINAL or (job.canary is not None and position >= job.canary):
                continue
            if self._overwrites and not (yield from self._wait_for_earlier(row, arguments)):
                continue
            if not (yield NEXT):
                return
            self._sent = None
            mark(operation, arguments, f"{job.run}-{position + 1}" if key is None else key)
            is_in_doubt = states[row] != PENDING or (job.find_keys and key is not None and marker is not None)
            if is_in_doubt and not (yield from self._must_send(row, arguments)):
                continue
            if (
                leaves_traces
                and not beginning.is_over
                and not (yield from self._note_existing(row, arguments))
            ):
                return
            before = states[row]
            self._intend(row)
            result = yield Send(arguments)
            if isinstance(result, ApiException):
                yield from self._recover(row, arguments, result, before)
            else:
                self._end(row, APPLIED)

    def _wait_for_earlier(self, row: int, arguments: Mapping[str, Any]) -> Steps[bool]:
        """Wait for the row before of the same resource, and return whether this run may send the row."""
        path = self._path_of(arguments)
        if path in self._held or (
            self._journal.states[row] == UNKNOWN and self._overwritten.get(path, 0) > row
        ):
            return False
        for other, unsettled in [*self._unsettled.items()]:
            if other == path or unsettled.until <= monotonic():
                yield from self._settle(other)
        is_in_doubt = self._journal.states[row] in (OPEN, UNKNOWN)
        self._path = path
        self._settled_at = self._began + self._job.settle if is_in_doubt else 0.0
        return True

    def _path_of(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(writes.canonical(p, arguments.get(p.name)) for p in self._path_parameters)

    @cached_property
    def _overwritten(self) -> Mapping[tuple[str, ...], int]:
        """The last applied row of each resource with an unknown row before it, as earlier runs left it."""
        states, last = self._journal.states, dict[tuple[str, ...], int]()
        for row, (_, _, arguments) in enumerate(self._read()):
            if states[row] == UNKNOWN:
                last.setdefault(self._path_of(arguments), 0)
            elif states[row] == APPLIED and (path := self._path_of(arguments)) in last:
                last[path] = row
        return last

    def _settle(self, path: tuple[str, ...]) -> Steps[None]:
        """Wait until no lost attempt of a resource can arrive any more, and record the outcome of its row."""
        until, record = self._unsettled.pop(path)
        left = until - monotonic()
        if left > 0:
            yield Sleep(left)
        self._journal.record(*record)

    def _read(self) -> Iterator[tuple[int, str | None, dict[str, Any]]]:
        return read_rows(self._rows, len(self._journal.states))

    def _end(self, row: int, state: int, error: ApiException | None = None, candidates: int = 0) -> None:
        detail: dict[str, Any] | None = None
        if error is not None:
            detail = {"status": error.status, "code": error.code, "reason": _reason(error)}
            if error.request_id is not None:
                detail["request_id"] = error.request_id
            if candidates:
                detail["candidates"] = candidates
        self._job.ended(ABSENT if state == UNAPPLIED else state, error)
        record = row, state, self._latest(), detail
        if self._settled_at > monotonic():  # if the process is killed before, the row is sent again first
            self._unsettled[self._path] = _Unsettled(self._settled_at, record)
        else:
            self._journal.record(*record)
        if self._overwrites and self._is_sent_again(state, error):
            self._held.add(self._path)

    def _is_sent_again(self, state: int, error: ApiException | None) -> bool:
        """Return whether a later run sends a row again, and may then apply it."""
        if self._job.operation.retry == "idempotent":
            return error is not None and not is_denial(error)
        return state == UNAPPLIED

    def _earliest(self) -> int:
        """Return the earliest the service's time may be, in epoch seconds: 0 if it is unknown."""
        return int(self._clock.now()) if self._clock.is_known else 0

    def _latest(self) -> int:
        """Return the latest the service's time may be, in epoch seconds: the far future if it is unknown."""
        return math.ceil(self._clock.latest()) if self._clock.is_known else FAR_FUTURE

    @property
    def _margin(self) -> int:
        return math.ceil(self._clock.margin)

    def _note_existing(self, row: int, arguments: Mapping[str, Any]) -> Generator[Any, Any, bool]:
        """Record what exists before a row that could be confused with a write before the run.

        The first rows read it. The others wait until no earlier write can look like theirs.

        Returns:
            False if the run stopped during the wait.
        """
        lookup, clock, beginning = self._lookup(arguments), self._clock, self._job.beginning
        if not clock.is_known:
            try:
                yield from lookup.learn_time()
            except (CannotReadError, ApiValueError):  # nobody knows when the row is sent
                self._journal.note_existing(row, 0, None)
                return True
            clock.take(lookup.time)
            clock.assume_local()  # a service that sends no Date is not asked for each row
        left = beginning.seconds_left(clock.margin)
        if left <= 0 or self._journal.states[row] != PENDING:
            return True
        if not beginning.may_read():
            may_continue: bool = yield Rest(left)
            return may_continue
        since = self._earliest() - self._margin
        ids = None
        with suppress(CannotReadError, ApiValueError):
            ids = [item._json.get("id") for item in (yield from lookup.traces(since))]
        self._journal.note_existing(row, since, ids)
        return True

    def _lookup(self, arguments: Mapping[str, Any]) -> Lookup:
        job = self._job
        marker = job.operation.marker
        text = None if marker is None else _marker_in(arguments[marker])
        return Lookup(job.operation, arguments, job.settings, text)

    def _look(self, row: int, arguments: Mapping[str, Any]) -> Look:
        """Return how to look for a row: by its marker, or by counting what its siblings have left."""
        lookup = self._lookup(arguments)
        if self._job.operation.marker is not None:
            return look_for_marker(lookup)

        def look() -> Steps[tuple[State, list[Any]]]:
            is_dated = False
            while not is_dated:
                traces = self._traces(row, arguments)
                found = yield from lookup.traces(traces.since)
                is_dated = not self._correct_intent(row)
            new = [item for item in found if item._json.get("id") not in traces.before]
            return judge(len(new), traces.applied, traces.pending), new

        return look

    def _intend(self, row: int) -> None:
        """Record that a row is about to be sent."""
        self._sent = Moment.now(), self._earliest()
        self._journal.intend(row, self._sent[1])

    def _correct_intent(self, row: int) -> bool:
        """Record an earlier time of a row if the clock by which it was sent has turned out to be ahead."""
        if (
            self._sent is None
            or self._clock.by_monotonic(self._sent[0]) - 1.0 >= self._sent[1] - self._margin
        ):
            return False
        self._sent = self._sent[0], int(self._clock.at(self._sent[0]))
        self._journal.intend(row, self._sent[1])
        return True

    def _must_send(self, row: int, arguments: dict[str, Any]) -> Steps[bool]:
        """Read a row back that an earlier run has left without a final state; return whether to send it."""
        job = self._job
        if not job.operation.read_back:
            if job.operation.retry == "idempotent":
                return True
            self._end(row, UNKNOWN, ApiException(reason="the API can't show whether it was applied"))
            return False
        state, found, error = yield from certain(self._look(row, arguments), job.settle)
        if state == "absent":
            return True
        if state == "applied":
            self._end(row, FOUND if self._journal.states[row] == PENDING else APPLIED)
        elif error is not None and self._rejects_credentials(error):
            raise RejectedError(error)
        elif error is not None and self._journal.states[row] == ABSENT:  # as recorded: it wasn't sent since
            job.ended(ABSENT, error)
        else:
            reason = "the API can't show the outcome: other writes look the same"
            self._end(row, UNKNOWN, error or ApiException(reason=reason), len(found))
        return False

    def _recover(
        self, row: int, arguments: Mapping[str, Any], error: ApiException, before: int
    ) -> ShardSteps:
        """Determine the outcome of a row whose call failed, and send it again if that is safe.

        Args:
            row: The row.
            arguments: Its arguments.
            error: The error of the call.
            before: The state in which an earlier run has left the row.
        """
        job = self._job
        may_be_there = before in (OPEN, UNKNOWN)
        sent_again = throttled = 0
        while True:
            may_be_there |= error.may_have_applied
            if error.status == 404 and may_be_there and job.operation.method == "DELETE":
                return self._end(row, APPLIED)
            not_applied = UNAPPLIED if before == PENDING and not may_be_there else ABSENT
            if may_be_there and not job.operation.read_back:
                not_applied = UNKNOWN
            if self._rejects_credentials(error):
                self._end(row, not_applied, error)
                raise RejectedError(error)
            state, candidates, error = yield from self._decide(row, arguments, error)
            if state == "applied":
                return self._end(row, APPLIED)
            if state != "absent":
                ended = UNKNOWN if state == "denied" and not_applied == UNKNOWN else STATES[state]
                return self._end(row, ended, error, candidates)
            # While there is no token, every row would fail.
            has_to_wait = (
                error.status == 429 or error.retry_after or (error.status and self._is_of_token(error))
            )
            if has_to_wait and throttled < MAX_THROTTLED:
                # "0", or a date that is past by the local clock, asks for no particular time.
                wait = error.retry_after or random.uniform(0.5, 1.0) * 2.0 ** min(throttled, 5)
                may_continue = yield Throttled(wait)
                throttled += 1
            elif sent_again < job.settings.retries:
                yield Sleep(random.uniform(0.0, 0.1) * 2.0**sent_again)
                may_continue, sent_again = True, sent_again + 1
            else:
                may_continue = False
            if not (may_continue and (yield NEXT)):
                return self._end(row, not_applied, error)
            self._intend(row)
            result = yield Send(arguments)
            if not isinstance(result, ApiException):
                return self._end(row, APPLIED)
            error = result

    def _rejects_credentials(self, error: ApiException) -> bool:
        """Return whether an error ends all rows: a 401, or a denial by the token operation."""
        return error.status == 401 or (self._is_of_token(error) and is_denial(error))

    def _is_of_token(self, error: ApiException) -> bool:
        """Return whether the token operation has failed, not that of the row or of a read-back."""
        operation = self._job.operation
        return error.operation not in (None, operation.id, *(step.list for step in operation.read_back))

    def _decide(
        self, row: int, arguments: Mapping[str, Any], error: ApiException
    ) -> Steps[tuple[State, int, ApiException]]:
        """Return the state of a row whose call failed, the number of candidates, and the error to report."""
        if not error.may_have_applied:
            return ("denied" if is_denial(error) else "absent"), 0, error
        if not self._job.operation.read_back:
            self._settled_at = monotonic() + self._job.settle
            return ("absent" if self._job.operation.retry == "idempotent" else "unknown"), 0, error
        state, found, read_error = yield from certain(self._look(row, arguments), self._job.settle)
        if error._write is not None:
            error._write.resolve(state)
        return state, len(found), read_error or error

    def _traces(self, row: int, arguments: Mapping[str, Any]) -> Traces:
        """Return where to look for a row's traces, and how many of them are those of its siblings."""
        operation = self._job.operation
        mine = writes.marks(operation, arguments)
        alike = {
            other
            for other, (_, _, others) in enumerate(self._read())
            if other != row and writes.are_alike(mine, writes.marks(operation, others))
        }
        journal = self._journal
        return find_traces(journal.history.path, journal.states, row, alike, self._latest(), self._margin)


def mark(operation: Operation[Any], arguments: dict[str, Any], key: str) -> None:
    """Add the key of a row to its arguments, if the operation has a place for it."""
    if operation.marker is not None:
        arguments[operation.marker] = Marker(key).after(arguments.get(operation.marker))


def _marker_in(text: str) -> Marker:
    """Return the marker that a text sent as the marking argument holds."""
    return Marker(text[text.rindex("[") + 1 : -1])


def _reason(error: ApiException) -> str:
    text = "; ".join(detail.message for detail in error.errors if detail.message)
    return text or str(error.reason)
