"""Which proxy a host is reached through."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud import ApiConnectionException, Configuration
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.wire import routes
from knetik_cloud.wire.routes import ConnectionSettings, Route, choose_proxy
from test.faults.drivers import DRIVERS
from test.faults.server import FaultServer, Peer, Request, Script, http_response

ENVIRONMENT = {"HTTP_PROXY": "http://plain:1", "https_proxy": "http://secure:2", "ALL_PROXY": "http://all:3"}


def chosen_for(
    origin: str, proxy: str | None, no_proxy: str | None, environ: Mapping[str, str]
) -> str | None:
    """Return the proxy for an origin."""
    return choose_proxy(ConnectionSettings.of(Configuration(origin, proxy=proxy, no_proxy=no_proxy)), environ)


@pytest.mark.parametrize(
    ("scheme", "proxy", "no_proxy", "environment", "chosen"),
    [
        ("http", None, None, ENVIRONMENT, "http://plain:1"),
        ("https", None, None, ENVIRONMENT, "http://secure:2"),
        ("https", None, None, {"all_proxy": "http://all:3"}, "http://all:3"),
        ("https", None, None, {"HTTP_PROXY": "http://plain:1"}, None),
        ("https", "http://own:4", None, ENVIRONMENT, "http://own:4"),
        ("https", "", None, ENVIRONMENT, None),
        ("https", None, "api.example.com", ENVIRONMENT, None),
        ("https", "http://own:4", "api.example.com", ENVIRONMENT, None),
        ("https", None, "", {**ENVIRONMENT, "NO_PROXY": "*"}, "http://secure:2"),
        ("https", None, None, {**ENVIRONMENT, "NO_PROXY": "*"}, None),
        ("https", None, None, {**ENVIRONMENT, "no_proxy": "example.com"}, None),
        ("http", None, None, {"HTTP_PROXY": "http://visitor:6", "REQUEST_METHOD": "GET"}, None),
        ("http", None, None, {**ENVIRONMENT, "REQUEST_METHOD": "GET"}, "http://all:3"),
        ("http", None, None, {"all_proxy": "http://all:3", "REQUEST_METHOD": "GET"}, "http://all:3"),
        ("http", None, None, {**ENVIRONMENT, "http_proxy": "", "REQUEST_METHOD": "GET"}, "http://all:3"),
        ("https", None, None, {**ENVIRONMENT, "REQUEST_METHOD": "GET"}, "http://secure:2"),
        ("http", None, None, {"http_proxy": "http://cgi:5", "REQUEST_METHOD": "GET"}, "http://cgi:5"),
        ("http", None, None, {"http_proxy": "plain:1"}, "http://plain:1"),
        ("http", None, None, {"http_proxy": ""}, None),
        ("http", None, None, {}, None),
    ],
)
def test_the_proxy_is_chosen(
    scheme: str, proxy: str | None, no_proxy: str | None, environment: dict[str, str], chosen: str | None
) -> None:
    assert chosen_for(f"{scheme}://api.example.com", proxy, no_proxy, environment) == chosen


class WindowsEnviron(dict[str, str]):
    """An environment whose names match in any letter case, and are listed in capitals."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.upper())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).upper())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.upper(), default)


@pytest.mark.parametrize(("more", "chosen"), [({}, None), ({"ALL_PROXY": "http://all:3"}, "http://all:3")])
def test_visitor_of_a_cgi_program_cannot_choose_its_proxy_on_windows(
    more: dict[str, str], chosen: str | None
) -> None:
    environment = WindowsEnviron({"HTTP_PROXY": "http://visitor:6", **more})
    assert chosen_for("http://api.example.com", None, None, environment) == "http://visitor:6"
    environment["REQUEST_METHOD"] = "GET"
    assert chosen_for("http://api.example.com", None, None, environment) == chosen


@pytest.mark.parametrize(
    "value", ["socks5://host:1", "http://", "http://host:port", "ftp://host", "http://[::1"]
)
def test_an_unusable_proxy_of_the_environment_is_not_bypassed(value: str) -> None:
    with pytest.raises(ApiValueError):
        chosen_for("http://api.example.com", None, None, {"http_proxy": value})


@pytest.mark.parametrize(
    ("host", "listed", "excepted"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com.", True),
        ("EXAMPLE.com.", "example.com", True),
        ("api.example.com", "example.com", True),
        ("api.example.com", ".example.com", True),
        ("api.example.com", "*.example.com", True),
        ("badexample.com", "example.com", False),
        ("example.com", "api.example.com", False),
        ("example.com", "example.com:443", True),
        ("example.com", "example.com:80", False),
        ("example.com", "other.com example.com", True),
        ("example.com", "other.com,example.com", True),
        ("example.com", " , ,other.com,\texample.com", True),
        ("example.com", "*", True),
        ("example.com", "", False),
        ("example.com", ".", False),
        ("example.com", "*x", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.0/24:443", True),
        ("10.1.2.3", "10.1.2.0/24:80", False),
        ("10.1.3.3", "10.1.2.0/24:443", False),
        ("10.1.2.3", "10.1.2.9/24", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "11.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3/33", False),
        ("10.1.2.3", "2.3", False),
        ("110.1.2.3", "10.1.2.3", False),
        ("::1", "::1", True),
        ("::1", "[::1]", True),
        ("::1", "[::1]:443", True),
        ("fe80::1", "fe80::/10", True),
        ("fe80::1", "10.0.0.0/8", False),
        ("host.10.0.0.0", "10.0.0.0/8", False),
        ("example.com", "10.0.0.0/8:443", False),
        ("example.com", "example.com:\xb2", False),
        ("example.com", "x" * 5000, False),
        ("example.com", "example.com:" + "9" * 5000, False),
    ],
)
def test_hosts_are_excepted(host: str, listed: str, excepted: bool) -> None:
    assert routes.is_excepted(host, 443, listed) is excepted


@given(st.text(), st.text())
def test_any_list_of_exceptions_is_read(host: str, listed: str) -> None:
    assert routes.is_excepted(host, 443, listed) in (True, False)


def route_through(proxy: str) -> Route:
    return Route(ConnectionSettings.of(Configuration("http://api.example.com", proxy=proxy)), {})


def test_credentials_are_split_from_the_url() -> None:
    route = route_through("http://robin:p%40ss@proxy:3128")
    assert (route.address, route.proxy) == (("proxy", 3128), "the proxy proxy:3128")
    assert route.proxy_header.reveal() == "Proxy-Authorization: Basic cm9iaW46cEBzcw==\r\n"
    forms = ["Basic cm9iaW46cEBzcw==", "robin:p%40ss", "robin:p@ss", "p%40ss", "p@ss"]
    assert [form.reveal() for form in route.secrets] == forms
    route = route_through("http://proxy:3128")
    assert (route.address, route.proxy) == (("proxy", 3128), "the proxy proxy:3128")
    assert (route.proxy_header.reveal(), route.secrets) == ("", ())


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("APIKEY", "APIKEY:"),
        ("APIKEY:", "APIKEY:"),
        (":secret", ":secret"),
        ("robin%3Asecret", "robin:secret"),
    ],
)
def test_credentials_have_a_colon(userinfo: str, credentials: str) -> None:
    route = route_through(f"http://{userinfo}@proxy:3128")
    encoded = route.proxy_header.reveal().removeprefix("Proxy-Authorization: Basic ")
    assert base64.b64decode(encoded).decode() == credentials
    assert userinfo in [form.reveal() for form in route.secrets]


def responds(peer: Peer, request: Request) -> None:
    peer.send(http_response())


def closes(peer: Peer, request: Request) -> None:
    peer.close()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("before", [[], [responds]], ids=["new connection", "used again"])
def test_proxy_that_forwards_requests_is_named_if_it_closes_its_connection(
    driver: str, before: list[Script]
) -> None:
    with FaultServer([*before, closes]) as proxy:
        made = DRIVERS[driver](Configuration("http://api.example", proxy=proxy.url, no_proxy="", retries=0))
        for _ in before:
            made.call("get_user_inventory", 56, 56)
        with pytest.raises(ApiConnectionException) as raised:
            made.call("get_user_inventory", 56, 56)
        made.close()
        assert proxy.connections == 1
    address = proxy.url.removeprefix("http://")
    assert raised.value.reason == f"the proxy {address} closed the connection without a response"
