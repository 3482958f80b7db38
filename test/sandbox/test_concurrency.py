"""Clients that control, read and write at once: nothing is lost, and nothing fails, on both databases."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest

from test.sandbox.conftest import running_command
from test.sandbox.web import Web

CLIENTS = 24


@pytest.fixture
def url(database: str) -> Iterator[str]:
    """A server on disk; on PostgreSQL, it has two processes."""
    workers = ["--workers", "2"] if database.startswith("postgresql") else []
    with running_command("--database", database, *workers) as (_, address):
        yield address


@pytest.fixture
def threaded_url(database: str) -> Iterator[str]:
    """A server on disk that has one process, whose threads share its state."""
    with running_command("--database", database) as (_, address):
        yield address


def at_once(url: str, clients: int, act: Callable[[Web, int], Any]) -> list[Any]:
    """Run a function with a client of its own in each of several threads; return all results."""
    results: list[Any] = []
    errors: list[BaseException] = []
    barrier = threading.Barrier(clients)

    def run(number: int) -> None:
        client = Web(url)
        try:
            barrier.wait(30)
            results.append(act(client, number))
        except BaseException as error:
            errors.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not errors
    assert len(results) == clients
    return results


def advance_ten_times(client: Web, number: int) -> list[int]:
    return [client.post("/_sandbox/clock/advance", {"seconds": 1}).status for _ in range(10)]


def test_no_advance_of_the_clock_is_lost(url: str) -> None:
    check_advances(url)


def test_no_advance_of_the_clock_is_lost_among_threads(threaded_url: str) -> None:
    check_advances(threaded_url)


def check_advances(url: str) -> None:
    client = Web(url)
    client.put("/_sandbox/clock", {"now": 1_000_000_000, "frozen": True})
    statuses = [*chain(*at_once(url, 8, advance_ten_times))]
    assert statuses == [200] * 80
    assert client.get("/_sandbox/clock").json == {"now": 1_000_000_080, "frozen": True}
    client.close()


def test_snapshots_of_one_name_replace_each_other(url: str) -> None:
    def act(client: Web, number: int) -> list[int]:
        statuses = []
        for _ in range(3):
            statuses.append(client.put("/_sandbox/snapshots/same").status)
            statuses.append(client.post("/_sandbox/snapshots/same/restore").status)
        return statuses

    statuses = [*chain(*at_once(url, 8, act))]
    assert set(statuses) == {204}
    client = Web(url)
    assert client.get("/_sandbox/snapshots").json == {"snapshots": ["same"]}
    client.close()


def test_resets_and_seeds_under_load_neither_fail_nor_deadlock(threaded_url: str) -> None:
    def act(client: Web, number: int) -> set[int]:
        if number == 0:
            return {client.post("/_sandbox/reset").status for _ in range(8)}
        if number == 1:
            seed = {"users": [{"id": 56, "username": "user_id_example"}, {"id": 3, "username": "three"}]}
            return {client.post("/_sandbox/seed", seed).status for _ in range(8)}
        if number == 2:
            return {client.get("/_sandbox/export").status for _ in range(8)}
        return {reply.status for _ in range(8) for reply in (client.use(56, 56), client.grant(3, 1))}

    assert set.union(*at_once(threaded_url, 12, act)) <= {200, 202, 204, 400, 403}


def test_an_item_s_new_name_reaches_every_entry(threaded_url: str) -> None:
    client = Web(threaded_url)
    item = client.create_item()

    def act(client: Web, number: int) -> set[int]:
        statuses = set()
        for turn in range(12):
            if number == 0:
                body = {"type_hint": "entitlement", "name": f"Name {turn}"}
                statuses.add(client.put(f"/entitlements/{item}", body).status)
            elif number % 2:
                statuses.add(client.grant(number % 3 + 1, item).status)
            else:
                client.use(number % 3 + 1, item)
        return statuses

    statuses = set.union(*at_once(threaded_url, 8, act))
    assert statuses <= {202, 204}
    entries = [entry for user in (1, 2, 3) for entry in client.entries(user, item)]
    assert len(entries) == 4 * 12
    assert {entry["item_name"] for entry in entries} == {"Name 11"}
    client.close()


def use_count(entry: dict[str, Any]) -> int:
    return int(entry["behavior_data"].get("consumable", {}).get("use_count", 0))


def ledger_errors(client: Web, item: int) -> list[Any]:
    """List user 56's entries of an item whose count of uses differs from their log."""
    wrong = []
    for entry in client.entries(56, item):
        log = client.get(f"/users/56/inventory/{entry['id']}/log", query={"size": 1000}).json["content"]
        used = Counter(line["type"] for line in log)["use"]
        if use_count(entry) != used:
            wrong.append((entry, used))
    return wrong


@pytest.mark.slow
def test_24_clients_control_and_use_at_the_same_time(url: str) -> None:
    setup = Web(url)
    item = setup.create_item({"type_hint": "consumable", "max_use": 100_000})
    assert setup.grant(56, item).status == 202
    for name in ("a", "b"):
        assert setup.put(f"/_sandbox/snapshots/{name}").status == 204

    def disturb(client: Web, number: int) -> set[int]:
        chance = random.Random(number)
        calls: list[Callable[[], Any]] = [
            lambda: client.use(56, item),
            lambda: client.use(56, item),
            lambda: client.grant(56, item),
            lambda: client.post("/_sandbox/clock/advance", {"minutes": 1}),
            lambda: client.put(f"/_sandbox/snapshots/{chance.choice('ab')}"),
            lambda: client.post(f"/_sandbox/snapshots/{chance.choice('ab')}/restore"),
            lambda: client.post("/_sandbox/tokens/expire"),
            lambda: client.post("/users/56/inventory", {"sku": "sku_example", "note": "n"}),
            lambda: client.get("/inventories"),
        ]
        if number == 0:
            calls += [lambda: client.post("/_sandbox/reset")] * 3
        return {chance.choice(calls)().status for _ in range(20)}

    statuses = set.union(*at_once(url, CLIENTS, disturb))
    assert not [status for status in statuses if status >= 500]

    setup.post("/_sandbox/snapshots/a/restore")
    assert ledger_errors(setup, item) == []
    if not setup.entries(56, item):
        item = setup.create_item({"type_hint": "consumable", "max_use": 100_000})
        assert setup.grant(56, item).status == 202
    before = sum(map(use_count, setup.entries(56, item)))
    setup.put("/_sandbox/clock", {"now": 1_900_000_000, "frozen": True})

    def count(client: Web, number: int) -> int:
        used = 0
        for _ in range(10):
            used += client.use(56, item).status == 200
            assert client.post("/_sandbox/clock/advance", {"seconds": 1}).status == 200
        return used

    used = sum(at_once(url, CLIENTS, count))
    assert setup.get("/_sandbox/clock").json["now"] == 1_900_000_000 + 10 * CLIENTS
    assert used == 10 * CLIENTS
    assert sum(map(use_count, setup.entries(56, item))) == before + used
    assert ledger_errors(setup, item) == []
    setup.close()
