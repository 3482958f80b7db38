"""Both parsers of requests, h11 and httptools, treat large and malformed requests alike."""

from __future__ import annotations

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
