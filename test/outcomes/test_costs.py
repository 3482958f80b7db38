"""The cost of bulk runs and exports, in CPU time and memory of a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
KEYS = 100_000 * int(os.environ.get("KNETIK_TEST_SOAK", "1"))
"""A million in `tox -e soak`."""

COMMAND = [sys.executable, "-m", "test.outcomes.costs"]


def measure(*arguments: str) -> Any:
    return json.loads(subprocess.run([*COMMAND, *arguments], check=True, capture_output=True).stdout)


@pytest.fixture
def stub() -> Iterator[str]:
    """The URL of a server that accepts everything."""
    with subprocess.Popen([*COMMAND, "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


@pytest.mark.performance
def test_row_of_a_bulk_run_costs_little_more_than_a_bare_thread_pool(stub: str) -> None:
    found = measure("per-row", stub, "10000")
    assert median(found["bulk"]) - median(found["pool"]) <= 25, found


def test_memory_does_not_grow_with_the_keys(stub: str) -> None:
    assert measure("peak", stub, "1000", "run")["MiB"] < 100
    few, many = (measure("peak", stub, str(count), "plan")["MiB"] for count in (1_000, KEYS))
    assert many - few < KEYS * 100 / 2**20
    assert many < 100


@pytest.mark.performance
def test_million_records_are_replayed_in_three_seconds_of_cpu_time() -> None:
    assert measure("replay", "1000000")["seconds"] <= 3


@pytest.mark.performance
def test_export_takes_a_fifth_of_reading_and_writing_each_row() -> None:
    found = measure("export", "200000")
    assert median(found["export"]) <= median(found["json"]) / 5, found
