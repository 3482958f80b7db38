"""One request and its response on one connection, and the transport whose connections exchanges use."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from knetik_cloud.core import clock
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiResponseError, DeadlineExceeded
from knetik_cloud.secret import Secret
from knetik_cloud.wire import failure
from knetik_cloud.wire.pipe import SEND_BYTES, Pipe, remaining
from knetik_cloud.wire.response import FramingError, Response
from knetik_cloud.wire.routes import ConnectionSettings, Route, without_zone

if TYPE_CHECKING:
    from knetik_cloud.core.request import Request

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

R = TypeVar("R")
MAX_IDLE_SECONDS = 55.0
"""The time after which an idle connection is not used again: gateways drop them silently after 60 s."""


class Exchange:
    """One request and its response. At its end the connection is released or closed, exactly once.

    Its coroutines wait on its pipe only, so with a blocking pipe they finish without suspending.
    """

    is_over = is_aborted = False
    _pipe: Pipe | None = None
    _is_written = False

    def __init__(self, transport: Transport[Any], command: Send) -> None:
        self.transport = transport
        self.command = command
        self.response = Response(command.request.method, transport.configuration.max_response_size)
        self.hop = transport.host  # the host that is to blame if the exchange fails now

    async def run(self) -> bytes | None:
        """Send the request and receive the response.

        Returns:
            The decoded body, or None if it is streamed.

        Raises:
            Exception: If that fails. `map_failure` returns what the error means.
        """
        command, response = self.command, self.response
        route = self.transport.route or self.transport.find_route()
        command.request.transport_secrets = route.secrets
        self._pipe = pipe = self.transport.acquire() or await self.transport.open(self, route)
        pipe.begin(command.deadline, command.read)
        head, body = written(command.request, self.transport.start, route)
        self._is_written = True
        try:
            await pipe.send(head)
            if body and not await pipe.send(body, self._has_responded):
                pipe.must_close = True
        except ConnectionError as error:
            failure.reject_foreign(error)
            pipe.must_close = True  # the peer may have responded before it closed
        del head, body  # they hold the token, and the frame of an error must not
        while not response.status:
            response.feed(await pipe.receive())
        if command.stream and response.is_success:
            response.limit = 0  # the caller decides how much to read
            return None
        while response.is_gathering:
            response.feed(await pipe.receive())
        if response.is_plain and response.is_complete:
            data = response.take()
            self.finish()
            return data
        whole = bytearray()  # not a list: many small chunks take many times their bytes
        try:
            while chunk := await self.next_chunk():
                whole += chunk
        except OSError as error:
            # Many servers end a body without TLS's own end. A cut one is still noticed, since JSON that is
            # cut can't be decoded. A streamed body might be anything, so its end must be certain.
            if type(error).__name__ != "SSLEOFError" or not response.ends_with_connection:
                raise
            response.feed(b"")
            await self.next_chunk()  # which is the end
        return bytes(whole)

    def _has_responded(self) -> bool:
        received = None if self._pipe is None else self._pipe.receive_now()
        return received is not None and self.response.feed(received)

    async def next_chunk(self) -> bytes:
        """Return the next chunk of the decoded body, or release the connection and return b"" at the end."""
        response, pipe = self.response, self._pipe
        while not (chunk := response.take()) and not response.is_complete:
            assert pipe is not None
            response.feed(await pipe.receive())
        if not chunk:
            self.finish()
        return chunk

    async def next_chunk_or_error(self) -> bytes:
        """Return the next chunk of a streamed body.

        Raises:
            ApiException: If the response can't be read.
        """
        try:
            return await self.next_chunk()
        except BaseException as cause:
            self.abort()
            if not isinstance(cause, Exception) or self.is_foreign(cause):
                raise
            failed = self.map_failure(cause).masked(self.command.request.secrets())
        raise failed.to_stream_exception(self.command.request)

    def is_foreign(self, error: BaseException) -> bool:
        """Return whether an error was raised by code that this exchange did not call."""
        context = self.transport.route and self.transport.route.tls
        return failure.is_foreign(error, type(context).__module__.partition(".")[0])

    def map_failure(self, cause: Exception) -> Failure:
        """Return what an error means to the engine."""
        route = self.transport.route
        failed = failure.map_error(cause, self._is_written, self.hop, "" if route is None else route.trust)
        if isinstance(cause, TimeoutError) and clock.monotonic() >= self.command.deadline:
            reason = "the call exceeded its deadline (increase _deadline or knetik_cloud.deadline)"
            return failed._replace(error=DeadlineExceeded, reason=reason)
        if isinstance(cause, TunnelError):
            reason = f"{self.hop} did not connect to {self.transport.host}: {failure.shorten(cause)}"
            return failed._replace(reason=reason, retryable=str(cause).startswith("5"))
        if failed.error is ApiResponseError:
            return failed._replace(status=self.response.status or None)
        return failed

    def discard_connection(self) -> None:
        """Don't use the connection for another request, even if it is back in the pool."""
        if self._pipe is not None:
            self._pipe.must_close = True

    def finish(self) -> None:
        """Release the connection: it is used again if the response ended properly."""
        if self._pipe is not None and not self.is_over:
            self.is_over = True
            self.transport.release(self._pipe, self.response)

    def abort(self) -> None:
        """Close the connection, unless it has been released. The rest of the response is lost."""
        if self._pipe is not None and not self.is_over:
            self.is_aborted = self._pipe.must_close = True
            self.response.close()
            self.finish()

    __del__ = abort


def written(request: Request, start: str, route: Route) -> tuple[bytes, bytes]:
    """Format a request as it is sent.

    Args:
        request: The request.
        start: The headers that every request begins with.
        route: The route. A proxy may need the whole URL and its credentials.

    Returns:
        The head with a small body, and a body that is so large that a response may come before its end.
    """
    lines = [f"{request.method} {route.prefix}{request.target} HTTP/1.1\r\n", start]
    for name, value in request.headers.items():
        lines.append(f"{name}: {value.reveal() if isinstance(value, Secret) else value}\r\n")
    if route.prefix:
        lines.append(route.proxy_header.reveal())
    content = request.content()
    body = content or b""
    if content is not None or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}\r\n")
    lines.append("\r\n")
    head = "".join(lines).encode("latin-1")
    return (head + body, b"") if len(body) <= SEND_BYTES else (head, body)


class TunnelError(OSError):
    """The error of a proxy that did not connect to the origin. The text is its status and its reason."""


async def open_tunnel(pipe: Pipe, route: Route) -> None:
    """Have a proxy connect to the origin.

    Raises:
        TunnelError: If the proxy does not.
    """
    head = f"CONNECT {route.tunnel} HTTP/1.1\r\nHost: {route.tunnel}\r\n{route.proxy_header.reveal()}\r\n"
    response = Response("CONNECT")
    await pipe.send(head.encode("latin-1"))
    while not response.status:
        response.feed(await pipe.receive())
    if not response.is_success:
        raise TunnelError(f"{response.status} {response.reason}".rstrip())
    if response.leftover:
        raise FramingError("the proxy sent more than its response to CONNECT")


async def secured(pipe: Pipe, route: Route, host: str) -> Pipe:
    """Negotiate TLS with a host over a pipe."""
    from knetik_cloud.wire.secure import SecurePipe

    assert route.tls is not None
    return await SecurePipe(pipe, route.tls, host).handshake()


class Transport(Generic[R]):
    """Sends requests over connections that it keeps and uses again.

    Idle connections are in a deque, whose ends are safe to use from all threads. A request that finds none
    opens one, so requests never queue.

    Args:
        configuration: The settings. A transport lives as long as its `ConnectionSettings` stay the same.
    """

    _response_type: Callable[[Exchange, bytes | None], R]
    """Makes what is returned of an exchange and its body, or None if that is streamed."""

    def __init__(self, configuration: Any) -> None:
        self.connection_settings = settings = ConnectionSettings.of(configuration)
        self.configuration = configuration
        self.route: Route | None = None
        self.is_closed = False
        self.host = urlsplit(settings.origin).netloc
        self.start = f"Host: {without_zone(self.host)}\r\nAccept-Encoding: gzip, deflate\r\n"
        self._idle: deque[Pipe] = deque()
        self._route_lock = threading.RLock()  # a signal handler that calls may acquire it again

    async def connect(self, host: str, port: int, until: float) -> Pipe:
        """Connect to a host.

        Raises:
            OSError: If that is not possible until a moment of the monotonic clock.
        """
        raise NotImplementedError

    async def exchange(self, command: Send) -> R | Failure:
        """Send a request and return its response, read to its end unless it is streamed."""
        exchange = Exchange(self, command)
        try:
            return self._response_type(exchange, await exchange.run())
        except BaseException as cause:
            exchange.abort()
            if isinstance(cause, Exception) and not exchange.is_foreign(cause):
                if exchange.response.status and not exchange.response.is_success:
                    return self._response_type(exchange, b"")  # its status is enough
                return exchange.map_failure(cause)
            cause.__traceback__ = failure.foreign_traceback(cause)
            raise

    def acquire(self) -> Pipe | None:
        """Return an idle connection that is alive, or None. Those that are not are closed."""
        while True:
            try:
                pipe = self._idle.pop()
            except IndexError:
                return None
            is_fresh = not (self.is_closed or pipe.must_close) and clock.monotonic() < pipe.usable_until
            try:
                if is_fresh and pipe.receive_now() is None:
                    return pipe
            except OSError as error:  # such as a reset
                failure.reject_foreign(error)
            pipe.close()

    async def open(self, exchange: Exchange, route: Route) -> Pipe:
        """Open a connection within the time limits of an exchange's request.

        Raises:
            OSError: If that is not possible.
        """
        command = exchange.command
        exchange.hop = route.proxy or self.host
        until = min(command.deadline, clock.monotonic() + command.connect)
        pipe = await self.connect(*route.address, until)
        try:
            pipe.begin(until, math.inf)
            if route.tls_to_proxy:
                pipe = await secured(pipe, route, route.address[0])
            if route.tunnel is not None:
                await open_tunnel(pipe, route)
            exchange.hop = self.host
            if route.tls_to is not None:
                pipe = await secured(pipe, route, route.tls_to)
            remaining(command.deadline)  # the last step may have ended late
        except BaseException:
            pipe.close()
            raise
        return pipe

    def find_route(self) -> Route:
        """Return the route, which is made at the first use, with its TLS context."""
        with self._route_lock:  # a TLS context takes time to make, and 32 threads may need it at once
            if self.route is None:
                route = Route(settings := self.connection_settings, os.environ)
                if route.tls_to_proxy or route.tls_to is not None:
                    from knetik_cloud.wire.tls import tls_context, trust

                    route.tls, route.trust = tls_context(settings), str(trust(settings))
                # A proxy that forwards requests responds itself.
                self.host = (route.prefix and route.proxy) or self.host
                self.route = route
            return self.route

    def release(self, pipe: Pipe, response: Response) -> None:
        """End an exchange: keep its connection for the next request, or close it."""
        if not response.is_reusable or pipe.must_close or len(self._idle) >= self.configuration.pool_size:
            pipe.close()
            return
        pipe.usable_until = clock.monotonic() + min(MAX_IDLE_SECONDS, response.max_idle)
        self._idle.append(pipe)
        if self.is_closed:  # checked last: a close in another thread finds this connection in its place
            self.start_closing()

    def start_closing(self) -> None:
        """Close the idle connections. Those in use are closed when their calls end."""
        self.is_closed = True
        self.acquire()  # which closes all of them, as none is usable any longer
