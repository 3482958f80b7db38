"""Bulk runs on several processes: any executor runs whole shards, and a worker that dies costs nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud
import knetik_cloud.bulk.running
from knetik_cloud import bulk
from knetik_cloud.sandbox import Sandbox
from test.outcomes import ledger
from test.polling import wait_until

ROWS = 480


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(database=str(tmp_path / "sandbox.db")) as sandbox:
        ledger.seed(sandbox)
        monkeypatch.setenv("KNETIK_CLOUD_HOST", sandbox.url)  # the workers connect to it
        monkeypatch.setenv("KNETIK_CLOUD_RETRIES", "4")
        yield sandbox


@pytest.fixture
def api(service: Sandbox) -> Iterator[knetik_cloud.UsersInventoryApi]:
    with knetik_cloud.UsersInventoryApi() as made:
        yield made


def uses(name: str) -> list[dict[str, Any]]:
    users = [*ledger.USERS]
    return [
        {"user_id": users[number % len(users)], "item_id": ledger.ITEM, "key": f"{name}-{number}"}
        for number in range(ROWS)
    ]


def connect() -> knetik_cloud.UsersInventoryApi:
    """Make the API object in a worker."""
    configuration = knetik_cloud.Configuration(host=os.environ["KNETIK_CLOUD_HOST"], retries=4)
    return knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient(configuration))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore")  # of the cluster's own, when a worker is killed
def test_dask_cluster_that_loses_a_worker_loses_no_row(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    for fault in ledger.FAULTS[:4]:
        service.fail(ledger.USE, times=2, **fault)
    service.fail(ledger.USE, times=None, delay=0.02)  # so that it lasts long enough to be killed
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path / "workers"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = list(client.run(os.getpid).values())
        assert len(workers) == 2

        def kill() -> None:
            while len(ledger.uses(service, "dask")) < ROWS / 10:
                time.sleep(0.1)
            os.kill(workers[0], signal.SIGKILL)

        killer = ThreadPoolExecutor(1).submit(kill)
        report = bulk.run(
            uses("dask"),
            api.use_user_entitlement_item,
            journal=tmp_path / "run",
            executor=client.get_executor(),
            connect=connect,
            settle=0.5,
            shards=12,
            progress=False,
        )
        killer.result()
        client.wait_for_workers(2)
    service.clear_faults()
    assert report.counts["applied"] == ROWS, report
    assert ledger.uses(service, "dask") == {row["key"]: 1 for row in uses("dask")}


@pytest.mark.slow
def test_process_pool_runs_whole_shards(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        report = bulk.run(
            uses("pool"),
            api.use_user_entitlement_item,
            journal=tmp_path / "run",
            executor=executor,
            tps=1000,
            shards=8,
            progress=False,
        )
    assert report.counts["applied"] == ROWS
    assert ledger.uses(service, "pool") == {row["key"]: 1 for row in uses("pool")}


@pytest.mark.slow
def test_process_pool_that_loses_a_process_is_named_and_a_new_one_continues(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    service.fail(ledger.USE, times=None, delay=0.02)  # so that it lasts long enough to be killed

    def run(executor: ProcessPoolExecutor) -> bulk.Report:
        method, journal = api.use_user_entitlement_item, tmp_path / "run"
        options: Any = {"connect": connect, "settle": 0.5, "shards": 8, "progress": False}
        return bulk.run(uses("lost"), method, journal=journal, executor=executor, **options)

    def kill() -> None:
        assert wait_until(lambda: len(ledger.uses(service, "lost")) >= ROWS / 10)
        active_children()[0].kill()

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        killer = ThreadPoolExecutor(1).submit(kill)
        with pytest.raises(bulk.BulkError, match=r"BrokenProcessPool: .*use the same command to continue"):
            run(executor)
        killer.result()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert run(executor).counts["applied"] == ROWS
    assert ledger.uses(service, "lost") == {row["key"]: 1 for row in uses("lost")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the cluster's own, when a worker is killed
def test_shard_that_a_dask_cluster_gives_up_is_named(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(bulk.BulkError, match=r"KilledWorker: .*use the same command to continue"),
    ):
        bulk.run(
            uses("dask"),
            api.use_user_entitlement_item,
            journal=tmp_path / "run",
            executor=client.get_executor(),
            connect=die,
            shards=1,
            progress=False,
        )


def die() -> knetik_cloud.UsersInventoryApi:
    """Kill the worker that connects."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


PROGRAM = """
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

import knetik_cloud
from knetik_cloud import bulk

if __name__ == "__main__":
    rows = [{"user_id": 56, "id": 56, "inventory_status": status} for status in ("inactive", "active")] * 20
    leave_ctrl_c = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    processes = int(sys.argv[2])
    with (
        ProcessPoolExecutor(processes, **({} if processes == 1 else leave_ctrl_c)) as executor,
        knetik_cloud.ApiClient() as client,
    ):
        method = knetik_cloud.UsersInventoryApi(client).update_user_inventory_status
        bulk.run(rows, method, journal=sys.argv[1], executor=executor, progress=False)
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_lets_the_calls_in_the_processes_of_an_executor_end(
    service: Sandbox, tmp_path: Path, processes: int
) -> None:
    service.fail("update_user_inventory_status", times=None, delay=0.1)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "run"), str(processes)],
        env={**os.environ, "KNETIK_CLOUD_HOST": service.url, "PYTHONPATH": os.getcwd()},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def kinds() -> list[str]:
        journals = (tmp_path / "run").glob("*.journal")
        return [line.split()[0] for path in journals for line in path.read_text().splitlines()]

    assert wait_until(lambda: len(kinds()) >= 3)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    found = kinds()
    assert "Waiting for the calls in flight" in errors
    assert found.count("intent") == found.count("applied") < 40


def test_shards_can_be_run_one_by_one_and_repeated(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    bulk.prepare(uses("single"), api.use_user_entitlement_item, journal=tmp_path / "run", shards=4)
    service.clear_journal()
    tallies = [bulk.run_shard(tmp_path / "run", shard, api) for shard in bulk.shards_of(tmp_path / "run")]
    assert sum(tally.counts["applied"] for tally in tallies) == ROWS
    again = [bulk.run_shard(tmp_path / "run", shard, connect) for shard in bulk.shards_of(tmp_path / "run")]
    assert [(tally.counts, tally.state) for tally in again] == [({}, "done")] * len(tallies)
    assert bulk.report(tmp_path / "run").is_complete


def test_shard_stops_when_too_many_of_its_rows_have_failed(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    rows = [{"user_id": 999_999, "item_id": 56, "info": str(number)} for number in range(10)]
    bulk.prepare(rows, api.use_user_entitlement_item, journal=tmp_path / "run", shards=1)
    tally = bulk.run_shard(tmp_path / "run", 0, api, max_errors=1)
    assert tally == ({"denied": 2}, "stopped", "more than 1 rows failed")
    assert bulk.run_shard(tmp_path / "run", 0, api).counts == {"denied": 8}


@pytest.mark.skipif(os.name == "nt", reason="needs the timers of Unix")
@pytest.mark.parametrize("slow", [ledger.USE, "get_user_inventory_log"], ids=["call", "read-back"])
def test_error_of_a_signal_handler_ends_a_shard(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path, slow: str
) -> None:
    mine = knetik_cloud.ApiException(503, "mine")

    def interrupt(*_: object) -> None:
        raise mine

    bulk.prepare(uses("timer")[:2], api.use_user_entitlement_item, journal=tmp_path / "run", shards=1)
    if slow != ledger.USE:
        service.fail(ledger.USE, reset=True, applied=True)
    service.fail(slow, delay=1)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(knetik_cloud.ApiException) as raised:
            bulk.run_shard(tmp_path / "run", 0, api)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert raised.value is mine
    assert bulk.run_shard(tmp_path / "run", 0, api).counts == {"applied": 2}


def test_shard_that_another_process_runs_is_left_alone(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    bulk.prepare(uses("busy"), api.use_user_entitlement_item, journal=tmp_path / "run", shards=1)
    slow = service.fail(ledger.USE, delay=2)
    tallies: list[bulk.Tally] = []
    first = threading.Thread(target=lambda: tallies.append(bulk.run_shard(tmp_path / "run", 0, api)))
    first.start()
    assert wait_until(lambda: slow.met)
    assert bulk.run_shard(tmp_path / "run", 0, api).state == "busy"
    first.join()
    assert tallies[0].counts == {"applied": ROWS}


def test_workers_of_another_host_are_rejected(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk.prepare(uses("host"), api.use_user_entitlement_item, journal=tmp_path / "run", shards=1)
    monkeypatch.setenv("KNETIK_CLOUD_HOST", "http://127.0.0.1:1")
    with pytest.raises(bulk.ChangedInputError, match=r"configured for http://127\.0\.0\.1:1: pass connect="):
        bulk.run_shard(tmp_path / "run", 0)
    with pytest.raises(bulk.BulkError, match=r"run has no shard 7: it has 0$"):
        bulk.run_shard(tmp_path / "run", 7)
    bulk.prepare([], api.use_user_entitlement_item, journal=tmp_path / "empty")
    with pytest.raises(bulk.BulkError, match=r"empty has no shard 0: it has none$"):
        bulk.run_shard(tmp_path / "empty", 0)


@pytest.mark.parametrize("name", ["a_script:Api", "knetik_cloud:run.<locals>.Api"])
def test_class_that_a_worker_cannot_import_is_named_with_the_remedy(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path, name: str
) -> None:
    shards = bulk.prepare(uses("class"), api.use_user_entitlement_item, journal=tmp_path / "run", shards=1)
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "api": name}))
    with pytest.raises(bulk.BulkError, match=rf"{name}, whose .* imported here \(.*\): pass an object of it"):
        bulk.resume(tmp_path / "run")
    with pytest.raises(bulk.BulkError, match="can't be imported"):
        bulk.run_shard(tmp_path / "run", shards[0])
    assert bulk.run_shard(tmp_path / "run", shards[0], api).counts == {"applied": ROWS}


def test_manifest_names_what_the_workers_need(
    service: Sandbox, api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    bulk.prepare(uses("m"), api.use_user_entitlement_item, journal=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["api"] == "knetik_cloud.apis.users_inventory_api:UsersInventoryApi"
    assert (manifest["operation"], manifest["host"], manifest["rows"]) == (ledger.USE, service.url, ROWS)
