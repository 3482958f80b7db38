"""The aiohttp transport: sends one request and gives its answer, or says what failed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from knetik_cloud.aio.connections import SEND_PIECE, Connector
from knetik_cloud.connections import Unframed
from knetik_cloud.core import content, failure, proxies
from knetik_cloud.core.failure import DeadlinePassed
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiException, ApiValueError, Headers
from knetik_cloud.secret import Secret

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader
    from multidict import CIMultiDictProxy

    from knetik_cloud.aio.connections import Protocol
    from knetik_cloud.configuration import Configuration
    from knetik_cloud.core.request import Request

__all__ = ["ApiException", "RESTClientObject", "RESTResponse"]


class RESTResponse:
    """The answer to a request.

    `data` is the whole decoded body. A streamed answer is read with `await read()` or `stream()`, inside the
    call's deadline; close it, or use it in an `async with`, when it isn't read to its end.
    """

    def __init__(self, exchange: _Exchange, message: RawResponseMessage) -> None:
        self.status: int = message.code
        self.reason: str | None = _latin_1(message.reason)
        self._exchange = exchange
        self._message = message
        self._data: bytes | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._rest = b""
        self._is_closed = False

    @property
    def headers(self) -> Headers:
        """The headers, case-insensitive; a folded one is given on one line."""
        raw = self._message.raw_headers
        return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])

    def getheaders(self) -> Headers:
        """Give the headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Give one header, in any letter case."""
        value = self._message.headers.get(name)
        return default if value is None else _latin_1(value)

    @property
    def data(self) -> bytes:
        """The decoded body, at most `Configuration.max_response_size` bytes of it.

        Raises:
            ApiValueError: the answer is streamed; `await read()` gives its body.
        """
        if self._data is None:
            raise ApiValueError("a streamed answer has no data yet: read it with `await response.read()`")
        return self._data

    async def stream(self, amount: int = content.PIECE) -> AsyncIterator[bytes]:
        """Yield the decoded body in pieces of at most `amount` bytes.

        Raises:
            ApiException: the response can't be read to its end.
        """
        while piece := await self.read(amount):
            yield piece

    async def read(self, amount: int | None = None) -> bytes:
        """Read `amount` decoded bytes, fewer at the end; None reads all that is left.

        Raises:
            ApiException: the response can't be read.
        """
        if amount is None or amount < 0:
            return await self._remaining()
        while len(self._rest) < amount and (piece := await self._next()):
            self._rest = self._rest + piece if self._rest else piece
        taken, self._rest = self._rest[:amount], self._rest[amount:]
        return taken

    async def _next(self) -> bytes:
        """Give the next piece of the decoded body, b"" at its end."""
        if self._pieces is None:
            if self._data is None and self._is_closed:
                raise ApiValueError("this answer is closed: read it before")
            read = self._exchange.pieces()
            self._pieces = read if self._data is None else _whole(self._data)
        pieces = self._pieces
        return await self._exchange.guard(lambda: anext(pieces, b""))

    async def _remaining(self) -> bytes:
        data = bytearray(self._rest)
        self._rest = b""
        while piece := await self._next():
            data += piece
        return bytes(data)

    def distrust(self) -> None:
        """Don't use the connection of this answer again."""
        self._exchange.distrust()

    async def close(self) -> None:
        """Let go of the connection; what wasn't read is lost."""
        if not self._exchange.is_over:
            self._is_closed, self._pieces = True, None
            self._exchange.abandon()

    release_conn = close

    async def __aenter__(self) -> RESTResponse:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __del__(self) -> None:
        self._exchange.abandon()

    def __repr__(self) -> str:
        return f"<RESTResponse {self.status}>"  # the reason may echo a secret


class _Exchange:
    """One request and its answer on one connection, which goes back to the pool or is closed, once."""

    __slots__ = (
        "body",
        "command",
        "connection",
        "headers",
        "is_over",
        "limit",
        "pool",
        "protocol",
        "status",
        "transport",
    )

    def __init__(self, pool: RESTClientObject, command: Send, limit: int) -> None:
        self.pool = pool
        self.command = command
        self.limit = limit
        self.connection: Connection | None = None
        self.transport: asyncio.Transport | None = None
        self.status: int | None = None
        self.headers: Mapping[str, str]
        self.body: StreamReader
        self.protocol: Protocol
        self.is_over = False

    @property
    def is_written(self) -> bool:
        """Whether any of the request may have reached the service."""
        return self.transport is not None

    async def answer(self, connection: Connection, head: bytes, body: bytes | None) -> RESTResponse:
        """Write a request on a connection, and wait for the head of its answer."""
        self.protocol = protocol = cast("Protocol", connection.protocol)
        transport = connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("it was closed before anything was written")
        self.transport = transport
        self.pool.busy.add(transport)
        protocol.begin(self.command.deadline, self.command.read)
        if body is None or len(body) <= SEND_PIECE:
            transport.write(head if body is None else head + body)
            message, self.body = await protocol.head()
        else:
            transport.write(head)
            message, self.body = await self._while_uploading(protocol, body)
        protocol.is_waited_for = not self.command.stream
        self.status, self.headers = message.code, message.headers
        _check_framing(message)
        return RESTResponse(self, message)

    @staticmethod
    async def _while_uploading(protocol: Protocol, body: bytes) -> tuple[RawResponseMessage, StreamReader]:
        """Wait for the answer while a large body is written: it may come before the body's end."""
        upload = asyncio.get_running_loop().create_task(protocol.upload(body))
        upload.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await protocol.head()
        finally:
            if not upload.done():
                upload.cancel()
                protocol.force_close()

    async def read_all(self) -> bytes:
        """Read and decode the whole body, and let go of the connection.

        Raises:
            ApiResponseError: it is larger than the limit.
        """
        headers = self.headers
        length = headers.get("Content-Length")
        if length is None or "Content-Encoding" in headers or "Transfer-Encoding" in headers:
            data = await self._gather()
        elif int(length) > self.limit:
            raise content.too_large(self.limit)
        else:
            data = await self.body.read()
        self.end()
        return data

    async def read_what_comes(self) -> bytes:
        """Read the body of an error, whose status says enough if the body can't be read."""
        try:
            return await self.read_all()
        except Exception:
            self.abandon()
            return b""

    async def _gather(self) -> bytes:
        data = bytearray()
        async for part in self.pieces():
            data += part
            if len(data) > self.limit:
                raise content.too_large(self.limit)
        return bytes(data)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the decoded body piece by piece, and let go of the connection at its end."""
        encodings = cast("CIMultiDictProxy[str]", self.headers).getall("Content-Encoding", None)
        chain = content.inflaters(None if encodings is None else ",".join(encodings))
        while piece := await self.protocol.piece():
            for decoded in content.feed(chain, piece):
                yield decoded
        for inflater in chain:
            inflater.finish()
        self.end()

    async def guard(self, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """Read with any failure turned into an `ApiException`, its connection closed."""
        try:
            return await read()
        except Exception as cause:
            failed = self.failure(cause)
            self.abandon()
        except BaseException:
            self.abandon()
            raise
        raise failure.of_stream(failed, self.command.request)

    def failure(self, cause: Exception) -> Failure:
        """Say what an error means."""
        if isinstance(cause, TimeoutError) and time.monotonic() >= self.command.deadline:
            cause = DeadlinePassed("no time is left")
        return self.pool.failure(cause, self.is_written, self.status)

    def end(self) -> None:
        """Give the connection back, or close it unless the answer ended cleanly."""
        if not self.is_over:
            self.is_over = True
            self._let_go(keep=True)

    def abandon(self) -> None:
        """Close the connection at once, unless the answer was read to its end."""
        if not self.is_over:
            self.is_over = True
            self._let_go(keep=False)

    def distrust(self) -> None:
        """Close the connection at once, also when it is back in the pool."""
        if self.transport is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and its sockets with it
                self.transport.abort()

    def _let_go(self, keep: bool) -> None:
        connection = self.connection
        if connection is not None:
            if connection.protocol is not None:
                cast("Protocol", connection.protocol).end()
            if keep and not self._is_spent(connection):
                connection.release()
            else:
                self.distrust()
                with contextlib.suppress(RuntimeError):
                    connection.close()
        self.pool.let_go(self.transport)

    def _is_spent(self, connection: Connection) -> bool:
        """Tell whether nothing more can be asked on a connection.

        Such a one is aborted, not closed in order: that would wait for the peer to take the rest of an upload
        that it answered early, or to say goodbye over TLS, for longer than the loop may run.
        """
        protocol, transport = connection.protocol, connection.transport
        return (
            protocol is None
            or transport is None
            or protocol.should_close
            or transport.get_write_buffer_size() > 0
        )


class RESTClientObject:
    """Sends requests over aiohttp's connections, in one event loop."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._limit = configuration.max_response_size
        self._pool_size = configuration.pool_size
        self._origin = configuration.origin
        self._host = urlsplit(self._origin).netloc
        self._start = f"Host: {self._host}\r\nAccept-Encoding: gzip, deflate\r\n"
        self._route: _Route | None = None
        self._connector: Connector | None = None
        self._life: AsyncGenerator[None, None] | None = None
        self._calls = 0
        self.busy: set[asyncio.Transport] = set()
        self.is_closed = False

    async def send(self, command: Send) -> RESTResponse | Failure:
        """Send a request and give its answer, read to its end unless it is streamed."""
        exchange = _Exchange(self, command, self._limit)
        self._calls += 1
        try:
            exchange.connection = connection = await self._connect(command)
            response = await exchange.answer(connection, *self._written(command.request))
            if not 200 <= response.status < 300:
                response._data = await exchange.read_what_comes()
            elif not command.stream:
                response._data = await exchange.read_all()
        except Exception as cause:
            failed = exchange.failure(cause)
            exchange.abandon()
            return failed
        except BaseException as interruption:
            exchange.abandon()
            raise interruption.with_traceback(None)  # noqa: B904  the frames below hold the token
        return response

    async def _connect(self, command: Send) -> Connection:
        connector = self._connector or await self._open()
        left = command.deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("no time is left")
        assert self._route is not None
        return await connector.take(self._route.request, _timeout(min(command.connect, left)))

    def _written(self, request: Request) -> tuple[bytes, bytes | None]:
        """Write the head of a request as it goes on the wire; give it with the body."""
        assert self._route is not None
        target = self._origin + request.target if self._route.forwards else request.target
        lines = [f"{request.method} {target} HTTP/1.1\r\n", self._start]
        for name, value in request.headers.items():
            lines.append(f"{name}: {value.reveal() if isinstance(value, Secret) else value}\r\n")
        if self._route.forwards and self._route.proxy_secret is not None:
            lines.append(f"Proxy-Authorization: {self._route.proxy_secret.reveal()}\r\n")
        body = request.content()
        if body is not None or request.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body or b'')}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1"), body

    async def _open(self) -> Connector:
        self._route = self._find_route()
        self._connector = connector = Connector(self._pool_size)
        self._life = _until_closed(connector)
        await anext(self._life)
        return connector

    def _find_route(self) -> _Route:
        from knetik_cloud.tls import tls_context

        url, settings = urlsplit(self._origin), self._configuration
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        proxy = proxies.choose(url.scheme, host, port, settings.proxy, settings.no_proxy, os.environ)
        needs_tls = url.scheme == "https" or (proxy or "").startswith("https:")
        return _Route(self._origin, proxy, tls_context(settings) if needs_tls else None)

    def failure(self, cause: Exception, written: bool, status: int | None) -> Failure:
        """Say what an error of the libraries below means."""
        cause = _bare(cause)
        failed = _meaning(cause, written, self._host).failure(cause, written, status)
        proxy_secret = None if self._route is None else self._route.proxy_secret
        return failed if proxy_secret is None else failed.masked((proxy_secret,))

    def let_go(self, transport: asyncio.Transport | None) -> None:
        """Take note that a request has come to its end; when it is the last one of a closed client, leave."""
        self._calls -= 1
        if transport is not None:
            self.busy.discard(transport)
        if self._connector is not None:
            self._connector.trim(self.busy, 0 if self.is_closed else None)
        if self.is_closed and not self._calls:
            self._life = None  # collected, it is closed by its loop

    def retire(self) -> None:
        """Close the idle connections; those in use are closed when their calls end."""
        self.is_closed = True
        if self._connector is not None:
            self._connector.trim(self.busy, 0)

    async def close(self) -> None:
        """Close the idle connections and wait until they are; those in use close when their calls end."""
        self.retire()
        life = self._life
        if life is not None and not self._calls:
            self._life = None
            await life.aclose()
        await asyncio.sleep(0)  # asyncio closes the sockets of aborted connections in the loop's next turn


class _Route:
    """How the origin is reached: directly, through a forwarding proxy, or through a tunnel."""

    def __init__(self, origin: str, proxy: str | None, tls: ssl.SSLContext | None) -> None:
        url = URL(origin)
        self.proxy_secret: Secret | None = None
        self.forwards = proxy is not None and url.scheme == "http"
        options: dict[str, Any] = {}
        if proxy is not None:
            address, self.proxy_secret = proxies.split(proxy)
            headers = CIMultiDict({"Host": url.raw_authority})
            if self.proxy_secret is not None and not self.forwards:
                headers["Proxy-Authorization"] = self.proxy_secret.reveal()
            options = {"proxy": URL(address), "proxy_headers": headers}
        self.request = aiohttp.ClientRequest(
            "GET", url, loop=asyncio.get_running_loop(), ssl=True if tls is None else tls, **options
        )
        """What aiohttp is told of the way; nothing of it is sent but to a proxy."""


async def _until_closed(connector: Connector) -> AsyncGenerator[None, None]:
    """Hold a connector until this generator is closed, by its client, the collector or the end of its loop.

    An event loop closes generators that were dropped, and `asyncio.run` those that are left at its end:
    so a client that nobody closed leaves no connection open and no warning.
    """
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            await connector.close()


@functools.lru_cache(maxsize=8)
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    """Give aiohttp's timeouts; without a ceiling, which would round those above 5 seconds up."""
    limit = None if connect == math.inf else connect
    return aiohttp.ClientTimeout(total=None, connect=limit, ceil_threshold=1e9)


def _bare(cause: Exception) -> Exception:
    """Take out of an error of aiohttp what it wraps: the wrapping holds the request, headers and all."""
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return OSError(f"Tunnel connection failed: {cause.status} {cause.message}")
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return cause.certificate_error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return _plain(cause.os_error)
    return cause


def _plain(cause: OSError) -> OSError:
    """Say what the system says: asyncio puts `Connect call failed` and the address in its place."""
    if isinstance(cause, (socket.gaierror, ssl.SSLError)) or cause.errno is None:
        return cause
    return OSError(cause.errno, os.strerror(cause.errno))


def _meaning(cause: Exception, written: bool, host: str) -> failure.Meaning:
    """Translate the errors of aiohttp; the others mean the same to every transport."""
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return failure.unanswered(host)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return failure.cut_off(host)
    if isinstance(cause, (HttpProcessingError, Unframed)):
        return failure.no_http(host, cause)
    return failure.meaning(cause, written, host)


def _check_framing(message: RawResponseMessage) -> None:
    """Refuse what two readers could read in two ways, and aiohttp takes: more codings than one."""
    codings = message.headers.getall("Transfer-Encoding", ())
    if codings and (len(codings) > 1 or codings[0].strip().lower() not in ("chunked", "identity")):
        raise Unframed(f"its transfer encoding is {', '.join(codings)!r}")


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _latin_1(text: str | None) -> str | None:
    """Read a header's text as `http.client` does; aiohttp takes it for UTF-8."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
