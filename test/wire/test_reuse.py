"""Connections are used again only behind a response that ended cleanly: nothing is smuggled on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from knetik_cloud import ApiClient, ApiException, Configuration, DeadlineExceeded, UsersInventoryApi
from test.faults.drivers import DRIVERS
from test.faults.server import CERTIFICATES, ENTRY, FaultServer, Peer, Request, http_response, keeps

STOLEN = http_response({"id": 666}, "X-Target: stolen")
GOOD = http_response(ENTRY)
CHUNKED = http_response(b"", "Transfer-Encoding: chunked")
CHUNKS = b'a\r\n{"id": 56}\r\n0\r\n\r\n'
POISONS: dict[str, bytes] = {
    "a second response": GOOD + STOLEN,
    "a line end": GOOD + b"\r\n",
    "one byte": GOOD + b"H",
    "half a head": GOOD + STOLEN[:20],
    "an interim response": GOOD + b"HTTP/1.1 100 Continue\r\n\r\n",
    "a response behind chunks": CHUNKED + CHUNKS + STOLEN,
    "a response behind trailers": CHUNKED + CHUNKS[:-2] + b"X-T: 1\r\n\r\n" + STOLEN,
    "a response behind 204": b"HTTP/1.1 204 No Content\r\n\r\n" + STOLEN,
    "a body behind 204": http_response(ENTRY, status="204 No Content"),
    "chunks behind 204": http_response(b"", "Transfer-Encoding: chunked", status="204 No Content") + CHUNKS,
    "a body behind 304": http_response(ENTRY, status="304 Not Modified"),
    "a length and chunks": http_response(b"", "Content-Length: 3", "Transfer-Encoding: chunked") + CHUNKS,
    "chunks of HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKS,
    "a length that is too small": http_response(ENTRY, length=4) + STOLEN,
    "a chunk that is too long": CHUNKED + b'4\r\n{"id": 56}\r\n0\r\n\r\n' + STOLEN,
    "a response behind an error": http_response(b"{}", status="404 X") + STOLEN,
    "a split header": http_response(ENTRY, "X-A: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2"),
}


def poisons(data: bytes, pause: float, rest: bytes = b"") -> Callable[[Peer, Request], None]:
    def script(peer: Peer, request: Request) -> None:
        peer.send(data)
        if rest:
            time.sleep(pause)
            peer.send(rest)

    return script


@pytest.mark.parametrize("tls", [None, "good"], ids=["plain", "TLS"])
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("poison", POISONS)
def test_no_byte_reaches_the_next_response(poison: str, driver: str, tls: str | None) -> None:
    data = POISONS[poison]
    with FaultServer([poisons(data, 0)], tls=tls) as server:
        made = DRIVERS[driver](
            Configuration(server.url, ssl_ca_cert=str(CERTIFICATES / "authority.pem"), retries=0, timeout=5.0)
        )
        with suppress(ApiException):
            made.call("get_user_inventory", 56, 56)
        response = made.call("get_user_inventory_with_http_info", 56, 57)
        made.close()
    assert response.headers["X-Target"] == "/users/56/inventory/57"
    assert server.connections == 2


@pytest.mark.parametrize("tls", [None, "good"], ids=["plain", "TLS"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_response_that_arrives_while_the_connection_is_idle_is_discarded(
    driver: str, tls: str | None
) -> None:
    with FaultServer([poisons(GOOD, 0.05, STOLEN)], tls=tls) as server:
        made = DRIVERS[driver](
            Configuration(server.url, ssl_ca_cert=str(CERTIFICATES / "authority.pem"), retries=0, timeout=5.0)
        )
        made.call("get_user_inventory", 56, 56)
        server.wait()
        response = made.call("get_user_inventory_with_http_info", 56, 57)
        made.close()
    assert response.headers["X-Target"] == "/users/56/inventory/57"
    assert server.connections == 2


@pytest.mark.parametrize("driver", DRIVERS)
def test_stream_that_is_closed_early_takes_its_connection_along(driver: str) -> None:
    with FaultServer() as server:
        made = DRIVERS[driver](Configuration(server.url, retries=0, timeout=5.0))
        streamed = made.call("get_user_inventory", 56, 56, _preload_content=False)
        streamed._exchange.abort()  # what `close` does, awaited or not
        assert made.call("get_user_inventory", 56, 57).id == ENTRY["id"]
        made.close()
    assert server.connections == 2


@pytest.mark.parametrize("driver", DRIVERS)
def test_connection_of_a_response_that_is_distrusted_is_not_used_again(driver: str) -> None:
    with FaultServer() as server:
        made = DRIVERS[driver](Configuration(server.url, retries=0, timeout=5.0))
        response = made.call("get_user_inventory", 56, 56, _preload_content=False)
        assert asyncio.run(response._read(None))
        response.discard_connection()
        assert made.call("get_user_inventory", 56, 57).id == ENTRY["id"]
        made.close()
    assert server.connections == 2


@pytest.mark.parametrize(("seconds", "connections"), [(54, 1), (56, 2)])
def test_connection_that_was_idle_for_55_seconds_is_not_used_again(seconds: int, connections: int) -> None:
    with FaultServer() as server, ApiClient(Configuration(server.url)) as client:
        api = UsersInventoryApi(client)
        api.get_user_inventory(56, 56)
        (idle,) = client._shared.current().transport._idle
        idle.usable_until -= seconds
        api.get_user_inventory(56, 56)
        assert server.connections == connections


@pytest.mark.parametrize(
    ("header", "seconds", "connections"),
    [
        ("timeout=5", 3.9, 1),
        ("timeout=5", 4.1, 2),
        ("max=100, timeout=60", 47, 1),
        ("max=100, timeout=60", 49, 2),
        ("timeout=3600", 54, 1),
        ("timeout=3600", 56, 2),
        ("timeout=0", 0, 2),
        ("timeout=soon", 54, 1),
    ],
)
def test_connection_is_not_used_again_when_its_server_may_be_closing_it(
    header: str, seconds: float, connections: int
) -> None:
    with FaultServer() as server, ApiClient(Configuration(server.url)) as client:
        api = UsersInventoryApi(client)
        server.play_next(keeps(http_response(ENTRY, f"Keep-Alive: {header}")))
        api.get_user_inventory(56, 56)
        (idle,) = client._shared.current().transport._idle
        idle.usable_until -= seconds
        api.get_user_inventory(56, 56)
        assert server.connections == connections
        (idle,) = client._shared.current().transport._idle
        idle.usable_until -= 54  # this response set no limit
        api.get_user_inventory(56, 56)
        assert server.connections == connections


def test_both_clients_write_the_same_bytes() -> None:
    calls = {
        "get_user_inventory": ((56, 56), {}),
        "get_user_inventories": ((56,), {"filter_item_name": "a&b=c", "size": 3}),
        "use_user_entitlement_item": ((56, 56), {}),
        "update_user_inventory_behavior_data": ((56, 56), {"data": {"data": "\N{SNOWMAN}"}}),
        "delete_entitlement_item": ((56,), {}),
    }
    seen: dict[str, list[bytes]] = {}
    for driver, make in DRIVERS.items():
        heads: list[bytes] = []

        class Recorder(FaultServer):
            def _respond(self, peer: Peer, request: Request, heads: list[bytes] = heads) -> None:
                heads.append(repr((request.method, request.target, request.headers, request.body)).encode())
                super()._respond(peer, request)

        with Recorder() as server:
            made = make(Configuration(server.url, access_token="a", retries=0))
            for method, (arguments, named) in calls.items():
                made.call(method, *arguments, **named)
            made.close()
            seen[driver] = [head.replace(str(server.port).encode(), b"PORT") for head in heads]
    first, second = seen.values()
    assert len(first) == len(calls)
    assert first == second


@pytest.mark.parametrize("driver", DRIVERS)
def test_error_on_a_reused_connection_names_the_host(driver: str) -> None:
    with FaultServer([poisons(GOOD, 0), lambda peer, request: peer.close()]) as server:
        made = DRIVERS[driver](Configuration(server.url, retries=0))
        made.call("get_user_inventory", 56, 56)
        with pytest.raises(ApiException, match=f"{server.url.partition('//')[2]} closed the connection"):
            made.call("get_user_inventory", 56, 56)
        made.close()
        assert server.connections == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_deadline_may_have_passed_before_the_token_is_obtained(driver: str) -> None:
    with FaultServer() as server:
        made = DRIVERS[driver](Configuration(server.url, client_secret="secret", retries=0))
        with pytest.raises(DeadlineExceeded):
            made.call("get_user_inventory", 56, 56, _deadline=1e-9)
        made.close()
