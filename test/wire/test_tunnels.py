"""The request for a tunnel, and which responses open it."""

from __future__ import annotations

import pytest

from knetik_cloud import ApiConnectionException, Configuration
from knetik_cloud.wire.exchange import TunnelError, open_tunnel
from knetik_cloud.wire.pipe import Listener, Pipe, run
from knetik_cloud.wire.response import FramingError
from knetik_cloud.wire.routes import ConnectionSettings, Route
from test.faults.drivers import DRIVERS
from test.faults.server import FaultServer, Peer, Request, http_response


class Proxy(Pipe):
    """A pipe to a proxy that responds with bytes."""

    def __init__(self, *responses: bytes) -> None:
        self.sent = b""
        self._responses = list(responses)

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        self.sent += data
        return True

    async def receive(self) -> bytes:
        return self._responses.pop(0)

    def receive_now(self) -> bytes | None:
        return None

    def close(self) -> None: ...


def open_through(proxy: Proxy, url: str = "http://proxy") -> None:
    settings = ConnectionSettings.of(Configuration("https://api.example", proxy=url))
    run(open_tunnel(proxy, Route(settings, {})))


@pytest.mark.parametrize(
    "responses",
    [
        [b"HTTP/1.1 200 Connection established\r\n\r\n"],
        [b"HTTP/1.0 200\r\n\r\n"],
        [b"HTTP/1.1 299 Yes\r\n", b"\r\n"],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ],
)
def test_tunnel_is_opened(responses: list[bytes]) -> None:
    proxy = Proxy(*responses)
    open_through(proxy)
    assert proxy.sent == b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n"


def test_proxy_gets_its_credentials() -> None:
    proxy = Proxy(b"HTTP/1.1 200 OK\r\n\r\n")
    open_through(proxy, "http://robin:secret@proxy")
    assert proxy.sent.endswith(b"\r\nProxy-Authorization: Basic cm9iaW46c2VjcmV0\r\n\r\n")


@pytest.mark.parametrize("status", ["300 Elsewhere", "302 Found", "407 Proxy Authentication Required", "502"])
def test_other_statuses_open_no_tunnel(status: str) -> None:
    with pytest.raises(TunnelError) as raised:
        open_through(Proxy(f"HTTP/1.1 {status}\r\nTransfer-Encoding: gzip\r\n\r\n".encode()))
    assert str(raised.value) == status


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("status", "attempts"), [("302 X", 1), ("403 X", 1), ("407 X", 1), ("502 X", 2), ("503 X", 2)]
)
def test_proxy_that_denies_a_tunnel_is_not_asked_again(driver: str, status: str, attempts: int) -> None:
    def denies(peer: Peer, request: Request) -> None:
        peer.send(http_response(b"", status=status))
        peer.close()

    with FaultServer([denies] * 3) as server:
        url = server.url.replace("//", "//kim:wrong@")
        made = DRIVERS[driver](Configuration("https://api.example", proxy=url, retries=1))
        with pytest.raises(ApiConnectionException, match=f"did not connect to api.example: {status}"):
            made.call("get_user_inventory", 56, 56)
        made.close()
        assert len(server.requests) == attempts


def test_bytes_behind_the_response_are_not_those_of_the_service() -> None:
    with pytest.raises(FramingError, match="more than its response"):
        open_through(Proxy(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n"))
