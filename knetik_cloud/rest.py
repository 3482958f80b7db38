"""The urllib3 transport: sends one request and gives its answer, or says what failed."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from knetik_cloud.core import content, failure, proxies
from knetik_cloud.core.failure import DeadlinePassed
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiException, ApiValueError, Headers
from knetik_cloud.secret import Secret

if TYPE_CHECKING:
    from knetik_cloud.configuration import Configuration
    from knetik_cloud.connections import Route, TimedResponse, _Timed

__all__ = ["ApiException", "RESTClientObject", "RESTResponse"]


class RESTResponse:
    """The answer to a request.

    `data` is the whole decoded body. A streamed answer is read with `read`, `stream` or `data`, inside the
    call's deadline; close it, or use it in a `with`, when it isn't read to its end.
    """

    def __init__(self, exchange: _Exchange, response: TimedResponse) -> None:
        self.status: int = response.status
        self.reason: str | None = response.reason
        self._exchange = exchange
        self._response = response
        self._data: bytes | None = None
        self._pieces: Iterator[bytes] | None = None
        self._rest = b""
        self._is_closed = False

    @property
    def headers(self) -> Headers:
        """The headers, case-insensitive; a folded one is given on one line."""
        return Headers(
            [(name, " ".join(value.split("\r\n"))) for name, value in self._response.headers.items()]
        )

    def getheaders(self) -> Headers:
        """Give the headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Give one header, in any letter case."""
        return self._response.headers.get(name, default)

    @property
    def data(self) -> bytes:
        """The decoded body, or what is left of a streamed one.

        Raises:
            ApiException: the rest of a streamed answer can't be read, or is larger than
                `Configuration.max_response_size`.
        """
        if self._data is None:
            self._data = self._remaining(self._exchange.limit)
        return self._data

    def stream(self, amount: int = content.PIECE) -> Iterator[bytes]:
        """Yield the decoded body in pieces of at most `amount` bytes.

        Raises:
            ApiException: the response can't be read to its end.
        """
        while piece := self.read(amount):
            yield piece

    def read(self, amount: int | None = None) -> bytes:
        """Read `amount` decoded bytes, fewer at the end; None reads all that is left.

        Raises:
            ApiException: the response can't be read.
        """
        if amount is None or amount < 0:
            return self._remaining()
        while len(self._rest) < amount and (piece := self._next()):
            self._rest = self._rest + piece if self._rest else piece
        taken, self._rest = self._rest[:amount], self._rest[amount:]
        return taken

    def _next(self) -> bytes:
        """Give the next piece of the decoded body, b"" at its end."""
        if self._pieces is None:
            if self._data is None and self._is_closed:
                raise ApiValueError("this answer is closed: read it before")
            self._pieces = (
                iter((self._data,)) if self._data is not None else self._exchange.pieces(self._response)
            )
        pieces = self._pieces
        return self._exchange.guard(lambda: next(pieces, b""))

    def _remaining(self, limit: float = math.inf) -> bytes:
        data = bytearray(self._rest)
        self._rest = b""
        while piece := self._next():
            data += piece
            if len(data) > limit:
                self._exchange.guard(lambda: _refuse_size(self._exchange.limit))
        return bytes(data)

    def distrust(self) -> None:
        """Don't use the connection of this answer again."""
        self._exchange.connection.is_distrusted = True

    def close(self) -> None:
        """Let go of the connection; what wasn't read is lost."""
        if not self._exchange.is_over:
            self._is_closed, self._pieces = True, None
            self._exchange.end(self._response)

    release_conn = close

    def __enter__(self) -> RESTResponse:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._exchange.is_over:
            self.close()

    def __repr__(self) -> str:
        return f"<RESTResponse {self.status}>"  # the reason phrase may echo a secret


def _refuse_size(limit: int) -> bytes:
    raise content.too_large(limit)


class _Exchange:
    """One request and its answer on one connection, which goes back to the pool or is closed, once."""

    __slots__ = ("command", "connection", "is_over", "limit", "pool", "response")

    def __init__(self, pool: RESTClientObject, connection: _Timed, limit: int, command: Send) -> None:
        self.pool = pool
        self.connection = connection
        self.limit = limit
        self.command = command
        self.response: TimedResponse | None = None
        self.is_over = False

    def read_all(self, response: TimedResponse) -> bytes:
        """Read and decode the whole body, and let go of the connection.

        Raises:
            ApiResponseError: it is larger than the limit.
        """
        encoding = response.headers.get("Content-Encoding")
        if encoding is None and response.length is not None:
            if response.length > self.limit:
                raise content.too_large(self.limit)
            data = response.whole()
        else:
            data = self._gather(response)
        self.end(response)
        return data

    def read_what_comes(self, response: TimedResponse) -> bytes:
        """Read the body of an error, whose status says enough if the body can't be read."""
        try:
            return self.read_all(response)
        except Exception:
            self.abandon()
            return b""

    def _gather(self, response: TimedResponse) -> bytes:
        data = bytearray()  # not a list of parts: many small ones take many times their bytes
        for part in self.pieces(response):
            data += part
            if len(data) > self.limit:
                raise content.too_large(self.limit)
        return bytes(data)

    def pieces(self, response: TimedResponse) -> Iterator[bytes]:
        """Yield the decoded body piece by piece, and let go of the connection at its end."""
        encodings = response.headers.get_all("Content-Encoding")
        chain = content.inflaters(None if encodings is None else ",".join(encodings))
        while piece := response.piece():
            yield from content.feed(chain, piece)
        for inflater in chain:
            inflater.finish()
        self.end(response)

    def guard(self, read: Callable[[], bytes]) -> bytes:
        """Read with any failure turned into an `ApiException`, its connection closed."""
        try:
            return read()
        except Exception as cause:
            failed = self.failure(cause)
        except BaseException:
            self.abandon()
            raise
        raise failure.of_stream(failed, self.command.request)

    def failure(self, cause: Exception) -> Failure:
        """Close the connection, and say what an error means."""
        self.abandon()
        status = None if self.response is None else self.response.status
        return self.pool.failure(cause, self.connection, self.command, status)

    def abandon(self) -> None:
        """Close the connection, unless it was given back already."""
        if not self.is_over:
            self.is_over = True
            if self.response is not None:
                self.response.close()  # it holds the socket too
            self.connection.close()

    def end(self, response: TimedResponse) -> None:
        """Give the connection back if the answer ended cleanly, else close it."""
        if not self.is_over:
            self.is_over = True
            is_reusable = response.is_reusable
            response.close()
            self.pool.take_back(self.connection, is_reusable)


class RESTClientObject:
    """Sends requests over urllib3's connections, which it keeps and uses again.

    It holds idle connections in a deque, whose ends are safe to use from all threads; a caller that finds
    none opens one, so nobody waits for a connection and nothing has to be locked.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._idle: deque[_Timed] = deque()
        self._route: Route | None = None
        self._route_lock = threading.Lock()
        self._pool_size = configuration.pool_size
        self._limit = configuration.max_response_size
        self._origin = configuration.origin
        url = urlsplit(self._origin)
        self._host = url.netloc
        self.is_closed = False
        _all.add(self)

    def send(self, command: Send) -> RESTResponse | Failure:
        """Send a request and give its answer, read to its end unless it is streamed."""
        exchange: _Exchange | None = None
        try:
            connection = self._connection(command)
            exchange = _Exchange(self, connection, self._limit, command)
            streamed = command.stream
            connection.limits.set(command.deadline, command.read, 0 if streamed else self._limit)
            self._write(connection, command)
            exchange.response = connection.receive()
            response = RESTResponse(exchange, exchange.response)
            if not 200 <= response.status < 300:
                response._data = exchange.read_what_comes(response._response)
            elif not streamed:
                response._data = exchange.read_all(response._response)
            return response
        except Exception as cause:
            return self.failure(cause, None, command) if exchange is None else exchange.failure(cause)
        except BaseException as interruption:
            if exchange is not None:
                exchange.abandon()
            raise interruption.with_traceback(None)  # noqa: B904  the frames below hold the token

    def _write(self, connection: _Timed, command: Send) -> None:
        request = command.request
        target = self._origin + request.target if self._route and self._route.forwards else request.target
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self._host)
        connection.putheader("Accept-Encoding", "gzip, deflate")
        for name, value in request.headers.items():
            connection.putheader(name, value.reveal() if isinstance(value, Secret) else value)
        if self._route and self._route.forwards and self._route.proxy_secret is not None:
            connection.putheader("Proxy-Authorization", self._route.proxy_secret.reveal())
        body = request.content()
        if body is not None or request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body or b"")))
        connection.send_request(body)

    def _connection(self, command: Send) -> _Timed:
        """Take an idle connection that is alive, or open one."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            connection.is_written = False
            if connection.is_alive():
                return connection
            connection.close()
        if self._route is None:
            with self._route_lock:  # a TLS context takes time to make, and 32 threads may come at once
                if self._route is None:
                    self._route = self._find_route()
        return self._route.connect((command.deadline, command.connect))

    def _find_route(self) -> Route:
        from knetik_cloud.connections import Route
        from knetik_cloud.tls import tls_context

        url = urlsplit(self._origin)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        settings = self._configuration
        proxy = proxies.choose(url.scheme, host, port, settings.proxy, settings.no_proxy, os.environ)
        needs_tls = url.scheme == "https" or (proxy or "").startswith("https:")
        return Route(url.scheme, host, port, proxy, tls_context(settings) if needs_tls else None)

    def take_back(self, connection: _Timed, is_reusable: bool) -> None:
        """Keep a connection for the next request, or close it."""
        if not is_reusable or connection.is_distrusted or len(self._idle) >= self._pool_size:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if self.is_closed:  # asked last: whoever closes it now finds this one in its place
            self.forget()

    def failure(
        self, cause: Exception, connection: _Timed | None, command: Send, status: int | None = None
    ) -> Failure:
        """Say what an error of the libraries below means."""
        written = connection is not None and connection.is_written
        if isinstance(cause, TimeoutError) and time.monotonic() >= command.deadline:
            cause = DeadlinePassed("no time is left")
        failed = _meaning(cause, written, self._host).failure(cause, written, status)
        proxy_secret = None if self._route is None else self._route.proxy_secret
        return failed if proxy_secret is None else failed.masked((proxy_secret,))

    def __del__(self) -> None:
        self.forget()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their calls end."""
        self.is_closed = True
        self.forget()

    def forget(self) -> None:
        """Close the idle connections."""
        with contextlib.suppress(IndexError):  # another thread may empty it too
            while True:
                self._idle.pop().close()


def _meaning(cause: Exception, written: bool, host: str) -> failure.Meaning:
    """Translate the errors of `http.client`; the others mean the same to every transport."""
    import http.client

    if isinstance(cause, http.client.IncompleteRead):
        return failure.cut_off(host)
    if isinstance(cause, http.client.RemoteDisconnected):
        return failure.unanswered(host)
    if isinstance(cause, http.client.HTTPException):
        return failure.no_http(host, cause)
    return failure.meaning(cause, written, host)


_all: weakref.WeakSet[RESTClientObject] = weakref.WeakSet()


def _forget_in_child() -> None:
    """A forked child must not speak on its parent's connections."""
    for transport in list(_all):
        transport._route_lock = threading.Lock()
        transport.forget()


os.register_at_fork(after_in_child=_forget_in_child)
