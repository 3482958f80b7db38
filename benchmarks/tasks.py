"""Tasks that share one asyncio client: calls in a second of CPU time, against bare aiohttp with as many."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import aiohttp

from benchmarks.calls import configuration
from benchmarks.comparison import Ratio
from benchmarks.server import Server
from knetik_cloud import aio

COUNT = 50
CALLS = 1000
"""Calls of one batch, all tasks together."""

Call = Callable[[], Awaitable[object]]


def measure(rounds: int) -> list[Ratio]:
    """Compare calls in a second of CPU time: above 1.00 the SDK makes more."""
    with Server() as server:
        return [asyncio.run(_compare(server, max(5, rounds // 6)))]


async def _compare(server: Server, rounds: int) -> Ratio:
    async with (
        aio.ApiClient(configuration(server.url)) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        api, url = aio.UsersInventoryApi(client), f"{server.url}/users/56/inventory/56"
        headers = {"Authorization": "Bearer token-of-the-benchmark"}

        async def subject() -> object:
            entry = await api.get_user_inventory(56, 56)
            return entry.id, entry.status, entry.item_name

        async def bare() -> object:
            async with session.get(url, headers=headers) as response:
                entry = json.loads(await response.read())
            return entry["id"], entry["status"], entry["item_name"]

        await rate(subject), await rate(bare)
        pairs = [(await rate(subject), await rate(bare)) for _ in range(rounds)]
    return Ratio.of_pairs(f"calls a CPU second, {COUNT} tasks on one client", pairs, "calls/s")


async def rate(call: Call) -> float:
    """Return the calls per second of CPU time with a fixed number in progress."""
    turns = iter(range(CALLS))

    async def work() -> None:
        for _ in turns:
            await call()

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(COUNT)))
    return CALLS / (time.process_time() - started)
