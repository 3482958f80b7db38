"""The asyncio pipe: a transport of the event loop, read no longer than the time limits allow."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from knetik_cloud.core import clock
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.wire import addresses
from knetik_cloud.wire.pipe import SEND_BYTES, Listener, Pipe, readable_check, remaining

MAX_UNREAD_BYTES = 1 << 18
"""The number of bytes held for a slow reader, above which the transport pauses."""
MAX_TIMER_SECONDS = 1e6
"""Longer waits end early and are repeated, since some event loops can't count their milliseconds."""


class AsyncioPipe(Pipe, asyncio.Protocol):
    """A connection of an event loop. One timer per connection watches the time, not one per wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[AsyncioPipe]) -> None:
        self.loop = loop
        self._opened = opened
        self._waiter: asyncio.Future[None] | None = None
        self._unread = b""
        self._error: Exception | None = None
        self._is_at_end = False
        self._until = self._checked_at = math.inf
        self._timer: asyncio.TimerHandle | threading.Timer | None = None

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport | None = cast("Any", transport)  # uvloop's is not a subclass
        self._transport.set_write_buffer_limits(SEND_BYTES)
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._can_receive = readable_check(self._socket)
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        self._unread += data  # which copies nothing if all before it has been read
        if len(self._unread) > MAX_UNREAD_BYTES and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._is_at_end = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._error, self._is_at_end = None, exc, True
        self._opened.discard(self)
        self._wake()
        self._watch()  # nothing waits any longer, which ends the timer
        if exc is not None:  # if a write failed, the peer may have responded before it closed
            with suppress(OSError), socket.socket(fileno=socket.dup(self._socket.fileno())) as sock:
                self._unread += sock.recv(MAX_UNREAD_BYTES)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    resume_writing = _wake

    # What the exchange calls

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        """Send bytes, and call the listener whenever some have arrived meanwhile."""
        for start in range(0, len(data), SEND_BYTES):
            transport = self._transport
            if transport is None or transport.is_closing():
                raise self._error or ConnectionResetError("the connection was closed")
            transport.write(data[start : start + SEND_BYTES])
            while transport.get_write_buffer_size() > SEND_BYTES:
                if listener is None or not (self._unread or self._is_at_end):
                    await self._event()  # the loop reads what has arrived in its next turn
                elif listener():
                    return False
        return True

    async def receive(self) -> bytes:
        """Wait for bytes and return them, or b"" at the end."""
        if self._unread:  # they may arrive as fast as they are read, without a wait
            remaining(self._deadline)
        while not self._unread and not self._is_at_end:
            await self._event()
        return self._pop()

    def _pop(self) -> bytes:
        """Return all that is unread, or b"" at the end."""
        data, self._unread = self._unread, b""
        if not data and self._error is not None:
            raise self._error
        if len(data) > MAX_UNREAD_BYTES and self._transport is not None:
            self._transport.resume_reading()
        return data

    def receive_now(self) -> bytes | None:
        """Return bytes that have arrived, b"" at the end, or None if nothing has."""
        if self._unread:
            return self._pop()
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_at_end:
            return b""
        # Part of a request is unsent if the server responded early. The loop may not have read what has come.
        return b"" if transport.get_write_buffer_size() or self._can_receive(0) else None

    def close(self) -> None:
        """Close the connection immediately, or in the loop's next turn if another thread drops it."""
        transport = self._transport
        if transport is None:
            return
        if self.loop.is_closed():
            # By hand, perhaps before Python cleared the globals of this module at its end. `abort` would need
            # another turn of the loop, and does nothing if the transport was closing already.
            end = getattr(transport, "_call_connection_lost", None)
            if end is not None:
                self._transport = self._timer = self._waiter = None  # it ends neither timers nor waits
                end(None)
            return
        with suppress(RuntimeError):  # no loop runs in this thread
            if asyncio.get_running_loop() is self.loop:
                transport.abort()  # a loop that is closed by hand may have only one more turn, which ends it
                return
        with suppress(RuntimeError):  # it was closed just now
            self.loop.call_soon_threadsafe(transport.abort)  # if it never runs again, the client closes it

    # Time

    def _event(self) -> asyncio.Future[None]:
        """Return what is done as soon as something happens, or fails with a `TimeoutError` in time."""
        self._until = min(self._deadline, clock.monotonic() + self._wait)
        self._waiter = self.loop.create_future()
        if self._timer is None or self._checked_at > self._until:
            self._watch()
        return self._waiter

    def _watch(self) -> None:
        """End a wait whose time is up, or set the timer to do so. Without a wait, there is no timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        left = self._until - clock.monotonic()
        if left <= 0:
            waiter.set_exception(TimeoutError("timed out"))
        elif left < math.inf:
            self._checked_at = self._until
            self._timer = call_later(self.loop, left, self._watch)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that runs in this thread.

    Raises:
        ApiValueError: If none does.
    """
    try:  # each call comes here, and `suppress` would cost more than the rest
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ApiValueError(
            "knetik_cloud.aio needs a running event loop of asyncio: call it within asyncio.run(), or use "
            "knetik_cloud in a thread, such as with trio.to_thread.run_sync"
        ) from None


def call_later(
    loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], object]
) -> asyncio.TimerHandle | threading.Timer:
    """Call a function of a loop after a time, even if a test has frozen the loop's clock."""
    seconds = min(seconds, MAX_TIMER_SECONDS)
    if not clock.is_replaced():
        return loop.call_later(seconds, callback)

    def ring() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(callback)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    return timer


async def sleep(seconds: float) -> None:
    """Sleep, even if a test has frozen the loop's clock."""
    time_is_up = asyncio.Event()
    timer = call_later(asyncio.get_running_loop(), seconds, time_is_up.set)
    try:
        await time_is_up.wait()
    finally:
        timer.cancel()


def timeout(seconds: float) -> asyncio.Timeout:
    """Limit the time of a block, unless it is infinite, which some event loops can't count."""
    return asyncio.timeout(None if seconds == math.inf else seconds)


class _Dialer:
    """Connects sockets in tasks, several at the same time."""

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[addresses.Address]:
        async with timeout(seconds):
            return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)

    def dial(self, address: addresses.Address) -> asyncio.Task[socket.socket]:
        return asyncio.create_task(self._connect(address))

    async def _connect(self, address: addresses.Address) -> socket.socket:
        with addresses.new_socket(address) as sock:
            await asyncio.get_running_loop().sock_connect(sock, address[4])
            return sock

    async def wait(
        self, attempts: Sequence[asyncio.Task[socket.socket]], seconds: float
    ) -> Sequence[tuple[asyncio.Task[socket.socket], BaseException | None]]:
        time_is_up = asyncio.create_task(sleep(seconds))
        try:
            await asyncio.wait([*attempts, time_is_up], return_when=asyncio.FIRST_COMPLETED)
        finally:
            time_is_up.cancel()
        return [(task, task.exception()) for task in attempts if task.done()]

    async def hang_up(self, attempts: Sequence[asyncio.Task[socket.socket]]) -> None:
        for task in attempts:
            if not task.cancel() and not task.cancelled() and task.exception() is None:
                task.result().close()
        await asyncio.gather(*attempts, return_exceptions=True)


async def connect(host: str, port: int, until: float, opened: set[AsyncioPipe]) -> AsyncioPipe:
    """Connect to a host.

    Args:
        host: A name or an address.
        port: The port.
        until: The moment of the monotonic clock of the time limit.
        opened: The open connections, in which the new one is kept while it is open.

    Raises:
        TimeoutError: If the host does not respond in time.
        OSError: If the host is not found or does not accept the connection.
    """
    loop = asyncio.get_running_loop()
    sock = (await addresses.connect(_Dialer(), host, port, until)).result()
    pipe = AsyncioPipe(loop, opened)
    try:
        await loop.create_connection(lambda: pipe, sock=sock)
    except BaseException:
        loop.call_soon(pipe.connection_lost, None)  # uvloop does not call it
        sock.close()
        raise
    return pipe
