"""Running the shards of a bulk run: in threads of this process, or in any executor."""

from __future__ import annotations

import math
import os
import queue
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import closing, contextmanager, suppress
from contextvars import copy_context
from importlib import import_module
from typing import Any, NamedTuple

from knetik_cloud import deadlines
from knetik_cloud.api_client import Api, ApiClient
from knetik_cloud.bulk.journal import (
    ABSENT,
    APPLIED,
    DENIED,
    FOUND,
    NAMES,
    RUNNING,
    UNKNOWN,
    BulkError,
    BusyError,
    Folder,
    Lease,
    Manifest,
    Safety,
    ShardJournal,
)
from knetik_cloud.bulk.pace import Pace
from knetik_cloud.bulk.planning import (
    DEFAULT_SHARDS,
    MAX_CONCURRENCY,
    MAX_SHARDS,
    Target,
    check_tps,
    store_rows,
    target_of,
)
from knetik_cloud.bulk.progress import Meter, Progress
from knetik_cloud.bulk.reporting import Report
from knetik_cloud.bulk.shard import NEXT, Job, RejectedError, Rest, Send, Shard, ShardSteps, Throttled
from knetik_cloud.bulk.siblings import Beginning
from knetik_cloud.bulk.sources import Rows
from knetik_cloud.core import options
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiConnectionException, ApiException, ApiValueError
from knetik_cloud.observation import is_interruption
from knetik_cloud.recovery import SETTLE_SECONDS, ServiceTime, check_settle, settings_of
from knetik_cloud.terminals import is_terminal
from knetik_cloud.writes import Moment

DEFAULT_CONCURRENCY = 16
UNREACHED_IN_A_ROW = 50
"""Failures without a success in between after which the service counts as unreachable."""
POLL_SECONDS = 0.2
BUSY_SECONDS = 1.0
STOP_POLL_SECONDS = 1.0

Connect = Callable[[], Api]
MaxErrors = int | float | str | None


class Limits(NamedTuple):
    """How a run may go; other limits may be given when it is resumed.

    Attributes:
        concurrency: The maximum number of concurrent calls.
        tps: Rows per second, at most, or None.
        settle: Seconds to wait for a late write.
        errors: Rows that may fail before the run stops, or None.
        safety: `process` or `power`.
        canary: Rows to run before the others, or None.
        find_keys: Whether to look for keys before sending.
        failed: Rows that failed in the canary, and count as errors.
    """

    concurrency: int
    tps: float | None
    settle: float
    errors: int | None
    safety: Safety
    canary: int | None
    find_keys: bool
    failed: int = 0


class Tally(NamedTuple):
    """The result of a call of `run_shard`.

    Attributes:
        counts: The number of rows that ended, by state.
        state: `done`, `stopped` or `busy` (another process is running the shard).
        reason: The reason why it stopped, or None.
    """

    counts: Mapping[str, int]
    state: str
    reason: str | None = None


def run(
    rows: Rows,
    method: Callable[..., Any],
    *,
    journal: str | os.PathLike[str],
    connect: Connect | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    tps: float | None = None,
    settle: float = SETTLE_SECONDS,
    canary: int | None = None,
    confirm: Callable[[Report], bool] | None = None,
    max_errors: MaxErrors = None,
    find_keys: bool = False,
    shards: int = DEFAULT_SHARDS,
    safety: Safety = "process",
    progress: Progress = None,
) -> Report:
    """Run a write for each row exactly once, and return the outcomes of the rows.

    The same command resumes after a crash or Ctrl-C: finished rows are skipped, and the outcomes of rows that
    were in flight are read back from the service. All rows are checked before the first call.

    Rows of one user run one after the other, in the order of the input. Rows of different users run at the
    same time: at first 2, then more until the latency rises or the service responds with 429.

    Rows of a PUT, DELETE or PATCH for the same resource overwrite each other. If one of them has to be sent
    again, the later ones stay pending and follow it in the next run. After a lost attempt, the next row
    waits `settle` seconds. Failed rows of other operations are sent again without this order.

    The service keeps no key with grants and new items. For these, the run reads what exists before each of
    its first 200 rows, and then pauses until it is 6 seconds old. Otherwise, it could mistake an entry of
    another program for that of a row, because the service's times have whole seconds. As long as the run
    isn't finished, nothing else may do the same for the same users and items. If the rows are adds, nothing
    else may grant, add or sell any item to their users, because an entry shows no SKU.

    Args:
        rows: Mappings of the method's arguments, in any iterable, or the path of a `.csv`, `.jsonl` or
            `.parquet` file. Fields of the body may be in the row itself. `key` identifies a row.
        method: A write method of an API object, such as `api.grant_user_entitlement`.
        journal: The folder for the journal. It is created if it doesn't exist, and must hold no other files.
        connect: A function of a module, without arguments, that creates the API object in each process of the
            executor. By default, the API class is called without arguments there, so that its configuration
            comes from the environment.
        executor: The executor of whole shards, such as `dask.distributed.Client.get_executor()` or a
            `ProcessPoolExecutor`. The folder must be visible to its processes. None runs threads of this
            process. A `ThreadPoolExecutor` does the same, up to its number of workers. If the executor fails,
            pass a new one with the same command to continue.
        workers: The number of shards that the executor runs at the same time, by which `tps` is divided. By
            default, the executor reports it when the run starts.
        concurrency: The maximum number of calls at the same time, 1 to 256, for threads of this process.
        tps: The maximum number of rows per second, or None. A retry counts as a row.
        settle: Seconds to wait for a late write before a lost one counts as not applied.
        canary: The number of rows to run first, before `confirm` decides whether to continue.
        confirm: A function that is called with the report after the canary, and returns whether to continue.
            By default, the run asks on the terminal. Without a terminal, the run stops after the canary, and
            the same command continues.
        max_errors: Stop as soon as more rows than this have failed: a number, or a share such as `"1%"` or
            0.01.
        find_keys: Look for each row's own `key` before sending it, for operations whose key comes back. Use
            it if a run whose journal is lost may have applied the rows.
        shards: The number of parts that the rows are divided into by user, 1 to 4096.
        safety: `"process"` survives the end of the process at any moment. `"power"` also survives a crash of
            the machine, at about 5 ms per row.
        progress: None shows a bar on a terminal and prints one JSON line every ten seconds otherwise. False
            shows nothing. A function is called with each state.

    Returns:
        The report. If `stopped` is not None, the run ended early.

    Raises:
        InvalidRowsError: If rows can't be sent, or keys occur twice. Nothing was sent.
        ChangedInputError: If the journal belongs to other rows or options.
        BulkError: If the run can't start or continue, such as when the service rejects the credentials, or a
            process of the executor is killed. The cause of an executor's error is its `__cause__`.
        ApiValueError: If an option is out of range, or `tps` needs `workers` because the executor doesn't
            report them.
        KeyboardInterrupt: After Ctrl-C, once the calls in flight have ended.
    """
    limits = _limits(concurrency, tps, settle, max_errors, safety, canary, find_keys)
    shards = options.integer("shards", shards, 1, MAX_SHARDS)
    target = target_of(method)
    _check_executor(executor, workers, limits.tps)
    folder = Folder(journal)
    manifest = store_rows(rows, target, folder, shards)
    running = _Run(folder, manifest, target, limits, max_errors, connect, executor, workers, progress)
    return running.finish(confirm)


def resume(
    journal: str | os.PathLike[str],
    api: Api | None = None,
    *,
    connect: Connect | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    tps: float | None = None,
    settle: float = SETTLE_SECONDS,
    max_errors: MaxErrors = None,
    find_keys: bool = False,
    safety: Safety = "process",
    progress: Progress = None,
) -> Report:
    """Resume a run from its journal, without the input.

    Rows that ended as `absent` are sent again, and `unknown` ones are read back again.

    Args:
        journal: The folder of the run.
        api: The API object to call. By default, its class is called without arguments.
        connect: As for `run`.
        executor: As for `run`.
        workers: As for `run`.
        concurrency: As for `run`.
        tps: As for `run`.
        settle: As for `run`.
        max_errors: As for `run`.
        find_keys: As for `run`.
        safety: As for `run`.
        progress: As for `run`.

    Returns:
        The report.

    Raises:
        BulkError: If the folder holds no run, or the run can't continue.
        ChangedInputError: If the API object calls another host.
        ApiValueError: If an option is out of range.
        KeyboardInterrupt: After Ctrl-C, once the calls in flight have ended.
    """
    limits = _limits(concurrency, tps, settle, max_errors, safety, None, find_keys)
    _check_executor(executor, workers, limits.tps)
    folder = Folder(journal)
    manifest = folder.read_manifest()
    folder.clear_stop()
    with _connected(manifest, api or connect) as connected:
        target = _target(manifest, connected)
        runner = _Run(folder, manifest, target, limits, max_errors, connect, executor, workers, progress)
        return runner.finish(None)


def run_shard(
    journal: str | os.PathLike[str],
    shard: int,
    connect: Connect | Api | None = None,
    *,
    tps: float | None = None,
    settle: float = SETTLE_SECONDS,
    max_errors: int | None = None,
    find_keys: bool = False,
    safety: Safety = "process",
    canary: int | None = None,
    nonce: str = "",
) -> Tally:
    """Run the rows of one shard, in any process. A second call for a shard finds nothing left to do.

    Schedulers such as Celery or Airflow call it once per shard, after `prepare` has stored the rows. They may
    call it again: only one process at a time runs a shard.

    Args:
        journal: The folder of the run, on a file system that all processes share.
        shard: The number of the shard, from `shards_of(journal)`.
        connect: The API object to call, or a function that makes it. By default, its class is called without
            arguments, so that its configuration comes from the environment.
        tps: The maximum number of rows per second of this shard, or None. Shards that run one after the other
            don't exceed it either.
        settle: As for `run`.
        max_errors: Stop as soon as more rows of this shard than this have failed, or None.
        find_keys: As for `run`.
        safety: As for `run`.
        canary: The number of rows at the start of the input to which the call is limited, or None.
        nonce: Any string, which is ignored. It lets schedulers distinguish two otherwise equal calls.

    Returns:
        The result of the call.

    Raises:
        BulkError: If the folder holds no such shard, or the service rejects the credentials.
        ChangedInputError: If the API object calls another host.
    """
    folder = Folder(journal)
    manifest = folder.read_manifest()
    if shard not in manifest.sizes:
        known = ", ".join(map(str, manifest.sizes)) or "none"
        raise BulkError(f"{folder} has no shard {shard}: it has {known}")
    limits = _limits(1, tps, settle, max_errors, safety, canary, find_keys)
    limits = limits._replace(errors=allowed_errors(max_errors, manifest.sizes[shard]))
    with _connected(manifest, connect) as api:
        target = _target(manifest, api)
        worker = _Worker(folder, manifest, target, limits)
        worker.pace.join()
        worker.pace.skip_turn()
        try:
            state = worker.run(shard)
        except RejectedError as rejected:
            raise _rejected_error(folder, rejected.error) from None
        stopped = worker.stopped
        return Tally(worker.counts_by_name(), "stopped" if state == "done" and stopped else state, stopped)


def prepare(
    rows: Rows,
    method: Callable[..., Any],
    *,
    journal: str | os.PathLike[str],
    shards: int = DEFAULT_SHARDS,
) -> list[int]:
    """Check all rows and store them by shard, without sending any, for a scheduler that calls `run_shard`.

    Args:
        rows: As for `run`.
        method: As for `run`.
        journal: As for `run`.
        shards: As for `run`.

    Returns:
        The numbers of the shards that have rows.

    Raises:
        InvalidRowsError: If rows can't be sent, or keys occur twice.
        ChangedInputError: If the journal belongs to other rows or options.
        ApiValueError: If an option is out of range.
    """
    shards = options.integer("shards", shards, 1, MAX_SHARDS)
    return list(store_rows(rows, target_of(method), Folder(journal), shards).sizes)


def stop(journal: str | os.PathLike[str]) -> None:
    """Ask all processes that work on a run to stop after the calls in flight.

    A run that still checks its rows stops before its first call. Later calls of `run`, `resume` and `prepare`
    withdraw the request.

    Args:
        journal: The folder of the run.

    Raises:
        BulkError: If the folder holds no run.
    """
    folder = Folder(journal)
    folder.check_journals()
    if not folder.is_being_planned:
        folder.read_manifest()
    folder.stop()


def shards_of(journal: str | os.PathLike[str]) -> list[int]:
    """Return the numbers of the shards of a run that have rows."""
    return list(Folder(journal).read_manifest().sizes)


def _check_executor(executor: Executor | None, workers: int | None, tps: float | None) -> None:
    if executor is not None and not isinstance(executor, Executor):
        raise types.invalid_value_error("executor", "a concurrent.futures.Executor", executor)
    if workers is not None:
        options.integer("workers", workers, 1)
    elif executor is not None and tps is not None and _workers_of(executor) is None:
        raise ApiValueError(
            f"tps is divided by the number of shards that run at the same time, which {executor!r} doesn't "
            "report: pass workers=, or wait until it has workers"
        )


def _limits(
    concurrency: int,
    tps: float | None,
    settle: float,
    max_errors: MaxErrors,
    safety: Safety,
    canary: int | None,
    find_keys: bool,
) -> Limits:
    concurrency = options.integer("concurrency", concurrency, 1, MAX_CONCURRENCY)
    tps = check_tps(tps)
    if safety not in ("process", "power"):
        raise types.invalid_value_error("safety", "'process' or 'power'", safety)
    if canary is not None:
        options.integer("canary", canary, 1)
    allowed_errors(max_errors, 0)
    return Limits(concurrency, tps, check_settle(settle), None, safety, canary, find_keys)


def allowed_errors(max_errors: MaxErrors, rows: int) -> int | None:
    """Return how many rows may fail: a number, or a share of all rows such as `"1%"` or 0.01.

    Raises:
        ApiValueError: If it is something else.
    """
    if max_errors is None:
        return None
    value: Any = max_errors
    if isinstance(value, str):
        text = value.strip()
        with suppress(ValueError):  # a text that is no number is rejected below
            value = (
                float(text[:-1]) / 100 if text.endswith("%") else float(text) if "." in text else int(text)
            )
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, float) and 0 <= value <= 1:
        return math.floor(round(value * rows, 6))  # 58 % of 50 is a little less than 29 as a float
    expected = "a number of rows, or a share such as '1%' or 0.01"
    raise types.invalid_value_error("max_errors", expected, max_errors)


@contextmanager
def _connected(manifest: Manifest, connect: Connect | Api | None) -> Iterator[Any]:
    """Yield the API object. If it was made here, its client is closed at the end."""
    if connect is None:
        module, _, name = manifest.api.partition(":")
        try:
            connect = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise BulkError(
                f"{manifest.api}, whose method the run calls, can't be imported here ({error}): pass an "
                "object of it, or a function that makes one"
            ) from None
        assert connect is not None
    if hasattr(connect, "api_client"):
        yield connect
        return
    made: Any = connect()
    try:
        yield made
    finally:
        made.api_client.close()


def _target(manifest: Manifest, api: Any) -> Target:
    method = getattr(api, manifest.operation, None)
    if method is None:
        raise BulkError(f"{api!r} has no method {manifest.operation}: pass an object of {manifest.api}")
    target = target_of(method)
    host = target.client.configuration.host
    if host != manifest.host:
        from knetik_cloud.bulk.journal import ChangedInputError

        raise ChangedInputError(
            f"the run is for {manifest.host}, and this process is configured for {host}: pass connect=, or "
            "set KNETIK_CLOUD_HOST"
        )
    return target


def _rejected_error(folder: Folder, error: ApiException) -> BulkError:
    return BulkError(
        f"the service rejects the credentials ({error.status} {error.reason}): correct them, and use the "
        f"same command to continue. The journal is {folder}"
    )


class _Worker:
    """Runs shards in this process: what its threads share."""

    def __init__(self, folder: Folder, manifest: Manifest, target: Target, limits: Limits) -> None:
        self.pace = Pace(limits.concurrency, limits.tps, self._should_stop)
        self.counts = [0] * len(NAMES)
        self.stopped: str | None = None
        self._folder = folder
        self._manifest = manifest
        self._limits = limits
        self._client: ApiClient = target.client.with_options(_retries=0)
        self._clock = ServiceTime()
        self._block = deadlines.current()
        self._unreached = 0
        self._next_look = 0.0
        settings = settings_of(target.client, {})
        self._job = Job(
            target.operation,
            settings,
            limits.settle,
            manifest.run,
            limits.canary,
            limits.find_keys,
            Beginning(folder.age()),
            self._count,
        )

    def counts_by_name(self) -> dict[str, int]:
        """Return the number of rows that ended here, by state."""
        return {NAMES[state]: count for state, count in enumerate(self.counts) if count}

    def failed(self) -> int:
        """Return the number of rows that ended here without being applied."""
        return self.counts[DENIED] + self.counts[ABSENT] + self.counts[UNKNOWN]

    def stop(self, reason: str) -> None:
        """End the run after the calls in flight."""
        self.stopped = self.stopped or reason
        self.pace.stop()

    def run(self, shard: int) -> str:
        """Run a shard, and return `done`, or `busy` if another process is running it.

        Raises:
            RejectedError: If the service rejects the credentials.
        """
        folder = self._folder
        try:
            journal = ShardJournal(
                folder.journal_path(shard), self._manifest.sizes[shard], self._limits.safety
            )
        except BusyError:
            return "busy"
        with journal, deadlines.lifted():
            self._drive(Shard(self._job, folder.rows_path(shard), journal, self._clock).steps())
        return "done"

    def _count(self, state: int, error: ApiException | None) -> None:
        """Count a row. Without a lock: a race shifts the limits by a row."""
        self.counts[state] += 1
        if state in (APPLIED, FOUND):
            self._unreached = 0
            return
        limit = self._limits.errors
        if limit is not None and self.failed() + self._limits.failed > limit:
            self.stop(f"more than {limit:,} rows failed")
        is_unreached = state == ABSENT or isinstance(error, ApiConnectionException)
        if error is not None and error.status is None and is_unreached:
            self._unreached += 1
            if self._unreached >= UNREACHED_IN_A_ROW:
                self.stop(f"the service can't be reached: {error.reason}")

    def _drive(self, steps: ShardSteps) -> None:
        call, pace, clock = self._client.call, self.pace, self._clock
        nothing: Mapping[str, Any] = {}
        operation = self._job.operation
        timer = time.perf_counter
        result: Any = None
        try:
            while True:
                command = steps.send(result)
                if command is NEXT:
                    result = pace.admit() and not self._should_stop()
                elif type(command) is Send:
                    started = timer()
                    try:
                        result = call(operation, command.arguments, nothing)
                    except ApiException as error:
                        if is_interruption(error):
                            raise
                        result = error
                    pace.record(timer() - started)
                elif isinstance(command, Rest):
                    result = pace.rest(command.seconds) and not self._should_stop()
                elif isinstance(command, Throttled):
                    result = pace.throttled(command.seconds) and not self._should_stop()
                elif isinstance(command, Sleep):
                    time.sleep(command.seconds)
                    result = None
                else:
                    sent = Moment.now()
                    try:
                        result = call(command.operation, command.arguments, command.options, http_info=True)
                        clock.learn(result.headers, sent)
                    except ApiException as error:
                        if is_interruption(error):
                            raise
                        result = error
        except StopIteration:
            pass

    def _should_stop(self) -> bool:
        """Return whether to stop. Whether another process has asked to is looked up once a second."""
        if (reason := _deadline_reason(self._block)) is not None:
            self.stop(reason)
        now = monotonic()
        if now >= self._next_look:
            if self._folder.is_stopped():
                self.stop("another process asked to stop")
            self._next_look = now + STOP_POLL_SECONDS  # last: no thread sends a row before the first look
        return self.stopped is not None


class _Run:
    """One call of `run` or `resume`."""

    def __init__(
        self,
        folder: Folder,
        manifest: Manifest,
        target: Target,
        limits: Limits,
        max_errors: MaxErrors,
        connect: Connect | None,
        executor: Executor | None,
        workers: int | None,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._target = target
        self._limits = limits._replace(errors=allowed_errors(max_errors, manifest.rows))
        self._connect = connect
        self._executor = executor
        self._workers = workers
        self._progress = progress

    def finish(self, confirm: Callable[[Report], bool] | None) -> Report:
        """Run what is left, the canary first if there is one."""
        self._folder.begin()
        canary = self._limits.canary
        before = Report(self._folder, self._manifest)
        denied = 0
        if canary is not None and canary < self._manifest.rows and before.applied + before.failed < canary:
            report = self._run_all(self._limits)
            if report.stopped is not None:
                return report
            if not (confirm or _ask)(report):
                return Report(self._folder, self._manifest, f"after the canary of {canary:,} rows")
            # Those that are absent or unknown are run again, and count then.
            denied = report.counts["denied"] - before.counts["denied"]
        return self._run_all(self._limits._replace(canary=None, failed=denied))

    def _run_all(self, limits: Limits) -> Report:
        with self._lease():
            if self._executor is None or isinstance(self._executor, futures.ThreadPoolExecutor):
                stopped = self._run_threads(limits)
            else:
                stopped = self._run_executor(limits, self._executor)
        report = Report(self._folder, self._manifest, stopped)
        if report.applied + report.counts["denied"] == report.total:
            report.stopped = None  # the last rows ended before it took effect, and nothing is left to resume
        held = report.counts["pending"]
        if stopped is None and limits.canary is None and held:
            report.stopped = (
                f"{held:,} rows wait for an earlier row of the same resource, which has to be sent again"
            )
        return report

    def _meter(self) -> tuple[Meter, int]:
        before = Report(self._folder, self._manifest)
        done = before.applied + before.counts["denied"]
        return Meter(self._manifest.rows, done, self._progress, self._manifest.operation), done

    def _busy_error(self) -> BulkError:
        return BulkError(f"another process is running {self._folder}: wait for it, or end it")

    @contextmanager
    def _lease(self) -> Iterator[None]:
        """Reject a second run of the folder. Both would find each other's shards busy, and exceed `tps`."""
        try:
            lease = Lease(self._folder.path / RUNNING)
        except BusyError:
            raise self._busy_error() from None
        with closing(lease):
            yield

    def _run_threads(self, limits: Limits) -> str | None:
        """Run all shards in threads of this process."""
        if (at_most := _workers_of(self._executor)) is not None:
            limits = limits._replace(concurrency=min(limits.concurrency, at_most))
        worker = _Worker(self._folder, self._manifest, self._target, limits)
        left: queue.SimpleQueue[int] = queue.SimpleQueue()
        for shard in self._manifest.sizes:
            left.put(shard)
        meter, done = self._meter()
        errors: list[BaseException] = []
        ended = threading.Semaphore(0)

        count = min(limits.concurrency, len(self._manifest.sizes))
        threads = [
            threading.Thread(
                target=copy_context().run,
                args=(self._work, worker, left, errors, ended),
                name=f"knetik_cloud_bulk_{n}",
            )
            for n in range(count)
        ]
        try:
            for thread in threads:
                thread.start()
            working = count
            while working:  # the last update comes after the last thread: its state is final
                # Not `join`: before Python 3.13, Ctrl-C during it makes a running thread count as ended.
                working -= ended.acquire(timeout=POLL_SECONDS)
                meter.update(done + sum(worker.counts), worker.pace.active, worker.counts_by_name())
        except BaseException as error:  # Ctrl-C, or an error of the caller's progress function
            worker.stop("interrupted")
            meter.close()
            if isinstance(error, KeyboardInterrupt):
                self._explain_how_to_continue()
            for thread in threads:  # also one that was interrupted in `start`
                with suppress(RuntimeError):  # not started yet: it will find that the run was stopped
                    thread.join()
            raise
        meter.close()
        if errors:
            raise errors[0]
        return worker.stopped

    def _work(
        self,
        worker: _Worker,
        left: queue.SimpleQueue[int],
        errors: list[BaseException],
        ended: threading.Semaphore,
    ) -> None:
        """Run shards in a thread until none is left."""
        worker.pace.join()
        try:
            while not worker.pace.stopped:
                if worker.run(left.get_nowait()) == "busy":
                    raise self._busy_error()
        except queue.Empty:
            pass
        except RejectedError as rejected:
            errors.append(_rejected_error(self._folder, rejected.error))
            worker.stop("the service rejects the credentials")
        except BaseException as error:
            errors.append(error)
            worker.stop("an error")
        finally:
            worker.pace.leave()
            ended.release()

    def _run_executor(self, limits: Limits, executor: Executor) -> str | None:
        """Run whole shards in an executor."""
        at_once = self._workers or _workers_of(executor) or 1
        share = None if limits.tps is None else limits.tps / max(1, min(at_once, len(self._manifest.sizes)))
        meter, done = self._meter()
        counts: dict[str, int] = {}
        stopped: str | None = None
        reason: str | None = None

        def submit(shard: int) -> Future[Tally]:
            return executor.submit(
                _run_shard_for,
                os.getpid(),
                str(self._folder.path),
                shard,
                self._connect,
                tps=share,
                settle=limits.settle,
                max_errors=None if limits.errors is None else limits.errors - limits.failed,
                find_keys=limits.find_keys,
                safety=limits.safety,
                canary=limits.canary,
                nonce=secrets.token_hex(4),
            )

        running: dict[Future[Tally], int] = {}
        try:
            for shard in self._manifest.sizes:
                with self._executor_errors():
                    running[submit(shard)] = shard
            while running:
                ended, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in ended:
                    shard = running.pop(future)
                    with self._executor_errors():
                        tally = future.result()
                        if tally.state == "busy" and stopped is None:
                            time.sleep(BUSY_SECONDS)
                            running[submit(shard)] = shard
                    for state, number in tally.counts.items():
                        counts[state] = counts.get(state, 0) + number
                    reason = reason or tally.reason
                stopped = stopped or _reason_to_stop(limits, counts, is_over=not running) or reason
                if stopped is not None:
                    self._folder.stop()
                meter.update(done + sum(counts.values()), len(running), counts)
        except KeyboardInterrupt:
            self._folder.stop()
            self._explain_how_to_continue()
            wait(running)
            raise
        except BaseException:
            self._folder.stop()
            for future in running:
                future.cancel()
            raise
        finally:
            meter.close()
        return stopped

    @contextmanager
    def _executor_errors(self) -> Iterator[None]:
        """Turn the errors of an executor, each of which has its own, into those of a run."""
        try:
            yield
        except (BulkError, ApiException):
            raise
        except Exception as error:
            raise BulkError(
                f"the executor failed ({type(error).__name__}: {error}): correct that, and use the same "
                f"command to continue. The journal is {self._folder}"
            ) from error

    def _explain_how_to_continue(self) -> None:
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(
                    "\nWaiting for the calls in flight. To continue later, use the same command, or "
                    f"bulk.resume({str(self._folder)!r}).\n"
                )
                sys.stderr.flush()


def _run_shard_for(submitter: int, *args: Any, **kwargs: Any) -> Tally:
    """Call `run_shard` in an executor. Its processes leave Ctrl-C, which reaches them too, to the submitter.

    They do so from then on: a pool whose idle process ends with Ctrl-C kills the others.
    """
    if submitter != os.getpid() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run_shard(*args, **kwargs)


def _reason_to_stop(limits: Limits, counts: Mapping[str, int], is_over: bool) -> str | None:
    failed = limits.failed + sum(counts.get(state, 0) for state in ("denied", "absent", "unknown"))
    if limits.errors is not None and failed > limits.errors:
        return f"more than {limits.errors:,} rows failed"
    return None if is_over else _deadline_reason(deadlines.current())


def _deadline_reason(block: deadlines.Block | None) -> str | None:
    """Return why a run has to stop if the block that it began in has ended, otherwise None."""
    return block.reason("has passed") if block is not None and monotonic() >= block.end else None


def _workers_of(executor: Executor | None) -> int | None:
    """Return the number of shards that an executor runs at the same time, or None if it doesn't report it."""
    found = getattr(executor, "_max_workers", None)
    if isinstance(found, int):
        return found
    cluster = getattr(executor, "_client", None)
    with suppress(Exception):
        return sum(cluster.nthreads().values()) or None  # type: ignore[union-attr]
    return None


def _ask(report: Report) -> bool:
    """Ask on the terminal whether to continue after the canary. Without a terminal, return False."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    sys.stderr.write(f"After the canary: {report}. Continue? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
