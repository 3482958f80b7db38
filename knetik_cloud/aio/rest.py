"""The aiohttp transport: sends one request and gives its answer, or says what failed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import math
import os
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from knetik_cloud.aio.connector import LINE, Connector, Line
from knetik_cloud.connections import Unframed
from knetik_cloud.core import content, failure, proxies
from knetik_cloud.core.failure import DeadlinePassed
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.core.secret import Secret
from knetik_cloud.exceptions import ApiException, ApiValueError, Headers

if TYPE_CHECKING:
    from aiohttp.client_middlewares import ClientHandlerType

    from knetik_cloud.configuration import Configuration

__all__ = ["ApiException", "RESTClientObject", "RESTResponse"]

T = TypeVar("T")

LONGEST_LINE = 1 << 16
"""Bytes of a header line that are taken at most, as `http.client` does."""
LARGEST_PIECE = 1 << 20
"""Bytes of a body that aiohttp likes to write at once."""
OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class RESTResponse:
    """The answer to a request.

    `data` is the whole decoded body. A streamed answer is read with `await read()` or `stream()`, inside the
    call's deadline; close it, or use it in an `async with`, when it isn't read to its end.
    """

    def __init__(self, exchange: _Exchange, response: aiohttp.ClientResponse) -> None:
        self.status: int = response.status
        self.reason: str | None = _latin_1(response.reason)
        self._exchange = exchange
        self._response = response
        self._data: bytes | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._rest = b""
        self._is_closed = False

    @property
    def headers(self) -> Headers:
        """The headers, case-insensitive; a folded one is given on one line."""
        raw = self._response.raw_headers
        return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])

    def getheaders(self) -> Headers:
        """Give the headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Give one header, in any letter case."""
        value = self._response.headers.get(name)
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
            ApiException: the answer can't be read to its end.
        """
        while piece := await self.read(amount):
            yield piece

    async def read(self, amount: int | None = None) -> bytes:
        """Read `amount` decoded bytes, fewer at the end; None reads all that is left.

        Raises:
            ApiException: the answer can't be read.
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
            read = self._exchange.pieces(self._response)
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
        self._exchange.line.abort()

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

    __slots__ = ("command", "is_over", "limit", "line", "pool", "response")

    def __init__(self, pool: RESTClientObject, command: Send, limit: int) -> None:
        self.pool = pool
        self.command = command
        self.limit = limit
        self.line = Line()
        self.response: aiohttp.ClientResponse | None = None
        self.is_over = False

    async def in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something within the call's deadline.

        Raises:
            DeadlinePassed: it takes longer.
        """
        left = self.command.deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("no time is left")
        try:
            async with asyncio.timeout(None if left == math.inf else left) as timeout:
                return await work()
        except TimeoutError as cause:
            if timeout.expired():
                raise DeadlinePassed("no time is left") from cause
            raise

    async def read_all(self, response: aiohttp.ClientResponse) -> bytes:
        """Read and decode the whole body, and let go of the connection.

        Raises:
            ApiResponseError: it is larger than the limit.
        """
        headers = response.headers
        length = response.content_length
        if length is None or "Content-Encoding" in headers or "Transfer-Encoding" in headers:
            data = await self._gather(response)
        elif length > self.limit:
            raise content.too_large(self.limit)
        else:
            data = await response.read()
        self.end()
        return data

    async def read_what_comes(self, response: aiohttp.ClientResponse) -> bytes:
        """Read the body of an error, whose status says enough if the body can't be read."""
        try:
            return await self.in_time(lambda: self.read_all(response))
        except Exception:
            self.abandon()
            return b""

    async def _gather(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for part in self.pieces(response):
            data += part
            if len(data) > self.limit:
                raise content.too_large(self.limit)
        return bytes(data)

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the decoded body piece by piece, and let go of the connection at its end."""
        encodings = response.headers.getall("Content-Encoding", None)
        chain = content.inflaters(None if encodings is None else ",".join(encodings))
        while piece := await response.content.readany():
            for decoded in content.feed(chain, piece):
                yield decoded
        for inflater in chain:
            inflater.finish()
        self.end()

    async def guard(self, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """Read with any failure turned into an `ApiException`, its connection closed."""
        try:
            return await self.in_time(read)
        except Exception as cause:
            failed = self.failure(cause)
            self.abandon()
        except BaseException:
            self.abandon()
            raise
        raise failure.of_stream(failed, self.command.request)

    def failure(self, cause: Exception) -> Failure:
        """Say what an error means."""
        status = None if self.response is None else self.response.status
        return self.pool.failure(cause, self.line.is_written, status)

    def end(self) -> None:
        """Take note that the answer was read to its end, so that aiohttp keeps its connection."""
        if not self.is_over:
            self.is_over = True
            self.pool.let_go(self.line)

    def abandon(self) -> None:
        """Close the connection, unless the answer was read to its end."""
        if not self.is_over:
            self.is_over = True
            if self.response is not None:
                self.response.close()
            self.line.abort()
            self.pool.let_go(self.line)


class RESTClientObject:
    """Sends requests over aiohttp's connections, in one event loop."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._limit = configuration.max_response_size
        self._pool_size = configuration.pool_size
        self._origin = configuration.origin
        self._host = urlsplit(self._origin).netloc
        self._busy: set[Line] = set()
        self._route: _Route | None = None
        self._session: aiohttp.ClientSession | None = None
        self._connector: Connector | None = None
        self._life: AsyncGenerator[None, None] | None = None
        self.is_closed = False

    async def send(self, command: Send) -> RESTResponse | Failure:
        """Send a request and give its answer, read to its end unless it is streamed."""
        exchange = _Exchange(self, command, self._limit)
        self._busy.add(exchange.line)
        try:
            response = await exchange.in_time(lambda: self._answer(exchange))
            if response._data is None and not 200 <= response.status < 300:
                response._data = await exchange.read_what_comes(response._response)
        except Exception as cause:
            failed = exchange.failure(cause)
            exchange.abandon()
            return failed
        except BaseException as interruption:
            exchange.abandon()
            raise interruption.with_traceback(None)  # noqa: B904  the frames below hold the token
        return response

    async def _answer(self, exchange: _Exchange) -> RESTResponse:
        session = self._session or await self._open()
        previous = LINE.set(exchange.line)
        try:
            response = await self._request(session, exchange.command)
        finally:
            LINE.reset(previous)
        exchange.response = response
        _check_framing(response)
        answer = RESTResponse(exchange, response)
        if not exchange.command.stream and 200 <= response.status < 300:
            answer._data = await exchange.read_all(response)
        return answer

    async def _request(self, session: aiohttp.ClientSession, command: Send) -> aiohttp.ClientResponse:
        request, route = command.request, self._route
        headers = {"Host": self._host, "Accept-Encoding": "gzip, deflate"}
        for name, value in request.headers.items():
            headers[name] = value.reveal() if isinstance(value, Secret) else value
        body: Any = request.content()
        if body is not None and len(body) > LARGEST_PIECE:
            body = io.BytesIO(body)
        options: dict[str, Any] = {} if route is None else route.options(headers)
        return await session.request(
            request.method,
            URL(self._origin + request.target, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=_timeout(command.connect, command.read),
            **options,
        )

    async def _open(self) -> aiohttp.ClientSession:
        self._route = self._find_route()
        self._connector = connector = Connector(self._pool_size)
        self._session = session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=OWN_HEADERS,
            auto_decompress=False,
            trust_env=False,
            middlewares=(_unrepeated,),
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self._life = _until_closed(session)
        await anext(self._life)
        return session

    def _find_route(self) -> _Route | None:
        from knetik_cloud.tls import tls_context

        url, settings = urlsplit(self._origin), self._configuration
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        proxy = proxies.choose(url.scheme, host, port, settings.proxy, settings.no_proxy, os.environ)
        needs_tls = url.scheme == "https" or (proxy or "").startswith("https:")
        if proxy is None and not needs_tls:
            return None
        return _Route(url.scheme, proxy, tls_context(settings) if needs_tls else None)

    def failure(self, cause: Exception, written: bool, status: int | None) -> Failure:
        """Say what an error of the libraries below means."""
        cause = _bare(cause)
        failed = _meaning(cause, written, self._host).failure(cause, written, status)
        proxy_secret = None if self._route is None else self._route.proxy_secret
        return failed if proxy_secret is None else failed.masked((proxy_secret,))

    def let_go(self, line: Line) -> None:
        """Take note that a request has come to its end; when it is the last one of a closed client, leave."""
        self._busy.discard(line)
        if self._connector is not None:
            self._connector.trim(self._busy, 0 if self.is_closed else None)
        if self.is_closed and not self._busy:
            self._life = None  # collected, it is closed by its loop

    def retire(self) -> None:
        """Close the idle connections; those in use are closed when their calls end."""
        self.is_closed = True
        if self._connector is not None:
            self._connector.trim(self._busy, 0)

    async def close(self) -> None:
        """Close the idle connections and wait until they are; those in use close when their calls end."""
        self.retire()
        life = self._life
        if life is not None and not self._busy:
            self._life = None
            await life.aclose()


class _Route:
    """How the origin is reached: by TLS, through a forwarding proxy, or through a tunnel."""

    def __init__(self, scheme: str, proxy: str | None, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._proxy: str | None = None
        self.proxy_secret: Secret | None = None
        if proxy is not None:
            self._proxy, self.proxy_secret = proxies.split(proxy)
        self._forwards = scheme == "http"

    def options(self, headers: dict[str, str]) -> dict[str, Any]:
        """Give what aiohttp is told of the way; a forwarding proxy's authorization goes into the headers."""
        options: dict[str, Any] = {}
        if self._tls is not None:
            options["ssl"] = self._tls
        if self._proxy is not None:
            options["proxy"] = self._proxy
            if self.proxy_secret is not None:
                target = headers if self._forwards else options.setdefault("proxy_headers", {})
                target["Proxy-Authorization"] = self.proxy_secret.reveal()
        return options


async def _until_closed(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Hold a session until this generator is closed, by its client, the collector or the end of its loop.

    An event loop closes generators that were dropped, and `asyncio.run` those that are left at its end:
    so a client that nobody closed leaves no connection open and no warning.
    """
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            await session.close()


class _Unrepeated(Exception):
    """Carries an error past aiohttp, which repeats a GET, PUT or DELETE by itself where it meets one."""


async def _unrepeated(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as cause:
        raise _Unrepeated from cause


@functools.lru_cache(maxsize=64)
def _timeout(connect: float, read: float) -> aiohttp.ClientTimeout:
    """Give aiohttp's timeouts; without a ceiling, which would round those above 5 seconds up."""
    return aiohttp.ClientTimeout(
        total=None,
        connect=None if connect == math.inf else connect,
        sock_read=None if read == math.inf else read,
        ceil_threshold=1e9,
    )


def _bare(cause: Exception) -> Exception:
    """Take out of an error of aiohttp what it wraps: the wrapping holds the request, headers and all."""
    if isinstance(cause, _Unrepeated) and isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return OSError(f"Tunnel connection failed: {cause.status} {cause.message}")
    if isinstance(cause, aiohttp.ClientResponseError):
        return cause.__cause__ if isinstance(cause.__cause__, Exception) else ValueError(cause.message)
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
    from aiohttp.http_exceptions import HttpProcessingError

    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return failure.unanswered(host)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return failure.cut_off(host)
    if isinstance(cause, (HttpProcessingError, Unframed)):
        return failure.no_http(host, cause)
    return failure.meaning(cause, written, host)


def _check_framing(response: aiohttp.ClientResponse) -> None:
    """Refuse what two readers could read in two ways, and aiohttp takes: more codings than one."""
    codings = response.headers.getall("Transfer-Encoding", ())
    if codings and (len(codings) > 1 or codings[0].strip().lower() not in ("chunked", "identity")):
        raise Unframed(f"its transfer encoding is {', '.join(codings)!r}")


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _latin_1(text: str | None) -> str | None:
    """Read a header's text as `http.client` does; aiohttp takes it for UTF-8."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
