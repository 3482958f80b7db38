"""The pipes by themselves: what only certain moments of a socket, a loop or TLS bring about."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import select
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import psutil
import pytest

from knetik_cloud import (
    ApiClient,
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiTimeoutException,
    ApiValueError,
    Configuration,
    DeadlineExceeded,
    NotFoundException,
    UsersInventoryApi,
    aio,
    rest,
)
from knetik_cloud.core import clock
from knetik_cloud.wire import addresses, asynchronous, blocking
from knetik_cloud.wire.pipe import RECEIVE_BYTES, Listener, readable_check, run
from knetik_cloud.wire.secure import SecurePipe
from test.conftest import RecordingServer, http_response
from test.faults.drivers import DRIVERS
from test.faults.server import CERTIFICATES, FaultServer, Peer, Request
from test.polling import wait_until

UNREACHABLE = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("255.255.255.255", 9))
"""The broadcast address: the system rejects a connection to it at once."""


@pytest.fixture
def pair() -> Iterator[tuple[blocking.BlockingPipe, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        pipe = blocking.BlockingPipe(near)
        pipe.begin(time.monotonic() + 0.05, math.inf)
        yield pipe, far


def test_sockets_of_a_parent_process_are_closed(
    pair: tuple[blocking.BlockingPipe, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, far = pair
    monkeypatch.setattr(blocking.BlockingPipe, "_open", {pipe._socket})
    blocking.BlockingPipe.close_inherited()
    assert (pipe._socket.fileno(), pipe._open) == (-1, set())
    assert far.recv(1) == b""


def test_pipe_waits_again_when_exactly_a_buffer_has_arrived(
    pair: tuple[blocking.BlockingPipe, socket.socket],
) -> None:
    pipe, far = pair
    far.sendall(b"x" * RECEIVE_BYTES)
    received = b""
    while len(received) < RECEIVE_BYTES:
        received += run(pipe.receive())
    with pytest.raises(TimeoutError, match="timed out"):
        run(pipe.receive())


def test_pipe_whose_buffer_is_full_waits_until_it_can_send(
    pair: tuple[blocking.BlockingPipe, socket.socket],
) -> None:
    pipe, _ = pair
    for _ in range(2):
        pipe.begin(time.monotonic() + 0.05, math.inf)
        with pytest.raises(TimeoutError, match="timed out"):
            run(pipe.send(b"x" * (8 << 20)))


def test_closed_pipe_is_not_kept(pair: tuple[blocking.BlockingPipe, socket.socket]) -> None:
    pipe, _ = pair
    assert pipe._socket in pipe._open
    pipe.close()
    assert pipe._socket not in pipe._open


def test_pipe_that_is_dropped_closes_its_socket(server: RecordingServer) -> None:
    pipe = run(blocking.connect("127.0.0.1", server.port, math.inf))
    assert len(connections_to(server)) == 1
    del pipe
    assert connections_to(server) == []


def test_wait_takes_the_time_that_is_left_in_milliseconds(
    pair: tuple[blocking.BlockingPipe, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, far = pair
    far.send(b"x" * 3)
    limits: list[float] = []
    monkeypatch.setattr(pipe, "_can_receive", lambda limit: not limits.append(limit))
    monkeypatch.setattr(clock, "monotonic", lambda: 100.0)
    monkeypatch.setattr(blocking, "MAX_WAIT_SECONDS", 1e6)
    for seconds in (0.5, 1e6, 2e6):
        pipe.begin(math.inf, seconds)
        run(pipe.receive())
        far.send(b"x")
    assert limits == [500, 1e9, 1e9]


@pytest.mark.skipif(sys.platform == "win32", reason="is about a simulation of it")
@pytest.mark.parametrize("step", ["receive", "send"])
def test_wait_that_no_signal_ends_is_cut_for_those_that_have_come(
    step: str, pair: tuple[blocking.BlockingPipe, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows, Python learns of Ctrl-C after a wait, as here of a signal that another thread gets."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def raise_soon() -> None:
        time.sleep(0.1)
        signal.raise_signal(signal.SIGUSR1)  # in this thread

    pipe, _ = pair
    pipe.begin(math.inf, 20)
    monkeypatch.setattr(blocking, "MAX_WAIT_SECONDS", 0.05)
    before = signal.signal(signal.SIGUSR1, interrupt)
    other = threading.Thread(target=raise_soon)
    other.start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(pipe.receive() if step == "receive" else pipe.send(b"x" * (8 << 20)))
    finally:
        other.join()
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - begun < 10


def test_wait_that_is_cut_has_its_time(
    pair: tuple[blocking.BlockingPipe, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, _ = pair
    monkeypatch.setattr(blocking, "MAX_WAIT_SECONDS", 0.01)
    for step in (pipe.receive, partial(pipe.send, b"x" * (8 << 20))):
        begun = time.monotonic()
        pipe.begin(math.inf, 0.1)
        with pytest.raises(TimeoutError, match="timed out"):
            run(step())
        assert 0.1 <= time.monotonic() - begun < 5


@pytest.mark.parametrize("has_poll", [True, False])
def test_arrived_bytes_are_noticed_with_and_without_poll(
    has_poll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_poll:  # as on Windows
        monkeypatch.delattr(select, "poll", raising=False)
    near, far = socket.socketpair()
    with near, far:
        can_receive = readable_check(near)
        assert not can_receive(0)
        assert not can_receive(1)
        far.send(b"x")
        assert can_receive(10_000)


def test_limit_of_select_is_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []

    def select_nothing(*arguments: Any) -> tuple[list[Any], list[Any], list[Any]]:
        limits.append(arguments[3])
        return [], [], []

    monkeypatch.delattr(select, "poll", raising=False)
    monkeypatch.setattr(select, "select", select_nothing)
    with socket.socket() as sock:
        assert not any(readable_check(sock)(limit) for limit in (0, 500))
    assert limits == [0, 0.5]


@pytest.mark.parametrize("driver", DRIVERS)
def test_address_that_is_rejected_immediately_is_not_the_last(
    driver: str, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [UNREACHABLE, loopback])
    server.responses = [http_response(200, b'{"id": 56}')]
    made = DRIVERS[driver](Configuration(server.url))
    try:
        assert made.call("get_user_inventory", 56, 56).id == 56
    finally:
        made.close()


def test_socket_is_closed_if_no_transport_can_be_made(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[socket.socket] = []

    async def connect() -> None:
        async def create_connection(make: object, *, sock: socket.socket) -> None:
            taken.append(sock)
            raise MemoryError

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create_connection)
        with pytest.raises(MemoryError):
            await asynchronous.connect("127.0.0.1", server.port, math.inf, set())

    asyncio.run(connect())
    assert [sock.fileno() for sock in taken] == [-1]


@pytest.mark.parametrize("driver", DRIVERS)
def test_nothing_is_sent_on_a_connection_that_is_ready_after_the_deadline(
    driver: str, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = rest if driver == "sync" else aio.rest
    connect = module.RESTClientObject.connect

    async def connect_late(*arguments: Any) -> Any:
        pipe = await connect(*arguments)
        time.sleep(0.3)
        return pipe

    monkeypatch.setattr(module.RESTClientObject, "connect", connect_late)
    made = DRIVERS[driver](Configuration(server.url, retries=0))
    try:
        with pytest.raises(DeadlineExceeded, match="this attempt was not sent") as caught:
            made.call("use_user_entitlement_item", 56, 56, _deadline=0.2)
    finally:
        made.close()
    assert not caught.value.may_have_applied
    assert server.requests == []


def test_socket_neither_blocks_nor_holds_back_small_packets(server: RecordingServer) -> None:
    pipe = run(blocking.connect("127.0.0.1", server.port, math.inf))
    assert not pipe._socket.getblocking()
    assert pipe._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    pipe.close()


@pytest.mark.parametrize("pipes", [blocking, asynchronous])
def test_no_connection_is_begun_after_its_time(pipes: Any, server: RecordingServer) -> None:
    opened = [set[Any]()] if pipes is asynchronous else []
    with pytest.raises(TimeoutError):
        asyncio.run(pipes.connect("127.0.0.1", server.port, time.monotonic(), *opened))


def test_nothing_is_written_to_a_transport_that_is_closing(server: RecordingServer) -> None:
    async def send() -> None:
        pipe = await asynchronous.connect("127.0.0.1", server.port, math.inf, set())
        pipe.close()
        with pytest.raises(ConnectionResetError):
            await pipe.send(b"x")

    asyncio.run(send())


def test_streamed_response_is_read_in_any_amounts(server: RecordingServer) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    with ApiClient(Configuration(server.url, max_response_size=10)) as client:
        api = UsersInventoryApi(client)
        response = client.raw(api.get_user_inventory, 56, 56)
        assert response.getheaders()["content-length"] == "10"
        assert response.data == response.read() == b'{"id": 56}'
        assert response.read() == b""
        client.configuration.max_response_size = 9
        response = client.raw(api.get_user_inventory, 56, 56)
        with pytest.raises(ApiResponseError, match="larger than 9 bytes"):
            _ = response.data
        assert connections_to(server) == []  # though the response is still there
        for read in (lambda: response.data, response.read, lambda: response.read(3)):
            with pytest.raises(ApiValueError, match="the response is closed"):
                read()


def test_stream_that_timed_out_does_not_end_silently(server: RecordingServer) -> None:
    server.responses = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"]

    async def read() -> None:
        async with aio.ApiClient(Configuration(server.url)) as client:
            response = await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56)
            assert await response.read(1) == b"{"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await response.read(1)
            for _ in range(3):
                with pytest.raises(ApiValueError, match="the response is closed"):
                    await response.read(1)
                await asyncio.sleep(0)

    asyncio.run(read())


def test_response_that_is_closed_closes_its_connection_immediately(server: RecordingServer) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    with ApiClient(Configuration(server.url)) as client:
        response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56)
        assert len(connections_to(server)) == 1
        response.close()
        assert connections_to(server) == []


def test_response_that_is_closed_unread_is_freed_without_the_collector(server: RecordingServer) -> None:
    server.responses = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"]
    with ApiClient(Configuration(server.url)) as client:
        response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56)
        parsed = weakref.ref(response._exchange.response)
        response.close()
        gc.disable()
        try:
            del response
            assert parsed() is None
        finally:
            gc.enable()


def test_streamed_response_is_read_in_parts(server: RecordingServer) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    with ApiClient(Configuration(server.url)) as client:
        response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56)
        assert [response.read(amount) for amount in (0, 3, 3)] == [b"", b'{"i', b'd":']
        assert [response.read(amount) for amount in (-1, None, 3)] == [b" 56}", b"", b""]


@pytest.mark.parametrize("driver", DRIVERS)
def test_error_of_a_streamed_call_is_limited_and_its_stream_is_not(
    driver: str, server: RecordingServer
) -> None:
    server.responses = [
        http_response(404, b'"eleven_11"'),
        http_response(404, b'"eleven_"'),
        http_response(200, b'"eleven_11"'),
    ]
    made = DRIVERS[driver](Configuration(server.url, max_response_size=10, retries=0))
    bodies = []
    for _ in range(2):
        with pytest.raises(NotFoundException) as caught:
            made.call("get_user_inventory", 56, 56, _preload_content=False)
        bodies.append(caught.value.body)
    assert bodies == ["", '"eleven_"']
    streamed = made.call("get_user_inventory", 56, 56, _preload_content=False)
    assert asyncio.run(streamed._read(None)) == b'"eleven_11"'
    made.close()


def test_forwarding_proxy_gets_the_credentials(server: RecordingServer) -> None:
    proxy = server.url.replace("http://", "http://robin:secret@")
    with ApiClient(Configuration("http://service.example", proxy=proxy)) as client:
        UsersInventoryApi(client).get_user_inventory(56, 56)
    head = server.requests[0].decode()
    assert head.startswith("GET http://service.example/users/56/inventory/56 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic cm9iaW46c2VjcmV0\r\n" in head


class Peered:
    """A pipe whose other end is a TLS server in memory."""

    must_close = False

    def __init__(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "good.pem")
        self._sent, self._received = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = context.wrap_bio(self._sent, self._received, server_side=True)
        self.arrived = b""

    def begin(self, deadline: float, wait: float) -> None:
        pass

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        self._sent.write(data)
        return True

    async def receive(self) -> bytes:
        if not self.arrived:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.server.do_handshake()
            self.arrived = self._received.read()
        arrived, self.arrived = self.arrived, b""
        return arrived

    def receive_now(self) -> bytes | None:
        return self.arrived or None

    def written(self, data: bytes) -> bytes:
        self.server.write(data)
        return self._received.read()

    def close(self) -> None:
        pass


def taken_from_pool(pipe: Any) -> Any:
    """Return what a transport whose only idle connection is this one takes for a request."""
    transport = rest.RESTClientObject(Configuration("http://127.0.0.1:9"))
    pipe.usable_until = math.inf
    transport._idle.append(pipe)
    return transport.acquire()


def secured() -> tuple[Peered, SecurePipe]:
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
    pipe = Peered()
    secure: Any = SecurePipe(pipe, context, "127.0.0.1")
    run(secure.handshake())
    return pipe, secure


def test_records_are_decrypted_as_far_as_they_have_arrived() -> None:
    pipe, secure = secured()
    first, second = pipe.written(b"first"), pipe.written(b"second")
    pipe.arrived = first + second[:9]
    assert run(secure.receive()) == b"first"
    pipe.arrived = second[9:]
    assert run(secure.receive()) == b"second"


def test_pipe_below_tls_is_closed_with_it(pair: tuple[blocking.BlockingPipe, socket.socket]) -> None:
    pipe, far = pair
    SecurePipe(pipe, ssl.create_default_context(), "127.0.0.1").close()
    assert far.recv(1) == b""


def test_idle_connection_with_bytes_that_are_not_tls_is_at_its_end() -> None:
    pipe, secure = secured()
    assert secure.receive_now() is None
    pipe.arrived = b"HTTP/1.1 408 Request Timeout\r\n\r\n"
    assert taken_from_pool(secure) is None


def test_coroutine_that_suspends_is_not_run_over_a_blocking_pipe() -> None:
    with pytest.raises(RuntimeError, match="suspended"):
        run(asyncio.sleep(0))


def test_response_before_the_connection_breaks_is_read(
    api: UsersInventoryApi, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send: Any = blocking.BlockingPipe.send

    async def send_and_break(pipe: Any, data: bytes, listener: Listener | None = None) -> bool:
        await send(pipe, data, listener)
        pipe._socket.shutdown(socket.SHUT_WR)
        return bool(await send(pipe, b"more"))

    monkeypatch.setattr(blocking.BlockingPipe, "send", send_and_break)
    server.responses = [http_response(200, b'{"id": 56}')]
    assert api.get_user_inventory(56, 56).id == 56
    assert not api.api_client._shared.current().transport._idle
    assert api.get_user_inventory(56, 56).id == 56


def test_upload_continues_after_bytes_that_do_not_end_it(
    pair: tuple[blocking.BlockingPipe, socket.socket],
) -> None:
    pipe, far = pair
    pipe.begin(time.monotonic() + 10, math.inf)
    received: list[bytes | None] = []

    def listen() -> bool:
        received.append(pipe.receive_now())
        far.send(b"1")  # so that the socket can be read, while its buffer for sending is full
        return len(received) > 100

    far.send(b"1")
    assert not run(pipe.send(bytes(1 << 24), listen))
    assert received == [b"1"] * 101


def test_traceback_of_a_foreign_error_does_not_hold_the_request(
    api: UsersInventoryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(blocking.BlockingPipe, "send", interrupt)
    with pytest.raises(LookupError) as raised:
        api.get_user_inventory(56, 56)
    assert not [frame for frame, _ in traceback.walk_tb(raised.tb) if "head" in frame.f_locals]


def test_alert_that_cant_be_sent_leaves_the_error_of_the_handshake(
    pair: tuple[blocking.BlockingPipe, socket.socket],
) -> None:
    broken, _ = pair
    broken._socket.shutdown(socket.SHUT_WR)

    class BrokenAfterHello(Peered):
        sent = 0

        async def send(self, data: bytes, listener: Listener | None = None) -> bool:
            self.sent += 1
            return await (super() if self.sent == 1 else broken).send(data, listener)

    pipe = BrokenAfterHello()
    with pytest.raises(ssl.SSLCertVerificationError):
        run(SecurePipe(pipe, ssl.create_default_context(), "127.0.0.1").handshake())
    assert pipe.sent == 2


def test_error_of_a_signal_handler_during_the_alert_reaches_the_caller() -> None:
    class Interrupted(Peered):
        sent = 0

        async def send(self, data: bytes, listener: Listener | None = None) -> bool:
            self.sent += 1
            if self.sent > 1:
                raise TimeoutError("mine")
            return await super().send(data, listener)

    with pytest.raises(TimeoutError, match="mine"):
        run(SecurePipe(Interrupted(), ssl.create_default_context(), "127.0.0.1").handshake())


def client_used_in(loop: asyncio.AbstractEventLoop, server: RecordingServer) -> aio.ApiClient:
    """Return a client that holds an idle connection in a loop."""
    server.responses = [http_response(200, b'{"id": 56}')]
    client = aio.ApiClient(Configuration(server.url))
    loop.run_until_complete(aio.UsersInventoryApi(client).get_user_inventory(56, 56))
    return client


def test_client_of_a_loop_that_was_closed_by_hand_closes_its_connections(server: RecordingServer) -> None:
    loop = asyncio.new_event_loop()
    client = client_used_in(loop, server)
    assert len(connections_to(server)) == 1
    loop.close()
    del client
    gc.collect()
    assert connections_to(server) == []


@pytest.mark.parametrize("is_dropped_first", [True, False])
def test_client_that_another_loop_closed_leaves_no_connection_to_a_loop_that_never_runs_again(
    server: RecordingServer, is_dropped_first: bool
) -> None:
    loop = asyncio.new_event_loop()
    client = client_used_in(loop, server)
    asyncio.run(client.close())
    held = [] if is_dropped_first else [client]
    del client
    gc.collect()
    loop.close()
    held.clear()
    gc.collect()
    assert connections_to(server) == []


@pytest.mark.parametrize("closes", [True, False])
def test_response_that_is_dropped_in_the_last_turn_of_a_loop_leaves_no_connection(
    server: RecordingServer, closes: bool
) -> None:
    async def drop() -> None:
        response = await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56)
        if closes:
            await response.close()

    server.responses = [http_response(200, b'{"id": 56}')]
    client = aio.ApiClient(Configuration(server.url))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(drop())
    loop.close()
    assert connections_to(server) == []


def test_response_that_is_dropped_after_the_last_turn_of_a_loop_leaves_no_connection(
    server: RecordingServer,
) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    client = aio.ApiClient(Configuration(server.url))
    loop = asyncio.new_event_loop()
    response = loop.run_until_complete(client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56))
    del response
    loop.close()
    del client
    gc.collect()
    assert connections_to(server) == []


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_call_in_progress_when_its_loop_is_closed_by_hand_leaves_no_connection(is_cancelled: bool) -> None:
    async def begin(client: aio.ApiClient) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(aio.UsersInventoryApi(client).get_user_inventory(56, 56))
        while not server.requests:
            await asyncio.sleep(0.01)
        if is_cancelled:  # which it notices in the last turn of the loop
            task.cancel()
        return task

    with FaultServer([lambda peer, request: peer.hold()]) as server:
        client = aio.ApiClient(Configuration(server.url))
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)  # the task is destroyed
        task = loop.run_until_complete(begin(client))
        loop.close()
        del task, client
        gc.collect()  # an error in a finalizer would fail this test
        connected = [each for each in psutil.Process().net_connections("tcp") if each.raddr]
        assert not [each for each in connected if each.raddr.port == server.port]


@pytest.mark.parametrize("turns", range(1, 6))
def test_connection_made_while_the_loop_was_blocked_is_in_time(server: RecordingServer, turns: int) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]

    async def main() -> int | None:
        async with aio.ApiClient(Configuration(server.url, timeout=(0.2, 60), retries=0)) as client:
            task = asyncio.ensure_future(aio.UsersInventoryApi(client).get_user_inventory(56, 56))
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.3)
            return (await task).id

    assert asyncio.run(main()) == 56


def connections_to(server: RecordingServer) -> list[Any]:
    open_ones = psutil.Process().net_connections("tcp")
    return [each for each in open_ones if each.raddr and each.raddr.port == server.port]


def test_connection_that_another_thread_closes_is_closed_in_the_loop_s_next_turn(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, opened = asyncio.new_event_loop(), set[Any]()
    connect = partial(asynchronous.connect, "127.0.0.1", server.port, math.inf, opened)
    late = loop.run_until_complete(connect())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    pipe = asyncio.run_coroutine_threadsafe(connect(), loop).result(20)
    pipe.close()
    assert wait_until(lambda: opened == {late})
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "is_closed", lambda: False)  # as if it was closed just after the pipe has asked
        late.close()
    late.close()
    assert connections_to(server) == []


def test_times_pass_while_a_test_has_stopped_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)

    async def wait() -> None:
        await asynchronous.sleep(0.01)
        async with aio.ApiClient(Configuration(url, timeout=0.2, retries=0)) as client:
            with pytest.raises(ApiTimeoutException, match="did not respond in time"):
                await aio.UsersInventoryApi(client).get_user_inventory(56, 56)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        asyncio.run(wait())


def test_timer_of_a_loop_that_has_closed_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    loop = asyncio.new_event_loop()
    timer = asynchronous.call_later(loop, 0.01, pytest.fail)
    loop.close()
    assert isinstance(timer, threading.Timer)
    assert timer.daemon  # the end of the program does not wait for it
    timer.join(20)
    assert not timer.is_alive()


@pytest.mark.parametrize("driver", DRIVERS)
def test_host_whose_addresses_all_reject_connections_is_not_reached(
    driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refusing = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [refusing, refusing])
    made = DRIVERS[driver](Configuration(f"http://127.0.0.1:{port}", retries=0))
    try:
        with pytest.raises(ApiConnectionException, match="refused") as caught:
            made.call("get_user_inventory", 56, 56)
    finally:
        made.close()
    assert not caught.value.may_have_applied
    assert f"127.0.0.1:{port}" in str(caught.value.reason)


@pytest.fixture
def hanging_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A name server that responds once the event is set."""
    genuine = socket.getaddrinfo
    responds = threading.Event()

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
        if not options.get("flags"):
            responds.wait(60)
            host = "127.0.0.1"
        return genuine(host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield responds
    responds.set()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("settings", "error", "reason"),
    [
        ({"deadline": 0.2}, DeadlineExceeded, "exceeded its deadline of 0.2 s"),
        ({"timeout": (0.2, 5)}, ApiTimeoutException, "timed out connecting to service.example"),
    ],
)
def test_name_lookup_that_hangs_ends_in_time(
    driver: str,
    settings: dict[str, Any],
    error: type[ApiException],
    reason: str,
    hanging_name_server: threading.Event,
) -> None:
    made = DRIVERS[driver](Configuration("http://service.example", retries=0, **settings))
    try:
        with pytest.raises(error, match=reason) as caught:
            made.call("get_user_inventory", 56, 56)
        assert not hanging_name_server.is_set()
    finally:
        hanging_name_server.set()  # the loop waits for its threads when it is closed
        made.close()
    assert not caught.value.may_have_applied


@pytest.mark.parametrize("method", ["start", "__init__"])  # the latter in a subinterpreter of Python 3.12
def test_name_is_looked_up_without_a_thread_if_none_can_be_started(
    method: str,
    hanging_name_server: threading.Event,
    server: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    genuine = getattr(threading.Thread, method)

    def reject(thread: threading.Thread, *arguments: Any, **options: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            raise RuntimeError("can't start new thread")
        genuine(thread, *arguments, **options)  # the server's

    hanging_name_server.set()
    server.responses = [http_response(200, b'{"id": 56}')]
    with ApiClient(Configuration(f"http://service.example:{server.port}")) as client:
        monkeypatch.setattr(threading.Thread, method, reject)
        assert UsersInventoryApi(client).get_user_inventory(56, 56).id == 56


def test_name_is_looked_up_in_place_by_a_function_that_lets_greenlets_run(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = socket.getaddrinfo
    threads: list[threading.Thread] = []

    def look_up(host: str, port: int, **options: Any) -> Any:
        if not options.get("flags"):
            threads.append(threading.current_thread())
            host = "127.0.0.1"
        return genuine(host, port, **options)

    look_up.__module__ = "gevent._socketcommon"
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    server.responses = [http_response(200, b'{"id": 56}')]
    with ApiClient(Configuration(f"http://service.example:{server.port}")) as client:
        assert UsersInventoryApi(client).get_user_inventory(56, 56).id == 56
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize("pipes", [blocking, asynchronous])
def test_connection_that_is_made_after_another_one_is_closed(pipes: Any, server: RecordingServer) -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

    async def lose() -> socket.socket:
        dialer = pipes._Dialer()
        attempt = dialer.dial(address)
        assert [error for _, error in await dialer.wait([attempt], 20)] == [None]
        await dialer.hang_up([attempt])
        return attempt if pipes is blocking else attempt.result()  # type: ignore[no-any-return]

    assert asyncio.run(lose()).fileno() == -1


def test_connection_is_closed_though_another_attempt_was_cancelled(server: RecordingServer) -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

    async def lose() -> socket.socket:
        dialer = asynchronous._Dialer()
        attempts = [dialer.dial(address), dialer.dial(address)]
        attempts[0].cancel()
        await asyncio.wait(attempts)
        await dialer.hang_up(attempts)
        return attempts[1].result()

    assert asyncio.run(lose()).fileno() == -1


def test_address_that_is_rejected_immediately_is_not_waited_for(server: RecordingServer) -> None:
    loopback = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
    waits: list[int] = []

    class Dialer(blocking._Dialer):
        async def resolve(self, host: str, port: int, seconds: float) -> Any:
            return [UNREACHABLE, loopback]

        async def wait(self, attempts: Any, seconds: float) -> Any:
            waits.append(len(attempts))
            return await super().wait(attempts, seconds)

    run(addresses.connect(Dialer(), "name.test", server.port, time.monotonic() + 20)).close()
    assert waits == [1]


def test_error_of_a_signal_handler_is_not_the_end_of_an_idle_connection(
    pair: tuple[blocking.BlockingPipe, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise ssl.SSLError("mine")

    pipe, _ = pair
    peered, secure = secured()
    peered.arrived = b"x"
    monkeypatch.setattr(pipe, "_can_receive", interrupt)
    monkeypatch.setattr(secure, "_read", interrupt)
    for each in (pipe, secure):
        with pytest.raises(ssl.SSLError, match="mine"):
            taken_from_pool(each)


def test_idle_connection_that_was_reset_is_at_its_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    near.setblocking(False)
    pipe = blocking.BlockingPipe(near)
    assert pipe.receive_now() is None
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    assert taken_from_pool(pipe) is None
    assert near.fileno() == -1


def test_transport_with_unread_bytes_is_paused_and_resumed() -> None:
    size = 8 * asynchronous.MAX_UNREAD_BYTES
    near, far = socket.socketpair()

    async def read() -> int:
        loop = asyncio.get_running_loop()
        made = await loop.create_connection(lambda: asynchronous.AsyncioPipe(loop, set()), sock=near)
        pipe: Any = made[1]
        pipe.begin(math.inf, 20)
        while len(pipe._unread) <= asynchronous.MAX_UNREAD_BYTES:
            await asyncio.sleep(0)
        assert not pipe._transport.is_reading()
        count = 0
        while data := await pipe.receive():
            count += len(data)
        pipe.close()
        return count

    def send() -> None:
        with far:
            far.sendall(bytes(size))

    sender = threading.Thread(target=send)
    sender.start()
    assert asyncio.run(read()) == size
    sender.join()


def test_wait_that_begins_after_its_deadline_is_over(server: RecordingServer) -> None:
    async def receive(pipes: Any) -> None:
        opened = [set[Any]()] if pipes is asynchronous else []
        pipe = await pipes.connect("127.0.0.1", server.port, math.inf, *opened)
        pipe.begin(time.monotonic(), math.inf)
        with pytest.raises(TimeoutError, match="timed out"):
            await pipe.receive()
        pipe.close()

    for pipes in (blocking, asynchronous):
        asyncio.run(receive(pipes))


@pytest.mark.parametrize("pipes", [blocking, asynchronous])
def test_bytes_that_arrive_without_a_wait_are_not_received_after_the_deadline(pipes: Any) -> None:
    near, far = socket.socketpair()

    async def receive() -> None:
        if pipes is blocking:
            near.setblocking(False)
            pipe: Any = blocking.BlockingPipe(near)
        else:
            loop = asyncio.get_running_loop()
            _, pipe = await loop.create_connection(lambda: asynchronous.AsyncioPipe(loop, set()), sock=near)
            far.sendall(b"xy")
            while not pipe._unread:
                await asyncio.sleep(0)
        far.sendall(b"z")
        pipe.begin(time.monotonic(), math.inf)
        with pytest.raises(TimeoutError, match="timed out"):
            await pipe.receive()
        pipe.begin(time.monotonic() + 20, math.inf)
        assert await pipe.receive()
        pipe.close()

    with far:
        asyncio.run(receive())


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_deadline_of_a_stream_holds_though_its_data_never_stops(kind: str) -> None:
    def send_forever(peer: Peer, request: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.forever(bytes(RECEIVE_BYTES))

    def read(url: str) -> None:
        with ApiClient(Configuration(url)) as client:
            response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56, _deadline=0.2)
            for _ in response.stream():
                time.sleep(0.02)

    async def read_async(url: str) -> None:
        async with aio.ApiClient(Configuration(url)) as client:
            read = aio.UsersInventoryApi(client).get_user_inventory
            async for _ in (await client.raw(read, 56, 56, _deadline=0.2)).stream():
                await asyncio.sleep(0.02)

    with FaultServer([send_forever]) as server, pytest.raises(DeadlineExceeded):
        read(server.url) if kind == "blocking" else asyncio.run(read_async(server.url))


def test_connection_of_a_closed_client_is_closed_after_its_last_response(server: RecordingServer) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    client = ApiClient(Configuration(server.url))
    response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56)
    client.close()
    assert response.read() == b'{"id": 56}'
    assert connections_to(server) == []
