"""Bulk runs stop, continue and slow down as they are told, and lose or repeat no row by it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import aio, bulk, recovery
from knetik_cloud.bulk import pace as pacing
from knetik_cloud.bulk import progress as reporting
from knetik_cloud.bulk import running, shard
from knetik_cloud.bulk.journal import Folder
from knetik_cloud.bulk.pace import GROWTH_WINDOW, Pace
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import USERS, grants, held
from test.polling import wait_until

GRANT = "grant_user_entitlement"
USE = "use_user_entitlement_item"
UNKNOWN_USER = 999_999
Api = knetik_cloud.UsersInventoryApi


def run(api: Api, folder: Path, rows: Any = None, **options: Any) -> bulk.Report:
    rows = grants(120) if rows is None else rows
    options = {"progress": False, "settle": 0.1, **options}
    return bulk.run(rows, api.grant_user_entitlement, journal=folder / "run", **options)


SLOW: Any = {"tps": 40, "concurrency": 4}
"""The options of a run that lasts three seconds, so that it can be stopped in between."""


def after(rows: int, act: Callable[[], object]) -> Callable[[Mapping[str, Any]], None]:
    """Return a progress function that acts once, as soon as so many rows are done."""
    acted: list[bool] = []

    def progress(state: Mapping[str, Any]) -> None:
        if state["done"] >= rows and not acted:
            acted.append(True)
            act()

    return progress


def open_rows(folder: Path) -> int:
    """Return how many intents of a journal have no outcome."""
    lines = [line.split() for path in folder.glob("run/*.journal") for line in path.read_text().splitlines()]
    kinds = [line[0] for line in lines if line[0] != "before"]
    return sum(1 if kind == "intent" else -1 for kind in kinds)


def assert_complete(api: Api, folder: Path, **options: Any) -> None:
    assert run(api, folder, **options).counts["applied"] == 120
    assert held(api) == dict.fromkeys(USERS, 3)


class Inline(Executor):
    """An executor that runs a shard where it is submitted."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def test_canary_that_is_rejected_ends_the_run_and_the_same_command_continues(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    confirmed: list[int] = []
    report = run(api, tmp_path, canary=7, confirm=lambda found: confirmed.append(found.applied) or False)
    assert (confirmed, report.applied, report.stopped) == ([7], 7, "after the canary of 7 rows")
    assert [row.row for row in report.rows() if row.state == "applied"] == [1, 2, 3, 4, 5, 6, 7]
    assert len(seeded.journal(GRANT)) == 7
    assert_complete(api, tmp_path, canary=7, confirm=lambda found: 1 / 0)


def test_canary_that_is_confirmed_is_followed_by_all_other_rows(api: Api, tmp_path: Path) -> None:
    assert_complete(api, tmp_path, canary=7, confirm=lambda found: found.applied == 7)


def test_run_without_terminal_stops_after_its_canary(api: Api, tmp_path: Path) -> None:
    assert run(api, tmp_path, canary=1).stopped == "after the canary of 1 rows"


@pytest.mark.parametrize(("answer", "applied"), [("y\n", 3), (" YES \n", 3), ("\n", 1), ("no\n", 1), ("", 1)])
@pytest.mark.parametrize("silent", ["", "stdin", "stderr"])
def test_canary_is_confirmed_on_the_terminal(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, applied: int, silent: str
) -> None:
    written: list[str] = []
    terminal = {"isatty": lambda: True, "readline": lambda: answer, "write": written.append}
    for name in ("stdin", "stderr"):
        here = {**terminal, "flush": lambda: None, "isatty": lambda name=name: name != silent}
        monkeypatch.setattr(sys, name, SimpleNamespace(**here))
    assert run(api, tmp_path, grants(3), canary=1).applied == (1 if silent else applied)
    assert len(written) == (0 if silent else 1)
    assert all(text.startswith("After the canary: ") and "Continue? [y/N]" in text for text in written)


def test_canary_that_fails_too_often_is_not_confirmed(api: Api, tmp_path: Path) -> None:
    rows = [{"user_id": UNKNOWN_USER, "entitlement_id": 5}] * 9
    report = run(api, tmp_path, rows, canary=5, max_errors=2, confirm=lambda found: 1 / 0)
    assert report.stopped == "more than 2 rows failed"


@pytest.mark.parametrize("is_inline", [False, True], ids=["threads", "executor"])
def test_rows_that_failed_in_the_canary_count_as_errors_of_the_run(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_inline: bool
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", seeded.url)
    rows = [{"user_id": UNKNOWN_USER, "entitlement_id": 5}] * 9
    options = {"canary": 2, "max_errors": 3, "concurrency": 1, "confirm": lambda found: True}
    report = run(api, tmp_path, rows, **options, executor=Inline() if is_inline else None)
    assert report.stopped == "more than 3 rows failed"
    assert (report.counts["denied"], report.counts["pending"]) == (4, 5)


@pytest.mark.parametrize(("allowed", "failed"), [(0, 1), ("3", 4), ("5%", 3), (0.05, 3), ("0.05", 3)])
def test_run_stops_when_too_many_rows_have_failed(
    api: Api, tmp_path: Path, allowed: Any, failed: int
) -> None:
    rows = [{"user_id": UNKNOWN_USER + number, "entitlement_id": 5} for number in range(40)]
    report = run(api, tmp_path, rows, max_errors=allowed, concurrency=1)
    assert report.stopped == f"more than {failed - 1} rows failed"
    assert (report.counts["denied"], report.counts["pending"]) == (failed, 40 - failed)
    assert report.write_failed(tmp_path / "failed.jsonl") == failed
    rest = bulk.resume(tmp_path / "run", api, progress=False)
    assert (rest.counts["denied"], rest.stopped) == (40, None)


@pytest.mark.parametrize("is_inline", [False, True], ids=["threads", "executor"])
def test_limit_that_the_last_row_exceeds_stops_nothing(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_inline: bool
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", seeded.url)
    rows = [{"user_id": UNKNOWN_USER, "entitlement_id": 5}]
    report = run(api, tmp_path, rows, max_errors=0, executor=Inline() if is_inline else None)
    assert (report.counts["denied"], report.is_complete, report.stopped) == (1, True, None)


def test_percentage_of_rows_is_exact() -> None:
    assert running.allowed_errors("58%", 50) == 29  # as a float, it is 28.999999999999996


@pytest.mark.parametrize("name", ["failed.csv", "failed.jsonl"])
def test_failed_rows_with_different_fields_are_the_input_of_another_run(
    api: Api, tmp_path: Path, name: str
) -> None:
    rows = [
        {"user_id": UNKNOWN_USER, "item_id": 56},
        {"user_id": UNKNOWN_USER + 1, "item_id": 56, "info": "\u5263"},
    ]
    options: Any = {"progress": False, "settle": 0}
    report = bulk.run(rows, api.use_user_entitlement_item, journal=tmp_path / "run", **options)
    assert report.write_failed(tmp_path / name) == 2
    again = bulk.run(tmp_path / name, api.use_user_entitlement_item, journal=tmp_path / "again", **options)
    found = [(str(row.arguments["user_id"]), row.arguments.get("info")) for row in again.rows()]
    assert found == [(str(UNKNOWN_USER), None), (str(UNKNOWN_USER + 1), "\u5263")]


@pytest.mark.parametrize("executor", ["threads", "stopped by another process"])
def test_calls_in_flight_finish_after_ctrl_c_and_the_same_command_continues(
    api: Api, seeded: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], executor: str
) -> None:
    seeded.fail(GRANT, times=None, delay=0.02)
    if executor == "threads":
        with pytest.raises(KeyboardInterrupt):
            run(api, tmp_path, progress=after(3, lambda: signal.raise_signal(signal.SIGINT)), **SLOW)
        assert f"use the same command, or bulk.resume('{tmp_path / 'run'}')" in capsys.readouterr().err
    else:
        report = run(api, tmp_path, progress=after(3, lambda: bulk.stop(tmp_path / "run")), **SLOW)
        assert report.stopped == "another process asked to stop"
    seeded.clear_faults()
    report = bulk.report(tmp_path / "run")
    assert open_rows(tmp_path) == 0
    assert 0 < report.applied < 120
    assert report.applied + report.counts["pending"] == 120
    assert sum(held(api).values()) == report.applied
    assert_complete(api, tmp_path)


def test_call_in_flight_finishes_after_ctrl_c_during_the_wait_for_it(
    seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = threading.Event()
    message = SimpleNamespace(write=lambda text: noticed.set(), flush=lambda: None, isatty=lambda: False)
    monkeypatch.setattr(sys, "stderr", message)
    main = threading.get_ident()
    calls: list[str] = []

    class Interrupt(knetik_cloud.Hook):
        """Interrupts the main thread during the third grant."""

        def on_attempt_start(self, attempt: knetik_cloud.hooks.Attempt) -> None:
            calls.append(attempt.operation)
            if calls.count(GRANT) == 3 and not noticed.is_set():
                signal.pthread_kill(main, signal.SIGINT)
                assert noticed.wait(10)

    seeded.fail(GRANT, times=None, delay=0.1)
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(seeded.url, hooks=[Interrupt()])) as client:
        with pytest.raises(KeyboardInterrupt):
            run(Api(client), tmp_path, concurrency=1)
        assert open_rows(tmp_path) == 0
        assert sum(held(Api(client)).values()) == bulk.report(tmp_path / "run").applied == 3


def test_interruption_while_a_thread_starts_leaves_no_call_in_flight(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.fail(GRANT, times=None, delay=0.3)
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name.startswith("knetik_cloud_bulk_"):
            wait_until(lambda: open_rows(tmp_path) == 1)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(api, tmp_path)
    seeded.clear_faults()
    assert open_rows(tmp_path) == 0
    assert_complete(api, tmp_path)


def test_error_of_a_progress_function_ends_the_display_and_is_raised_without_advice(
    api: Api,
    seeded: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended: list[reporting.Meter] = []
    monkeypatch.setattr(reporting.Meter, "close", lambda meter: ended.append(meter))
    with pytest.raises(ZeroDivisionError):
        run(api, tmp_path, progress=lambda state: 1 / 0)
    assert (len(ended), capsys.readouterr().err) == (1, "")
    assert open_rows(tmp_path) == 0


@pytest.mark.parametrize("is_closed", [False, True])
def test_stderr_that_is_closed_or_has_no_reader_stops_no_run(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_closed: bool
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = open(writing, "w", buffering=1)  # noqa: SIM115 - closing it fails, as it has to
    if is_closed:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(reporting, "LINE_SECONDS", 0.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(api, tmp_path, progress=after(3, lambda: signal.raise_signal(signal.SIGINT)), **SLOW)
        assert run(api, tmp_path, progress=None).applied == 120
    finally:
        with suppress(BrokenPipeError):
            stream.close()


def test_progress_function_receives_the_final_state_of_a_run_however_short(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finished(threading.Thread):
        """A thread that is over when `start` returns."""

        def start(self) -> None:
            super().start()
            self.join()

    names = {**vars(threading), "Thread": Finished}
    monkeypatch.setattr("knetik_cloud.bulk.running.threading", SimpleNamespace(**names))
    states: list[Mapping[str, Any]] = []
    run(api, tmp_path, grants(3), progress=states.append, concurrency=1)
    assert (states[-1]["done"], states[-1]["applied"]) == (3, 3)


def test_long_pause_that_the_service_asks_for_ends_with_ctrl_c(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail(GRANT, times=None, status=429, headers={"Retry-After": "3600"})

    def interrupt(state: Mapping[str, Any]) -> None:
        if seeded.journal(GRANT):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(api, tmp_path, progress=interrupt)
    seeded.clear_faults()
    assert open_rows(tmp_path) == 0
    assert_complete(api, tmp_path)


@pytest.mark.parametrize("how", ["run", "run_shard"])
def test_long_pause_that_the_service_asks_for_ends_when_the_run_is_stopped(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(pacing, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(running, "STOP_POLL_SECONDS", 0.0)
    seeded.fail(GRANT, times=None, status=429, headers={"Retry-After": "3600"})

    def stop() -> None:
        wait_until(lambda: seeded.journal(GRANT))
        bulk.stop(tmp_path / "run")

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        if how == "run":
            assert run(api, tmp_path).stopped == "another process asked to stop"
        else:
            bulk.prepare(grants(120), api.grant_user_entitlement, journal=tmp_path / "run", shards=1)
            tally = bulk.run_shard(tmp_path / "run", 0, api)
            assert (tally.state, len(seeded.journal(GRANT))) == ("stopped", 1)
    finally:
        stopping.join()
    seeded.clear_faults()
    assert open_rows(tmp_path) == 0
    if how == "run":
        assert_complete(api, tmp_path)


@pytest.mark.parametrize("is_resumed", [False, True])
def test_run_that_is_stopped_while_it_checks_its_rows_sends_nothing(
    api: Api, seeded: Sandbox, tmp_path: Path, is_resumed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stopped = Folder.is_stopped

    def slow(folder: Folder) -> bool:  # other threads of the run may begin a row meanwhile
        time.sleep(0.1)
        return is_stopped(folder)

    monkeypatch.setattr(Folder, "is_stopped", slow)
    if is_resumed:
        assert run(api, tmp_path, canary=1).applied == 1
    seeded.clear_journal()

    def rows() -> Iterator[dict[str, Any]]:
        for number, row in enumerate(grants(120)):
            if number == 60:
                bulk.stop(tmp_path / "run")
            yield row

    report = run(api, tmp_path, rows())
    assert report.stopped == "another process asked to stop"
    assert (report.counts["pending"], seeded.journal(GRANT)) == (120 - is_resumed, [])
    assert_complete(api, tmp_path)


def test_shards_that_are_prepared_again_after_a_stop_continue(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    def run_all() -> list[str]:
        bulk.prepare(grants(120), api.grant_user_entitlement, journal=tmp_path / "run", shards=2)
        return [bulk.run_shard(tmp_path / "run", shard, api).state for shard in (0, 1)]

    bulk.prepare(grants(120), api.grant_user_entitlement, journal=tmp_path / "run", shards=2)
    bulk.stop(tmp_path / "run")
    assert bulk.run_shard(tmp_path / "run", 0, api).state == "stopped"
    assert run_all() == ["done", "done"]
    assert held(api) == dict.fromkeys(USERS, 3)


def test_run_is_stopped_by_the_deadline_of_its_block(api: Api, tmp_path: Path) -> None:
    with knetik_cloud.deadline(1.0):
        report = run(api, tmp_path, **SLOW)
    assert report.stopped == "the deadline of 1 s has passed (increase knetik_cloud.deadline)"
    assert report.applied < 120
    assert report.applied + report.counts["pending"] == 120  # calls in flight are not interrupted
    assert open_rows(tmp_path) == 0
    assert_complete(api, tmp_path)
    with knetik_cloud.deadline(0.001):
        time.sleep(0.002)
        assert run(api, tmp_path).stopped is None  # there is nothing left to do


TRACE: ContextVar[str] = ContextVar("trace", default="none")


def test_calls_of_a_run_have_the_context_of_its_caller(seeded: Sandbox, tmp_path: Path) -> None:
    traces: list[str] = []

    class Traces(knetik_cloud.Hook):
        """Keeps the trace that each call belongs to."""

        def on_call_start(self, call: knetik_cloud.hooks.Call) -> None:
            traces.append(TRACE.get())

    token = TRACE.set("of the caller")
    try:
        with knetik_cloud.ApiClient(knetik_cloud.Configuration(seeded.url, hooks=[Traces()])) as client:
            run(Api(client), tmp_path)
    finally:
        TRACE.reset(token)
    assert len(traces) >= 120
    assert set(traces) == {"of the caller"}


class Interrupted(Executor):
    """An executor whose second submission is interrupted."""

    def __init__(self, interruption: BaseException) -> None:
        self.interruption = interruption
        self.submitted: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.submitted:
            raise self.interruption
        self.submitted.append(Future())
        self.submitted[0].set_result(bulk.Tally({}, "done"))
        return self.submitted[0]


@pytest.mark.parametrize(
    ("interruption", "expected", "message"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
        (BrokenExecutor("no process"), bulk.BulkError, r"\(BrokenExecutor: no process\): .*the same command"),
        (RuntimeError("it is shut down"), bulk.BulkError, r"the executor failed \(RuntimeError: it is shut"),
    ],
)
def test_interruption_between_the_shards_of_an_executor_stops_the_submitted_ones(
    api: Api,
    seeded: Sandbox,
    tmp_path: Path,
    interruption: BaseException,
    expected: type[BaseException],
    message: str,
) -> None:
    with pytest.raises(expected, match=message):
        run(api, tmp_path, shards=2, executor=Interrupted(interruption))
    assert bulk.run_shard(tmp_path / "run", 0, api).state == "stopped"
    assert seeded.journal(GRANT) == []
    assert_complete(api, tmp_path, shards=2)


def test_run_in_a_relative_folder_continues_after_a_change_of_the_current_folder(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    report = run(api, Path(), **SLOW, progress=after(1, lambda: os.chdir("other")))
    assert (report.journal, report.applied, report.stopped) == ("run", 120, None)
    assert [row.state for row in report.rows()] == ["applied"] * 120
    assert not [*(tmp_path / "other").iterdir()]


def test_error_of_a_progress_function_ends_the_run(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    seeded.fail(GRANT, times=None, delay=0.02)
    with pytest.raises(ZeroDivisionError):
        run(api, tmp_path, progress=lambda state: 1 / 0)
    seeded.clear_faults()
    assert open_rows(tmp_path) == 0
    assert_complete(api, tmp_path)


def test_thread_pool_limits_the_calls_at_the_same_time(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    seeded.fail(GRANT, times=None, delay=0.02)
    in_flight: set[int] = set()
    with ThreadPoolExecutor(1) as executor:
        report = run(
            api, tmp_path, executor=executor, progress=lambda state: in_flight.add(state["in_flight"])
        )
    assert report.applied == 120
    assert max(in_flight) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_credentials_for_which_there_is_no_token_use_up_no_row(
    api: Api, seeded: Sandbox, tmp_path: Path, status: int
) -> None:
    seeded.fail("get_o_auth_token", times=None, status=status)
    configuration = knetik_cloud.Configuration(host=seeded.url, username="kim", password="changed")
    expected = pytest.raises(bulk.BulkError, match=rf"rejects the credentials \({status} ")
    with knetik_cloud.ApiClient(configuration) as client, expected:
        run(Api(client), tmp_path)
    assert bulk.report(tmp_path / "run").counts["denied"] == len(seeded.journal(GRANT)) == 0
    assert_complete(api, tmp_path)


def test_credentials_that_are_rejected_halfway_stop_the_run_without_using_up_rows(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail(GRANT, times=None, delay=0.02)

    def reject() -> None:
        seeded.clear_faults()
        seeded.fail(GRANT, times=None, status=401)

    with pytest.raises(bulk.BulkError, match=r"rejects the credentials \(401 .*use the same command"):
        run(api, tmp_path, progress=after(3, reject), **SLOW)
    seeded.clear_faults()
    report = bulk.report(tmp_path / "run")
    assert report.applied == sum(held(api).values()) >= 3
    assert 1 <= report.counts["absent"] <= 4  # those that were in flight
    assert report.applied + report.counts["absent"] + report.counts["pending"] == 120
    assert_complete(api, tmp_path)


def test_token_provider_that_fails_stops_the_run(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Vault:
        """A token provider that is down."""

        def get_token(self) -> str:
            raise OSError("the vault is down")

    monkeypatch.setattr(running, "UNREACHED_IN_A_ROW", 3)
    configuration = knetik_cloud.Configuration(host=seeded.url, token_provider=Vault(), retries=0)
    with knetik_cloud.ApiClient(configuration) as client:
        report = run(Api(client), tmp_path, concurrency=1)
    assert str(report.stopped).startswith("the service can't be reached: the token provider failed")
    assert (report.counts["absent"], seeded.journal(GRANT)) == (3, [])


def test_rows_wait_while_the_service_has_no_token_for_them(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    fault = seeded.fail("get_o_auth_token", status=503)
    configuration = knetik_cloud.Configuration(
        host=seeded.url, client_id="knetik", client_secret="client_secret_example", retries=0
    )
    with knetik_cloud.ApiClient(configuration) as client:
        method, journal = Api(client).use_user_entitlement_item, tmp_path / "run"
        report = bulk.run(keyed_uses(5), method, journal=journal, progress=False)
    assert (report.applied, fault.met) == (5, 1)


LIST = "get_user_inventories"
"""The list that is read first to find a use or a grant."""


def keyed_uses(count: int) -> list[dict[str, Any]]:
    return [{"user_id": 56, "item_id": 56, "key": f"k{number}"} for number in range(count)]


def test_credentials_that_are_rejected_while_keys_are_looked_for_use_up_no_row(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    method, options = api.use_user_entitlement_item, {"progress": False, "settle": 0}
    seeded.fail(LIST, times=None, status=401)
    with pytest.raises(bulk.BulkError, match=r"rejects the credentials \(401 "):
        bulk.run(keyed_uses(5), method, journal=tmp_path / "run", find_keys=True, **options)
    assert (bulk.report(tmp_path / "run").counts["pending"], seeded.journal(USE)) == (5, [])
    seeded.clear_faults()
    assert bulk.resume(tmp_path / "run", api, find_keys=True, **options).applied == 5


def test_keys_are_looked_for_only_on_request_and_where_they_come_back(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    use, grant = api.use_user_entitlement_item, api.grant_user_entitlement
    granted = [{"user_id": USERS[0], "entitlement_id": 5, "key": "a"}]
    reads = []
    for method, rows, find_keys in (
        (use, keyed_uses(2), False),
        (use, [{"user_id": 56, "item_id": 56}] * 2, True),
        (grant, granted, False),
        (grant, granted, True),
    ):
        seeded.clear_journal()
        folder = tmp_path / str(len(reads))
        report = bulk.run(rows, method, journal=folder, find_keys=find_keys, settle=0, progress=False)
        assert report.counts["applied"] == len(rows)
        reads.append(len(seeded.journal(LIST)))
    assert reads[:2] == [0, 0]


@pytest.mark.parametrize("is_rejected", [False, True], ids=["damaged shard", "rejected credentials"])
def test_error_in_one_thread_of_a_run_ends_the_others(
    api: Api, seeded: Sandbox, tmp_path: Path, is_rejected: bool
) -> None:
    first, *_ = bulk.prepare(grants(120), api.grant_user_entitlement, journal=tmp_path)
    if is_rejected:
        seeded.fail(GRANT, status=401)
    else:
        Folder(tmp_path).rows_path(first).write_text("")
    seeded.fail(GRANT, times=None, delay=0.1)
    with pytest.raises(bulk.BulkError):
        bulk.resume(tmp_path, api, concurrency=2, settle=0, progress=False)
    assert bulk.status(tmp_path)["pending"] > 60


def test_credentials_that_are_rejected_end_a_shard_and_use_up_no_row(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    bulk.prepare(keyed_uses(5), api.use_user_entitlement_item, journal=tmp_path, shards=1)
    seeded.fail(USE, status=401)
    message = rf"rejects the credentials \(401 .*\): correct them, .* The journal is {tmp_path}"
    with pytest.raises(bulk.BulkError, match=message):
        bulk.run_shard(tmp_path, 0, api)
    assert bulk.run_shard(tmp_path, 0, api).counts == {"applied": 5}


def test_reads_that_are_denied_say_nothing_about_the_credentials(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail(LIST, times=None, status=403)
    method, journal = api.use_user_entitlement_item, tmp_path / "run"
    report = bulk.run(keyed_uses(2), method, journal=journal, find_keys=True, progress=False, settle=0)
    assert (report.counts["unknown"], report.stopped, seeded.journal(USE)) == (2, None, [])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a run stop after three rows that can't be reached, and read back once."""
    monkeypatch.setattr(running, "UNREACHED_IN_A_ROW", 3)
    monkeypatch.setattr(recovery, "READ_RETRIES", 0)
    monkeypatch.setattr(recovery, "READ_ROUNDS", 1)


@pytest.mark.usefixtures("impatient")
def test_service_that_cannot_be_reached_stops_a_run_that_reads_back_and_uses_up_no_row(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    method = api.with_options(_retries=0).use_user_entitlement_item
    for operation in (LIST, USE):
        seeded.fail(operation, times=None, reset=True)
    options: Any = {"journal": tmp_path / "run", "find_keys": True, "progress": False, "settle": 0}
    report = bulk.run(keyed_uses(6), method, **options)
    assert str(report.stopped).startswith("the service can't be reached: ")
    assert (report.counts["unknown"], report.counts["pending"]) == (3, 3)
    seeded.clear_faults()
    assert bulk.run(keyed_uses(6), method, **options).applied == 6


@pytest.mark.usefixtures("impatient")
def test_rows_that_were_not_applied_stay_so_while_the_service_cannot_be_reached(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    quick, rows = api.with_options(_retries=0), list(grants(len(USERS)))  # one for each user
    for operation in (GRANT, LIST):
        seeded.fail(operation, times=None, reset=True)
        report = run(quick, tmp_path, rows, concurrency=1)
        assert (report.counts["absent"], report.counts["unknown"]) == (3, 0)
        assert str(report.stopped).startswith("the service can't be reached: ")
    seeded.clear_faults()
    assert run(api, tmp_path, rows).applied == len(USERS)
    assert held(api) == dict.fromkeys(USERS, 1)


@pytest.mark.usefixtures("impatient")
def test_rows_of_a_run_that_began_without_its_service_are_sent_later(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        url, port = sandbox.url, int(sandbox.url.rpartition(":")[2])
    with knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url))) as api:
        rows = [{"user_id": 3, "entitlement_id": 56}] * 2  # the user has one from before
        report = run(api, tmp_path, rows)
        assert report.counts["absent"] == 2
        assert all("could not be made" in str(row.reason) for row in report.rows())
        with Sandbox(port=port):
            report = run(api, tmp_path, rows)
            assert (report.applied, report.counts["unknown"]) == (2, 0)
            assert len(list(api.iter_user_inventories(3, inactive=True))) == 3


@pytest.mark.parametrize("last", [400, 401, 429, 503])
def test_update_that_may_have_been_applied_earlier_is_unknown(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    monkeypatch.setattr(shard, "MAX_THROTTLED", 1)
    operation = "update_user_inventory_status"
    seeded.fail(operation, reset=True, applied=True)
    seeded.fail(operation, status=last, times=None, headers={"Retry-After": "0"})
    rows = [{"user_id": 56, "id": 56, "inventory_status": "inactive"}]
    with suppress(bulk.BulkError):
        bulk.run(rows, getattr(api, operation), journal=tmp_path / "run", progress=False)
    report = bulk.report(tmp_path / "run")
    assert (report.counts["unknown"], report.write_failed(tmp_path / "failed.jsonl")) == (1, 0)


def test_rows_whose_keys_were_applied_before_are_found(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    rows = [{"user_id": 56, "item_id": 56, "key": f"k{number}"} for number in range(5)]
    for row in rows[:3]:
        knetik_cloud.once(api.use_user_entitlement_item, 56, 56, key=str(row["key"]))
    method, journal = api.use_user_entitlement_item, tmp_path / "run"
    report = bulk.run(rows, method, journal=journal, find_keys=True, progress=False, settle=0)
    assert (report.counts["found"], report.counts["applied"], report.applied) == (3, 2, 5)
    assert len(seeded.journal(USE)) == 5


def test_run_works_in_a_thread_of_an_asyncio_program(api: Api, tmp_path: Path) -> None:
    async def main() -> bulk.Report:
        return await asyncio.to_thread(run, api, tmp_path)

    assert asyncio.run(main()).applied == 120


def test_methods_of_the_asyncio_client_are_rejected(seeded: Sandbox, tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.ApiClient(knetik_cloud.Configuration(host=seeded.url)) as client:
            with pytest.raises(knetik_cloud.ApiValueError, match=r"await asyncio\.to_thread\(bulk\.run"):
                bulk.run([], aio.UsersInventoryApi(client).grant_user_entitlement, journal=tmp_path / "run")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tps": 0}, "tps must be a number of rows per second above 0"),
        ({"tps": True}, "tps must be a number of rows per second above 0"),
        ({"concurrency": 0}, "concurrency must be an int from 1 to 256"),
        ({"concurrency": 257}, "concurrency must be an int from 1 to 256"),
        ({"shards": 0}, "shards must be an int from 1 to 4096"),
        ({"shards": "8"}, "shards must be an int from 1 to 4096"),
        ({"canary": 0}, "canary must be"),
        ({"max_errors": "many"}, "max_errors must be a number of rows, or a share such as '1%'"),
        ({"max_errors": 1.5}, "max_errors must be"),
        ({"max_errors": -1}, "max_errors must be"),
        ({"max_errors": True}, "max_errors must be"),
        ({"max_errors": "\u00b2"}, "max_errors must be"),
        ({"settle": -1}, "settle must be"),
        ({"safety": "full"}, "safety must be 'process' or 'power'"),
        ({"executor": 5}, r"executor must be a concurrent\.futures\.Executor"),
        ({"workers": 0}, "workers must be"),
        ({"executor": Inline(), "tps": 5}, "which <.*Inline object.*> doesn't report: pass workers="),
    ],
)
def test_options_out_of_range_are_rejected_before_anything_is_stored(
    api: Api, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(knetik_cloud.ApiValueError, match=message):
        run(api, tmp_path, **options)
    assert not (tmp_path / "run").exists()
    if options.keys() <= {"tps", "concurrency", "shards"}:
        with pytest.raises(knetik_cloud.ApiValueError, match=message):
            bulk.plan(grants(1), api.grant_user_entitlement, **options)


def test_concurrency_grows_while_a_run_lasts(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    seeded.fail(GRANT, times=None, delay=0.02)
    in_flight: list[int] = []
    run(api, tmp_path, grants(400), progress=lambda state: in_flight.append(state["in_flight"]))
    assert max(in_flight) > 2


def test_rate_is_kept_to(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    seeded.clear_journal()
    run(api, tmp_path, grants(40), tps=80, concurrency=2)
    arrived = [exchange.time for exchange in seeded.journal(GRANT)]
    assert max(arrived) - min(arrived) >= 36 / 80  # only the first two can be late and shorten it


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"status": 429}], ids=str)
def test_retries_take_turns_too(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    turns: list[Pace] = []
    admit = Pace.admit

    def count(pace: Pace) -> bool:
        turns.append(pace)
        return admit(pace)

    monkeypatch.setattr(Pace, "admit", count)
    seeded.clear_journal()
    seeded.fail(GRANT, times=2, **fault)
    assert run(api, tmp_path, grants(3), settle=0).applied == 3
    assert len(seeded.journal(GRANT)) == len(turns) == 5


def test_run_that_is_stopped_sends_no_retry(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Pace.record

    def stop(pace: Pace, seconds: float) -> None:
        record(pace, seconds)
        pace.stop()

    monkeypatch.setattr(Pace, "record", stop)
    seeded.clear_journal()
    seeded.fail(GRANT, status=503, times=None)
    report = run(api, tmp_path, grants(1))
    assert (report.counts["absent"], len(seeded.journal(GRANT))) == (1, 1)


def test_rate_is_kept_to_across_the_shards_of_an_executor(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", seeded.url)
    seeded.clear_journal()
    run(api, tmp_path, grants(40), tps=80, executor=Inline(), workers=1)
    arrived = [exchange.time for exchange in seeded.journal(GRANT)]
    assert len(arrived) == 40
    assert max(arrived) - min(arrived) >= 36 / 80


def test_cluster_without_workers_reports_no_number_of_them() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert running._workers_of(client.get_executor()) is None
        cluster.scale(1)
        client.wait_for_workers(1)
        assert running._workers_of(client.get_executor()) == cluster.workers[0].state.nthreads


class Clock:
    """Stands in for `time` and for the condition of a pace: waiting moves the time."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def notify_all(self) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pacing, "time", made)
    monkeypatch.setattr(pacing, "monotonic", made.monotonic)
    return made


def paced(clock: Clock, maximum: int, tps: float | None = None) -> Pace:
    made = Pace(maximum, tps)
    made._changed = clock  # type: ignore[assignment]
    made.join()
    return made


def record(pace: Pace, clock: Clock, latency: float, rate: float | None = None) -> int:
    """Record calls until the pace reconsiders its limit, and return the limit."""
    for _ in range(max(GROWTH_WINDOW, 4 * pace.limit)):
        clock.now += latency / pace.limit if rate is None else 1 / rate
        pace.record(latency)
    return pace.limit


def test_rows_are_spread_evenly_by_the_rate(clock: Clock) -> None:
    pace = paced(clock, 1, tps=8)
    started = clock.now
    turns = []
    for _ in range(17):
        assert pace.admit()
        turns.append((clock.now - started) * 8)
    assert turns == pytest.approx(range(17))


@pytest.mark.parametrize("wait", [Pace.admit, lambda pace: pace.rest(1.0)], ids=["its turn", "its own pause"])
def test_row_that_waits_also_waits_for_a_pause_that_begins_meanwhile(
    clock: Clock, wait: Callable[[Pace], bool]
) -> None:
    pace = paced(clock, 1, tps=0.5)
    assert pace.admit()
    ends: list[float] = []

    def pause() -> None:
        if not ends:
            ends.append(clock.now + 5.0)
            pace._paused_until = ends[0]

    pace._look = pause
    assert wait(pace)
    assert clock.now >= ends[0]


def test_limit_doubles_until_the_latency_grows_and_then_grows_by_one(clock: Clock) -> None:
    pace = paced(clock, 32)
    assert pace.limit == 2
    assert [record(pace, clock, 0.1) for _ in range(3)] == [4, 8, 16]
    assert record(pace, clock, 0.3, rate=pace._best_rate) == 8
    assert [record(pace, clock, 0.1) for _ in range(3)] == [9, 10, 11]
    for _ in range(40):
        record(pace, clock, 0.1)
    assert pace.limit == 32


def test_throttling_halves_the_limit_and_pauses_all(clock: Clock) -> None:
    pace = paced(clock, 32)
    record(pace, clock, 0.1), record(pace, clock, 0.1)
    started = clock.now
    assert pace.throttled(5.0)
    assert (pace.limit, clock.now) == (4, started + 5.0)
    assert record(pace, clock, 0.1) == 5
    for _ in range(9):
        pace.throttled(0.0)
    assert pace.limit == 1


@pytest.mark.parametrize("status", [429, 503])
def test_throttled_run_applies_every_row_with_fewer_calls_at_a_time(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    limits: list[tuple[int, int]] = []
    throttled = Pace.throttled

    def watched(pace: Pace, seconds: float) -> bool:
        before = pace.limit
        found = throttled(pace, seconds)
        limits.append((before, pace.limit))
        return found

    monkeypatch.setattr(Pace, "throttled", watched)
    seeded.fail(GRANT, times=20, status=status, headers={"Retry-After": "0.01"})
    assert_complete(api, tmp_path)
    assert len(limits) == 20
    assert min(after for _, after in limits) == 1


@pytest.mark.parametrize("asked", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_run_that_is_asked_to_wait_for_no_time_waits_as_if_it_was_not_asked(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    waits: list[float] = []

    def throttled(pace: Pace, seconds: float) -> bool:
        waits.append(seconds)
        return True

    monkeypatch.setattr(Pace, "throttled", throttled)
    seeded.fail(GRANT, times=6, status=429, headers={"Retry-After": asked})
    assert_complete(api, tmp_path, concurrency=1)
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)] == [True] * 6
