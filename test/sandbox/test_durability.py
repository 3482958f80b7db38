"""Confirmed writes are kept, and limits hold, on both databases and after every failure."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time

import psutil
import pytest

from test.sandbox.conftest import running_command
from test.sandbox.web import Web

pytestmark = pytest.mark.slow


def options_for(database: str) -> list[str]:
    workers = ["--workers", "2"] if database.startswith("postgresql") else []
    return ["--database", database, *workers]


def test_a_killed_server_loses_nothing_that_it_responded_to(database: str) -> None:
    responses = [0] * 4

    def grant(number: int, url: str) -> None:
        client = Web(url)
        try:
            while client.grant(3, 1).status == 202:
                responses[number] += 1
        except (OSError, http.client.HTTPException):
            pass  # killed
        finally:
            client.close()

    with running_command(*options_for(database)) as (process, url):
        setup = Web(url)
        item = setup.get("/entitlements/1").json
        assert setup.put("/entitlements/1", {**item, "behaviors": []}).status == 204
        setup.close()
        threads = [threading.Thread(target=grant, args=(number, url)) for number in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 30
        while sum(responses) < 1000 and time.monotonic() < end:
            time.sleep(0.01)
        _kill_all(process.pid)
        for thread in threads:
            thread.join()
    assert sum(responses) >= 1000

    with running_command("--database", database) as (_, url):
        client = Web(url)
        entries, page = [], 1
        while page:
            listed = client.get(
                "/users/3/inventory", query={"filter_item_id": 1, "size": 1000, "page": page}
            ).json
            entries += listed["content"]
            page = 0 if listed["last"] else page + 1
        # One grant per thread may have been stored without its response arriving.
        assert sum(responses) <= len(entries) <= sum(responses) + 4
        for entry in entries[:: max(1, len(entries) // 50)] + entries[-4:]:
            log = client.get(f"/users/3/inventory/{entry['id']}/log").json
            assert [line["type"] for line in log["content"]] == ["grant"]
        assert client.grant(3, 1).status == 202
        client.close()


def _kill_all(pid: int) -> None:
    """Kill a server and its workers at once, with no chance to tidy up."""
    for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
        os.kill(process.pid, signal.SIGKILL)


def test_32_clients_share_500_uses_exactly(database: str) -> None:
    results: list[int] = []

    def use(url: str, item: int) -> None:
        client = Web(url)
        results.extend(client.use(56, item).status for _ in range(20))
        client.close()

    with running_command(*options_for(database)) as (_, url):
        client = Web(url)
        item = client.create_item({"type_hint": "consumable", "max_use": 500})
        client.grant(56, item)
        threads = [threading.Thread(target=use, args=(url, item)) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (results.count(200), results.count(403)) == (500, 140)
        (entry,) = client.entries(56, item)
        assert entry["status"] == "inactive"
        assert entry["behavior_data"] == {"consumable": {"use_count": 500}}
        log = client.get(f"/users/56/inventory/{entry['id']}/log", query={"size": 1000}).json["content"]
        assert [line["type"] for line in log].count("use") == 500
        client.close()


def test_limits_hold_when_many_grants_arrive_at_the_same_time(database: str) -> None:
    statuses: list[int] = []

    def grant(url: str, item: int) -> None:
        client = Web(url)
        statuses.extend(client.grant(56, item).status for _ in range(5))
        client.close()

    with running_command(*options_for(database)) as (_, url):
        client = Web(url)
        group = {"name": "few", "active_only": False, "owned_limit": 7}
        item = client.create_item({"type_hint": "limited_gettable", "group": group})
        threads = [threading.Thread(target=grant, args=(url, item)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (statuses.count(202), statuses.count(400)) == (7, 33)
        assert len(client.entries(56, item)) == 7
        client.close()
