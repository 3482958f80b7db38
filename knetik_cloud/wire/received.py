"""A response as its reader sees it."""

from __future__ import annotations

import sys
from typing import NoReturn

from knetik_cloud.exceptions import ApiValueError, Headers
from knetik_cloud.wire.exchange import Exchange

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source


class ReceivedResponse:
    """A response to a request, as both clients share it."""

    def __init__(self, exchange: Exchange, data: bytes | None) -> None:
        self._exchange = exchange
        self.status: int = exchange.response.status
        self.reason: str | None = exchange.response.reason
        self._data = self._unread = data
        self._rest = bytearray()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a response can't be pickled or copied: read it, and pass its data")

    @property
    def headers(self) -> Headers:
        """The headers, which match in any letter case. A folded one is on one line."""
        return Headers(self._exchange.response.fields)

    def getheaders(self) -> Headers:
        """Return the headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header, in any letter case."""
        return self._exchange.response.get(name, default)

    def discard_connection(self) -> None:
        """Don't use the connection of this response for another request."""
        self._exchange.discard_connection()

    distrust = discard_connection  # its public name in 1.0.0, which programs may still call

    async def _read(self, amount: int | None) -> bytes:
        """Read a number of bytes, or all that are left. An error drops what has been received.

        No local holds what is received: the frames of an error must not show a secret that it echoes.
        """
        end = sys.maxsize if amount is None or amount < 0 else amount
        known = -1
        try:
            while known < len(self._rest) < end:
                known = len(self._rest)
                self._rest += await self._next()
        except BaseException:
            self._rest.clear()
            raise
        data = bytes(memoryview(self._rest)[:end])
        del self._rest[:end]
        return data

    async def _next(self) -> bytes:
        if self._unread is not None:
            data, self._unread = self._unread, b""
            return data
        if self._exchange.is_aborted:
            raise ApiValueError("the response is closed, by `close` or by an error: nothing more can be read")
        return await self._exchange.next_chunk_or_error()

    def __repr__(self) -> str:
        return f"<RESTResponse {self.status}>"  # the reason phrase may echo a secret
