"""A raw-socket server that misbehaves as it is told, and counts that it did."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from test.listening import stop_listening

CERTIFICATES = Path(__file__).parent / "certificates"
ENTRY = {"id": 56, "status": "active", "item_id": 7}
TOKEN_RESPONSE = {"access_token": "granted-token-canary", "token_type": "bearer", "expires_in": 3600}


class Request(NamedTuple):
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self._server = server
        self.socket = sock
        self._incoming = sock.makefile("rb")

    def request(self) -> Request | None:
        """Read a request; None when the client has closed."""
        head = []
        for line in self._incoming:
            head.append(line.decode("latin-1").rstrip("\r\n"))
            if not head[-1]:
                break
        if not head or head[-1]:
            return None
        method, target, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-1])
        }
        body = (
            b"" if self._server.ignores_bodies else self._incoming.read(int(headers.get("content-length", 0)))
        )
        return Request(method, target, headers, body)

    def send(self, *parts: bytes) -> None:
        """Send bytes at once."""
        self.socket.sendall(b"".join(parts))

    def dribble(self, data: bytes, every: float = 0.02) -> None:
        """Send bytes one by one."""
        for byte in data:
            self.send(bytes((byte,)))
            time.sleep(every)

    def forever(self, data: bytes, every: float = 0.0) -> None:
        """Send the same bytes again and again until the client has gone."""
        while not self._server.is_stopped:
            self.send(data)
            if every:
                time.sleep(every)

    def hold(self) -> None:
        """Send nothing until the client has disconnected."""
        self.socket.settimeout(0.05)
        while not self._server.is_stopped:
            with suppress(TimeoutError):
                if not self.socket.recv(65536):
                    return

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Continue in TLS."""
        self._incoming.close()
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self._incoming = self.socket.makefile("rb")

    def half_close(self) -> None:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close."""
        self._incoming.close()
        self.socket.close()

    @property
    def is_closed(self) -> bool:
        """Whether this end was closed."""
        return self.socket.fileno() < 0


Script = Callable[[Peer, Request], None]
Greeting = Callable[[Peer], None]


class FaultServer:
    """Plays a script for each request, in turn, and is healthy once they have all been played.

    Args:
        scripts: what to do with the requests.
        greetings: what to do with the connections, before a request is read from them.
        tls: the certificate to serve TLS with, by its file's name.
        client_authority: the authority that client certificates must be signed by.
        ignores_bodies: respond before the body of the request was read.
    """

    def __init__(
        self,
        scripts: Iterable[Script] = (),
        greetings: Iterable[Greeting] = (),
        *,
        tls: str | None = None,
        client_authority: str | None = None,
        ignores_bodies: bool = False,
    ) -> None:
        self._scripts = list(scripts)
        self._greetings = list(greetings)
        self._tls = None if tls is None else server_context(tls, client_authority)
        self.ignores_bodies = ignores_bodies
        self.requests: list[Request] = []
        self.connections = 0
        self.met = 0
        self.is_stopped = False
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._playing = 0
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        name = "localhost" if tls else "127.0.0.1"
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self.is_stopped = True
        stop_listening(self._listener)
        self._listener.close()
        with self._lock:
            peers = list(self._peers)
        for peer in peers:
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for peer in peers:
            with suppress(OSError):
                peer.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError):  # the client has gone, or the server stops
            peer = Peer(self, sock)
            with self._lock:
                self._peers.append(peer)
                self.connections += 1
                greeting = self._greetings.pop(0) if self._greetings else None
            try:
                if greeting is not None:
                    self.met += 1
                    greeting(peer)
                if self._tls is not None and not peer.is_closed:
                    peer.start_tls(self._tls)
                while not peer.is_closed and (request := peer.request()):
                    self._respond(peer, request)
            finally:
                peer.close()

    def _respond(self, peer: Peer, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            script = self._scripts.pop(0) if self._scripts else None
            self.met += script is not None
            self._playing += 1
        try:
            (script or healthy)(peer, request)
        finally:
            with self._ended:
                self._playing -= 1
                self._ended.notify_all()

    def wait(self) -> None:
        """Wait until all that follows a response, such as a close, has been done."""
        with self._ended:
            assert self._ended.wait_for(lambda: not self._playing, 20)

    def play_next(self, script: Script) -> None:
        """Play a script to the next request."""
        with self._lock:
            self._scripts.insert(0, script)

    def heal(self) -> None:
        """Be healthy from now on."""
        with self._lock:
            self._scripts.clear()
            self._greetings.clear()

    def seen(self, method: str) -> int:
        """Count the requests of a method."""
        return sum(request.method == method for request in self.requests)


def server_context(certificate: str, client_authority: str | None = None) -> ssl.SSLContext:
    """Make the TLS context of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    if client_authority is not None:
        context.load_verify_locations(CERTIFICATES / f"{client_authority}.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def http_response(
    body: bytes | object = ENTRY, *headers: str, status: str = "200 OK", length: int | None = None
) -> bytes:
    """Write a response. A body that isn't bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {line.partition(":")[0].lower() for line in headers}
    lines = [f"HTTP/1.1 {status}", *headers]
    if "content-type" not in named:
        lines.append("Content-Type: application/json")
    if not named & {"transfer-encoding", "content-length"}:
        lines.append(f"Content-Length: {len(data) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


def healthy(peer: Peer, request: Request) -> None:
    """Respond as the service does."""
    if request.target == "/oauth/token":
        peer.send(http_response(TOKEN_RESPONSE))
    elif request.method == "GET":
        peer.send(http_response(ENTRY, f"X-Target: {request.target}"))
    else:
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")


def says(*parts: bytes, closes: bool = True) -> Script:
    """Return a script that responds with these bytes, and closes."""

    def script(peer: Peer, request: Request) -> None:
        peer.send(*parts)
        if closes:
            peer.close()

    return script


def keeps(*parts: bytes) -> Script:
    """Return a script that responds with these bytes, and keeps the connection open."""
    return says(*parts, closes=False)


def after(data: bytes, then: Callable[[Peer], None]) -> Script:
    """Return a script that sends some bytes and then does something."""

    def script(peer: Peer, request: Request) -> None:
        peer.send(data)
        then(peer)

    return script
