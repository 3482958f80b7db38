"""The asyncio pipe by itself: what it holds for a slow peer, and what a lost connection leaves."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from knetik_cloud.wire import asynchronous
from knetik_cloud.wire.pipe import SEND_BYTES

Use = Callable[[Any, socket.socket, set[Any]], Awaitable[None]]


def connected(use: Use, run: Callable[[Any], None] = asyncio.run) -> None:
    """Run a coroutine function with a pipe, the other end of its connection and the set of open pipes."""

    async def main() -> None:
        unexpected: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unexpected.append(context))
        opened: set[Any] = set()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            pipe = await asynchronous.connect("127.0.0.1", port, math.inf, opened)
            far, _ = listener.accept()
        with far:
            await use(pipe, far, opened)
            pipe.close()
            await asyncio.sleep(0)
        assert unexpected == []
        assert not opened

    run(main())


def reset(sock: socket.socket) -> None:
    """Close a socket so that its peer gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_few_bytes_pause_nothing() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        far.send(b"x")
        while not pipe._unread:
            await asyncio.sleep(0.001)
        assert pipe._transport.is_reading()

    connected(use)


def test_upload_waits_for_a_peer_that_reads_nothing() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        pipe.begin(math.inf, 0.1)
        with pytest.raises(TimeoutError):
            await pipe.send(bytes(64 << 20), lambda: False)
        assert pipe._transport.get_write_buffer_size() <= 2 * SEND_BYTES

    connected(use)


def test_lost_connection_leaves_no_timer() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        pipe.begin(time.monotonic() + 60, math.inf)
        received = asyncio.ensure_future(pipe.receive())
        await asyncio.sleep(0)
        timer = pipe._timer
        far.close()
        assert await received == b""
        while opened:
            await asyncio.sleep(0.001)
        assert timer.cancelled()
        assert pipe._timer is None

    connected(use)


def test_shorter_wait_replaces_the_timer_of_a_longer_one() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        timers = []
        for seconds in (60, 60, 30, 40):
            pipe.begin(math.inf, seconds)
            received = asyncio.ensure_future(pipe.receive())
            await asyncio.sleep(0)
            timers.append(pipe._timer)
            far.send(b"x")
            assert await received == b"x"
        assert timers[0] is timers[1] is not timers[2] is timers[3]
        assert timers[0].cancelled()
        assert not timers[3].cancelled()

    connected(use)


def test_wait_without_a_limit_needs_no_timer() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        far.send(b"x")
        pipe.begin(math.inf, math.inf)
        assert await pipe.receive() == b"x"
        assert pipe._timer is None

    connected(use)


def test_error_that_ended_a_connection_is_raised_by_the_next_step() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        far.send(b"x")
        reset(far)
        while opened:
            await asyncio.sleep(0.001)
        assert await pipe.receive() == b"x"
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await pipe.receive()
        with pytest.raises(ConnectionResetError, match="reset by peer"):
            await pipe.send(b"y")

    connected(use)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_response_that_arrived_before_a_write_failed_is_received(run: Callable[[Any], None]) -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        pipe.begin(math.inf, 10)
        await pipe.send(b"head")
        await asyncio.sleep(0.01)
        assert far.recv(1) == b"h"
        far.send(b"response")
        far.close()  # with a reset, since it has not read the rest
        with suppress(ConnectionError):
            await pipe.send(b"body")
        assert await pipe.receive() == b"response"
        with pytest.raises(ConnectionError):
            await pipe.receive()

    connected(use, run)


def test_time_limit_of_a_wait_that_has_ended_does_nothing() -> None:
    async def use(pipe: Any, far: socket.socket, opened: set[Any]) -> None:
        pipe.begin(time.monotonic() + 0.05, math.inf)
        far.send(b"x")
        assert await pipe.receive() == b"x"
        while pipe._timer is not None:
            await asyncio.sleep(0.01)
        pipe.begin(math.inf, 20)
        far.send(b"y")
        assert await pipe.receive() == b"y"

    connected(use)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connection_whose_call_is_cancelled_as_it_is_made_is_not_kept(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        opened: set[Any] = set()
        with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
            port = listener.getsockname()[1]
            for turns in [*range(16)] * 20:
                task = asyncio.ensure_future(asynchronous.connect("127.0.0.1", port, math.inf, opened))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    (await task).close()
            for _ in range(5):
                await asyncio.sleep(0)
        assert not opened

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@pytest.mark.parametrize("has_peer", [True, False])
def test_connections_of_a_loop_that_was_closed_by_hand_are_closed_while_others_are(has_peer: bool) -> None:
    class Opened(set[Any]):
        def discard(self, pipe: Any) -> None:
            super().discard(pipe)
            for other in list(self):  # as the collector does, and other threads
                other.close()

    async def connect() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            for _ in range(3):
                await asynchronous.connect("127.0.0.1", port, math.inf, opened)
                peers.append(listener.accept()[0])

    opened, peers = Opened(), list[socket.socket]()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(connect())
    if not has_peer:
        for peer in peers:
            peer.close()
        loop.call_soon(loop.stop)
        loop.run_forever()  # for one turn, in which the transports begin to close
    sockets = [pipe._transport.get_extra_info("socket") for pipe in opened]
    loop.close()
    next(iter(opened)).close()
    assert not opened
    assert [each.fileno() for each in sockets] == [-1] * 3
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    for peer in peers:
        peer.close()


def test_name_that_is_not_resolved_in_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async def getaddrinfo(*arguments: object, **options: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        with pytest.raises(TimeoutError):
            await asynchronous.connect("service.example", 80, time.monotonic() + 0.05, set())

    asyncio.run(main())
