"""aiohttp's connections, on which each answer keeps to the call's deadline and to its own bounds.

aiohttp makes and pools the connections (addresses, TLS, tunnels) and parses the answers. What goes out is
written here, as it is for urllib3: so the bytes are the same, and it is known whether any were written.
"""

from __future__ import annotations

import asyncio
import functools
import math
import re
import time
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from urllib3.util.wait import wait_for_read

from knetik_cloud.connections import LONGEST_IDLE, MOST_HEAD, Unframed
from knetik_cloud.core.failure import DeadlinePassed

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

LONGEST_LINE = 1 << 16
"""Bytes of a header line that are taken at most, as `http.client` does."""
SEND_PIECE = 1 << 16
HEAD_END = b"\r\n\r\n"
BODYLESS = (b"204", b"304")
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,18})\r\n", re.IGNORECASE)


class Protocol(ResponseHandler):
    """Reads the answers on one connection, each within its limits, and survives garbage.

    No call of its own waits for time to pass: one timer looks now and then how long nothing came.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._watch: asyncio.TimerHandle | None = None
        self._deadline = self._wait = self._last = math.inf
        self._body: StreamReader | None = None
        self._is_in_head = False
        self._head_left = 0
        self.is_waited_for = False
        """Whether somebody waits for bytes; a reader who takes his time is not the peer's fault."""

    def begin(self, deadline: float, wait: float) -> None:
        """Get ready for an answer.

        Args:
            deadline: the monotonic moment by which it must be there.
            wait: seconds that may pass without a byte.
        """
        self.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self._body = None
        self._is_in_head, self._head_left = True, MOST_HEAD
        self.is_waited_for = True
        self._last = time.monotonic()
        self._deadline, self._wait = deadline, wait
        self._arm()

    def end(self) -> None:
        """Watch the time no longer."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def head(self) -> tuple[RawResponseMessage, StreamReader]:
        """Wait for the head of the answer.

        Raises:
            Unframed: it is too large.
        """
        message, self._body = await self.read()
        return message, self._body

    async def piece(self) -> bytes:
        """Give the next bytes of the body, b"" at its end."""
        assert self._body is not None
        self._last = time.monotonic()
        self.is_waited_for = True
        try:
            return await self._body.readany()
        finally:
            self.is_waited_for = False

    async def upload(self, body: bytes) -> None:
        """Write a large body, as fast as the peer takes it."""
        for start in range(0, len(body), SEND_PIECE):
            if self.transport is None:
                return
            self.transport.write(body[start : start + SEND_PIECE])
            await self._drain_helper()
            self._last = time.monotonic()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take a head that was parsed; interim answers (1xx) before the answer are passed over."""
        code = data[0].code
        if not 100 <= code < 200 or code == 101:
            self._is_in_head = False
            super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Parse what came.

        The parser throws away all that came in one piece with garbage, also the answer before it: so the
        head is given to it apart from what follows, unless that is just the body. And it leaves whoever
        waits for a malformed body waiting.
        """
        self._last = time.monotonic()
        received = len(data)
        end = data.find(HEAD_END) + len(HEAD_END) if data.startswith(b"HTTP/") else 0
        if len(HEAD_END) <= end < len(data):
            length = None if data[9:12] in BODYLESS else LENGTH.search(data, 0, end)
            if length is None or int(length[1]) < len(data) - end:
                super().data_received(data[:end])
                data = data[end:]
        super().data_received(data)
        if self._is_in_head:
            self._count_head(received)
        error = self.exception()
        if error is not None:
            self._fail(error)

    def _count_head(self, received: int) -> None:
        """Refuse a head that has no end in as many bytes as may come, and take no more of it."""
        self._head_left -= received
        if self._head_left < 0 and self.exception() is None:
            self._fail(Unframed(f"its head is larger than {MOST_HEAD} bytes"))
            if self.transport is not None:
                self.transport.abort()

    def _arm(self) -> None:
        left = min(self._deadline, self._last + self._wait) - time.monotonic()
        self._watch = None if left == math.inf else self._loop.call_later(left, self._look)

    def _look(self) -> None:
        """Give up when the time is over, else look again when it may be."""
        now = time.monotonic()
        if not self.is_waited_for:
            self._last = now
        if now >= self._deadline:
            self._fail(DeadlinePassed("no time is left"))
        elif now - self._last >= self._wait:
            self._fail(TimeoutError(f"nothing came for {self._wait} seconds"))
        else:
            self._arm()

    def _fail(self, error: BaseException) -> None:
        """Give an error to whoever waits for the head or the body."""
        self.set_exception(error)
        body = self._body or self._payload
        if body is not None and not body.is_eof():
            body.set_exception(error)


class Connector(aiohttp.TCPConnector):
    """The connections of one event loop.

    A caller that finds no idle connection opens one, so nobody waits for a connection.
    """

    def __init__(self, pool_size: int) -> None:
        super().__init__(limit=0, keepalive_timeout=LONGEST_IDLE)
        self._factory = functools.partial(Protocol, loop=self._loop)  # type: ignore[assignment]
        self._pool_size = pool_size
        self._opened: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def take(self, request: ClientRequest, timeout: aiohttp.ClientTimeout) -> Connection:
        """Take an idle connection that is alive, or open one."""
        while True:
            connection = await self.connect(request, [], timeout)
            transport = connection.transport
            if transport is not None and (transport not in self._opened or _is_alive(connection)):
                self._opened.add(transport)
                return connection
            connection.close()

    def trim(self, busy: set[asyncio.Transport], most: int | None = None) -> None:
        """Close idle connections beyond the pool's size, or beyond `most`."""
        most = self._pool_size if most is None else most
        if len(self._opened) <= len(busy) + most:
            return
        opened = [transport for transport in self._opened if not transport.is_closing()]
        idle = [transport for transport in opened if transport not in busy]
        for transport in idle[most:]:
            transport.abort()
        self._opened = weakref.WeakSet(opened)


def _is_alive(connection: Connection) -> bool:
    """Tell whether an idle connection can be used again: nothing has come in on it, not even its end."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return False
    sock: Any = transport.get_extra_info("socket")
    return sock is None or not wait_for_read(sock, timeout=0)
