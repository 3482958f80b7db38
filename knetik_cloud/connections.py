"""Connections of urllib3 on which every receive and every send keeps to the call's deadline.

No thread watches the clock: before each receive the socket's timeout is set to what is left, so a peer
that dribbles bytes gains nothing. Loaded at the first call, since urllib3 and ssl take their time.
"""

from __future__ import annotations

import functools
import http.client
import io
import math
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import make_headers, parse_url

from knetik_cloud.core.content import too_large
from knetik_cloud.core.failure import DeadlinePassed

if TYPE_CHECKING:
    from typing_extensions import Buffer

SEND_PIECE = 1 << 16
LONGEST_IDLE = 55.0
"""Seconds after which an idle connection is not trusted any more: gateways drop them silently after 60."""


class Limits:
    """What a connection may still take: time until the deadline, time for each receive, bytes."""

    __slots__ = ("bytes", "deadline", "max_bytes", "wait")

    def __init__(self) -> None:
        self.set(math.inf, math.inf, 0)

    def set(self, deadline: float, wait: float, max_bytes: int) -> None:
        """Start over: a monotonic moment, seconds for each receive, decoded bytes (0: no limit)."""
        self.deadline = deadline
        self.wait = wait
        self.max_bytes = max_bytes
        # Headers and chunk framing count too, so the raw bytes get more room than the decoded ones.
        self.bytes = 4 * max_bytes + (1 << 20) if max_bytes else math.inf

    def left(self) -> float | None:
        """Give the timeout of the next receive, None for no limit.

        Raises:
            DeadlinePassed: no time is left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("no time is left")
        left = min(left, self.wait)
        return None if left == math.inf else left


class _Receiver(io.RawIOBase):
    """A socket's incoming bytes, each receive within the limits."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self._sock = sock
        self._limits = limits
        self._raw = sock.makefile("rb", buffering=0)
        self.exhausted = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        if self.exhausted:
            return 0
        limits = self._limits
        self._sock.settimeout(limits.left())
        count = self._raw.readinto(buffer) or 0  # a socket with a timeout never gives None
        limits.bytes -= count
        if limits.bytes < 0:
            raise too_large(limits.max_bytes)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """A buffered receiver that tells at its end whether more bytes came than the answer announced."""

    raw: _Receiver
    has_excess = False

    def close(self) -> None:
        if not self.closed:
            self.raw.exhausted = True
            self.has_excess = len(self.peek(1)) > 0
        super().close()


class _Source:
    """What `http.client` takes for a socket when it makes a response: something with `makefile`."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.reader = _Reader(_Receiver(sock, limits))

    def makefile(self, mode: str) -> _Reader:
        """Give the one reader."""
        return self.reader


class TimedResponse(http.client.HTTPResponse):
    """An answer of `http.client`, read within the limits of its connection."""

    def __init__(self, sock: socket.socket, limits: Limits, method: str | None = None) -> None:
        source = _Source(sock, limits)
        super().__init__(source, method=method)  # type: ignore[arg-type]
        self._source = source

    def begin(self) -> None:
        """Read the head; interim answers (1xx) before it are passed over."""
        super().begin()
        while 101 < self.status < 200:
            self.headers = None  # type: ignore[assignment]
            super().begin()

    def check_whole(self) -> None:
        """Make sure that nothing of the announced body is missing.

        Raises:
            http.client.IncompleteRead: the peer closed before its end.
        """
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)

    @property
    def is_reusable(self) -> bool:
        """Whether the connection ended cleanly behind this answer."""
        return self.isclosed() and not self.will_close and not self._source.reader.has_excess


class _Timed(HTTPConnection):
    """What both kinds of connection share."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits = Limits()
        # Not a method: the connection would hold itself, and a dropped one would wait for the collector.
        self.response_class = functools.partial(TimedResponse, limits=self.limits)  # type: ignore[assignment]
        self.is_written = False
        self.is_distrusted = False
        self.idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers; all of them together get the connect timeout."""
        error: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self._dns_host, self.port, type=socket.SOCK_STREAM
        ):
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.limits.left())
                sock.connect(address)
                sock.settimeout(self.limits.left())
                return sock
            except DeadlinePassed:
                sock.close()
                raise
            except OSError as refused:
                sock.close()
                error = refused
        raise error or OSError(f"{self._dns_host} has no address")

    def send(self, data: Any) -> None:
        """Send bytes within the limits."""
        assert self.sock is not None
        for start in range(0, len(data), SEND_PIECE):
            self.sock.settimeout(self.limits.left())
            self.sock.sendall(data[start : start + SEND_PIECE])
        self.is_written = True

    def receive(self) -> TimedResponse:
        """Wait for the answer's head. (urllib3's own `getresponse` wraps it once more, at a price.)"""
        return http.client.HTTPConnection.getresponse(self)  # type: ignore[return-value]

    def is_alive(self) -> bool:
        """Tell whether an idle connection can be used again."""
        return (
            not self.is_distrusted
            and time.monotonic() - self.idle_since < LONGEST_IDLE
            and bool(self.is_connected)
        )


class PlainConnection(_Timed):
    """A connection without TLS."""


class TlsConnection(_Timed, HTTPSConnection):
    """A connection with TLS."""


class Route:
    """How the origin is reached: directly, through a forwarding proxy, or through a tunnel."""

    def __init__(
        self, scheme: str, host: str, port: int, proxy: str | None, tls: ssl.SSLContext | None
    ) -> None:
        self._scheme = scheme
        self._host = host
        self._port = port
        self._tls = tls
        self._proxy = None if proxy is None else parse_url(proxy)
        self.forwards = self._proxy is not None and scheme == "http"
        auth = self._proxy.auth if self._proxy is not None else None
        self.proxy_headers = make_headers(proxy_basic_auth=_unquoted(auth)) if auth else {}

    def connect(self, limits: tuple[float, float]) -> _Timed:
        """Open a connection; `limits` are the deadline and the connect timeout."""
        connection = self._make()
        deadline, connect = limits
        connection.limits.set(min(deadline, time.monotonic() + connect), math.inf, 0)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        connection.is_written = False
        return connection

    def _make(self) -> _Timed:
        proxy = self._proxy
        if proxy is None:
            if self._scheme == "https":
                return TlsConnection(self._host, self._port, ssl_context=self._tls)
            return PlainConnection(self._host, self._port)
        address = (proxy.host or "").strip("[]"), proxy.port or (443 if proxy.scheme == "https" else 80)
        if self._scheme == "http" and proxy.scheme == "http":
            return PlainConnection(*address, proxy=proxy)
        config = ProxyConfig(self._tls, False, None, None)
        connection = TlsConnection(*address, ssl_context=self._tls, proxy=proxy, proxy_config=config)
        if self._scheme == "https":
            connection.set_tunnel(self._host, self._port, self.proxy_headers, scheme=proxy.scheme or "http")
        return connection


def _unquoted(auth: str) -> str:
    from urllib.parse import unquote

    return unquote(auth)
