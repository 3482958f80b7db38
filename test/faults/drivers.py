"""The clients that the fault table is run against, each with the same blocking calls."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from knetik_cloud import ApiClient, Configuration, UsersInventoryApi, aio

TOKEN = "token-canary-4711-abcdef"


class Driver(Protocol):
    """A client whose methods are called by their names, and block."""

    name: str

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `UsersInventoryApi`."""

    def close(self) -> None:
        """Close the client."""


class SyncDriver:
    """The blocking client."""

    name = "sync"

    def __init__(self, configuration: Configuration) -> None:
        self.client = ApiClient(configuration)
        self.api = UsersInventoryApi(self.client)

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `UsersInventoryApi`."""
        return getattr(self.api, method)(*arguments, **options)

    def close(self) -> None:
        """Close the client."""
        self.client.close()


class AioDriver:
    """The asyncio client, in an event loop that runs in a thread of its own."""

    name = "aio"

    def __init__(self, configuration: Configuration) -> None:
        self.client = aio.ApiClient(configuration)
        self.api = aio.UsersInventoryApi(self.client)

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `UsersInventoryApi`."""
        return asyncio.run_coroutine_threadsafe(
            getattr(self.api, method)(*arguments, **options), _loop()
        ).result()

    def close(self) -> None:
        """Close the client, and check that no callback failed, of which only the event loop would know."""
        asyncio.run_coroutine_threadsafe(self.client.close(), _loop()).result()
        failed = list(_failed_callbacks)
        _failed_callbacks.clear()  # later tests are not to blame
        assert failed == []


_failed_callbacks: list[dict[str, Any]] = []


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop of this process."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: _failed_callbacks.append(context))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_loop.cache_clear)

DRIVERS: dict[str, Callable[[Configuration], Driver]] = {"sync": SyncDriver, "aio": AioDriver}
"""By name. A further transport joins by adding itself here: all rows then run over it too."""


def get_entry(configuration: Configuration, is_async: bool) -> Any:
    """Read an entry with a client of either kind, and an event loop, of its own."""

    def call() -> Any:
        with ApiClient(configuration) as client:
            return UsersInventoryApi(client).get_user_inventory(56, 56)

    async def call_async() -> Any:
        async with aio.ApiClient(configuration) as client:
            return await aio.UsersInventoryApi(client).get_user_inventory(56, 56)

    return asyncio.run(call_async()) if is_async else call()
