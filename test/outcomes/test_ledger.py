"""Nothing lost, nothing twice: bulk runs that are killed at any moment, and callers of `once` that compete.

`KNETIK_TEST_SOAK=10` makes it 100 kills per database instead of 10: `tox -e soak`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import aio
from knetik_cloud.sandbox import Sandbox
from test.outcomes import ledger
from test.outcomes.ledger import GRANT, ROWS, USE, USERS
from test.sandbox.conftest import postgresql_url  # noqa: F401 - a fixture

KILLS = 10 * int(os.environ.get("KNETIK_TEST_SOAK", "1"))
CALLERS = 8
CALLS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + 30 * KILLS)]


@pytest.fixture(params=["file", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose data is in a file, then in PostgreSQL."""
    is_file = request.param == "file"
    database = str(tmp_path / "sandbox.db") if is_file else request.getfixturevalue("postgresql_url")
    with Sandbox(database=database) as sandbox:
        ledger.seed(sandbox)
        yield sandbox


def start(sandbox: Sandbox, operation: str, name: str, journal: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "test.outcomes.ledger_child", sandbox.url, operation, name, str(journal)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.getcwd()
    )


def finish(sandbox: Sandbox, operation: str, name: str, journal: Path) -> dict[str, int]:
    """Resume a run until every row is applied; faults may take several."""
    for _ in range(6):
        child = start(sandbox, operation, name, journal)
        output, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors
        counts: dict[str, int] = json.loads(output)
        if counts["applied"] == ROWS:
            break
    return counts


def test_killed_runs_lose_nothing_and_apply_nothing_twice(service: Sandbox, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    choose = random.Random(seed)
    granted = dict.fromkeys(USERS, 0)
    for number in range(KILLS):
        operation = (USE, GRANT)[number % 2]
        name, journal = f"run{number}", tmp_path / f"run{number}"
        where = f"seed {seed}, run {number}, {operation}"
        ledger.arm(service, operation, choose)
        child = start(service, operation, name, journal)
        with suppress(subprocess.TimeoutExpired):
            child.wait(choose.uniform(0.3, 3.0))
        child.kill()
        child.communicate()
        counts = finish(service, operation, name, journal)
        service.clear_faults()
        assert counts == {
            "applied": ROWS, "found": 0, "denied": 0, "absent": 0, "unknown": 0, "pending": 0,
        }, where  # fmt: skip
        if operation == USE:
            expected = {row["key"]: 1 for row in ledger.rows(USE, name)}
            assert ledger.uses(service, name) == expected, where
        else:
            granted = {user: count + ROWS // len(USERS) for user, count in granted.items()}
            assert ledger.grants(service) == granted, where


def competing_threads(sandbox: Sandbox, names: list[str]) -> list[knetik_cloud.Outcome[Any]]:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)

        def call(key: str) -> knetik_cloud.Outcome[Any]:
            return knetik_cloud.once(
                api.use_user_entitlement_item,
                USERS[0],
                ledger.ITEM,
                key=key,
                settle=ledger.SETTLE_SECONDS,
                _request_timeout=(5.0, ledger.READ_SECONDS),
                _retries=9,
            )

        with ThreadPoolExecutor(CALLERS) as threads:
            return list(threads.map(call, names))


def competing_tasks(sandbox: Sandbox, names: list[str]) -> list[knetik_cloud.Outcome[Any]]:
    async def main() -> list[knetik_cloud.Outcome[Any]]:
        async with aio.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
            api = aio.UsersInventoryApi(client)
            places = asyncio.Semaphore(CALLERS)

            async def call(key: str) -> knetik_cloud.Outcome[Any]:
                async with places:
                    return await aio.once(
                        api.use_user_entitlement_item,
                        USERS[0],
                        ledger.ITEM,
                        key=key,
                        settle=ledger.SETTLE_SECONDS,
                        _request_timeout=(5.0, ledger.READ_SECONDS),
                        _retries=9,
                    )

            return list(await asyncio.gather(*map(call, names)))

    return asyncio.run(main())


@pytest.mark.parametrize("compete", [competing_threads, competing_tasks], ids=["blocking", "asyncio"])
def test_competing_callers_of_once_each_use_it_once(service: Sandbox, compete: Any) -> None:
    choose = random.Random()
    ledger.arm(service, USE, choose)
    ledger.arm(service, USE, choose)
    names = [f"caller-{number}" for number in range(CALLERS * CALLS)]
    outcomes = compete(service, names)
    assert [outcome.state for outcome in outcomes] == ["applied"] * len(names)
    assert ledger.uses(service, "caller") == dict.fromkeys(names, 1)
    assert [outcome.state for outcome in compete(service, names)] == ["found"] * len(names)
