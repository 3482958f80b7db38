"""Connections of urllib3 on which every receive and every send keeps to the call's deadline.

No thread watches the clock: before each receive the socket's timeout is set to what is left, so a peer
that dribbles bytes gains nothing. Loaded at the first call, since urllib3 and ssl take their time.
"""

from __future__ import annotations

import functools
import http.client
import io
import math
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import Url, parse_url
from urllib3.util.wait import wait_for_read

from knetik_cloud.core import proxies
from knetik_cloud.core.content import too_large
from knetik_cloud.core.failure import DeadlinePassed

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from knetik_cloud.secret import Secret

PIECE = SEND_PIECE = 1 << 16
MOST_HEAD = 1 << 20
"""Bytes of a head, with all interim answers before it."""
LONGEST_LINE = 1 << 12
MOST_TRAILERS = 100
MAX_WAIT_SECONDS = 1e6
"""Seconds above which a socket waits without a limit; much more is too large for its clock."""
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
LINE_ENDS = (b"\r\n", b"\n")
BROKEN_HEADS = ("MissingHeaderBodySeparatorDefect", "FirstHeaderLineIsContinuationDefect")
LONGEST_IDLE = 55.0
"""Seconds after which an idle connection is not trusted any more: gateways drop them silently after 60."""


class Unframed(http.client.HTTPException):
    """An answer whose framing breaks the rules of HTTP, so that nobody can tell where its body ends."""


class Limits:
    """What a connection may still take: time until the deadline, time for each receive, bytes."""

    __slots__ = ("bytes", "deadline", "in_head", "max_bytes", "wait")

    def __init__(self) -> None:
        self.set(math.inf, math.inf, 0)

    def set(self, deadline: float, wait: float, max_bytes: int) -> None:
        """Start over: a monotonic moment, seconds for each receive, decoded bytes of a body (0: no limit)."""
        self.deadline = deadline
        self.wait = wait
        self.max_bytes = max_bytes
        self.bytes: float = MOST_HEAD
        self.in_head = True

    def expect_body(self) -> None:
        """Count the bytes of a body from now on. Its framing counts too, so it gets more than it may hold."""
        self.bytes = 4 * self.max_bytes + MOST_HEAD if self.max_bytes else math.inf
        self.in_head = False

    def excess(self) -> Exception:
        """Build the error for more bytes than may come."""
        if self.in_head:
            return Unframed(f"its head is larger than {MOST_HEAD} bytes")
        return too_large(self.max_bytes)

    def left(self) -> float | None:
        """Give the timeout of the next receive, None for no limit.

        Raises:
            DeadlinePassed: no time is left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("no time is left")
        left = min(left, self.wait)
        return left if left < MAX_WAIT_SECONDS else None


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
            raise limits.excess()
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
        self._limits = limits
        self._left_of_chunk = 0

    def begin(self) -> None:
        """Read the head; interim answers (1xx) before it are passed over.

        Raises:
            http.client.HTTPException: it is no head, or it doesn't say where the body ends.
        """
        super().begin()
        while 101 < self.status < 200:
            self.headers = None  # type: ignore[assignment]
            super().begin()
        self._check_framing()
        self._limits.expect_body()

    def _check_framing(self) -> None:
        """Refuse what two readers could read in two ways: `http.client` takes the first that it finds."""
        headers = self.headers
        names = " ".join(headers.keys()).lower()
        if (
            self.status == 200
            and self.length is not None
            and not headers.defects
            and names.count("content-length") == 1
            and "transfer-encoding" not in names
        ):
            return  # one length and nothing else: what nearly all answers have
        if headers.defects and any(type(defect).__name__ in BROKEN_HEADS for defect in headers.defects):
            raise Unframed("a line of its head is no header")
        lengths = headers.get_all("Content-Length", ())
        codings = headers.get_all("Transfer-Encoding", ())
        if codings and (len(codings) > 1 or codings[0].strip().lower() not in ("chunked", "identity")):
            raise Unframed(f"its transfer encoding is {', '.join(codings)!r}")
        if not all(map(_is_decimal, lengths)) or len(set(map(int, lengths))) > 1:
            raise Unframed(f"its length is {', '.join(lengths)!r}")
        bodyless = self.status in (204, 304) and (self.chunked or any(map(int, lengths)))
        if bodyless or self.status < 200 or (self.chunked and lengths):
            self.will_close = True

    def whole(self) -> bytes:
        """Read a body of known length.

        Raises:
            http.client.IncompleteRead: the peer closed too early. What came isn't kept: it may hold a token.
        """
        try:
            return self.read()
        except http.client.IncompleteRead as cut:
            missing = cut.expected
        raise http.client.IncompleteRead(b"", missing)

    def piece(self) -> bytes:
        """Read the next bytes of the body, b"" at its end.

        Raises:
            http.client.IncompleteRead: the peer closed before the end.
            http.client.HTTPException: the chunks are malformed.
        """
        if self.chunked:
            return self._chunks()
        data = self.read(PIECE)
        if not data and self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return data

    def _chunks(self) -> bytes:
        """Read chunks until a piece is full or the last one has come. (`http.client` is lax about theirs.)"""
        source = self.fp
        data = bytearray()
        while source is not None and len(data) < PIECE:
            if not self._left_of_chunk:
                size = CHUNK_SIZE.fullmatch(_line(source))
                if size is None:
                    raise Unframed("the size of a chunk is malformed")
                self._left_of_chunk = int(size[1], 16)
                if not self._left_of_chunk:
                    self._pass_trailers(source)
                    self.close()
                    break
            part = source.read(min(self._left_of_chunk, PIECE - len(data)))
            if not part:
                raise http.client.IncompleteRead(b"", self._left_of_chunk)
            data += part
            self._left_of_chunk -= len(part)
            if not self._left_of_chunk and _line(source) not in LINE_ENDS:
                raise Unframed("a chunk is longer than it says")
        return bytes(data)

    @staticmethod
    def _pass_trailers(source: Any) -> None:
        for _ in range(MOST_TRAILERS):
            if _line(source) in LINE_ENDS:
                return
        raise Unframed(f"it has more than {MOST_TRAILERS} trailers")

    @property
    def is_reusable(self) -> bool:
        """Whether the connection ended cleanly behind this answer."""
        return self.isclosed() and not self.will_close and not self._source.reader.has_excess


def _line(source: Any) -> bytes:
    """Read a line of chunk framing.

    Raises:
        http.client.IncompleteRead: the peer closed before its end.
    """
    line: bytes = source.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        if len(line) < LONGEST_LINE:
            raise http.client.IncompleteRead(b"")
        raise Unframed("a line between its chunks is too long")
    return line


def _is_decimal(text: str) -> bool:
    text = text.strip()
    return text.isascii() and text.isdecimal() and len(text) < 20


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
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        for tried, (family, kind, protocol, _, address) in enumerate(found):
            try:
                return self._connected(socket.socket(family, kind, protocol), address, len(found) - tried)
            except DeadlinePassed:
                raise
            except OSError as refused:
                error = refused
        raise error or OSError(f"{self._dns_host} has no address")

    def _connected(self, sock: socket.socket, address: Any, untried: int) -> socket.socket:
        """Connect a socket in its share of the time, so that a silent address leaves some to the others."""
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            left = self.limits.left()
            sock.settimeout(None if left is None else left / untried)
            sock.connect(address)
            sock.settimeout(self.limits.left())
        except BaseException:
            sock.close()
            raise
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        assert self.sock is not None
        self.sock.settimeout(self.limits.left())  # the TLS handshake that follows gets what is left

    def send(self, data: Any) -> None:
        """Send bytes within the limits."""
        assert self.sock is not None
        for start in range(0, len(data), SEND_PIECE):
            self.sock.settimeout(self.limits.left())
            self.sock.sendall(data[start : start + SEND_PIECE])
            self.is_written = True

    def send_request(self, body: bytes | None) -> None:
        """Send the head that was put and the body.

        The peer may answer before it has read all of the body, and say why: then the answer is waited for,
        and the connection isn't used again.
        """
        try:
            self.endheaders(body)
        except OSError as broken:
            if not self.is_written or (isinstance(broken, TimeoutError) and not self._has_answer()):
                raise
            self.is_distrusted = True

    def _has_answer(self) -> bool:
        return self.sock is not None and wait_for_read(self.sock, timeout=0)

    def receive(self) -> TimedResponse:
        """Wait for the answer's head. (urllib3's own `getresponse` wraps it once more, at a price.)"""
        return http.client.HTTPConnection.getresponse(self)  # type: ignore[return-value]

    def is_alive(self) -> bool:
        """Tell whether an idle connection can be used again."""
        return (
            not self.is_distrusted
            and time.monotonic() - self.idle_since < LONGEST_IDLE
            and bool(self.is_connected)
            and not self._has_unread_bytes()
        )

    def _has_unread_bytes(self) -> bool:
        """Tell whether TLS holds bytes that were received and not read; no poll of the socket shows them."""
        pending = getattr(self.sock, "pending", None)
        return pending is not None and pending() > 0


class PlainConnection(_Timed):
    """A connection without TLS."""


class TlsConnection(_Timed, HTTPSConnection):
    """A connection with TLS."""

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> ssl.SSLSocket:
        outer = super()._connect_tls_proxy(hostname, sock)
        # What is duck-typed here is all that urllib3's TLS in TLS asks of a socket.
        return _Outer(outer, self.limits) if self.proxy_is_tunneling else outer  # type: ignore[return-value]


class _Outer:
    """The TLS to a proxy under the TLS to the service: one read of the inner one may take many of these."""

    def __init__(self, sock: ssl.SSLSocket, limits: Limits) -> None:
        self._sock = sock
        self._limits = limits

    def recv(self, size: int) -> bytes:
        """AwaitPage within the limits."""
        self._sock.settimeout(self._limits.left())
        return self._sock.recv(size)

    def sendall(self, data: bytes) -> None:
        """Send within the limits."""
        self._sock.settimeout(self._limits.left())
        self._sock.sendall(data)

    @property
    def _io_refs(self) -> int:
        """How many files are made of the socket: it is closed when the last one is."""
        return self._sock._io_refs  # type: ignore[attr-defined,no-any-return]

    @_io_refs.setter
    def _io_refs(self, count: int) -> None:
        self._sock._io_refs = count  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _close_strays(error: BaseException) -> None:
    """Close the sockets that `ssl` leaves open in its frames, as when a peer resets before the handshake."""
    traceback = error.__traceback__
    while traceback is not None:
        stray = traceback.tb_frame.f_locals.get("self")
        if isinstance(stray, ssl.SSLSocket):
            stray.close()
        traceback = traceback.tb_next


class Route:
    """How the origin is reached: directly, through a forwarding proxy, or through a tunnel."""

    def __init__(
        self, scheme: str, host: str, port: int, proxy: str | None, tls: ssl.SSLContext | None
    ) -> None:
        self._scheme = scheme
        self._host = host
        self._port = port
        self._tls = tls
        self.proxy_secret: Secret | None = None
        self._proxy: Url | None = None
        if proxy is not None:
            address, self.proxy_secret = proxies.split(proxy)
            self._proxy = parse_url(address)
        self.forwards = self._proxy is not None and scheme == "http"

    def connect(self, limits: tuple[float, float]) -> _Timed:
        """Open a connection; `limits` are the deadline and the connect timeout."""
        connection = self._make()
        deadline, connect = limits
        connection.limits.set(min(deadline, time.monotonic() + connect), math.inf, 0)
        try:
            connection.connect()
        except DeadlinePassed:
            connection.close()
            if time.monotonic() >= deadline:
                raise
        except BaseException as error:
            connection.close()
            _close_strays(error)
            raise
        else:
            connection.is_written = False
            return connection
        raise TimeoutError("the connect timeout has passed")

    def _tls_options(self) -> dict[str, Any]:
        """Use the context as it is: urllib3 would check host names though the caller's context doesn't."""
        checks_hostname = self._tls is None or self._tls.check_hostname
        return {"ssl_context": self._tls, "assert_hostname": None if checks_hostname else False}

    def _make(self) -> _Timed:
        proxy = self._proxy
        if proxy is None:
            if self._scheme == "https":
                return TlsConnection(self._host, self._port, **self._tls_options())
            return PlainConnection(self._host, self._port)
        address = (proxy.host or "").strip("[]"), proxy.port or (443 if proxy.scheme == "https" else 80)
        if self._scheme == "http" and proxy.scheme == "http":
            return PlainConnection(*address, proxy=proxy)
        options = self._tls_options()
        config = ProxyConfig(self._tls, False, options["assert_hostname"], None)
        connection = TlsConnection(*address, **options, proxy=proxy, proxy_config=config)
        if self._scheme == "https":
            secret = self.proxy_secret
            headers = {} if secret is None else {"Proxy-Authorization": secret.reveal()}
            connection.set_tunnel(self._host, self._port, headers, scheme=proxy.scheme or "http")
        return connection
