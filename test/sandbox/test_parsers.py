"""Both parsers of requests, h11 and httptools, treat large and malformed requests alike."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from knetik_cloud.sandbox import Sandbox, serving
from test.sandbox.web import Web

GOOD = b"GET /users/56/inventory/56 HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module", params=["h11", "httptools"])
def parsed(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "h11":
            patch.setitem(sys.modules, "knetik_cloud.sandbox.llhttp", None)
        else:
            pytest.importorskip("httptools")
        assert (request.param == "h11") == issubclass(serving._protocol(), H11Protocol)
        with Sandbox() as sandbox:
            yield sandbox


def exchange(sandbox: Sandbox, *parts: bytes) -> bytes:
    """Send parts over one connection, and return everything received until it is quiet or closed."""
    url = urlsplit(sandbox.url)
    received = b""
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass  # the server has closed it while we were sending
    return received


def test_ordinary_request_succeeds(parsed: Sandbox) -> None:
    assert exchange(parsed, GOOD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("query", [b"", b"?size=1&filter_item_name=http://x/"])
def test_target_may_have_a_scheme_and_a_host(parsed: Sandbox, query: bytes) -> None:
    head = b"GET %b/users/56/inventory%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    relative, absolute = (
        exchange(parsed, head % (origin, query)) for origin in (b"", b"HTTP://localhost:80")
    )
    assert relative.startswith(b"HTTP/1.1 200")
    assert absolute.partition(b"\r\n\r\n")[2] == relative.partition(b"\r\n\r\n")[2]
    assert {each.path for each in parsed.journal()[-2:]} == {"/users/56/inventory"}


def test_requests_in_one_part_and_in_many_succeed(parsed: Sandbox) -> None:
    both = GOOD + b"\r\n" + GOOD + b"Connection: close\r\n\r\n"
    assert exchange(parsed, both).count(b"HTTP/1.1 200") == 2
    assert exchange(parsed, *(both[at : at + 7] for at in range(0, len(both), 7))).count(b"HTTP/1.1 200") == 2


def test_large_body_after_a_small_head_is_not_a_large_head(parsed: Sandbox) -> None:
    client = Web(parsed.url)
    for _ in range(2):
        reply = client.put("/users/56/inventory/56/behavior-data", {"text": "x" * 500_000})
        assert reply.status in (200, 204)
    assert client.get("/users/56/inventory/56").status == 200
    client.close()


@pytest.mark.parametrize(
    "parts",
    [
        [GOOD + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(400)) + b"\r\n"],
        [GOOD, *(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(400)), b"\r\n"],
        [GOOD + b"X: ", *[b"y" * 10_000] * 60],
        [b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        [GOOD + b"Host: localhost\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\nX\0Y: 1\r\n\r\n"],
        [b"not HTTP\r\n\r\n"],
        [GOOD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    ],
    ids=["many fields", "endless fields", "endless field", "target", "hosts", "name", "garbage", "lengths"],
)
def test_too_large_and_malformed_heads_are_rejected(parsed: Sandbox, parts: list[bytes]) -> None:
    received = exchange(parsed, *parts)
    # A server that closes while the client still sends may reset the connection before its response is read.
    assert received.startswith(b"HTTP/1.1 400") or not received
    assert exchange(parsed, GOOD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "connection", [b"Upgrade, HTTP2-Settings", b"keep-alive, upgrade", b"close, upgrade", b""]
)
@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0, HTTP/1.1"])
def test_upgrade_is_ignored(parsed: Sandbox, protocol: bytes, connection: bytes) -> None:
    head = b"POST /users/56/entitlements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Upgrade: %b\r\n" % protocol + (b"Connection: %b\r\n" % connection if connection else b"")
    body, last = b'{"entitlement_id":56}', GOOD + b"Connection: close\r\n\r\n"
    expected = [b"202"] if b"close" in connection else [b"202", b"200"]
    for request in (
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ):
        both = request + last
        for parts in (
            [both],
            [request[:-9], request[-9:] + last],
            [both[n : n + 1] for n in range(len(both))],
        ):
            parsed.clear_journal()
            received = exchange(parsed, *parts)
            statuses = re.findall(rb"HTTP/1.1 (\d+)", received)
            # A server that closes while the client still sends may reset the connection.
            assert statuses == expected or (b"close" in connection and not statuses)
            exchanges = parsed.journal("grant_user_entitlement")
            assert [(each.body, each.headers["upgrade"]) for each in exchanges] == [
                (body.decode(), protocol.decode())
            ]


def test_many_upgrades_in_one_part_are_ignored(parsed: Sandbox) -> None:
    request = GOOD + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    url = urlsplit(parsed.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request * 1500)
        connection.sendall(GOOD + b"Connection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200") == 1501


def test_tunnel_is_rejected_once(parsed: Sandbox) -> None:
    for target in (b"/users", b"localhost:80"):
        received = exchange(parsed, b"CONNECT %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
        assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
        assert received.count(b"HTTP/1.1 ") == 1
