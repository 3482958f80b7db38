"""Tasks that share one asyncio client: calls in a second of CPU time, against bare aiohttp with as many."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from benchmarks import baseline
from benchmarks.calls import configuration, without_msgspec
from benchmarks.comparison import Ratio
from benchmarks.server import Server
from knetik_cloud import aio
from knetik_cloud.data import codec

COUNT = 50
CALLS = 1000
"""Calls of one batch, all tasks together."""

Call = Callable[[], Awaitable[object]]


def measure(rounds: int) -> list[Ratio]:
    """Compare calls in a second of CPU time: above 1.00 the SDK makes more."""
    with Server() as server:
        return asyncio.run(_compare(server, max(5, rounds // 6)))


async def _compare(server: Server, rounds: int) -> list[Ratio]:
    async with (
        aio.ApiClient(configuration(server.url)) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        api = aio.UsersInventoryApi(client)
        headers = {"Authorization": "Bearer token-of-the-benchmark"}

        async def fetch(target: str) -> Any:
            async with session.get(f"{server.url}{target}", headers=headers) as response:
                return json.loads(await response.read())

        async def entry() -> object:
            found = await api.get_user_inventory(56, 56)
            return found.id, found.status, found.item_name

        async def bare_entry() -> object:
            found = await fetch(baseline.target(1))
            return found["id"], found["status"], found["item_name"]

        async def page() -> object:
            found = (await api.get_users_inventory(size=25)).content or ()
            return [(row.id, row.status, row.item_name) for row in found]

        async def bare_page() -> object:
            found = (await fetch(baseline.target(25)))["content"]
            return [(row["id"], row["status"], row["item_name"]) for row in found]

        name = f"calls a CPU second, {COUNT} tasks on one client"
        ratios = []
        with without_msgspec():
            ratios.append(await _ratio(name, entry, bare_entry, rounds))
            ratios.append(await _ratio(f"{name}, a page of 25", page, bare_page, rounds))
        if codec.fast_decoder() is not None:
            ratios.append(await _ratio(f"{name}, a page of 25, msgspec", page, bare_page, rounds))
    return ratios


async def _ratio(name: str, subject: Call, bare: Call, rounds: int) -> Ratio:
    await rate(subject), await rate(bare)
    pairs = [(await rate(subject), await rate(bare)) for _ in range(rounds)]
    return Ratio.of_pairs(name, pairs, "calls/s")


async def rate(call: Call) -> float:
    """Return the calls per second of CPU time with a fixed number in progress."""
    turns = iter(range(CALLS))

    async def work() -> None:
        for _ in turns:
            await call()

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(COUNT)))
    return CALLS / (time.process_time() - started)
