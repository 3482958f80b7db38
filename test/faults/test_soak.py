"""A soak: 16 threads, the sandbox, and a proxy with faults between them. Nothing is lost or done twice."""

from __future__ import annotations

import random
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import pytest

from knetik_cloud import (
    ApiClient,
    ApiException,
    Configuration,
    Consumable,
    EntitlementGrantRequest,
    EntitlementItem,
    NotFoundException,
    UsersInventoryApi,
)
from test.faults.child import PROJECT
from test.listening import stop_listening

THREADS = 16
FATES = {
    "closed when idle": 12,
    "refused": 1,
    "reset on the way there": 3,
    "reset on the way back": 3,
    "closed": 2,
    "silent": 1,
    "503": 2,
}
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultyProxy:
    """Passes bytes on to a server, and gives each connection a fate."""

    def __init__(self, port: int, seed: int) -> None:
        self._upstream = port
        self._random = random.Random(seed)
        self.fates: Counter[str] = Counter()
        self._is_stopped = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                fate = self._random.choices(list(FATES), list(FATES.values()))[0]
                after = self._random.randrange(2500)
                thread = threading.Thread(target=self._serve, args=(sock, fate, after), daemon=True)
                self._threads = [known for known in self._threads if known.is_alive()] + [thread]
                thread.start()

    def _serve(self, client: socket.socket, fate: str, after: int) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._upstream)) as server:
            if fate == "refused":
                self._reset(client, fate)
                return
            passed = {client: 0, server: 0}
            while not self._is_stopped:
                ready, _, _ = select.select([client, server], [], [], 0.1)
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    passed[source] += len(data)
                    sink = server if source is client else client
                    if source is client and fate == "503" and passed[client] > after:
                        self.fates[fate] += 1
                        client.sendall(UNAVAILABLE)
                        return
                    if source is client and fate == "reset on the way there" and passed[client] > after:
                        self._reset(client, fate)
                        return
                    if (
                        source is server
                        and passed[server] > after
                        and fate in ("reset on the way back", "closed", "silent")
                    ):
                        self._end(client, fate, data)
                        return
                    sink.sendall(data)
                    if source is server and fate == "closed when idle" and passed[server] > 2 * after:
                        self.fates[fate] += 1
                        return

    def _end(self, client: socket.socket, fate: str, data: bytes) -> None:
        """Keep a response, or half of it, from the client."""
        self.fates[fate] += 1
        if fate == "silent":
            time.sleep(0.6)
        elif fate == "closed":
            client.sendall(data[: len(data) // 2])
        else:
            self._reset(client, fate)

    def _reset(self, client: socket.socket, fate: str) -> None:
        self.fates[fate] += fate != "reset on the way back"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def close(self) -> None:
        """Stop, and wait for the connections to end."""
        self._is_stopped = True
        stop_listening(self._listener)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def sandbox_process() -> Iterator[str]:
    """Run the sandbox in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@dataclass
class Ledger:
    """The record of one thread's writes."""

    used: int = 0
    perhaps_used: int = 0
    expires: set[int | None] = field(default_factory=lambda: {None})
    made: set[str] = field(default_factory=set)
    perhaps_made: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    perhaps_removed: set[str] = field(default_factory=set)
    calls: int = 0
    failures: int = 0


class Player(threading.Thread):
    """One thread: it uses an entry, sets its expiry, reads it, and makes and removes items."""

    def __init__(self, number: int, api: UsersInventoryApi, entry: int, until: float) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.entry = entry
        self.failed: BaseException | None = None
        self._number = number
        self._api = api
        self._until = until
        self._random = random.Random(number)

    def run(self) -> None:
        """Play until the time is over."""
        acts = (self._use, self._use, self._use, self._read, self._expire, self._make_and_remove)
        try:
            while time.monotonic() < self._until:
                self.ledger.calls += 1
                self._random.choice(acts)()
        except BaseException as error:
            self.failed = error

    def _use(self) -> None:
        try:
            self._api.use_user_entitlement_item(56, self.entry)
        except ApiException as error:
            self.ledger.failures += 1
            self.ledger.perhaps_used += error.may_have_applied
        else:
            self.ledger.used += 1

    def _read(self) -> None:
        try:
            entry = self._api.get_user_inventory(56, self.entry)
        except ApiException:
            self.ledger.failures += 1
        else:
            assert entry.id == self.entry, "the answer of another call"
            assert entry.expires in self.ledger.expires, "an acknowledged write was lost"

    def _expire(self) -> None:
        moment = 4_000_000_000 + self._random.randrange(1_000_000)
        try:
            self._api.update_user_inventory_expires(56, self.entry, timestamp=moment)
        except ApiException as error:
            self.ledger.failures += 1
            if error.may_have_applied:
                self.ledger.expires.add(moment)
        else:
            self.ledger.expires = {moment}

    def _make_and_remove(self) -> None:
        name = f"soak {self._number}.{self.ledger.calls}"
        try:
            item = self._api.create_entitlement_item(entitlement_item=EntitlementItem(name=name))
        except ApiException as error:
            self.ledger.failures += 1
            (self.ledger.perhaps_made if error.may_have_applied else self.ledger.removed).add(name)
            return
        self.ledger.made.add(name)
        assert item.id is not None
        try:
            self._api.delete_entitlement_item(item.id)
        except ApiException as error:
            if isinstance(error, NotFoundException):
                raise  # an earlier try deleted it, which is no failure
            self.ledger.failures += 1
            if error.may_have_applied:
                self.ledger.perhaps_removed.add(name)
        else:
            self.ledger.removed.add(name)


def soak(seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Let 16 threads play, and compare what is stored with what they know."""
    with sandbox_process() as url:
        direct = UsersInventoryApi(ApiClient(Configuration(host=url)))
        entries = make_entries(direct)
        process = psutil.Process()
        before = process.num_fds(), threading.active_count()
        proxy = FaultyProxy(int(url.rpartition(":")[2]), seed=7)
        configuration = Configuration(host=proxy.url, timeout=0.4, deadline=4.0, retries=3)
        with ApiClient(configuration) as client:
            until = time.monotonic() + seconds
            players = [Player(n, UsersInventoryApi(client), entry, until) for n, entry in enumerate(entries)]
            for player in players:
                player.start()
            time.sleep(seconds / 2)
            halfway = process.memory_info().rss
            for player in players:
                player.join(seconds + 20)
            assert not any(player.is_alive() for player in players)
        proxy.close()
        time.sleep(0.1)
        for player in players:
            assert player.failed is None, player.failed
            compare(direct, player)
        compare_items(direct, [player.ledger for player in players])
        direct.api_client.close()
        assert process.num_fds() <= before[0] + 8
        assert threading.active_count() <= before[1] + 1
        assert process.memory_info().rss - halfway < 32 << 20, "the memory grows"
    assert sum(proxy.fates.values()) > seconds * 2, "too few faults were met"
    assert {"refused", "503", "closed"} <= set(proxy.fates)
    ledgers = [player.ledger for player in players]
    with capsys.disabled():
        print(
            f"\nsoak: {sum(ledger.calls for ledger in ledgers)} calls, {sum(proxy.fates.values())} faults, "
            f"{sum(ledger.failures for ledger in ledgers)} failures, "
            f"{sum(ledger.perhaps_used for ledger in ledgers)} ambiguous uses"
        )


def make_entries(api: UsersInventoryApi) -> list[int]:
    """Grant the user an entry for each thread, of an item without a limit of uses."""
    entries = []
    for number in range(THREADS):
        item = api.create_entitlement_item(
            entitlement_item=EntitlementItem(name=f"bottle {number}", behaviors=[Consumable()])
        )
        api.grant_user_entitlement(56, EntitlementGrantRequest(entitlement_id=item.id))
        page = api.get_user_inventories(56, size=100)
        (entry,) = (row.id for row in page.content or [] if row.item_id == item.id)
        assert entry is not None
        entries.append(entry)
    return entries


def compare(api: UsersInventoryApi, player: Player) -> None:
    """Compare an entry with what its thread knows."""
    entry, ledger = api.get_user_inventory(56, player.entry), player.ledger
    stored = ((entry.behavior_data or {}).get("consumable") or {}).get("use_count", 0)
    assert ledger.used <= stored <= ledger.used + ledger.perhaps_used
    assert entry.expires in ledger.expires


def compare_items(api: UsersInventoryApi, ledgers: list[Ledger]) -> None:
    """Compare the items with what all threads know."""
    stored: Counter[str] = Counter()
    page = 1
    while True:
        response = api.get_entitlement_items(size=200, page=page)
        stored.update(
            item.name or "" for item in response.content or [] if re.match(r"soak ", item.name or "")
        )
        if response.last or not response.content:
            break
        page += 1
    assert all(count == 1 for count in stored.values()), "an item was made twice"
    for ledger in ledgers:
        certain = ledger.made - ledger.removed - ledger.perhaps_removed
        assert certain <= set(stored), "an acknowledged item was lost"
        assert not ledger.removed & set(stored), "a removed or refused item is there"
    known = set().union(*(ledger.made | ledger.perhaps_made for ledger in ledgers))
    assert set(stored) <= known


def test_a_short_soak_loses_nothing_and_does_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    soak(4, capsys)


@pytest.mark.slow
def test_a_soak_of_a_minute_loses_nothing_and_does_nothing_twice(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes a minute: ask for it with -m slow")
    soak(60, capsys)
