"""Many tasks share one client: they run at once, and fetch one token."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import threading
from typing import Any, ClassVar, cast

import pytest

from knetik_cloud import (
    AccessToken,
    ApiConnectionException,
    ApiException,
    ApiValueError,
    Configuration,
    DeadlineExceeded,
    Hook,
    UsersInventoryApi,
    aio,
)
from knetik_cloud import ApiClient as BlockingClient

from .service import ENTRY, ReceivedRequest, Service, healthy, http, until

CALLS = 200


class Late(asyncio.Protocol):
    """Responds to no request until two seconds after the last of `CALLS` has arrived."""

    waiting: ClassVar[list[asyncio.WriteTransport]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self.waiting.append(self.transport)
        if len(self.waiting) == CALLS:
            asyncio.get_running_loop().call_later(2.0, self._respond)

    def _respond(self) -> None:
        for transport in self.waiting:
            transport.write(http())


def test_200_slow_calls_run_at_the_same_time_and_the_loop_runs_on() -> None:
    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        server = await asyncio.get_running_loop().create_server(Late, "127.0.0.1", 0, backlog=512)
        host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, aio.ApiClient(Configuration(host)) as shared:
            api = aio.UsersInventoryApi(shared)
            ticking = asyncio.create_task(tick())
            entries = await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(CALLS)))
            ticking.cancel()
            assert [entry.id for entry in entries] == [56] * CALLS
            assert ticks >= 10

    asyncio.run(main())


def client(service: Service, **settings: object) -> aio.ApiClient:
    return aio.ApiClient(Configuration(host=service.url, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("tasks", [1, 32])
def test_tasks_that_need_a_token_share_one_request(tasks: int) -> None:
    async def slow_token(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/oauth"):
            await asyncio.sleep(0.05)
        await healthy(request, writer)

    async def main() -> None:
        async with Service(slow_token) as service, client(service, client_secret="s") as shared:
            api = aio.UsersInventoryApi(shared)
            entries = await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(tasks)))
            assert len(entries) == tasks
            assert [
                request.method for request in service.requests if request.target.startswith("/oauth")
            ] == ["POST"]
            calls = [request for request in service.requests if not request.target.startswith("/oauth")]
            assert {request.headers["authorization"] for request in calls} == {"Bearer fresh"}

    asyncio.run(main())


def test_a_rejected_token_is_renewed_once_for_all_tasks() -> None:
    tokens = 0

    async def strict(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal tokens
        if request.target.startswith("/oauth"):
            tokens += 1
            writer.write(http({"access_token": f"t{tokens}", "expires_in": 3600}))
        elif request.headers["authorization"] == "Bearer t1":
            writer.write(http({}, "401 Unauthorized"))
        else:
            writer.write(http())

    async def main() -> None:
        async with Service(strict) as service, client(service, client_secret="s") as shared:
            api = aio.UsersInventoryApi(shared)
            entries = await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(32)))
            assert [entry.id for entry in entries] == [56] * 32
            assert tokens == 2

    asyncio.run(main())


def test_a_task_that_is_cancelled_while_it_fetches_the_token_leaves_that_to_the_next() -> None:
    fetches = 0

    async def first_hangs(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal fetches
        if request.target.startswith("/oauth"):
            fetches += 1
            if fetches == 1:
                await asyncio.sleep(60)
        await healthy(request, writer)

    async def main() -> None:
        async with Service(first_hangs) as service, client(service, client_secret="s") as shared:
            api = aio.UsersInventoryApi(shared)
            first = asyncio.create_task(api.get_user_inventory(56, 56))
            await until(lambda: fetches == 1)
            second = asyncio.create_task(api.get_user_inventory(56, 56))
            await asyncio.sleep(0.05)
            first.cancel()
            assert (await second).id == 56
            assert fetches == 2

    asyncio.run(main())


def test_a_token_provider_may_be_a_coroutine_or_not() -> None:
    class Awaited:
        async def get_token(self) -> AccessToken:
            await asyncio.sleep(0)
            return AccessToken("awaited", 60)

    class Plain:
        def get_token(self) -> str:
            return "plain"

    class Broken:
        async def get_token(self) -> str:
            raise LookupError("no vault")

    async def main() -> None:
        async with Service() as service:
            for provider in (Awaited(), Plain()):
                async with client(service, token_provider=provider) as shared:
                    await aio.UsersInventoryApi(shared).get_user_inventory(56, 56)
            assert [request.headers["authorization"] for request in service.requests] == [
                "Bearer awaited",
                "Bearer plain",
            ]
            async with client(service, token_provider=Broken()) as shared:
                with pytest.raises(ApiException, match="provider failed with LookupError"):
                    await aio.UsersInventoryApi(shared).get_user_inventory(56, 56)

    asyncio.run(main())
    blocking = BlockingClient(Configuration(host="http://127.0.0.1:1", token_provider=Awaited()))
    with pytest.raises(ApiValueError, match=r"use knetik_cloud\.aio"):
        UsersInventoryApi(blocking).get_user_inventory(56, 56)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such stack")
def test_name_lookup_without_a_thread_to_run_in_is_a_connection_error() -> None:
    async def main() -> None:
        async with aio.ApiClient(Configuration("http://localhost:1", retries=0)) as shared:
            usual = threading.stack_size(1 << 50)  # no thread can have such a stack
            try:
                with pytest.raises(ApiConnectionException, match="can't start new thread") as caught:
                    await aio.UsersInventoryApi(shared).get_user_inventory(56, 56)
                health = await shared.ping()
            finally:
                threading.stack_size(usual)
            assert isinstance(caught.value.__cause__, RuntimeError)
            assert isinstance(health.error, ApiConnectionException)

    asyncio.run(main())


@pytest.mark.parametrize("event", ["on_call_start", "on_attempt_start", "on_attempt_end", "on_call_end"])
def test_a_hook_may_call_the_client_during_the_token_request(event: str) -> None:
    entries: list[Any] = []

    class Nested(Hook):
        async def call(self, event: Any) -> None:
            call = getattr(event, "call", event)
            if call.operation == "get_o_auth_token" and not entries:
                entries.append(None)
                entries.append(await api.get_user_inventory(56, 56))

    setattr(Nested, event, Nested.call)

    async def main() -> None:
        nonlocal api
        async with Service() as service, client(service, client_secret="s", hooks=[Nested()]) as shared:
            api = aio.UsersInventoryApi(shared)
            async with asyncio.timeout(20):
                results = await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(3)))
            assert [result.id for result in results] == [56] * 3

    api: Any = None
    asyncio.run(main())
    assert entries[1].id == 56


def test_a_task_that_a_provider_awaits_and_another_caller_cancels_is_a_failure_of_the_provider() -> None:
    class SharesItsRefresh:
        """Awaits one task for all clients."""

        task: asyncio.Task[None] | None = None

        async def get_token(self) -> str:
            self.task = self.task or asyncio.create_task(asyncio.sleep(60))
            await self.task
            return ""

    async def main() -> None:
        provider = SharesItsRefresh()
        async with (
            Service() as service,
            client(service, token_provider=provider) as first,
            client(service, token_provider=provider) as second,
        ):
            calls = [
                asyncio.create_task(aio.UsersInventoryApi(each).get_user_inventory(56, 56))
                for each in (first, second)
            ]
            await until(lambda: provider.task is not None)
            await asyncio.sleep(0)
            calls[0].cancel()
            with pytest.raises(ApiException, match="token provider failed with CancelledError"):
                await calls[1]
            with pytest.raises(asyncio.CancelledError):
                await calls[0]
            assert service.requests == []

    asyncio.run(main())


class Hanging:
    """A provider that never returns a token."""

    async def get_token(self) -> str:
        await asyncio.sleep(600)
        return ""


def test_a_provider_that_hangs_is_abandoned_at_the_deadline() -> None:
    async def main() -> None:
        async with Service() as service, client(service, token_provider=Hanging(), deadline=0.1) as shared:
            with pytest.raises(ApiException, match="deadline"):
                await aio.UsersInventoryApi(shared).get_user_inventory(56, 56)

    asyncio.run(main())


def test_deadline_holds_behind_a_call_that_takes_over_the_token_lock() -> None:
    async def main() -> None:
        async with Service() as service, client(service, token_provider=Hanging()) as shared:
            get = aio.UsersInventoryApi(shared).get_user_inventory
            takes_over = asyncio.create_task(get(56, 56, _deadline=300))  # begins after the call below
            for _ in range(2):  # the second one begins before the task gets the lock, which is unlocked
                with pytest.raises(DeadlineExceeded):
                    async with asyncio.timeout(10):
                        await get(56, 56, _deadline=0.1)
            assert not takes_over.done()
            takes_over.cancel()

    asyncio.run(main())


@pytest.mark.parametrize("seconds", [0.0, 5.0, math.inf])
def test_free_token_lock_is_acquired_immediately(seconds: float) -> None:
    async def main() -> None:
        async with Service() as service, client(service) as shared:
            state = shared._shared.current()
            with pytest.raises(StopIteration) as result:  # without a suspension
                shared._shared.acquire_token_lock(state, seconds).send(None)
            assert result.value.value is True
            assert state.token_lock.locked()
            await asyncio.sleep(0)  # no timer is left

    asyncio.run(main())


def test_token_lock_with_a_waiter_is_not_waited_for_while_the_token_is_valid() -> None:
    async def main() -> None:
        async with Service() as service, client(service) as shared:
            state = shared._shared.current()
            await state.token_lock.acquire()
            waiter = asyncio.create_task(state.token_lock.acquire())
            await asyncio.sleep(0)
            state.token_lock.release()  # for the waiter, which runs a turn later
            async with asyncio.timeout(10):
                assert not await shared._shared.acquire_token_lock(state, 0.0)
            assert await waiter

    asyncio.run(main())


class Renewing:
    """A provider whose first renewal waits."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_renew = asyncio.Event()

    async def get_token(self) -> AccessToken:
        self.calls += 1
        if self.calls > 1:
            await self.may_renew.wait()
        return AccessToken(f"token-{self.calls}", 60)


def test_tasks_use_the_valid_token_while_one_of_them_renews_it() -> None:
    async def main() -> None:
        provider = Renewing()
        async with Service() as service, client(service, token_provider=provider) as shared:
            get = aio.UsersInventoryApi(shared).get_user_inventory
            await get(56, 56)
            shared._shared.current().engine.tokens._renew_at = 0.0
            renewing = asyncio.create_task(get(56, 56))
            while provider.calls < 2:
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                for _ in range(2):  # the first one must not release the lock
                    await get(56, 56)
            assert provider.calls == 2
            provider.may_renew.set()
            await renewing

    asyncio.run(main())


def test_headers_of_clients_views_and_calls_are_merged() -> None:
    async def main() -> None:
        async with Service() as service, client(service) as shared:
            shared.set_default_header("x-trace", "default")
            view = aio.UsersInventoryApi(shared).with_options(_headers={"X-Trace": "view", "X-A": "1"})
            view = view.with_options(_headers={"X-B": "2"}, _deadline=5).with_options(_deadline=None)
            await view.get_user_inventory(56, 56, _headers={"x-trace": "call"})
            headers = service.requests[0].headers
            assert [headers[name] for name in ("x-trace", "x-a", "x-b")] == ["call", "1", "2"]
            assert view.api_client._current()[1].deadline == 5

    asyncio.run(main())


def test_submit_raw_call_api_and_http_info_do_what_they_do_without_asyncio() -> None:
    async def main() -> None:
        async with Service() as service, client(service) as shared:
            api = aio.UsersInventoryApi(shared).with_options(_headers={"X-A": "b"})
            assert (await shared.submit(api.get_user_inventory, 56, 56)).id == 56
            data, status, headers = await api.get_user_inventory_with_http_info(56, 56)
            assert (data.id, status, headers["content-type"]) == (56, 200, "application/json")
            async with await shared.raw(api.get_user_inventory, 56, 56) as response:
                assert json.loads(await response.read()) == ENTRY
            path, query = {"id": "a/b"}, {"q": 1}
            assert await shared.call_api("/any/{id}", "GET", path, query, response_type="object") == ENTRY
            assert [request.target for request in service.requests][-1] == "/any/a%2Fb?q=1"
            assert service.requests[0].headers["x-a"] == "b"
            assert service.connections == 1

    asyncio.run(main())
