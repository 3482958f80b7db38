"""Uploads of 16 MiB: complete, with an early response, and to a peer that stops reading."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from knetik_cloud import ApiException, ApiTimeoutException, Configuration
from test.faults.drivers import DRIVERS, Driver
from test.faults.server import CERTIFICATES, FaultServer, Peer, Request, http_response

from .test_tls import proxied

ROUTES = {
    "plain": (None, "direct"),
    "TLS 1.3": ("good", "direct"),
    "a tunnel": ("good", "tunnel"),
    "a tunnel in TLS": ("good", "tunnel in TLS"),
}
DATA = {"data": "x" * (16 << 20)}


@contextmanager
def client(driver: str, route: str, server: FaultServer, **settings: Any) -> Iterator[Driver]:
    """Make a client whose calls take a route to the server."""
    with proxied(ROUTES[route][1]) as more:
        made = DRIVERS[driver](
            Configuration(
                host=server.url,
                ssl_ca_cert=str(CERTIFICATES / "authority.pem"),
                retries=0,
                **{"timeout": 60.0, "deadline": 90.0, **settings},
                **more,
            )
        )
        try:
            yield made
        finally:
            made.close()


def upload(made: Driver) -> None:
    """Upload 16 MiB."""
    made.call("update_user_inventory_behavior_data", 56, 56, data=DATA)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_upload_arrives_whole(route: str, driver: str) -> None:
    with FaultServer(tls=ROUTES[route][0]) as server, client(driver, route, server) as made:
        upload(made)
        assert len(server.requests[0].body) > 16 << 20
        made.call("get_user_inventory", 56, 56)
        assert server.connections == 1


def reads_a_little(then: Callable[[Peer], None]) -> Callable[[Peer, Request], None]:
    def script(peer: Peer, request: Request) -> None:
        peer.socket.recv(1 << 16)
        then(peer)
        peer.socket.settimeout(0.1)
        while not peer.is_closed and not peer._server.is_stopped:  # neither reads nor closes
            time.sleep(0.05)

    return script


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_early_response_ends_an_upload(route: str, driver: str) -> None:
    rejects = reads_a_little(lambda peer: peer.send(http_response(b"{}", status="413 Content Too Large")))
    with (
        FaultServer([rejects], tls=ROUTES[route][0], ignores_bodies=True) as server,
        client(driver, route, server) as made,
    ):
        with pytest.raises(ApiException) as raised:
            upload(made)  # unless the response is noticed, this takes a minute
        assert raised.value.status == 413
        made.call("get_user_inventory", 56, 56)  # not on the connection on which the body ended early
        assert server.connections == 2


@pytest.mark.parametrize("driver", DRIVERS)
def test_alert_during_an_upload_is_its_error(driver: str) -> None:
    def reject() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=CERTIFICATES / "authority.pem")
        context.load_cert_chain(CERTIFICATES / "good.pem")
        context.verify_mode = ssl.CERT_REQUIRED  # which the client learns of after its own handshake
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        connection, _ = listener.accept()
        with connection:
            with suppress(ssl.SSLError):
                for _ in range(9):
                    incoming.write(connection.recv(1 << 16))
                    with suppress(ssl.SSLWantReadError):
                        tls.do_handshake()
                    connection.sendall(outgoing.read())
            connection.sendall(outgoing.read())
            is_over.wait(60)  # without reading the upload

    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=reject)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        authority = str(CERTIFICATES / "authority.pem")
        made = DRIVERS[driver](Configuration(url, ssl_ca_cert=authority, retries=0, timeout=30.0))
        try:
            with pytest.raises(ApiException, match="certificate required"):
                upload(made)
        finally:
            made.close()
            is_over.set()
            thread.join()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_interim_responses_and_session_tickets_dont_end_an_upload(route: str, driver: str) -> None:
    def script(peer: Peer, request: Request) -> None:
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
        peer._incoming.read(int(request.headers["content-length"]))
        peer.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    with (
        FaultServer([script], tls=ROUTES[route][0], ignores_bodies=True) as server,
        client(driver, route, server) as made,
    ):
        upload(made)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_peer_that_stops_reading_is_abandoned_in_time(route: str, driver: str) -> None:
    stops = reads_a_little(lambda peer: None)
    with (
        FaultServer([stops], tls=ROUTES[route][0], ignores_bodies=True) as server,
        client(driver, route, server, timeout=(30.0, 0.5)) as made,
    ):
        with pytest.raises(ApiTimeoutException) as raised:
            upload(made)
        assert raised.value.may_have_applied
