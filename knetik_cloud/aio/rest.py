"""The asyncio transport: sends one request and returns its response, or what failed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Self

from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiException, ApiValueError
from knetik_cloud.wire.asynchronous import AsyncioPipe, connect
from knetik_cloud.wire.content import CHUNK_BYTES
from knetik_cloud.wire.exchange import Transport
from knetik_cloud.wire.pipe import Pipe
from knetik_cloud.wire.received import ReceivedResponse

__all__ = ["ApiException", "RESTClientObject", "RESTResponse"]


class Closing:
    """The base class of objects that are closed at the end of an `async with`."""

    async def close(self) -> None:
        """Close the object."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class RESTResponse(Closing, ReceivedResponse):
    """The response to a request. `status` is its HTTP status, and `reason` its reason phrase or None.

    `data` is the whole decoded body. To read a streamed response, use `await read()` or `stream()` within
    the call's deadline. Close it, or use it in an `async with`, if you don't read it to its end.
    """

    @property
    def data(self) -> bytes:
        """The decoded body, at most `Configuration.max_response_size` bytes.

        Raises:
            ApiValueError: If the response is streamed. `await read()` returns its body.
        """
        if self._data is None:
            raise ApiValueError("a streamed response has no data: read it with `await response.read()`")
        return self._data

    async def stream(self, amount: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
        """Yield the decoded body in chunks of at most `amount` bytes.

        Raises:
            ApiException: If the response can't be read to its end.
        """
        while chunk := await self.read(amount):
            yield chunk

    async def read(self, amount: int | None = None) -> bytes:
        """Read `amount` decoded bytes, fewer at the end. None reads all that are left.

        Raises:
            ApiException: If the response can't be read.
        """
        return await self._read(amount)

    async def close(self) -> None:
        """Close the response. The rest of the body is lost."""
        self._exchange.abort()

    release_conn = close  # its name in urllib3, which programs of other SDKs of this family use


class RESTClientObject(Transport[RESTResponse]):
    """Sends requests over transports of one event loop."""

    _response_type = RESTResponse
    _life: AsyncGenerator[None, None] | None = None

    async def connect(self, host: str, port: int, until: float) -> Pipe:
        """Connect a transport."""
        if self._life is None:
            self._opened: set[AsyncioPipe] = set()
            self._life = _until_closed(self._opened)
            await anext(self._life)
        return await connect(host, port, until, self._opened)

    if sys.platform == "win32":

        async def exchange(self, command: Send) -> RESTResponse | Failure:
            """Send a request, after the loop has received what came for the idle connections.

            The loop of Windows takes it from the sockets at once, and reports it in its next turn.
            """
            await asyncio.sleep(0)
            return await super().exchange(command)

    async def send(self, command: Send) -> RESTResponse | Failure:
        """Send a request and return its response, read to its end unless it is streamed."""
        return await self.exchange(command)

    async def close(self) -> None:
        """Close the idle connections and wait for that. Those in use are closed when their calls end."""
        self.start_closing()
        await asyncio.sleep(0)  # asyncio closes the sockets of aborted transports in the loop's next turn
        if self._life is not None and not self._opened:  # otherwise, its loop closes it in the end
            await self._life.aclose()

    def __del__(self) -> None:
        """Close the connections immediately: a loop that is closed by hand may have no turn left for that."""
        if self._life is not None:
            for pipe in list(self._opened):
                pipe.close()
            with suppress(RuntimeError):  # it runs, because the loop ends
                next(self._life.aclose().__await__(), None)  # otherwise, its finalizer starts a task


async def _until_closed(opened: set[AsyncioPipe]) -> AsyncGenerator[None, None]:
    """Keep connections open until this generator is closed, by its client, the collector or its loop's end.

    An event loop closes generators that were dropped, and `asyncio.run` those that are left at its end. So a
    client that was never closed leaves no connection open and causes no warning.
    """
    try:
        yield
    finally:
        for pipe in list(opened):
            pipe.close()
