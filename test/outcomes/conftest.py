"""Both clients behind one interface, and a sandbox in its first state."""

from __future__ import annotations

import asyncio
import collections
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import aio
from knetik_cloud.sandbox import Sandbox

Method = Callable[..., Any]


class Blocking:
    """Runs scenarios with the blocking client."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.client = knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url, **settings))
        self.api = knetik_cloud.UsersInventoryApi(self.client)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.api, name)(*args, **kwargs)

    def once(self, method: str | Method, *args: Any, **kwargs: Any) -> knetik_cloud.Outcome[Any]:
        method = getattr(self.api, method) if isinstance(method, str) else method
        return knetik_cloud.once(method, *args, **kwargs)

    def find_out(self, error: knetik_cloud.ApiException, **kwargs: Any) -> knetik_cloud.Outcome[Any]:
        return self.client.find_out(error, **kwargs)

    def close(self) -> None:
        self.client.close()


class Asyncio:
    """Runs scenarios with the asyncio client, all in one event loop."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = aio.ApiClient(knetik_cloud.Configuration(host=url, **settings))
        self.api = aio.UsersInventoryApi(self.client)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.loop.run_until_complete(getattr(self.api, name)(*args, **kwargs))

    def once(self, method: str | Method, *args: Any, **kwargs: Any) -> knetik_cloud.Outcome[Any]:
        method = getattr(self.api, method) if isinstance(method, str) else method
        return self.loop.run_until_complete(aio.once(method, *args, **kwargs))

    def find_out(self, error: knetik_cloud.ApiException, **kwargs: Any) -> knetik_cloud.Outcome[Any]:
        return self.loop.run_until_complete(self.client.find_out(error, **kwargs))

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


Client = Blocking | Asyncio


def post_by_a_stranger(sandbox: Sandbox, path: str, body: dict[str, Any]) -> None:
    """Send a write from outside of this process, as far as its clients know."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{sandbox.url}{path}", data, headers)).close()


class StrangerAfterAnAdd(knetik_cloud.Hook):
    """Adds an item from outside of this process after each add, and grants one if it skips the invoice."""

    def __init__(self, sandbox: Sandbox, skip_invoice: bool) -> None:
        self._sandbox = sandbox
        self._skip_invoice = skip_invoice

    def on_call_end(self, call: Any) -> None:
        if call.operation == "add_item_to_user_inventory":
            body = {"sku": "sku_example", "note": "", "skip_invoice": self._skip_invoice}
            post_by_a_stranger(self._sandbox, "/users/56/inventory", body)
            if self._skip_invoice:
                post_by_a_stranger(self._sandbox, "/users/56/entitlements", {"entitlement_id": 5})


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Client]:
    made: Client = request.param(sandbox.url)
    yield made
    made.close()


USERS = range(1000, 1040)


@pytest.fixture
def seeded(sandbox: Sandbox) -> Sandbox:
    """A sandbox with users who hold nothing."""
    sandbox.seed({"users": [{"id": user, "username": f"user-{user}"} for user in USERS]})
    return sandbox


@pytest.fixture
def api(seeded: Sandbox) -> Iterator[knetik_cloud.UsersInventoryApi]:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=seeded.url, retries=5)) as client:
        yield knetik_cloud.UsersInventoryApi(client)


def grants(count: int) -> Iterator[dict[str, Any]]:
    """Yield grants of a songbook to the users in turn, once only."""
    return ({"user_id": USERS[i % len(USERS)], "entitlement_id": 5} for i in range(count))


def held(api: knetik_cloud.UsersInventoryApi) -> dict[int, int]:
    """Return how many songbooks each of the users holds."""
    entries = api.iter_users_inventory(filter_item_id=5, inactive=True, page_size=1000)
    return dict(collections.Counter(e.user.id for e in entries if e.user.id in USERS))
