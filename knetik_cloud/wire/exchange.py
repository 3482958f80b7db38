"""One request and its response on one connection: what is written, when reading ends, what an error means."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from knetik_cloud.core import failure
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiValueError, Headers
from knetik_cloud.secret import Secret
from knetik_cloud.wire import content
from knetik_cloud.wire.pipe import SEND_BYTES, Pipe
from knetik_cloud.wire.response import ClosedEarlyError, FramingError, Response, TruncatedError

if TYPE_CHECKING:
    from knetik_cloud.core.request import Request
    from knetik_cloud.wire.routes import Route
    from knetik_cloud.wire.transport import Transport


class Exchange:
    """One request and its response. At its end the connection is released or closed, exactly once.

    Its coroutines wait on its pipe only, so they run to their end at once if that is a blocking one.
    """

    __slots__ = ("_is_written", "_must_close", "_pipe", "command", "is_over", "response", "transport")

    def __init__(self, transport: Transport[Any], command: Send) -> None:
        self.transport = transport
        self.command = command
        limit = 0 if command.stream else transport.max_response_size
        self.response = Response(command.request.method, limit)
        self.is_over = False
        self._pipe: Pipe | None = None
        self._is_written = self._must_close = False

    async def run(self) -> None:
        """Send the request and receive the head of the response.

        Raises:
            Exception: If either fails. `map_failure` returns what the error means.
        """
        command, response = self.command, self.response
        self._pipe = pipe = self.transport.acquire() or await self.transport.open(command)
        pipe.begin(command.deadline, command.read)
        head, body = written(command.request, self.transport.start, self.transport.route)
        self._is_written = True
        try:
            if body is None or len(body) <= SEND_BYTES:
                await pipe.send(head if body is None else head + body)
            else:
                await pipe.send(head)
                self._must_close = not await pipe.send(body, self._listen)
        except ConnectionError as error:
            if failure.is_foreign(error):
                raise
            self._must_close = True  # the peer may have responded before it closed
        while not response.status:
            self._feed(await pipe.receive())

    def _feed(self, data: bytes) -> None:
        if data:
            self.response.feed(data)
        else:
            self.response.eof()

    def _listen(self, data: bytes) -> bool:
        """Take what arrives during an upload, and return whether the response has begun."""
        self._feed(data)
        return self.response.status > 0

    async def next_piece(self) -> bytes:
        """Return the next piece of the decoded body, or release the connection and return b"" at the end."""
        response, pipe = self.response, self._pipe
        while True:
            piece = response.take()
            if piece:
                return piece
            if response.is_complete:
                self.finish()
                return b""
            assert pipe is not None
            self._feed(await pipe.receive())

    async def read_all(self) -> bytes:
        """Read and decode the whole body, and release the connection."""
        data = await self.next_piece()
        piece = await self.next_piece() if data else b""
        if not piece:
            return data
        whole = bytearray(data)  # not a list: many small pieces take many times their bytes
        while piece:
            whole += piece
            piece = await self.next_piece()
        return bytes(whole)

    async def read_error_body(self) -> bytes:
        """Read the body of an error, whose status is enough if the body can't be read."""
        try:
            return await self.read_all()
        except Exception as error:
            if self.is_foreign(error):
                raise
            self.abort()
            return b""

    async def next_piece_or_error(self) -> bytes:
        """Return the next piece of a streamed body.

        Raises:
            ApiException: If the response can't be read.
        """
        try:
            return await self.next_piece()
        except Exception as cause:
            self.abort()
            if self.is_foreign(cause):
                raise
            failed = self.map_failure(cause)
        except BaseException:
            self.abort()
            raise
        raise failure.stream_error(failed, self.command.request)

    def is_foreign(self, error: BaseException) -> bool:
        """Return whether an error was raised by code that this exchange did not call."""
        route = self.transport.route
        context = None if route is None else route.tls
        return failure.is_foreign(
            error, "" if context is None else type(context).__module__.partition(".")[0]
        )

    def map_failure(self, cause: Exception) -> Failure:
        """Return what an error means to the engine."""
        transport, written = self.transport, self._is_written
        host = transport.host
        if isinstance(cause, TimeoutError) and time.monotonic() >= self.command.deadline:
            mapped = failure.past_deadline()
        elif isinstance(cause, FramingError):
            mapped = failure.invalid_http(host, cause)
        elif isinstance(cause, TruncatedError) or (written and type(cause).__name__ == "SSLEOFError"):
            mapped = failure.truncated(host)
        elif isinstance(cause, ClosedEarlyError):
            mapped = failure.closed_early(host)
        else:
            mapped = failure.map_error(cause, written, host)
        failed = mapped.failure(cause, written, self.response.status or None)
        secret = None if transport.route is None else transport.route.proxy_secret
        return failed if secret is None else failed.masked((secret,))

    def discard_connection(self) -> None:
        """Don't use the connection for another request, even if it is back in the pool."""
        if self._pipe is not None:
            self._pipe.must_close = True

    def finish(self) -> None:
        """Release the connection: it is used again if the response ended properly."""
        if not self.is_over and self._pipe is not None:
            self.is_over = True
            if self.response.is_reusable and not self._must_close:
                self.transport.release(self._pipe)
            else:
                self._pipe.close()
            self.transport.done()

    def abort(self) -> None:
        """Close the connection, unless it has been released."""
        if not self.is_over:
            self.is_over = True
            if self._pipe is not None:
                self._pipe.close()
            self.transport.done()


class ReceivedResponse:
    """A response to a request, as both clients share it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status: int = exchange.response.status
        self.reason: str | None = exchange.response.reason
        self._data: bytes | None = None
        self._rest = b""
        self._is_read = self._is_closed = False

    @property
    def headers(self) -> Headers:
        """The headers, which match in any letter case. A folded one is on one line."""
        return Headers(self._exchange.response.fields)

    def getheaders(self) -> Headers:
        """Return the headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header, in any letter case."""
        value = self._exchange.response.get(name)
        return default if value is None else value

    def discard_connection(self) -> None:
        """Don't use the connection of this response for another request."""
        self._exchange.discard_connection()

    distrust = discard_connection

    async def read_body(self) -> None:
        """Read the whole body into `data`; of an error, as much as can be read."""
        exchange = self._exchange
        is_success = 200 <= self.status < 300
        self._data = await (exchange.read_all() if is_success else exchange.read_error_body())

    async def _read(self, amount: int | None) -> bytes:
        if amount is None or amount < 0:
            return await self._read_rest(math.inf)
        while len(self._rest) < amount and (piece := await self._next()):
            self._rest = self._rest + piece if self._rest else piece
        taken, self._rest = self._rest[:amount], self._rest[amount:]
        return taken

    async def _read_rest(self, limit: float) -> bytes:
        data = bytearray(self._rest)
        self._rest = b""
        while piece := await self._next():
            data += piece
            if len(data) > limit:
                self._exchange.abort()
                failed = self._exchange.map_failure(content.too_large(int(limit)))
                raise failure.stream_error(failed, self._exchange.command.request)
        return bytes(data)

    async def _next(self) -> bytes:
        if self._data is not None:
            data, self._is_read = b"" if self._is_read else self._data, True
            return data
        if self._is_closed:
            raise ApiValueError("the response is closed: read it before you close it")
        return await self._exchange.next_piece_or_error()

    def _release(self) -> None:
        if not self._exchange.is_over:
            self._is_closed = True
            self._exchange.abort()

    def __del__(self) -> None:
        self._exchange.abort()

    def __repr__(self) -> str:
        return f"<RESTResponse {self.status}>"  # the reason phrase may echo a secret


def written(request: Request, start: str, route: Route | None) -> tuple[bytes, bytes | None]:
    """Format the head of a request as it is sent, and return it with the body.

    Args:
        request: The request.
        start: The headers that every request begins with.
        route: The route, which may want the whole URL and credentials of a proxy's.
    """
    prefix = "" if route is None else route.prefix
    lines = [f"{request.method} {prefix}{request.target} HTTP/1.1\r\n", start]
    for name, value in request.headers.items():
        lines.append(f"{name}: {value.reveal() if isinstance(value, Secret) else value}\r\n")
    if prefix and route is not None and route.proxy_secret is not None:
        lines.append(f"Proxy-Authorization: {route.proxy_secret.reveal()}\r\n")
    body = request.content()
    if body is not None or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body or b'')}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1"), body


async def open_tunnel(pipe: Pipe, route: Route) -> None:
    """Have a proxy connect to the origin.

    Raises:
        OSError: If the proxy does not.
    """
    assert route.tunnel is not None
    secret = route.proxy_secret
    credentials = "" if secret is None else f"Proxy-Authorization: {secret.reveal()}\r\n"
    head = f"CONNECT {route.tunnel} HTTP/1.1\r\nHost: {route.tunnel}\r\n{credentials}\r\n"
    response = Response("CONNECT", tunnel=True)
    await pipe.send(head.encode("latin-1"))
    while not response.status:
        data = await pipe.receive()
        if data:
            response.feed(data)
        else:
            response.eof()
    if not 200 <= response.status < 300:
        raise OSError(f"Tunnel connection failed: {response.status} {response.reason}".rstrip())
    if response.leftover:
        raise FramingError("the proxy sent more than its response to CONNECT")
