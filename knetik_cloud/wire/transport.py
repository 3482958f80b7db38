"""What both transports share: a pool of connections, the route to the service, and how to send a request."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from knetik_cloud.core import failure
from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.wire import proxies
from knetik_cloud.wire.exchange import Exchange, ReceivedResponse, open_tunnel
from knetik_cloud.wire.pipe import Pipe
from knetik_cloud.wire.routes import Route
from knetik_cloud.wire.settings import ConnectionSettings, TransportSettings

R = TypeVar("R", bound=ReceivedResponse)
MAX_IDLE_SECONDS = 55.0
"""The time after which an idle connection is not used again: gateways drop them silently after 60 s."""


class Transport(Generic[R]):
    """Sends requests over connections that it keeps and uses again.

    Idle connections are in a deque, whose ends are safe to use from all threads. A request that finds none
    opens one, so requests never queue.

    Args:
        settings: The configuration. A transport lives as long as its `ConnectionSettings` stay the same.
        make_response: Makes the response that is returned for an exchange.
    """

    def __init__(self, settings: TransportSettings, make_response: Callable[[Exchange], R]) -> None:
        self.connection_settings = ConnectionSettings.of(settings)
        self.route: Route | None = None
        self.is_closed = False
        self.host = urlsplit(settings.origin).netloc
        self.start = f"Host: {self.host}\r\nAccept-Encoding: gzip, deflate\r\n"
        self._make_response = make_response
        self._idle: deque[Pipe] = deque()
        self.update(settings)
        self.reset_locks()

    def update(self, settings: TransportSettings) -> None:
        """Apply the settings that change no connection."""
        self.pool_size = settings.pool_size
        self.max_response_size = settings.max_response_size

    def reset_locks(self) -> None:
        """Make the lock. One that may be acquired again by its holder: a signal handler may call, too."""
        self._route_lock = threading.RLock()

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
            await exchange.run()
            response = self._make_response(exchange)
            if not command.stream or not 200 <= response.status < 300:
                await response.read_body()
            return response
        except Exception as cause:
            exchange.abort()
            if not exchange.is_foreign(cause):
                return exchange.map_failure(cause)
            interruption: BaseException = cause
        except BaseException as cause:
            exchange.abort()
            interruption = cause
        try:
            raise interruption.with_traceback(failure.foreign_traceback(interruption))
        finally:
            del interruption

    def acquire(self) -> Pipe | None:
        """Return an idle connection that is alive, or None."""
        while self._idle:
            try:
                pipe = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            is_fresh = not pipe.must_close and time.monotonic() - pipe.idle_since < MAX_IDLE_SECONDS
            if is_fresh and pipe.receive_now() is None:
                return pipe
            pipe.close()
        return None

    async def open(self, command: Send) -> Pipe:
        """Open a connection within the time limits of a request.

        Raises:
            OSError: If that is not possible.
        """
        route = self.route or self._find_route()
        until = min(command.deadline, time.monotonic() + command.connect)
        pipe = await self.connect(*route.address, until)
        try:
            pipe.begin(until, math.inf)
            if route.needs_tls:
                from knetik_cloud.wire.secure import secure

                assert route.tls is not None
                if route.tls_to_proxy:
                    pipe = await secure(pipe, route.tls, route.address[0])
                if route.tunnel is not None:
                    await open_tunnel(pipe, route)
                if route.tls_to is not None:
                    pipe = await secure(pipe, route.tls, route.tls_to)
        except BaseException:
            pipe.close()
            raise
        return pipe

    def _find_route(self) -> Route:
        with self._route_lock:  # a TLS context takes time to make, and 32 threads may need it at once
            if self.route is None:
                settings = self.connection_settings
                url = urlsplit(settings.origin)
                port = url.port or (443 if url.scheme == "https" else 80)
                proxy = proxies.choose(
                    url.scheme, url.hostname or "", port, settings.proxy, settings.no_proxy, os.environ
                )
                route = Route(settings.origin, proxy)
                if route.needs_tls:
                    from knetik_cloud.wire.tls import tls_context

                    route.tls = tls_context(settings)
                self.route = route
            return self.route

    def release(self, pipe: Pipe) -> None:
        """Keep a connection for the next request, or close it."""
        if len(self._idle) >= self.pool_size:
            pipe.close()
            return
        pipe.idle_since = time.monotonic()
        self._idle.append(pipe)
        if self.is_closed:  # checked last: a close in another thread finds this connection in its place
            self.close_idle()

    def done(self) -> None:
        """Record that an exchange is over."""

    def start_closing(self) -> None:
        """Close the idle connections. Those in use are closed when their calls end."""
        self.is_closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Close the idle connections."""
        try:
            while True:
                self._idle.pop().close()
        except IndexError:
            pass
