"""Faults of redirects, of TLS and proxies, and servers that show what they were told in confidence."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

from knetik_cloud import ApiConnectionException, ApiException, ApiTimeoutException, ApiValueError
from test.faults.drivers import TOKEN
from test.faults.server import (
    CERTIFICATES,
    ENTRY,
    TOKEN_RESPONSE,
    FaultServer,
    Peer,
    Request,
    Script,
    http_response,
    keeps,
    says,
    server_context,
)
from test.faults.table import Expectation, Play, Row, attempt, fails, result, right, right_or_fails

AUTHORITY = {"ssl_ca_cert": str(CERTIFICATES / "authority.pem")}
GOOD_TLS = {"tls": "good"}
PASSWORD = "proxy-password-canary"
T = TypeVar("T")


def redirect(location: str, status: str = "302 Found") -> Script:
    """Return a script that redirects."""
    return keeps(http_response(b"", f"Location: {location}", status=status))


def elsewhere(status: str, call: str = "get") -> Callable[[Play], int]:
    """Return the play of a redirect to another host, which must receive nothing."""

    def play(play: Play) -> int:
        with FaultServer() as stranger:
            play.server.play_next(redirect(f"{stranger.url}/users/56/inventory/56", status))
            fails(status=int(status[:3]))(attempt(play.driver(), call, 3))
            assert stranger.connections == 0, "another host was spoken to"
        return play.server.met

    return play


def follows(location: str, **settings: Any) -> Row:
    """Return the row of a redirect that may be followed."""

    def play(play: Play) -> int:
        play.server.play_next(redirect(location.replace("ORIGIN", play.server.url)))
        right(attempt(play.driver(), "get", 3))
        last = play.server.requests[-1]
        assert (last.target, last.method) == ("/there", "GET")
        assert last.headers["authorization"] == f"Bearer {TOKEN}"
        return play.server.met

    return Row(f"a read is redirected to {location}", play=play, settings=settings)


def strange(location: str) -> Row:
    """Return the row of a redirect that must not be followed."""
    return Row(f"a read is redirected to {location[:40]!r}", [redirect(location)] * 2, right_or_fails)


def redirect_loop(play: Play) -> None:
    """Be sent in circles."""
    outcome = attempt(play.driver(), "get", 3)
    fails(status=302)(outcome)
    assert len(play.server.requests) == 4


def tls(fault: str, comes: Expectation, settings: dict[str, Any] | None = None, **server: Any) -> Row:
    """Return the row of a TLS server."""

    def play(play: Play) -> int:
        outcome = attempt(play.driver(), "get", 3)
        comes(outcome)
        if isinstance(outcome.error, ApiException):
            assert len(outcome.error.attempts) == 1, "a certificate doesn't get better by trying again"
        return play.server.connections

    return Row(fault, play=play, settings=settings or {}, server={**GOOD_TLS, **server})


def rejects_tls(text: str) -> Expectation:
    """Expect that the connection is refused for a reason, and that no request was made."""
    return fails(ApiConnectionException, says=text, may_have_applied=False)


def rejects_malformed_responses(peer: Peer) -> None:
    """Respond immediately, as a server of plain HTTP does to a TLS handshake."""
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.hold()


def tls_to_plain_port(play: Play) -> int:
    """Speak TLS to a server that doesn't."""
    host = play.server.url.replace("http://", "https://")
    fails(ApiConnectionException, says="no secure connection")(attempt(play.driver(host=host), "get", 3))
    return play.server.connections


def own_context(checks_hostname: bool) -> Callable[[Play], int]:
    """Return the play of a caller's own SSL context, which is used unchanged."""

    def play(play: Play) -> int:
        context = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
        context.check_hostname = checks_hostname
        outcome = attempt(play.driver(ssl_context=context), "get", 3)
        (rejects_tls("certificate") if checks_hostname else right)(outcome)
        return play.server.connections

    return play


def unverified(play: Play) -> int:
    """Turn the verification off: it works, and warns."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        right(attempt(play.driver(verify_ssl=False), "get", 3))
    assert any("verify_ssl" in str(warning.message) for warning in caught)
    return play.server.connections


def missing_file(name: str, path: str) -> Row:
    """Return the row of a certificate file that can't be read."""

    def play(play: Play) -> int:
        outcome = attempt(play.driver(**{name: path}), "get", 3)
        fails(ApiValueError, says=name)(outcome)
        return 1

    return Row(f"{name} that can't be loaded: {path}", play=play, server=GOOD_TLS)


MORE_SENT = threading.Semaphore(0)
"""Released once the bytes behind a response are sent."""


def sends_more(peer: Peer, request: Request) -> None:
    """Send a response, and another one behind it, in a record of its own."""
    peer.send(http_response(ENTRY))
    peer.send(http_response({"id": 666}))
    MORE_SENT.release()


def unread_tls_bytes(play: Play) -> None:
    """Have TLS hold bytes behind the response that no poll of the socket shows."""
    driver = play.driver()
    right(attempt(driver, "get", 3))
    assert MORE_SENT.acquire(timeout=10)  # no client can tell bytes that arrive later from its answer
    response = driver.call("get_user_inventory_with_http_info", 56, 57)
    assert response.headers["X-Target"] == "/users/56/inventory/57"


# Proxies


class SharedTls:
    """The TLS side of a connection, which one thread may read while another one writes.

    An `ssl.SSLSocket` does not allow that: now and then it damages a record.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._run(self._tls.do_handshake)
        self.shutdown, self.close = sock.shutdown, sock.close

    def recv(self, size: int) -> bytes:
        """Wait for bytes and return them, or b"" at the end."""
        try:
            return self._run(lambda: self._tls.read(size))
        except ssl.SSLEOFError:
            return b""

    def sendall(self, data: bytes) -> None:
        """Send bytes."""
        self._run(lambda: self._tls.write(data))

    def _run(self, step: Callable[[], T]) -> T:
        while True:
            with self._lock:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self._sock.sendall(self._outgoing.read())
            received = self._sock.recv(65536)
            with self._lock:
                self._incoming.write(received) if received else self._incoming.write_eof()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Proxy:
    """An HTTP proxy: forwards, tunnels, or does what it is told in place of that."""

    def __init__(self, behave: Callable[[Any], None] | None = None, tls: str | None = None) -> None:
        self.heads: list[bytes] = []
        self._tls = None if tls is None else server_context(tls)
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError):
            self._speak(sock if self._tls is None else SharedTls(sock, self._tls))

    def _speak(self, sock: socket.socket | SharedTls) -> None:
        with sock:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                received = sock.recv(1)
                if not received:
                    return
                head += received
            self.heads.append(head)
            if self._behave is not None:
                self._behave(sock)
                return
            method, target, _ = head.split(b" ", 2)
            if method == b"CONNECT":
                upstream = self._connect(target.decode())
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                address, _, path = target.removeprefix(b"http://").partition(b"/")
                upstream = self._connect(address.decode())
                upstream.sendall(head.replace(target, b"/" + path, 1))
            back = threading.Thread(target=_pump, args=(upstream, sock), daemon=True)
            back.start()
            _pump(sock, upstream)
            back.join(2)

    def _connect(self, address: str) -> socket.socket:
        host, _, port = address.rpartition(":")
        sock = socket.create_connection((host, int(port)))
        self._sockets.append(sock)
        return sock

    def close(self) -> None:
        """Close all sockets."""
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def _pump(source: socket.socket | SharedTls, sink: socket.socket | SharedTls) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(behave: Callable[[Any], None] | None = None) -> Iterator[Proxy]:
    """Run a proxy."""
    running = Proxy(behave)
    try:
        yield running
    finally:
        running.close()


def through(
    comes: Expectation, reply: bytes | None = None, *, closes: bool = True, userinfo: str = ""
) -> Any:
    """Return the play of a call through a proxy, which opens a tunnel or responds otherwise."""

    def play(play: Play) -> int:
        def behave(sock: socket.socket) -> None:
            sock.sendall(reply or b"")
            if not closes:
                sock.recv(1)

        with proxy(None if reply is None else behave) as running:
            driver = play.driver(proxy=f"http://{userinfo}{running.address}")
            outcome = attempt(driver, "get", 3)
            comes(outcome)
            if userinfo:
                name, _, password = userinfo.removesuffix("@").partition(":")
                credentials = base64.b64encode(f"{name}:{password}".encode())
                assert b"Proxy-Authorization: Basic " + credentials in running.heads[0]
            assert all(TOKEN.encode() not in head for head in running.heads) or play.server.url.startswith(
                "http:"
            )
            return len(running.heads)

    return play


def environment(variables: dict[str, str], through_proxy: bool) -> Callable[[Play], int]:
    """Return the play of a proxy that the environment names, and of what is excepted from it."""

    def play(play: Play) -> int:
        with proxy() as running:
            address = {"PROXY": running.address, "PORT": str(play.server.port)}
            for name, value in variables.items():
                os.environ[name] = value.replace("PROXY", address["PROXY"]).replace("PORT", address["PORT"])
            try:
                right(attempt(play.driver(), "get", 3))
            finally:
                for name in variables:
                    del os.environ[name]
            assert bool(running.heads) == through_proxy
        return 1

    return play


def over_tls(certificate: str, comes: Expectation) -> Callable[[Play], int]:
    """Return the play of a proxy that is reached over TLS."""

    def play(play: Play) -> int:
        running = Proxy(tls=certificate)
        try:
            driver = play.driver(proxy=f"https://{running.address}", timeout=2.0, deadline=4.0)
            comes(attempt(driver, "get", 5))
            comes(attempt(driver, "get", 5))
            assert all(TOKEN.encode() not in head for head in running.heads) or play.server.url.startswith(
                "http:"
            )
        finally:
            running.close()
        return 1

    return play


class Dribbling(Proxy):
    """A proxy over TLS that passes the service's bytes on one by one, from a number of them on."""

    def __init__(self, sound: int) -> None:
        self._sound = sound
        super().__init__(tls="good")

    def _speak(self, sock: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        self.heads.append(head)
        upstream = self._connect(head.split()[1].decode())
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=_pump, args=(sock, upstream), daemon=True).start()
        passed = 0
        while data := upstream.recv(1):
            sock.sendall(data)
            passed += 1
            if passed > self._sound:
                time.sleep(0.01)


def dribbled_tls_in_tls(sound: int) -> Callable[[Play], int]:
    """Return the play of TLS within a proxy's TLS, in single bytes: a read takes many receives."""

    def play(play: Play) -> int:
        running = Dribbling(sound)
        try:
            driver = play.driver(proxy=f"https://{running.address}", retries=0, timeout=0.7)
            fails(ApiTimeoutException)(attempt(driver, "get", 1.4))
        finally:
            running.close()
        return len(running.heads)

    return play


def dead_proxy(play: Play) -> int:
    """Go through a proxy that isn't there: nothing goes past it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fails(ApiConnectionException)(attempt(play.driver(proxy=f"http://127.0.0.1:{port}"), "get", 3))
    assert play.server.connections == 0
    return 1


def unusable_proxy(play: Play) -> int:
    """Set a proxy of another type in the environment: it isn't ignored silently."""
    os.environ["http_proxy"] = f"socks5://robin:{PASSWORD}@127.0.0.1:1"
    try:
        outcome = attempt(play.driver(), "get", 3)
    finally:
        del os.environ["http_proxy"]
    fails(ApiValueError)(outcome)
    assert PASSWORD not in str(outcome.error)
    assert play.server.connections == 0
    return 1


def slow_tunnel(sock: socket.socket) -> None:
    """Use most of the time for the CONNECT, then more than the rest for the handshake."""
    time.sleep(0.2)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(OSError):
        while sock.recv(65536):
            pass


def stalled_behind_the_tunnel(play: Play) -> int:
    """Stall in the CONNECT and in the handshake: together they get the connect timeout once."""
    with proxy(slow_tunnel) as running:
        outcome = attempt(play.driver(proxy=f"http://{running.address}", retries=0), "get", 0.42)
        fails(ApiTimeoutException)(outcome)
        return len(running.heads)


# Echoes


def echoes(build: Callable[[str], bytes]) -> Script:
    """Return a script that shows the request's Authorization to everyone."""

    def script(peer: Peer, request: Request) -> None:
        peer.send(build(request.headers["authorization"]))
        peer.close()

    return script


def json_with(status: str) -> Callable[[str], bytes]:
    """Respond with a Result that quotes the token."""
    return lambda secret: http_response(
        {"code": 5, "result": [{"message": f"bad token {secret}"}]}, status=status
    )


ECHOES: dict[str, Callable[[str], bytes]] = {
    "in the body of an error": json_with("400 Bad Request"),
    "in the body of a 500": json_with("500 Oops"),
    "in the reason phrase": lambda secret: http_response(b"", status=f"403 no {secret}"),
    "in a header": lambda secret: http_response(b"", f"X-Echo: {secret}", status="404 Not Found"),
    "in a header's name": lambda secret: http_response(
        b"", f"{secret.split()[1]}: x", status="404 Not Found"
    ),
    "in place of a status line": lambda secret: f"{secret}\r\n\r\n".encode(),
    "in the media type": lambda secret: http_response(b"{}", f"Content-Type: {secret}"),
    "in the content encoding": lambda secret: http_response(b"{}", f"Content-Encoding: {secret}"),
    "in the transfer encoding": lambda secret: http_response(b"{}", f"Transfer-Encoding: {secret}"),
    "in the content length": lambda secret: http_response(b"{}", f"Content-Length: {secret}"),
    "in place of an object": lambda secret: http_response(secret),
    "in place of a nested object": lambda secret: http_response({"id": 56, "user": secret}),
    "in what is no JSON": lambda secret: http_response(secret.encode()),
    "in a page of HTML": lambda secret: http_response(f"<p>{secret}".encode(), "Content-Type: text/html"),
    "in a redirect": lambda secret: http_response(b"", f"Location: http://x/{secret}", status="302 Found"),
    "in a cut body": lambda secret: http_response(secret.encode(), length=500),
    "in a chunk's size": lambda secret: http_response(secret.encode(), "Transfer-Encoding: chunked"),
}


def echo_before_success(play: Play) -> int:
    """Have the token echoed by attempts of a call that succeeds: its attempts don't show it."""
    for status in ("200 yes", "503 no"):
        play.server.play_next(
            echoes(lambda secret, status=status: http_response(status=f"{status} {secret}"))
        )
    response = play.driver().call("get_user_inventory_with_http_info", 56, 56)
    assert [attempt.status for attempt in response.attempts] == [503, 200]
    assert TOKEN not in repr(response.attempts)
    return play.server.met


ROWS = [
    *(
        Row(f"{status} to another host: no Authorization there", play=elsewhere(status))
        for status in ("301 X", "302 Found", "303 X", "307 X", "308 X")
    ),
    *(
        Row(
            f"{status} on POST: not turned into GET and called success",
            [redirect("/there", status)],
            fails(status=int(status[:3])),
            "use",
            sent=1,
            again=True,
        )
        for status in ("301 X", "302 Found", "303 X", "307 X", "308 X")
    ),
    Row(
        "302 on PUT: an error",
        [redirect("/there")],
        fails(status=302, may_have_applied=True),
        "update",
        sent=1,
    ),
    Row("302 on DELETE: an error", [redirect("/there")], fails(status=302), "delete", sent=1),
    Row("302 on POST to another host", play=elsewhere("307 X", "use")),
    Row("redirect loop", [redirect("/users/56/inventory/56")] * 9, play=redirect_loop),
    follows("/there"),
    follows("ORIGIN/there"),
    follows("ORIGIN/there#fragment"),
    follows("../../../there"),
    *(
        strange(location)
        for location in (
            "",
            "http://",
            "//evil.example/x",
            "http://[::1",
            "javascript:alert(1)",
            "\xff\xfe",
            "http://127.0.0.1@evil.example/",
            "\\\\evil.example\\x",
            "https://127.0.0.1/",
            "/" + "x" * 60000,
            "?a=b c",
            "http://evil.example:99999/",
        )
    ),
    Row("300 without a Location", [keeps(http_response(b"", status="300 X"))], fails(status=300)),
    tls("TLS: private CA given, accepted", right, AUTHORITY),
    tls("TLS: untrusted issuer refused", rejects_tls("certificate")),
    tls("TLS: another private CA refused", rejects_tls("certificate"), AUTHORITY, tls="untrusted"),
    tls("TLS: wrong host name refused", rejects_tls("certificate"), AUTHORITY, tls="elsewhere"),
    tls("TLS: expired certificate refused", rejects_tls("expired"), AUTHORITY, tls="expired"),
    tls(
        "TLS: a client certificate that is asked for",
        right,
        {**AUTHORITY, "cert_file": str(CERTIFICATES / "client.pem")},
        client_authority="authority",
    ),
    Row(
        "TLS: a client certificate that is missing",
        comes=fails(),
        settings=AUTHORITY,
        server={**GOOD_TLS, "client_authority": "authority"},
        greetings=[lambda peer: None],
    ),
    Row("TLS to a plain-HTTP port", play=tls_to_plain_port, greetings=[rejects_malformed_responses]),
    Row("TLS: the caller's context, wrong host name", play=own_context(True), server={"tls": "elsewhere"}),
    Row(
        "TLS: the caller's context that checks no host names",
        play=own_context(False),
        server={"tls": "elsewhere"},
    ),
    Row("TLS: verification turned off", play=unverified, server={"tls": "untrusted"}),
    Row(
        "TLS: handshake that stalls",
        greetings=[lambda peer: peer.hold()] * 3,
        comes=fails(ApiTimeoutException),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "TLS: handshake that is dribbled",
        greetings=[lambda peer: peer.forever(b"\x16", 0.05)] * 3,
        comes=fails(),
        settings={**AUTHORITY, "retries": 0},
        server=GOOD_TLS,
        limit=1.25,
    ),
    Row(
        "TLS: closed in the handshake, then healthy",
        greetings=[lambda peer: peer.close()],
        settings=AUTHORITY,
        server=GOOD_TLS,
        again=True,
    ),
    Row(
        "TLS: reset in the handshake: a POST is tried again",
        greetings=[lambda peer: peer.reset()],
        comes=result,
        call="use",
        settings=AUTHORITY,
        server=GOOD_TLS,
        sent=1,
    ),
    Row(
        "TLS: closed without a goodbye in the body",
        [says(http_response(ENTRY)[:-5])] * 3,
        fails(),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "TLS: bytes behind the body",
        [keeps(http_response(ENTRY) + b"x" * 99)],
        settings=AUTHORITY,
        server=GOOD_TLS,
        again=True,
    ),
    Row(
        "TLS: bytes behind the body in a record of their own",
        [sends_more],
        play=unread_tls_bytes,
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    missing_file("ssl_ca_cert", "/nowhere.pem"),
    missing_file("cert_file", "/nowhere.pem"),
    missing_file("ssl_ca_cert", str(CERTIFICATES / "make.sh")),
    missing_file("cert_file", str(CERTIFICATES / "authority.pem")),
    Row("a proxy that forwards", play=through(right)),
    Row("a proxy that tunnels", play=through(right), settings=AUTHORITY, server=GOOD_TLS),
    Row(
        "a proxy that wants a password",
        play=through(right, userinfo=f"robin:{PASSWORD}@"),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "a proxy that wants a key in place of a name",
        play=through(right, userinfo=f"{PASSWORD}@"),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    *(
        Row(
            f"a proxy that answers CONNECT with {reply[:30]!r}",
            play=through(fails(), reply),
            settings=AUTHORITY,
            server=GOOD_TLS,
        )
        for reply in (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno",
            b"HTTP/1.1 403 Forbidden\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
            b"",
            b"garbage\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n",
            b'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id": 56}',
            b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 70000 + b"\r\n\r\n",
        )
    ),
    Row(
        "a proxy that never answers CONNECT",
        play=through(fails(ApiTimeoutException), b"", closes=False),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "a proxy and a service that stall: one connect timeout",
        play=stalled_behind_the_tunnel,
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row("a proxy over TLS that forwards", play=over_tls("good", right), settings=AUTHORITY),
    Row("a proxy over TLS that tunnels", play=over_tls("good", right), settings=AUTHORITY, server=GOOD_TLS),
    Row(
        "a proxy over TLS that nobody vouches for",
        play=over_tls("untrusted", rejects_tls("certificate")),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "a proxy over TLS that dribbles the handshake",
        play=dribbled_tls_in_tls(0),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row(
        "a proxy over TLS that dribbles the answer",
        [keeps(http_response(ENTRY, f"X-Long: {'x' * 5000}"))],
        play=dribbled_tls_in_tls(2500),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row("a proxy that isn't there", play=dead_proxy),
    Row("a proxy of another kind in the environment", play=unusable_proxy),
    Row("HTTP_PROXY", play=environment({"HTTP_PROXY": "http://PROXY"}, True)),
    Row("http_proxy without a scheme", play=environment({"http_proxy": "PROXY"}, True)),
    Row("ALL_PROXY", play=environment({"ALL_PROXY": "http://PROXY"}, True)),
    Row("HTTPS_PROXY is not for http", play=environment({"HTTPS_PROXY": "http://PROXY"}, False)),
    *(
        Row(f"NO_PROXY={value}", play=environment({"HTTP_PROXY": "http://PROXY", "NO_PROXY": value}, proxied))
        for value, proxied in (
            ("127.0.0.1", False),
            ("127.0.0.0/8", False),
            ("10.0.0.0/8, 127.0.0.0/24", False),
            ("*", False),
            ("127.0.0.1:PORT", False),
            ("127.0.0.1:1", True),
            ("example.com,10.0.0.0/8", True),
            ("27.0.0.1", True),
            ("127.0.0.1/33,::/0,x:\xb2", True),
            ("127.0.0.0/8:PORT", False),
        )
    ),
    *(Row(f"an echo of the token {where}", [echoes(build)] * 3, fails()) for where, build in ECHOES.items()),
    Row("an echo of the token in the attempts of a success", play=echo_before_success),
    Row(
        "an echo of the token before a renewal that fails",
        [
            keeps(http_response({**TOKEN_RESPONSE, "access_token": TOKEN})),
            echoes(lambda secret: http_response(b"", status=f"401 no {secret}")),
            keeps(http_response({"error": "invalid_client"}, status="400 X")),
        ],
        fails(status=400, says="401 no Bearer ***"),
        settings={"access_token": None, "client_secret": "secret-canary-0815"},
    ),
]
