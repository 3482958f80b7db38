"""Threads that share one client: calls a second, against bare urllib3 with as many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from benchmarks import baseline
from benchmarks.calls import caller, configuration
from benchmarks.comparison import Ratio
from benchmarks.server import Server
from knetik_cloud import ApiClient, UsersInventoryApi

COUNTS = (1, 4, 8, 32)
CALLS = 640
"""Calls of one batch, all threads together."""


def measure(rounds: int) -> list[Ratio]:
    """Compare calls a second: above 1.00 the SDK makes more. Rounds are long: there are a sixth as many."""
    with Server() as server, ApiClient(configuration(server.url)) as client:
        subject = caller(UsersInventoryApi(client), 1)
        bare = baseline.caller(server.port, 1, connections=max(COUNTS))
        return [_compare(count, subject, bare, max(5, rounds // 6)) for count in COUNTS]


def _compare(count: int, subject: Callable[[], object], bare: Callable[[], object], rounds: int) -> Ratio:
    rate(subject, count), rate(bare, count)
    pairs = [(rate(subject, count), rate(bare, count)) for _ in range(rounds)]
    threads = "1 thread" if count == 1 else f"{count} threads on one client"
    return Ratio.of_pairs(f"calls a second, {threads}", pairs, "calls/s")


def rate(call: Callable[[], object], count: int) -> float:
    """Return the calls per second of a number of threads, from when all of them are ready."""
    ready = threading.Barrier(count + 1)

    def work() -> None:
        ready.wait()
        for _ in range(CALLS // count):
            call()

    workers = [threading.Thread(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    ready.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    return CALLS / (time.perf_counter() - started)
