"""Clients that are closed, dropped, forgotten, moved to another loop or forked: nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Coroutine
from typing import Any

import pytest

from knetik_cloud import ApiException, ApiValueError, Configuration, aio

from ..conftest import RecordingServer, http_response
from .service import ReceivedRequest, Service, healthy, http, until


def test_an_idle_connection_is_used_again_and_closed_with_the_client() -> None:
    async def main() -> None:
        async with Service() as service:
            async with aio.ApiClient(Configuration(service.url)) as client:
                for _ in range(3):
                    await aio.UsersInventoryApi(client).get_user_inventory(56, 56)
            assert service.connections == 1
            await until(lambda: service.open == 0)

    asyncio.run(main())


def test_a_closed_client_reports_it_and_may_be_closed_again() -> None:
    async def main() -> None:
        async with Service() as service:
            client = aio.ApiClient(Configuration(service.url))
            await client.close()
            await client.close()
            with pytest.raises(ApiValueError, match="this client is closed"):
                await aio.UsersInventoryApi(client).get_user_inventory(56, 56)

    asyncio.run(main())


def test_a_call_in_progress_finishes_when_the_client_is_closed() -> None:
    async def late(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await healthy(request, writer)

    async def main() -> None:
        async with Service(late) as service:
            client = aio.ApiClient(Configuration(service.url))
            call = asyncio.ensure_future(aio.UsersInventoryApi(client).get_user_inventory(56, 56))
            await until(lambda: bool(service.requests))
            await client.close()
            assert (await call).id == 56
            await until(lambda: service.open == 0)

    asyncio.run(main())


def test_no_more_than_pool_size_idle_connections_are_kept() -> None:
    async def main() -> None:
        async with Service() as service, aio.ApiClient(Configuration(service.url, pool_size=3)) as client:
            api = aio.UsersInventoryApi(client)
            await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(20)))
            await until(lambda: service.open == 3)
            await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(3)))
            assert service.connections <= 20

    asyncio.run(main())


def test_a_connection_that_the_service_closed_meanwhile_is_not_written_to() -> None:
    async def last(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(http())
        writer.close()

    async def main() -> None:
        async with Service(last) as service, aio.ApiClient(Configuration(service.url)) as client:
            api = aio.UsersInventoryApi(client)
            await api.get_user_inventory(56, 56)
            service.responder = healthy
            time.sleep(0.05)
            await api.add_item_to_user_inventory(56)
            assert service.connections == 2

    asyncio.run(main())


def test_an_api_object_without_a_client_closes_its_own() -> None:
    async def main() -> None:
        async with Service() as service:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("KNETIK_CLOUD_HOST", service.url)
                async with aio.UsersInventoryApi() as api:
                    await api.get_user_inventory(56, 56)
            await until(lambda: service.open == 0)

    asyncio.run(main())


def test_a_dropped_client_closes_its_connections() -> None:
    async def main() -> None:
        async with Service() as service:
            client = aio.ApiClient(Configuration(service.url))
            await aio.UsersInventoryApi(client).get_user_inventory(56, 56)
            del client
            gc.collect()
            await until(lambda: service.open == 0)

    asyncio.run(main())


def test_a_streamed_response_that_is_dropped_unread_closes_its_connection() -> None:
    async def main() -> None:
        async with Service() as service, aio.ApiClient(Configuration(service.url)) as client:
            api = aio.UsersInventoryApi(client)
            response = await client.raw(api.get_user_inventory, 56, 56)
            del response
            await until(lambda: service.open == 0)
            assert (await api.get_user_inventory(56, 56)).id == 56

    asyncio.run(main())


def test_an_exchange_is_over_once_however_often_its_response_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        released = []
        async with Service() as service, aio.ApiClient(Configuration(service.url)) as client:
            response = await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56)
            transport = client._shared.current().transport
            monkeypatch.setattr(transport, "release", lambda pipe, _: released.append(pipe))
            await response.close()
            response._exchange.abort()
            assert len(released) == 1
            released[0].close()

    asyncio.run(main())


@pytest.fixture
def entry_server(server: RecordingServer) -> RecordingServer:
    server.responses = [http_response(200, b'{"id": 56}')]
    return server


def test_one_client_serves_one_loop_after_the_other(entry_server: RecordingServer) -> None:
    client = aio.ApiClient(Configuration(entry_server.url))
    api = aio.UsersInventoryApi(client)
    for _ in range(3):
        entry = asyncio.run(api.get_user_inventory(56, 56))
        assert entry.id == 56
    asyncio.run(client.close())


def test_one_client_serves_loops_in_several_threads_at_the_same_time(entry_server: RecordingServer) -> None:
    api = aio.UsersInventoryApi(aio.ApiClient(Configuration(entry_server.url)))
    got: list[int | None] = []

    async def some() -> None:
        entries = await asyncio.gather(*(api.get_user_inventory(56, 56) for _ in range(5)))
        got.extend(entry.id for entry in entries)

    threads = [threading.Thread(target=asyncio.run, args=(some(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [56] * 20


ENDINGS = {
    "dropped in its loop": "async def main():\n    await call(client())\nasyncio.run(main())",
    "dropped in a loop that is closed by hand": (
        "async def main():\n    await call(client())\nloop = asyncio.new_event_loop()\n"
        "loop.run_until_complete(main())\nloop.close()"
    ),
    "kept beyond its loop": "mine = client()\nasyncio.run(call(mine))",
    "kept over two loops": "mine = client()\nasyncio.run(call(mine))\nasyncio.run(call(mine))\ndel mine",
    "dropped while its loop closes its connections": (
        "from knetik_cloud.wire.asynchronous import AsyncioPipe\nclose = AsyncioPipe.close\n"
        "def drop(pipe):\n    globals().pop('mine', None)\n    close(pipe)\n"  # as the collector may
        "AsyncioPipe.close = drop\nmine = client()\nasyncio.run(call(mine))"
    ),
    "cancelled at the end of its loop": (
        "async def main():\n    global task\n    task = asyncio.ensure_future(call(client(), '/silent'))\n"
        "    await asyncio.sleep(0.1)\nasyncio.run(main())"
    ),
    "a stream left open": (
        "mine = client()\nasync def main():\n    global response\n"
        "    response = await mine.raw(aio.UsersInventoryApi(mine).get_user_inventory, 56, 56)\n"
        "asyncio.run(main())"
    ),
    "a pager left half-way": (
        "mine = client()\nasync def main():\n    global pages\n"
        "    pages = aio.UsersInventoryApi(mine).iter_users_inventory(prefetch=2).__aiter__()\n"
        "    await anext(pages, None)\nasyncio.run(main())"
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_client_that_was_never_closed_causes_no_warning(ending: str, entry_server: RecordingServer) -> None:
    start = (
        "import asyncio, logging\nfrom knetik_cloud import Configuration, aio\n"
        "logging.getLogger('asyncio').setLevel(logging.ERROR)\n"  # no warnings of slow steps
        f"def client():\n    return aio.ApiClient(Configuration({entry_server.url!r}, deadline=2))\n"
        "async def call(mine, path='/users/56/inventory/56'):\n"
        "    return await mine.call_api(path, 'GET', response_type='object')\n"
    )
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", start + ENDINGS[ending]],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the test's own server has threads
def test_a_forked_child_has_connections_of_its_own(entry_server: RecordingServer) -> None:
    client = aio.ApiClient(Configuration(entry_server.url))
    api = aio.UsersInventoryApi(client)
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(api.get_user_inventory(56, 56)).id == 56
    child = os.fork()
    if not child:
        try:
            os._exit(asyncio.run(api.get_user_inventory(56, 56)).id or 1)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 56
    assert loop.run_until_complete(api.get_user_inventory(56, 56)).id == 56
    loop.run_until_complete(client.close())
    loop.close()


@pytest.mark.parametrize("aborts", [True, False])
def test_an_early_response_to_an_upload_leaves_no_socket_open(aborts: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    met = []
    over = threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        met.append(peer.recv(1000))
        peer.sendall(http({}, "413 Content Too Large"))
        if aborts:
            time.sleep(0.1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            over.wait(10)
        peer.close()

    async def main() -> None:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with aio.ApiClient(Configuration(url)) as client:
            with pytest.raises(ApiException) as caught:
                await aio.UsersInventoryApi(client).update_user_inventory_behavior_data(
                    56, 56, data={"data": "x" * 9_000_000}
                )
            assert caught.value.status == 413

    thread = threading.Thread(target=serve)
    thread.start()
    loop = asyncio.new_event_loop()
    with listener, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            loop.run_until_complete(main())  # and nothing else: the loop has no turn after it
        finally:
            loop.close()
            over.set()
            thread.join()
        del loop
        gc.collect()
    assert met
    assert [str(warning.message) for warning in warned] == []


def test_everything_that_needs_an_event_loop_explains_it() -> None:
    def without_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with pytest.raises(StopIteration) as returned:  # as the event loops of other libraries run it
            coroutine.send(None)
        return returned.value.value

    client = aio.ApiClient(Configuration("http://127.0.0.1:1"))
    api = aio.UsersInventoryApi(client)
    message = r"needs a running event loop of asyncio: call it within asyncio\.run\(\)"
    for call in (
        api.get_user_inventory(56, 56),
        api.iter_users_inventory().__aiter__().__anext__(),
        client.warm_up(),
    ):
        with pytest.raises(ApiValueError, match=message):
            call.send(None)
    with pytest.raises(ApiValueError, match=message):
        client.submit(api.get_user_inventory, 56, 56)
    assert "needs a running event loop" in str(without_loop(client.ping()).error)
    without_loop(client.close())
