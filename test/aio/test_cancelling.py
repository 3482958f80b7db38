"""A task that is cancelled in any state goes at once, closes its connection, and leaves the client usable."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from knetik_cloud import Configuration, aio, writes

from .service import ReceivedRequest, Responder, Service, healthy, http, silent, until

Call = Callable[[aio.UsersInventoryApi], Awaitable[Any]]


async def half_a_head(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: appl")
    await asyncio.sleep(60)


async def half_a_body(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(http(b'{"id": 56' + b" " * 1000)[:-900])
    await asyncio.sleep(60)


async def come_back_later(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(http({}, "503 Service Unavailable", "Retry-After: 20"))


async def token_never_comes(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    await (silent if request.target.startswith("/oauth") else healthy)(request, writer)


def get(api: aio.UsersInventoryApi) -> Awaitable[Any]:
    return api.get_user_inventory(56, 56)


async def read_stream(api: aio.UsersInventoryApi) -> None:
    response = await api.api_client.raw(api.get_user_inventory, 56, 56)
    await response.read()


async def read_pages(api: aio.UsersInventoryApi) -> None:
    async for _ in api.iter_users_inventory(prefetch=4):
        pass


STATES: dict[str, tuple[Responder, Call, dict[str, Any]]] = {
    "waiting for the head": (silent, get, {}),
    "in the head": (half_a_head, get, {}),
    "in the body": (half_a_body, get, {}),
    "in a streamed body": (half_a_body, read_stream, {}),
    "waiting for the next try": (come_back_later, get, {}),
    "waiting for a token": (token_never_comes, get, {"client_secret": "s"}),
    "waiting for a page": (silent, read_pages, {}),
}


@pytest.mark.parametrize("state", STATES)
def test_a_cancelled_call_ends_immediately_and_the_next_one_works(state: str) -> None:
    responder, call, settings = STATES[state]

    async def main() -> None:
        async with (
            Service(responder) as service,
            aio.ApiClient(Configuration(service.url, **settings)) as client,
        ):
            api = aio.UsersInventoryApi(client)
            task = asyncio.ensure_future(call(api))
            await until(lambda: bool(service.requests))
            await asyncio.sleep(0.05)
            task.cancel()
            for _ in range(100):  # turns of the loop, in which nothing is waited for
                await asyncio.sleep(0)
            assert task.cancelled()
            if responder is not come_back_later:  # whose response was whole
                await until(lambda: service.open == 0)
            service.responder = healthy
            assert (await api.get_user_inventory(56, 56)).id == 56

    asyncio.run(main())


@pytest.mark.parametrize(
    ("responder", "settings", "state"),
    [(token_never_comes, {"client_secret": "s"}, "absent"), (silent, {}, "unknown")],
)
def test_cancelled_writes_end_in_the_log_of_writes(
    responder: Responder, settings: dict[str, Any], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "LOG", writes.WriteLog())

    async def main() -> None:
        async with (
            Service(responder) as service,
            aio.ApiClient(Configuration(service.url, **settings)) as client,
        ):
            api = aio.UsersInventoryApi(client)
            grants = [api.grant_user_entitlement(56, {"entitlement_id": 5}) for _ in range(2)]
            tasks = [asyncio.ensure_future(grant) for grant in grants]
            await until(lambda: len(service.requests) == (1 if settings else 2))  # one task fetches the token
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert all(task.cancelled() for task in tasks)

    asyncio.run(main())
    assert [write.state for write in writes.LOG._writes] == [state, state]


def test_a_call_that_is_cancelled_while_it_connects_leaks_nothing() -> None:
    async def main() -> None:
        connected: list[asyncio.StreamReader] = []

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.append(reader)
            await reader.read()
            connected.remove(reader)
            writer.close()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        host = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"  # the TLS handshake is part of it
        async with server, aio.ApiClient(Configuration(host)) as client:
            task = asyncio.ensure_future(get(aio.UsersInventoryApi(client)))
            await until(lambda: bool(connected))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: not connected)

    asyncio.run(main())


def test_a_call_that_is_cancelled_twice_while_it_connects_leaves_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """anyio cancels again and again until a task has ended."""
    made: list[socket.socket] = []
    loop_type: Any = getattr(asyncio, "ProactorEventLoop", asyncio.SelectorEventLoop)
    genuine = loop_type.sock_connect

    async def connect(loop: Any, sock: socket.socket, address: Any) -> None:
        made.append(sock)
        await genuine(loop, sock, address)

    async def main(turns: int) -> None:
        async with aio.ApiClient(Configuration(host)) as client:
            tasks = [asyncio.ensure_future(get(aio.UsersInventoryApi(client))) for _ in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for _ in range(2):
                for task in tasks:
                    task.cancel()
                await asyncio.sleep(0)
            await asyncio.gather(*tasks, return_exceptions=True)

    monkeypatch.setattr(loop_type, "sock_connect", connect)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        for turns in range(14):
            made.clear()
            asyncio.run(main(turns))
            assert [sock for sock in made if sock.fileno() >= 0] == []
    assert made


def test_a_call_that_is_cancelled_while_it_uploads_closes_its_connection() -> None:
    async def main() -> None:
        started, ended = asyncio.Event(), asyncio.Event()

        async def read_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(100)
            started.set()
            await asyncio.sleep(0.2)
            while await reader.read(1 << 20):
                pass
            ended.set()
            writer.close()

        server = await asyncio.start_server(read_little, "127.0.0.1", 0)
        host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, aio.ApiClient(Configuration(host)) as client:
            api = aio.UsersInventoryApi(client)
            data = {"data": "x" * 10_000_000}
            task = asyncio.create_task(api.update_user_inventory_behavior_data(56, 56, data=data))
            async with asyncio.timeout(2):
                await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(2):
                await ended.wait()

    asyncio.run(main())


def test_a_timeout_of_the_callers_own_is_a_cancellation() -> None:
    async def main() -> None:
        async with Service(silent) as service, aio.ApiClient(Configuration(service.url)) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await get(aio.UsersInventoryApi(client))
            await until(lambda: service.open == 0)

    asyncio.run(main())
