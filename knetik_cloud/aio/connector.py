"""aiohttp's pool of connections, which tells what connection a request is on and gives out no dead one."""

from __future__ import annotations

import asyncio
import functools
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from urllib3.util.wait import wait_for_read

from knetik_cloud.connections import LONGEST_IDLE

if TYPE_CHECKING:
    from aiohttp.connector import Connection


class Line:
    """The connection that one request is on, from the moment when it could be written to."""

    __slots__ = ("transport",)

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    @property
    def is_written(self) -> bool:
        """Whether any of the request may have reached the service."""
        return self.transport is not None

    def abort(self) -> None:
        """Close the connection at once, also when it is back in the pool: what was not sent is dropped."""
        if self.transport is not None:
            try:
                self.transport.abort()
            except RuntimeError:  # the loop is closed, and its sockets with it
                self.transport = None


HEAD_END = b"\r\n\r\n"
LINE: ContextVar[Line] = ContextVar("knetik_cloud_line")
"""The line of the request that this task is about to send."""


class _Protocol(ResponseHandler):
    """aiohttp's reader of answers, made to survive garbage.

    Its parser throws away all that came in one piece with garbage, also the answer before it: so the head is
    given to it apart from what follows. And it leaves whoever waits for a malformed body waiting.
    """

    def data_received(self, data: bytes) -> None:
        end = data.find(HEAD_END) + len(HEAD_END) if data.startswith(b"HTTP/") else 0
        if len(HEAD_END) <= end < len(data):
            super().data_received(data[:end])
            data = data[end:]
        super().data_received(data)
        error, body = self.exception(), self._payload
        if error is not None and body is not None and not body.is_eof():
            body.set_exception(error)


class Connector(aiohttp.TCPConnector):
    """The connections of one event loop.

    A caller that finds no idle connection opens one, so nobody waits for a connection.
    """

    def __init__(self, pool_size: int) -> None:
        super().__init__(limit=0, keepalive_timeout=LONGEST_IDLE)
        self._factory = functools.partial(_Protocol, loop=self._loop)  # type: ignore[assignment]
        self._pool_size = pool_size
        self._opened: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Take an idle connection that is alive, or open one, and note it on the task's line."""
        while True:
            connection = await super().connect(*arguments, **options)
            transport = connection.transport
            if transport is not None and (transport not in self._opened or _is_alive(connection)):
                break
            connection.close()
        self._opened.add(transport)
        LINE.get().transport = transport
        return connection

    def trim(self, busy: set[Line], most: int | None = None) -> None:
        """Close idle connections beyond the pool's size, or beyond `most`."""
        most = self._pool_size if most is None else most
        if len(self._opened) <= len(busy) + most:
            return
        used = {line.transport for line in busy}
        opened = [transport for transport in self._opened if not transport.is_closing()]
        idle = [transport for transport in opened if transport not in used]
        for transport in idle[most:]:
            transport.abort()
        self._opened = weakref.WeakSet(opened)


def _is_alive(connection: Connection) -> bool:
    """Tell whether an idle connection can be used again: nothing has come in on it, not even its end."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return False
    sock = transport.get_extra_info("socket")
    return sock is None or not wait_for_read(sock, timeout=0)
