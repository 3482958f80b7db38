"""The memory that discarded clients, and many calls of one client, leave behind."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile

from benchmarks import process
from benchmarks.calls import configuration
from benchmarks.comparison import Figure
from benchmarks.server import Server
from knetik_cloud import ApiClient, UsersInventoryApi

CLIENTS = 1_000
PLAIN_CALLS = 1_000
MANY_CALLS = 100_000


def measure(rounds: int) -> list[Figure]:
    """Count what 1,000 clients with a call each, and 1,000 calls on one client, leave behind."""
    with Server() as server:
        return [
            *_in_child("drop_clients", server.url, CLIENTS, f"{CLIENTS:,} clients made and dropped"),
            *_in_child("call_often", server.url, PLAIN_CALLS, f"{PLAIN_CALLS:,} calls on one client"),
        ]


def measure_many(rounds: int) -> list[Figure]:
    """Count what 100,000 calls on one client leave behind."""
    with Server() as server:
        return _in_child("call_often", server.url, MANY_CALLS, f"{MANY_CALLS:,} calls on one client")


def _in_child(work: str, url: str, times: int, name: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as bytecode:
        result = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", work, url, str(times)],
            cwd=process.ROOT,
            env=process.environment(bytecode),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    memory, descriptors, threads = json.loads(result.stdout)
    return [
        Figure(f"{name}: memory", memory, "MiB"),
        Figure(f"{name}: descriptors", descriptors, "more"),
        Figure(f"{name}: threads", threads, "more"),
    ]


def drop_clients(url: str, times: int) -> None:
    """Make so many clients, let each make a call, and drop it unclosed."""
    for _ in range(times):
        UsersInventoryApi(ApiClient(configuration(url))).get_user_inventory(56, 56)


def call_often(url: str, times: int) -> None:
    """Make so many calls on one client."""
    with ApiClient(configuration(url)) as client:
        api = UsersInventoryApi(client)
        for _ in range(times):
            api.get_user_inventory(56, 56)


def _main(work: str, url: str, times: str) -> None:
    run = {"drop_clients": drop_clients, "call_often": call_often}[work]
    threads = process.threads()
    run(url, 50)  # loads and keeps some things once, which is not growth
    gc.collect()
    memory, descriptors = process.resident(), process.descriptors()
    run(url, int(times))
    gc.collect()
    print(
        json.dumps(
            [
                process.resident() - memory,
                process.descriptors() - descriptors,
                process.threads() - threads,
            ]
        )
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
