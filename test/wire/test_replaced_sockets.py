"""Programs and tools that replace functions of `socket`: to forbid connections, to count, to use SOCKS."""

from __future__ import annotations

import errno
import functools
import socket
from contextvars import ContextVar
from typing import Any
from unittest.mock import Mock

import pytest
import wrapt

from knetik_cloud import ApiClient, ApiConnectionException, Configuration, UsersInventoryApi
from test.conftest import RecordingServer, http_response
from test.faults.drivers import DRIVERS


class ForbiddenError(RuntimeError):
    """The error of a tool that forbids connections in tests."""


class ProxyError(OSError):
    """An error of another package, without a code of the system."""


def get(driver: str, server: RecordingServer) -> Any:
    made = DRIVERS[driver](Configuration(server.url, retries=0))
    try:
        return made.call("get_user_inventory", 56, 56)
    finally:
        made.close()


@pytest.mark.parametrize("driver", DRIVERS)
def test_connection_that_a_tool_forbids_is_not_made(
    driver: str, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guard(sock: socket.socket, address: object) -> None:
        raise ForbiddenError(address)

    server.responses = [http_response(200, b'{"id": 56}')]
    monkeypatch.setattr(socket.socket, "connect", guard)
    with pytest.raises(ForbiddenError):
        get(driver, server)
    monkeypatch.undo()
    assert server.requests == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_tool_that_permits_a_connection_changes_nothing(
    driver: str, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = socket.socket.connect
    permitted = []

    def guard(sock: socket.socket, address: Any) -> None:
        permitted.append(address)
        genuine(sock, address)

    server.responses = [http_response(200, b'{"id": 56}')]
    monkeypatch.setattr(socket.socket, "connect", guard)
    assert get(driver, server).id == 56
    assert permitted == [("127.0.0.1", server.port)]


def passed_on(wrapped: Any, instance: object, arguments: Any, options: Any) -> Any:
    return wrapped(*arguments, **options)


@pytest.mark.parametrize("driver", DRIVERS)
def test_tool_that_wraps_functions_with_wrapt_changes_nothing(
    driver: str, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.responses = [http_response(200, b'{"id": 56}')]
    for name in ("connect", "send", "recv"):
        wrapped = wrapt.FunctionWrapper(getattr(socket.socket, name), passed_on)
        monkeypatch.setattr(socket.socket, name, wrapped)
    assert get(driver, server).id == 56


def test_tool_that_replaces_the_lookup_of_names_sees_the_context_of_the_call(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = socket.getaddrinfo
    span = ContextVar("span", default="none")
    seen = set()

    def traced(host: str, *rest: Any, **options: Any) -> Any:
        seen.add((host, span.get()))
        return genuine("127.0.0.1" if not options.get("flags") else host, *rest, **options)

    server.responses = [http_response(200, b'{"id": 56}')]
    monkeypatch.setattr(socket, "getaddrinfo", traced)
    span.set("request")
    with ApiClient(Configuration(f"http://service.example:{server.port}", retries=0)) as client:
        assert UsersInventoryApi(client).get_user_inventory(56, 56).id == 56
    assert seen == {("service.example", "request")}


RESOLVE, CONNECT = (socket, "getaddrinfo"), (socket.socket, "connect")
SEND, RECEIVE = (socket.socket, "send"), (socket.socket, "recv")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENETUNREACH, "Network is unreachable"), ProxyError("no route")]
)
@pytest.mark.parametrize(
    ("driver", "place", "name"),
    [
        ("sync", *RESOLVE),
        ("sync", *CONNECT),
        ("sync", *SEND),
        ("sync", *RECEIVE),
        ("aio", *RESOLVE),
        ("aio", *CONNECT),
    ],
)
def test_error_of_the_network_in_a_replaced_function_is_translated(
    error: OSError,
    driver: str,
    place: Any,
    name: str,
    server: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    genuine = socket.socket.recv

    def replaced(*arguments: Any, **options: Any) -> Any:
        if name == "recv":
            genuine(*arguments)  # otherwise, the server's socket would be reset
        raise error

    monkeypatch.setattr(place, name, replaced)
    with pytest.raises(ApiConnectionException) as caught:
        get(driver, server)
    assert str(error) in str(caught.value.reason)


def unreachable(*arguments: object, **options: object) -> Any:
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


class Unreachable:
    def __call__(self, *arguments: object, **options: object) -> Any:
        return unreachable()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "replacement",
    [
        Mock(side_effect=unreachable),
        Unreachable(),
        functools.partial(unreachable, 1),
        wrapt.FunctionWrapper(unreachable, passed_on),
    ],
)
@pytest.mark.parametrize(
    ("place", "name"), [RESOLVE, CONNECT, pytest.param(socket, "socket", id="socket-socket")]
)
def test_error_of_an_object_in_place_of_a_function_is_translated(
    driver: str,
    replacement: Any,
    place: Any,
    name: str,
    server: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if place is socket.socket and isinstance(replacement, functools.partial):
        replacement = staticmethod(replacement)  # it will be a method in later versions of Python
    made = DRIVERS[driver](Configuration(server.url, retries=0))
    try:
        with monkeypatch.context() as patched:
            patched.setattr(place, name, replacement)
            with pytest.raises(ApiConnectionException, match="Network is unreachable"):
                made.call("get_user_inventory", 56, 56)
    finally:
        made.close()
