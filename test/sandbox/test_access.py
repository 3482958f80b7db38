"""Who may call the sandbox: hosts, origins, the control API's audience, and preflights."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from knetik_cloud.sandbox import Sandbox, Settings
from knetik_cloud.sandbox.access import Access, is_loopback, may_control
from knetik_cloud.sandbox.bodies import MAX_BODY_BYTES
from test.sandbox.web import Reply, Web

EVIL = "https://evil.example"
ROUTES = (
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/openapi.json"),
    ("GET", "/inventories"),
    ("GET", "/nowhere"),
    ("POST", "/users/56/entitlements/56/use"),
    ("OPTIONS", "/inventories"),
    ("GET", "/_sandbox"),
    ("GET", "/_sandbox/export"),
    ("GET", "/_sandbox/journal"),
    ("POST", "/_sandbox/reset"),
    ("POST", "/_sandbox/nowhere"),
)


def raw(sandbox: Sandbox, request: str) -> bytes:
    """Send bytes and read all that comes back."""
    with socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def port_of(sandbox: Sandbox) -> int:
    port = urlsplit(sandbox.url).port
    assert port is not None
    return port


# Hosts


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_serves_a_foreign_host(web: Web, sandbox: Sandbox, method: str, path: str) -> None:
    before = sandbox.export()
    for origin in ({}, {"Origin": "http://evil.example"}):
        reply = web.call(method, path, headers={"Host": "evil.example", **origin})
        assert reply.status == 421
        assert reply.problem["field"] == "Host"
        assert "--allow-host" in reply.problem["message"]
    assert sandbox.export() == before
    assert sandbox.journal() == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:1", "127.1", "127.8.9.10:80", "[::1]", "[::1]:8080", "10.1.2.3:8080"),
        *("localhost", "LOCALHOST:99", "localhost.", "app.localhost", "[2001:db8::1]"),
    ],
)
def test_loopback_names_and_addresses_are_served(web: Web, host: str) -> None:
    assert web.get("/entitlements/56", headers={"Host": host}).status == 200
    assert web.get("/_sandbox", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost"),
        *("127.0.0.1@evil.example", "evil.example#localhost", "localhost, evil.example", "[localhost]"),
        *("127.0.0.1:80:80", "localhost:x", "evil.example/localhost", "[::1", "::1", "l\xf6calhost"),
    ],
)
def test_other_and_malformed_hosts_are_not_served(sandbox: Sandbox, host: str) -> None:
    head = raw(sandbox, f"GET /inventories HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert head.split(b"\r\n")[0].split(b" ")[1] in (b"421", b"400")


def test_requests_without_a_host_or_with_two_are_rejected(sandbox: Sandbox) -> None:
    assert raw(sandbox, "GET /inventories HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")
    twice = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert raw(sandbox, twice).startswith(b"HTTP/1.1 400")


@pytest.fixture(scope="module")
def shared() -> Iterator[Web]:
    """A sandbox that is reached by a name of a network of containers."""
    with Sandbox(allow_host=["Sandbox", "api.example."]) as sandbox:
        client = Web(sandbox.url)
        yield client
        client.close()


def test_listed_hosts_are_served(shared: Web) -> None:
    for host in ("sandbox", "sandbox:8080", "SANDBOX", "api.example:1", "api.example."):
        assert shared.get("/entitlements/56", headers={"Host": host}).status == 200
    for host in ("x.sandbox", "example", "xapi.example"):
        assert shared.get("/entitlements/56", headers={"Host": host}).status == 421


def test_the_listening_address_is_served() -> None:
    access = Access(Settings(host="My-Machine"))
    assert access.serves_host("my-machine:8080")
    assert not access.serves_host("my-machine.evil.example:8080")


@pytest.mark.parametrize("name", ["http://sandbox", "sandbox:8080", "", "*", "a b"])
def test_allow_host_takes_names_only(name: str) -> None:
    with pytest.raises(ValueError, match="allow_host must be host names without scheme and port, such as"):
        Sandbox(allow_host=[name])


def test_allow_host_is_a_list() -> None:
    with pytest.raises(TypeError, match=r"such as \['sandbox'\]"):
        Sandbox(allow_host="sandbox")


# Origins

FOREIGN = (
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://127.0.0.1@evil.example"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "localhost"},
    {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "Cross-Site"},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/users/56/entitlements/56/use"),
        ("DELETE", "/entitlements/1"),
        ("PUT", "/users/56/inventory/56/behavior-data"),
        ("PATCH", "/entitlements/1"),
        ("POST", "/oauth/token"),
        ("POST", "/_sandbox/reset"),
        ("GET", "/_sandbox/export"),
        ("DELETE", "/_sandbox/journal"),
    ],
)
def test_pages_of_other_sites_can_not_write_or_control(
    web: Web, sandbox: Sandbox, headers: dict[str, str], method: str, path: str
) -> None:
    before = sandbox.export()
    assert web.call(method, path, headers={"Content-Type": "text/plain", **headers}).status == 403
    assert sandbox.export() == before


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5", "http://app.localhost"]
)
def test_pages_of_this_machine_may_write(web: Web, origin: str) -> None:
    reply = web.use(56, 56, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == origin
    assert "Origin" in reply.headers["vary"]


def test_the_sandbox_s_own_pages_and_programs_may_write(web: Web, sandbox: Sandbox) -> None:
    assert web.use(56, 56, headers={"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}).status == 200
    assert web.use(56, 56, headers={"Sec-Fetch-Site": "none"}).status == 200
    assert web.post("/_sandbox/reset", headers={"Origin": sandbox.url}).status == 204
    own = {"Host": "10.1.2.3:8080", "Origin": "http://10.1.2.3:8080"}
    assert web.use(56, 56, headers=own).status == 200
    assert web.use(56, 56, headers={**own, "Origin": "http://10.1.2.3:9"}).status == 403


def test_pages_of_listed_hosts_may_write(shared: Web) -> None:
    assert shared.use(56, 56, headers={"Origin": "https://api.example:444"}).status == 200
    assert shared.use(56, 56, headers={"Origin": EVIL}).status == 403


def test_other_sites_may_link_but_not_read(web: Web) -> None:
    reply = web.get("/inventories", headers={"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})
    assert reply.status == 200
    assert not [name for name in reply.headers if name.startswith("access-control")]
    page = web.get("/console", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


# Preflights and HEAD


def preflight(web: Web, origin: str, path: str = "/users/56/entitlements/56/use", **more: str) -> Reply:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", **more}
    return web.call("OPTIONS", path, headers=headers)


def test_preflights_of_this_machine_and_of_listed_hosts_succeed(web: Web, shared: Web) -> None:
    wanted = {"Access-Control-Request-Headers": "authorization,content-type"}
    for client, origin in ((web, "http://localhost:3000"), (shared, "https://api.example")):
        reply = preflight(client, origin, **wanted)
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["access-control-allow-origin"] == origin
        assert reply.headers["access-control-allow-methods"] == "POST"
        assert reply.headers["access-control-allow-headers"] == "authorization,content-type"
        assert "access-control-allow-credentials" not in reply.headers
    private = preflight(web, "http://localhost:1", **{"Access-Control-Request-Private-Network": "true"})
    assert private.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("origin", [EVIL, "null", "*", "http://localhost.evil.example"])
@pytest.mark.parametrize("path", ["/users/56/entitlements/56/use", "/_sandbox/reset", "/oauth/token"])
def test_preflights_of_other_origins_allow_nothing(web: Web, origin: str, path: str) -> None:
    reply = preflight(web, origin, path)
    assert reply.status in (403, 405)
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_options_without_a_preflight_lists_the_methods(web: Web) -> None:
    reply = web.call("OPTIONS", "/entitlements/56")
    assert reply.status == 405
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PUT"


@pytest.mark.parametrize(
    "path", ["/", "/console", "/docs/openapi.json", "/inventories", "/_sandbox", "/nowhere"]
)
def test_head_is_get_without_the_body(web: Web, path: str) -> None:
    got, head = web.get(path), web.call("HEAD", path)
    assert head.status == got.status
    assert head.body == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert "content-length" in head.headers


def test_head_of_an_operation_is_in_the_journal(web: Web, sandbox: Sandbox) -> None:
    web.call("HEAD", "/entitlements/56")
    (exchange,) = sandbox.journal("get_entitlement_item")
    assert (exchange.method, exchange.status) == ("HEAD", 200)
    assert web.call("HEAD", "/users/56/entitlements/56/use").status == 405


# The control API


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        *(("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("localhost", True)),
        *(("10.0.0.1", False), ("", False), ("0.0.0.0", False), ("localhost.example", False)),
    ],
)
def test_addresses_of_this_machine_are_recognized(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback


def scope(peer: tuple[str, int] | None, path: str) -> dict[str, object]:
    headers = [(b"host", b"10.0.0.1")]
    return {"type": "http", "method": "GET", "path": path, "client": peer, "headers": headers}


@pytest.mark.parametrize("path", ["/_sandbox", "/_sandbox/", "/_sandbox/journal", "/_sandbox/nowhere"])
@pytest.mark.parametrize("peer", [("10.0.0.2", 5), None])
def test_other_machines_may_not_control(path: str, peer: tuple[str, int] | None) -> None:
    from knetik_cloud.sandbox.errors import ServiceError

    with pytest.raises(ServiceError, match="--control anywhere") as caught:
        Access(Settings()).check(scope(peer, path))
    assert caught.value.status == 403
    Access(Settings(control="anywhere")).check(scope(peer, path))
    Access(Settings()).check(scope(peer, "/_sandboxes"))


@pytest.mark.parametrize("control", ["Off", "none", "", None, True, ["off"]])
def test_control_takes_its_three_values_only(control: Any) -> None:
    with pytest.raises(ValueError, match=r"^control must be 'loopback', 'anywhere' or 'off', not ") as caught:
        Sandbox(host="0.0.0.0", control=control)
    assert str(caught.value).endswith(repr(control))


@pytest.mark.parametrize(
    ("audience", "machine", "network"),
    [("loopback", True, False), ("anywhere", True, True), ("off", False, False), ("Off", False, False)],
)
def test_only_a_known_audience_may_control(audience: Any, machine: bool, network: bool) -> None:
    assert may_control(audience, "127.0.0.1") == machine
    assert may_control(audience, "10.0.0.2") == network


@pytest.mark.parametrize("chunked", [True, False])
def test_a_rejected_body_is_not_read(sandbox: Sandbox, chunked: bool) -> None:
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 100000000"
    head = f"POST /_sandbox/reset HTTP/1.1\r\nHost: localhost\r\nOrigin: {EVIL}\r\n{length}\r\n\r\n"
    response = raw(sandbox, head)
    assert response.startswith(b"HTTP/1.1 403")


def test_a_rejected_request_with_a_small_body_leaves_the_connection_usable(web: Web) -> None:
    for _ in range(3):
        assert web.post("/_sandbox/reset", {"a": "b" * 1000}, headers={"Origin": EVIL}).status == 403
    assert web.get("/_sandbox").status == 200


def test_control_bodies_are_bounded(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from knetik_cloud.sandbox import control_api

    monkeypatch.setattr(control_api, "MAX_BODY_BYTES", 1000)
    assert web.post("/_sandbox/seed", {"users": []}).status == 204
    reply = web.call("POST", "/_sandbox/seed", body=b" " * 1001)
    assert reply.status == 400
    assert "must not be larger than 1000 bytes" in reply.problem["message"]


def test_bodies_of_operations_are_bounded(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sandbox), timeout=20)
    body = json.dumps({"name": "x" * MAX_BODY_BYTES})
    connection.request("POST", "/entitlements", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 400
    connection.close()


def test_a_body_that_never_ends_is_abandoned(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from knetik_cloud.sandbox import connections

    monkeypatch.setattr(connections, "BODY_TIMEOUT_SECONDS", 0.2)
    for path in ("/entitlements", "/_sandbox/seed"):
        with socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{{"
            connection.sendall(head.encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 400")
