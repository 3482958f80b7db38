"""The HTTP server: uvicorn, with limits on silent connections, and with a clock that tests can't stop."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import uvicorn

from knetik_cloud.core.clock import monotonic
from knetik_cloud.sandbox.app import create_app
from knetik_cloud.sandbox.connections import with_exchange
from knetik_cloud.sandbox.service import Service

logger = logging.getLogger("knetik_cloud.sandbox")

HEAD_TIMEOUT_SECONDS = 60
"""Seconds in which a connection must have sent the headers of a request."""

KEEP_ALIVE_SECONDS = 60
QUIET_SECONDS = 10.0
"""Seconds between two messages about a lack of descriptors."""

PAUSE_SECONDS = 0.5
"""Seconds between two closings of idle connections. asyncio accepts again after a second."""


class Server(uvicorn.Server):
    """A server whose end doesn't depend on the wall clock, and that survives a lack of file descriptors."""

    def __init__(self, service: Service) -> None:
        super().__init__(server_config(service))
        self._service = service
        self._listening: list[socket.socket] = []
        self._complained_at = self._made_room_at = -math.inf

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        self._listening = sockets or []
        _SERVERS.add(self)
        new_loop = partial(_new_loop, self._service.settings.workers)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.get_loop().set_exception_handler(self._handle_loop_error)
            runner.run(self.serve(sockets))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting connections, and close those that are open."""
        # The streams of open consoles would otherwise stay open until the server times out.
        self._service.is_stopping = True
        await super().shutdown(sockets)

    def leave_to_parent(self) -> None:
        """Close the sockets in a forked process, with which they would stay open after the server's end."""
        connections: Any = self.server_state.connections
        accepted = [each.transport.get_extra_info("socket") for each in connections]
        nothing = os.open(os.devnull, os.O_RDONLY)
        for each in [*self._listening, *accepted]:
            if each.fileno() >= 0:
                # The number stays taken, because the socket's object still closes it.
                os.dup2(nothing, each.fileno(), inheritable=False)
        os.close(nothing)

    def _handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Make room if a connection can't be accepted, which asyncio reports up to 100 times in a row."""
        error = context.get("exception")
        if self._service.is_stopping and "handle" in context and isinstance(error, ValueError):
            return  # a second after a lack, asyncio accepts again, on a socket that has been closed
        if "socket" not in context or not isinstance(error, OSError):
            loop.default_exception_handler(context)
            return
        now = loop.time()
        if now - self._made_room_at >= PAUSE_SECONDS:
            self._made_room_at = now
            # Connections that were accepted at the same time are not set up yet.
            loop.call_later(PAUSE_SECONDS / 2, self._make_room, loop, error)

    def _make_room(self, loop: asyncio.AbstractEventLoop, error: OSError) -> None:
        """Close the older half of the idle connections. The newer ones may be about to send a request."""
        open_ones: set[Any] = {*self.server_state.connections}
        idle = sorted((each for each in open_ones if _is_idle(each)), key=lambda each: float(each.since))
        for connection in idle[: len(idle) // 2 + 1]:
            connection.transport.abort()
        if loop.time() - self._complained_at >= QUIET_SECONDS:
            self._complained_at = loop.time()
            # Afterwards, since a handler of logs may also need a descriptor.
            message = "no connection can be accepted (%s): closing idle ones"
            loop.call_soon(logger.error, message, error)


_SERVERS: WeakSet[Server] = WeakSet()
"""The servers that run or ran in this process."""


def _leave_servers_to_parent() -> None:
    for server in _SERVERS:
        server.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_servers_to_parent)


class _HeadTimeout:
    """A connection that is closed unless the headers of a request arrive in time."""

    if TYPE_CHECKING:
        cycle: Any
        transport: asyncio.Transport
        loop: asyncio.AbstractEventLoop

    since: float
    """The time of the event loop at which the connection was last used."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start to wait for a request."""
        super().connection_made(transport)  # type: ignore[misc]
        self.since = self.loop.time()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        super().data_received(data)  # type: ignore[misc]
        self.since = self.loop.time()
        if not _is_idle(self):
            self._stop_waiting()
        elif self._timer is None:
            # A request has begun on a connection that was used before.
            self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(error)  # type: ignore[misc]

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if _is_idle(self):
            self.transport.abort()


def server_config(service: Service) -> uvicorn.Config:
    """Return uvicorn's settings: one event loop, no access log, errors on stderr."""
    config = uvicorn.Config(
        create_app(service),
        loop="asyncio",
        http=_protocol(),
        ws="none",
        lifespan="off",
        # Logging is the application's own affair. Without any handler, errors go to stderr.
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        backlog=100,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=3,
        server_header=False,
        date_header=False,  # the application sends the sandbox's own time
        proxy_headers=False,
    )
    config.load()
    config.loaded_app = with_exchange(config.loaded_app)
    return config


def _protocol() -> type[asyncio.Protocol]:
    """Return the parser of requests: httptools if it is installed, which is several times as fast, or h11."""
    base: type[asyncio.Protocol]
    try:
        from knetik_cloud.sandbox.llhttp import LimitedProtocol

        base = LimitedProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        base = H11Protocol
    return type("Connection", (_HeadTimeout, base), {})


def _is_idle(connection: Any) -> bool:
    """Return whether no request is in progress on a connection."""
    return connection.cycle is None or connection.cycle.response_complete


def _new_loop(workers: int) -> asyncio.AbstractEventLoop:
    """Return an event loop whose time runs on where tests stop `time.monotonic`, as freezegun does."""
    # On Windows, a socket accepts connections in the default loop of one process only.
    loop = asyncio.SelectorEventLoop() if workers > 1 else asyncio.new_event_loop()
    loop.time = monotonic  # type: ignore[method-assign]
    return loop
