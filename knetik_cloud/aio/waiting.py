"""Waiters of the asyncio client; `knetik_cloud.waiting` holds the algorithm."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from knetik_cloud.aio.api_client import Api, ApiClient
from knetik_cloud.aio.recovery import run_steps
from knetik_cloud.core.operation import Operation
from knetik_cloud.waiting import (
    SleepFunction,
    Wait,
    client_of,
    instant,
    models_of,
    parse,
    prepare,
    token,
    waiter_of,
)
from knetik_cloud.wire import asynchronous

__all__ = ["resume", "token"]

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source


async def wait(
    client: ApiClient,
    operation: Operation[Any],
    name: str,
    arguments: Mapping[str, Any],
    item: Any,
    options: Mapping[str, Any],
    *,
    find: Mapping[str, Any],
    since: Any,
    deadline: float,
    sleep: SleepFunction | None,
) -> Any:
    """Wait with the asyncio client: what the generated methods do."""
    awaited = Wait(operation, waiter_of(operation, name), arguments, item, find, instant(since))
    return await _run(client, awaited, options, deadline, sleep)


async def _run(
    client: ApiClient, awaited: Wait, options: Mapping[str, Any], deadline: float, sleep: SleepFunction | None
) -> Any:
    steps, count = prepare(client, awaited, options, deadline, sleep is not None)

    async def pause(seconds: float) -> None:
        slept = (sleep or asynchronous.sleep)(seconds)
        if inspect.isawaitable(slept):
            await slept
        count(seconds)

    return await run_steps(client, steps, pause)


async def resume(
    api: Api,
    token: str,
    *,
    deadline: float = 60.0,
    sleep: SleepFunction | None = None,
    **options: Any,
) -> Any:
    """Continue a wait of another process.

    Args:
        api: Any asyncio API object of the same service.
        token: The result of `token`, or the `wait_token` of a `DeadlineExceeded`.
        deadline: Seconds for all calls and waits. `math.inf` sets no limit.
        sleep: A function to call with the seconds, instead of sleeping. It may return an awaitable.
        **options: Options for each of the calls.

    Returns:
        The item, or the items.

    Raises:
        WaitFailed: If the state can't be reached anymore.
        DeadlineExceeded: If the deadline passes first, or that of a `knetik_cloud.deadline` block.
        ApiValueError: If `token` is not the token of a wait.
        ApiException: If the service rejects a call.
        TypeError: If `api` is not an API object of the asyncio client.
    """
    client = client_of(api, is_async=True)
    return await _run(client, parse(models_of(api), token), options, deadline, sleep)
