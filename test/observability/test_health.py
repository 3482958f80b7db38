"""`ping` explains what is wrong, and `warm_up` spares the first call its waits."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from knetik_cloud import (
    ApiClient,
    ApiConnectionException,
    Configuration,
    Health,
    NotFoundException,
    UnauthorizedException,
    UsersInventoryApi,
    aio,
)
from knetik_cloud.sandbox import Sandbox
from test.faults.connection import closes, holds
from test.faults.server import FaultServer, Script, http_response, keeps, says

KINDS = ["blocking", "asyncio"]


def ping(kind: str, configuration: Configuration) -> Health:
    """Ping with a client of a kind."""
    if kind == "blocking":
        with ApiClient(configuration) as client:
            return client.ping()

    async def main() -> Health:
        async with aio.ApiClient(configuration) as client:
            return await client.ping()

    return asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_service_that_works_is_healthy(kind: str) -> None:
    with Sandbox() as sandbox:
        health = ping(kind, Configuration(sandbox.url))
    assert health
    assert (health.ok, health.problem, health.error) == (True, None, None)
    assert health.seconds > 0
    assert repr(health).startswith("<Health: ok (")


def status(line: str, body: object = b"", *headers: str) -> Script:
    return keeps(http_response(body, *headers, status=line))


PROBLEMS: dict[str, tuple[list[Script], dict[str, Any], str]] = {
    "no token": (
        [status("401 Unauthorized", {"error": "invalid_client", "error_description": "Bad credentials"})],
        {"client_secret": "wrong"},
        "{host} issued no token (Bad credentials): check the credentials of the Configuration",
    ),
    "no token, with control characters in the description": (
        [status("401 Unauthorized", {"error": "invalid_client", "error_description": "\x1b[31mBad\nok"})],
        {"client_secret": "wrong"},
        "{host} issued no token (\\x1b[31mBad\\nok): check the credentials of the Configuration",
    ),
    "no token, and no description": (
        [status("401 Unauthorized", {"error": "invalid_client"})],
        {"client_secret": "wrong"},
        "{host} issued no token (invalid_client): check the credentials of the Configuration",
    ),
    "status that has no advice": (
        [status("405 Method Not Allowed")],
        {},
        "{host} can't be used: 405 Method Not Allowed",
    ),
    "token operation that fails": (
        [status("503 Service Unavailable")],
        {"client_secret": "right", "retries": 0},
        "{host} has failed (503 Service Unavailable): try again later",
    ),
    "token operation that throttles": (
        [status("429 Slow Down")],
        {"client_secret": "right", "retries": 0},
        "{host} throttles this client (429 Slow Down): send fewer requests",
    ),
    "no token operation": (
        [status("404 Not Found")],
        {"client_secret": "right", "retries": 0},
        "{host} has no such API (404 Not Found): check the host and its path",
    ),
    "rejected token": (
        [status("401 Unauthorized")],
        {"access_token": "old"},
        "{host} got no token, or rejected it (401 Unauthorized): check the credentials of the Configuration",
    ),
    "missing token": (
        [status("401 Unauthorized")],
        {},
        "{host} got no token, or rejected it (401 Unauthorized): check the credentials of the Configuration",
    ),
    "denied": (
        [status("403 Forbidden")],
        {},
        "{host} denied a read that needs no permission (403 Forbidden): check the account and the proxy",
    ),
    "another path": (
        [status("404 Not Found")],
        {},
        "{host} has no such API (404 Not Found): check the host and its path",
    ),
    "redirected": (
        [status("301 Moved", b"", "Location: https://api.example.com/entitlements?size=1")],
        {},
        "{host} redirects to https://api.example.com/entitlements (301 Moved): check the host, its scheme ",
    ),
    "redirected to an address with control characters": (
        [status("302 Found", b"", f"Location: /\x1b[31m{'a' * 9000}")],
        {},
        "{host} redirects to /\\x1b[31maaa",
    ),
    "token operation that is redirected": (
        [status("302 Found")],
        {"client_secret": "right"},
        "{host} redirects to an unknown address (302 Found): check the host, its scheme and its path",
    ),
    "throttled": (
        [status("429 Slow Down")],
        {},
        "{host} throttles this client (429 Slow Down): send fewer requests",
    ),
    "broken": (
        [status("500 Broken")],
        {},
        "{host} has failed (500 Broken): try again later",
    ),
    "a web page": (
        [keeps(http_response(b"<html>", "Content-Type: text/html"))],
        {},
        "{host} does not respond like the service (200 ",
    ),
    "no HTTP": ([says(b"220 smtp ready\r\n")], {}, "{host} does not respond like the service ("),
    "closed": ([closes], {}, "{host} can't be reached: {address} closed the connection"),
    "silent": ([holds], {"timeout": 0.2}, "{host} can't be reached: "),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_explained_in_one_sentence(name: str, kind: str) -> None:
    scripts, settings, expected = PROBLEMS[name]
    with FaultServer(scripts) as server:
        health = ping(kind, Configuration(server.url, **settings))
    assert not health
    assert health.problem is not None
    assert health.problem.startswith(expected.format(host=server.url, address=f"127.0.0.1:{server.port}"))
    assert health.problem.isprintable()
    assert len(health.problem) < 5000
    assert health.error is not None
    assert len(server.requests) == 1, "a check must not retry"


@pytest.mark.parametrize("kind", KINDS)
def test_host_that_listens_nowhere_is_explained(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    health = ping(kind, Configuration(f"http://127.0.0.1:{port}"))
    assert health.problem is not None
    assert f"http://127.0.0.1:{port} can't be reached: " in health.problem
    assert "refused" in health.problem


def test_closed_client_is_explained() -> None:
    client = ApiClient(Configuration("http://127.0.0.1:1"))
    client.close()
    assert "this client is closed" in (client.ping().problem or "")


class Provider:
    """A token provider that returns something else, or raises it."""

    def __init__(self, returned: Any) -> None:
        self.returned = returned

    def get_token(self) -> Any:
        if isinstance(self.returned, Exception):
            raise self.returned
        return self.returned


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (5, "the token provider Provider must provide the token as a str or a Secret, not int"),
        ("a\nb", "the token provider Provider provided a token with a line break: strip it"),
        (OSError("sealed"), "the token provider failed with OSError"),
        (StopIteration("no more"), "the token provider failed with StopIteration"),
        (NotFoundException(status=404, reason="No secret"), "404 No secret"),
    ],
    ids=str,
)
def test_failure_of_a_token_provider_is_not_one_of_the_host(kind: str, returned: Any, problem: str) -> None:
    with FaultServer() as server:
        health = ping(kind, Configuration(server.url, token_provider=Provider(returned)))
        assert server.requests == []
    assert health.problem == f"{server.url} can't be used: {problem}"


def warm_up(kind: str, configuration: Configuration, then: Callable[[], None]) -> None:
    """Warm a client up, and call once."""
    if kind == "blocking":
        with ApiClient(configuration) as client:
            client.warm_up()
            then()
            UsersInventoryApi(client).get_user_inventory(56, 57)
        return

    async def main() -> None:
        async with aio.ApiClient(configuration) as client:
            await client.warm_up()
            then()
            await aio.UsersInventoryApi(client).get_user_inventory(56, 57)

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_first_call_after_warm_up_needs_neither_connection_nor_token(kind: str) -> None:
    with FaultServer() as server:
        counts: list[tuple[int, int]] = []
        configuration = Configuration(server.url, client_secret="secret")
        warm_up(kind, configuration, lambda: counts.append((server.connections, server.seen("POST"))))
        assert counts == [(1, 1)]
        assert (server.connections, server.seen("POST")) == (1, 1)


def test_first_call_after_warm_up_imports_nothing_but_its_models() -> None:
    code = """
import sys
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
with ApiClient(Configuration(sys.argv[1], client_secret="secret")) as client:
    api = UsersInventoryApi(client)
    client.warm_up()
    before = set(sys.modules)
    api.get_user_inventory(56, 57)
    print(*sorted(set(sys.modules) - before))
"""
    with FaultServer() as server:
        result = subprocess.run(
            [sys.executable, "-c", code, server.url], capture_output=True, text=True, check=True
        )
    assert result.stdout.split() == [
        "knetik_cloud.data.instant",
        "knetik_cloud.models.user_inventory_resource",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_warm_up_raises_the_error(kind: str) -> None:
    with FaultServer([status("401 X")]) as server, pytest.raises(UnauthorizedException):
        warm_up(kind, Configuration(server.url, client_secret="wrong"), lambda: None)
    with pytest.raises(ApiConnectionException):
        warm_up(kind, Configuration("http://127.0.0.1:1"), lambda: None)
