"""The speed of the sandbox, with an allowance for a busy machine. The guide lists the measured figures."""

from __future__ import annotations

import statistics
import threading
import time

import psutil
import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.conftest import running_command
from test.sandbox.web import Web

pytestmark = pytest.mark.slow

LEEWAY = 2.0
"""How many times slower than the goal a run may be before it fails: the machine may be busy."""


@pytest.mark.performance
def test_the_command_is_ready_within_a_second() -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        with running_command() as (process, _):
            times.append(time.perf_counter() - started)
            megabytes = psutil.Process(process.pid).memory_info().rss / 2**20
    assert min(times) < 1.0 * LEEWAY
    assert megabytes < 100


@pytest.mark.performance
def test_reset_takes_less_than_ten_milliseconds(sandbox: Sandbox) -> None:
    times = []
    for _ in range(20):
        started = time.perf_counter()
        sandbox.reset()
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.010 * LEEWAY


@pytest.mark.performance
def test_500_simple_calls_a_second_from_8_threads() -> None:
    calls = 100

    def read(url: str) -> None:
        client = Web(url)
        for _ in range(calls):
            assert client.get("/users/56/inventory/56").status == 200
        client.close()

    with running_command() as (_, url):
        read(url)  # warm
        threads = [threading.Thread(target=read, args=(url,)) for _ in range(8)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 8 * calls / (time.perf_counter() - started) > 500 / LEEWAY
