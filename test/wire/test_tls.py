"""TLS on both pipes: direct, through a tunnel, and within the TLS of a proxy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

from knetik_cloud import (
    ApiClient,
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    Configuration,
    UsersInventoryApi,
)
from test.faults.drivers import DRIVERS
from test.faults.security import Proxy
from test.faults.server import CERTIFICATES, ENTRY, FaultServer, Peer, Request, http_response

AUTHORITY = str(CERTIFICATES / "authority.pem")
CLIENT = str(CERTIFICATES / "client.pem")
ROUTES = ("direct", "tunnel", "tunnel in TLS")
UNTIL_CLOSED = http_response(ENTRY, "Transfer-Encoding: identity")
"""A response whose end is the end of the connection."""


@contextmanager
def proxied(route: str) -> Iterator[dict[str, str]]:
    """Run what a route needs, and yield its settings."""
    if route == "direct":
        yield {}
        return
    proxy = Proxy(tls="good" if route == "tunnel in TLS" else None)
    try:
        yield {"proxy": f"{'http' if route == 'tunnel' else 'https'}://{proxy.address}"}
    finally:
        proxy.close()


def call(driver: str, route: str, server: FaultServer, **settings: Any) -> Any:
    """Make a call over a route with a client, and return the value or the error."""
    with proxied(route) as more:
        made = DRIVERS[driver](
            Configuration(
                **{
                    "host": server.url,
                    "ssl_ca_cert": AUTHORITY,
                    "retries": 0,
                    "timeout": 10.0,
                    "deadline": 20.0,
                    **more,
                    **settings,
                }
            )
        )
        try:
            return made.call("get_user_inventory", 56, 56).id
        except ApiException as error:
            return error
        finally:
            made.close()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("who", ["", "the proxy "])
def test_error_for_a_port_without_tls_names_it_and_the_remedy(driver: str, who: str) -> None:
    def respond(peer: Peer) -> None:
        peer.send(http_response({}, status="400 Bad Request"))

    with FaultServer(greetings=[respond]) as server:
        settings = {"host": "https://example.invalid", "proxy": server.url} if who else {"host": server.url}
        secure = {name: value.replace("http://127", "https://127") for name, value in settings.items()}
        error = call(driver, "direct", server, **secure)
    assert isinstance(error, ApiConnectionException)
    host = server.url.removeprefix("http://")
    assert str(error.reason).startswith(f"no secure connection to {who}{host}: [SSL")
    assert str(error.reason).endswith(" (if it doesn't use TLS, its URL must begin with http://)")


def right(outcome: Any) -> None:
    assert outcome == ENTRY["id"]


def rejected(text: str) -> Callable[[Any], None]:
    def check(outcome: Any) -> None:
        assert isinstance(outcome, ApiConnectionException), outcome
        assert text in str(outcome)
        assert not outcome.may_have_applied

    return check


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], Callable[[Any], None]]] = {
    "a right name": ("good", {}, {}, right),
    "an IP address in the certificate": ("good", {}, {"host": "https://127.0.0.1:PORT"}, right),
    "a wrong name": ("elsewhere", {}, {}, rejected("certificate")),
    "an untrusted issuer": ("untrusted", {}, {}, rejected("ssl_ca_cert")),
    "an expired certificate": ("expired", {}, {}, rejected("expired")),
    "a client certificate": ("good", {"client_authority": "authority"}, {"cert_file": CLIENT}, right),
    "a missing client certificate": (
        "good",
        {"client_authority": "authority"},
        {},
        lambda outcome: rejected("")(outcome),
    ),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("case", CASES)
def test_certificates(case: str, route: str, driver: str) -> None:
    certificate, server_settings, settings, check = CASES[case]
    with FaultServer(tls=certificate, **server_settings) as server:
        chosen = {name: value.replace("PORT", str(server.port)) for name, value in settings.items()}
        check(call(driver, route, server, **chosen))


@pytest.mark.parametrize("driver", DRIVERS)
def test_certificate_is_rejected_before_a_write_is_sent(driver: str) -> None:
    with FaultServer(tls="untrusted") as server:
        made = DRIVERS[driver](Configuration(server.url, retries=0))
        with pytest.raises(ApiConnectionException) as raised:
            made.call("use_user_entitlement_item", 56, 56)
        made.close()
    assert not raised.value.may_have_applied
    assert server.requests == []


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_unverified_tls_works_and_warns(route: str, driver: str) -> None:
    with FaultServer(tls="untrusted") as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        right(call(driver, route, server, verify_ssl=False))
    assert any(issubclass(warning.category, InsecureRequestWarning) for warning in caught)


def ends(properly: bool, missing: int = 0) -> Callable[[Peer, Request], None]:
    """Respond without a length, `missing` bytes short, and end with or without the end that TLS requires."""

    def script(peer: Peer, request: Request) -> None:
        response = UNTIL_CLOSED.replace(b"Transfer-Encoding: identity\r\n", b"")
        peer.send(response[: len(response) - missing])
        if properly:
            peer.socket.settimeout(1)
            with suppress(OSError):
                peer.socket.unwrap()  # type: ignore[attr-defined]
        peer.close()

    return script


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_cut_response_without_a_length_is_never_a_result(route: str, driver: str) -> None:
    # Many servers close without the end that TLS requires. JSON shows by itself whether it is complete.
    with FaultServer([ends(properly=True), ends(False), ends(False, missing=1)], tls="good") as server:
        right(call(driver, route, server))
        right(call(driver, route, server))
        cut = call(driver, route, server)
    assert isinstance(cut, ApiResponseError)


def test_streamed_response_without_a_length_must_end_as_tls_requires() -> None:
    with FaultServer([ends(properly=True), ends(properly=False)], tls="good") as server:
        settings = Configuration(server.url, ssl_ca_cert=AUTHORITY, retries=0)
        with ApiClient(settings) as client:
            api = UsersInventoryApi(client)
            assert b"".join(client.raw(api.get_user_inventory, 56, 56).stream())
            with pytest.raises(ApiConnectionException, match="truncated"):
                b"".join(client.raw(api.get_user_inventory, 56, 56).stream())


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("route", ROUTES)
def test_response_with_a_length_needs_no_end(route: str, driver: str) -> None:
    with FaultServer(
        [lambda peer, request: (peer.send(http_response(ENTRY)), peer.close())], tls="good"
    ) as server:
        right(call(driver, route, server))
