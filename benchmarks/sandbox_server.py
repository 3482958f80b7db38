"""The sandbox: its start time, its memory, its requests per second and the time of a reset."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from benchmarks.comparison import Figure
from benchmarks.process import ROOT, environment, resident
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi

STARTS = 5
CALLS = 300
RESETS = 20


def measure(rounds: int) -> list[Figure]:
    """Measure a sandbox in a separate process, in memory, with its demo data."""
    with tempfile.TemporaryDirectory() as bytecode:
        waits = []
        for _ in range(STARTS + 1):
            with running(bytecode) as (process, url, wait):
                waits.append(wait)
        with running(bytecode) as (process, url, _):
            idle = resident(process)
            rates = {name: _rate(url, name) for name in ("read", "write")}
            return [
                Figure("sandbox: time to ready", statistics.median(waits[1:]) * 1e3, "ms"),
                Figure("sandbox: memory when ready", idle, "MiB"),
                *(Figure(f"sandbox: {name}s a second", rate, "calls/s") for name, rate in rates.items()),
                Figure("sandbox: reset", _reset_time(url) * 1e3, "ms"),
                Figure("sandbox: memory after these calls", resident(process), "MiB"),
            ]


@contextmanager
def running(bytecode: str) -> Iterator[tuple[int, str, float]]:
    """Run a sandbox, and yield its process id, its URL, and the seconds until it was ready."""
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0"],
        cwd=ROOT,
        env=environment(bytecode),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    try:
        url = child.stdout.readline().strip()
        yield child.pid, url, time.perf_counter() - started
    finally:
        child.terminate()
        child.communicate()


def _rate(url: str, kind: str) -> float:
    with ApiClient(Configuration(url)) as client:
        api = UsersInventoryApi(client)
        started = time.perf_counter()
        for _ in range(CALLS):
            if kind == "read":
                api.get_user_inventory(56, 56)
            else:
                api.update_user_inventory_status(56, 56, inventory_status="active")
        return CALLS / (time.perf_counter() - started)


def _reset_time(url: str) -> float:
    pool = urllib3.PoolManager()
    spent = []
    for _ in range(RESETS):
        started = time.perf_counter()
        response = pool.request("POST", f"{url}/_sandbox/reset")
        spent.append(time.perf_counter() - started)
        assert response.status < 300, response.data
    return statistics.median(spent)
