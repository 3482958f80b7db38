"""No failure shows a secret: every log line at DEBUG and every view of every error is searched."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pprint import pformat
from typing import Any
from urllib.parse import quote

import pytest

from knetik_cloud import (
    AccessToken,
    AccessTokenApi,
    ApiClient,
    ApiException,
    ApiResponseError,
    Configuration,
    Secret,
    UsersInventoryApi,
)
from test.faults.connection import closes, holds, resets
from test.faults.drivers import get_entry
from test.faults.security import ECHOES, echoes
from test.faults.server import TOKEN_RESPONSE, FaultServer, Peer, Request, Script, http_response, keeps, says
from test.faults.table import views

FIXED = "fixed-token-canary-1"
SECRET = "client-secret-canary-2/+"
PASSWORD = "password-canary-3&=\N{SNOWMAN}"
GRANTED = "granted-token-canary-4"
REFRESH = "refresh-token-canary-5"
CANARIES = ("token-canary", "secret-canary", "password-canary")

GRANT = {**TOKEN_RESPONSE, "access_token": GRANTED, "refresh_token": REFRESH}


def echo_of_the_form(status: str) -> Script:
    """Return the script of a token operation that shows the form that it was sent, decoded and as it came."""

    def script(peer: Peer, request: Request) -> None:
        from urllib.parse import unquote_plus

        form = request.body.decode()
        shown = {"error": "invalid_grant", "error_description": f"{form} / {unquote_plus(form)}"}
        peer.send(http_response(shown, f"X-Form: {form}", status=status))

    return script


FAILURES: dict[str, list[Script]] = {
    "closed": [closes] * 3,
    "reset": [resets] * 3,
    "silent": [holds] * 3,
    "garbage": [says(b"garbage\r\n\r\n")] * 3,
    "400": [keeps(http_response({"code": 1}, status="400 X"))],
    "401": [keeps(http_response(b"", status="401 X"))] * 3,
    "403": [keeps(http_response(b"", status="403 X"))],
    "404": [keeps(http_response(b"", status="404 X"))],
    "429": [keeps(http_response(b"", "Retry-After: 99", status="429 X"))],
    "500": [keeps(http_response(b"", status="500 X"))] * 3,
    "302": [keeps(http_response(b"", "Location: http://127.0.0.1:1/", status="302 X"))],
    "cut": [says(http_response(b"{", length=99))] * 3,
    "no JSON": [keeps(http_response(b"{"))],
    "another shape": [keeps(http_response([1]))],
    "HTML": [keeps(http_response(b"<p>", "Content-Type: text/html"))],
    "corrupt gzip": [keeps(http_response(b"x", "Content-Encoding: gzip"))],
    **{f"echo {where}": [echoes(build)] * 3 for where, build in ECHOES.items()},
    "echo in a redirect that is followed": [
        echoes(lambda secret: http_response(b"", f"Location: /{secret.split()[1]}", status="302 X")),
        *[keeps(http_response(b"", status="500 X"))] * 3,
    ],
}
TOKEN_FAILURES: dict[str, list[Script]] = {
    **{name: scripts for name, scripts in FAILURES.items() if not name.startswith("echo")},
    "echo with 400": [echo_of_the_form("400 X")],
    "echo with 500": [echo_of_the_form("500 X")] * 3,
    "echo with 200": [echo_of_the_form("200 OK")],
    "an array that holds the token": [keeps(http_response([GRANT]))],
    "a text that holds the token": [keeps(http_response(GRANTED))],
    "a cut answer that holds the token": [says(http_response(GRANT, length=500))] * 3,
    "a token that cannot be sent": [keeps(http_response({**GRANT, "access_token": f"{GRANTED}\n"}))],
    "the token in no JSON": [keeps(http_response(f"{{{GRANTED}".encode()))],
    "the token in bad UTF-8": [keeps(http_response(b'{"access_token": "\xff' + GRANTED.encode()))],
}


GIVEN_TO_THE_CALLER = {"a token that cannot be sent", "echo with 200"}
"""No failure if the token operation is called directly: its response belongs to the caller."""


class Watch(logging.Handler):
    """Keeps what is logged, by whomever."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()} {vars(record)}")


@contextmanager
def watched(capsys: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    """Log everything at DEBUG, and make sure that neither the log nor the console shows a canary."""
    watch, root = Watch(), logging.getLogger()
    level = root.level
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    try:
        yield watch
    finally:
        root.removeHandler(watch)
        root.setLevel(level)
    assert_hidden("\n".join(watch.lines))
    assert_hidden("".join(capsys.readouterr()))
    assert any("knetik_cloud" in line for line in watch.lines), "debug=True logged nothing"


def assert_hidden(shown: str) -> None:
    for canary in CANARIES:
        at = shown.find(canary)
        assert at < 0, f"{canary} shows: {shown[max(0, at - 300) : at + 100]}"


def assert_all_hidden(*things: Any) -> None:
    """Look at things as a debugger or an error reporter would."""
    for thing in things:
        assert_hidden(repr(thing) + str(thing) + pformat(thing) + f"{thing}")
        assert_hidden(repr(getattr(thing, "__dict__", "")))


def fails(call: Callable[[], Any]) -> ApiException:
    try:
        call()
    except ApiException as error:
        return error
    raise AssertionError("the call succeeded")


def fails_to_get(configuration: Configuration, is_async: bool) -> ApiException:
    """Read an entry with one of the clients, and return the error."""
    return fails(lambda: get_entry(configuration, is_async))


def settings(failure: str = "") -> dict[str, Any]:
    """Return settings whose time limits are short only if the failure is that they pass."""
    return {"debug": True, **({"timeout": 0.2, "deadline": 1.5} if failure == "silent" else {})}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_call_that_fails_shows_no_token(failure: str, capsys: pytest.CaptureFixture[str]) -> None:
    with watched(capsys), FaultServer(FAILURES[failure]) as server:
        client = ApiClient(Configuration(host=server.url, access_token=FIXED, **settings(failure)))
        with client:
            error = fails(lambda: UsersInventoryApi(client).get_user_inventory(56, 56))
        assert server.met
        assert_hidden("\n".join(views(error)))
        assert "***" in (error.as_curl() or "")
        assert_all_hidden(client, client.configuration, client._shared._states[None])


LONG = f"long-token-canary.{'Q' * 20}/{'x' * 300}=="
LONG_ECHOES: dict[str, Callable[[str], bytes]] = {
    "as the answer": lambda token: http_response(token),
    "for an object": lambda token: http_response({"user": token}),
    "for an object, with its scheme": lambda token: http_response({"user": f"Bearer {token}"}),
    "in a garbage status line": lambda token: f"GARBAGE {token}\r\n\r\n".encode(),
    "as a transfer encoding": lambda token: http_response({}, f"Transfer-Encoding: {token}"),
    "as a length": lambda token: f"HTTP/1.1 200 OK\r\nContent-Length: {token}\r\n\r\n{{}}".encode(),
    "as a media type": lambda token: http_response({}, f"Content-Type: {token}"),
    "JSON-escaped": lambda token: http_response(
        f'{{"error": "{token.replace("/", chr(92) + "u002F")}"}}'.encode(), status="400 X"
    ),
    "percent-encoded": lambda token: http_response({"error": quote(token, "").lower()}, status="400 X"),
    "in HTML": lambda token: http_response(token.replace("/", "&#x2F;").encode(), status="400 X"),
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("echo", LONG_ECHOES)
def test_a_long_token_that_is_echoed_shows_nowhere_in_part(echo: str, is_async: bool) -> None:
    with FaultServer([says(LONG_ECHOES[echo](LONG))] * 3) as server:
        configuration = Configuration(host=server.url, access_token=Secret(LONG), retries=0)
        error = fails_to_get(configuration, is_async)
        assert server.met
    shown = "\n".join(views(error))
    assert_hidden(shown)
    assert "QQQQQQQQ" not in shown
    assert "***" in shown


@pytest.mark.parametrize("failure", TOKEN_FAILURES)
def test_a_token_operation_that_fails_shows_no_password(
    failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = {"client_secret": SECRET, "username": "robin", "password": PASSWORD}
    with watched(capsys), FaultServer(TOKEN_FAILURES[failure]) as server:
        with ApiClient(Configuration(host=server.url, **credentials, **settings(failure))) as client:
            error = fails(lambda: UsersInventoryApi(client).use_user_entitlement_item(56, 56))
        assert server.met
        assert_hidden("\n".join(views(error)))
        assert_all_hidden(client, client.configuration)


@pytest.mark.parametrize("failure", sorted(TOKEN_FAILURES.keys() - GIVEN_TO_THE_CALLER))
def test_the_token_operation_called_by_hand_shows_no_password(
    failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched(capsys), FaultServer(TOKEN_FAILURES[failure]) as server:
        with ApiClient(Configuration(host=server.url, **settings(failure))) as client:
            api = AccessTokenApi(client)
            error = fails(
                lambda: api.get_o_auth_token(
                    "password",
                    "me",
                    client_secret=Secret(SECRET),
                    username="robin",
                    password=Secret(PASSWORD),
                    refresh_token=Secret(REFRESH),
                )
            )
        assert server.met
        assert_hidden("\n".join(views(error)))
        assert "password=***" in (error.as_curl() or "")


def test_calls_that_succeed_show_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    credentials = {"client_secret": SECRET, "username": "robin", "password": PASSWORD}
    rejected = keeps(http_response(b"", status="401 X"))
    with (
        watched(capsys),
        FaultServer([keeps(http_response(GRANT)), rejected, keeps(http_response(GRANT))]) as server,
    ):
        configuration = Configuration(host=server.url, proxy="", **credentials, **settings())
        with ApiClient(configuration) as client:
            UsersInventoryApi(client).get_user_inventory(56, 56)
            token = AccessTokenApi(client).get_o_auth_token(client_secret=SECRET)
            assert_all_hidden(
                client,
                configuration,
                client._shared._states[None],
                token,
                client._shared._states[None].engine.tokens,
            )
        assert REFRESH.encode() in server.requests[2].body
        assert server.requests[0].headers.get("authorization") is None
        assert all("?" not in request.target for request in server.requests)


def test_secrets_travel_in_the_body_and_never_in_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer() as server:
        AccessTokenApi(ApiClient(Configuration(host=server.url))).get_o_auth_token(client_secret=SECRET)
        assert server.requests[0].target == "/oauth/token"
        assert b"client_secret=client-secret-canary-2%2F%2B" in server.requests[0].body


@pytest.mark.parametrize(
    "rejected",
    [
        lambda: Configuration(access_token=f"{FIXED}\n"),
        lambda: Configuration(access_token=FIXED, timeout=-1),
        lambda: Configuration(password=f"{PASSWORD}\ud800"),
        lambda: Configuration(client_secret=f"{SECRET}\ud800"),
        lambda: Configuration(client_secret=f"{SECRET}\n"),
        lambda: Configuration(password=f"{PASSWORD}\r\n"),
        lambda: Configuration(host=f"http://robin:{PASSWORD}@example.com"),
        lambda: Configuration(proxy=f"ftp://robin:{PASSWORD}@example.com"),
        lambda: Configuration(proxy={"https": f"http://robin:{PASSWORD}@example.com"}),  # type: ignore[arg-type]
        lambda: Configuration(token_provider=FIXED),  # type: ignore[arg-type]
        lambda: Configuration(token_provider={"access_token": FIXED}),  # type: ignore[arg-type]
        lambda: Configuration(username=("robin", PASSWORD)),  # type: ignore[arg-type]
        lambda: Configuration(client_id=("knetik", SECRET)),  # type: ignore[arg-type]
        lambda: Configuration(username="robin", client_secret=SECRET).tokens(),
    ],
)
def test_a_setting_that_is_rejected_shows_no_secret(rejected: Callable[[], Any]) -> None:
    assert_hidden(str(fails(rejected)))


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "nope"},
        {"host": f"https://robin:{PASSWORD}@example.com"},
        {"host": f"https://robin:a/b@{PASSWORD}@example.com"},
        {"host": f"robin:{PASSWORD}@example.com".encode()},
        {"proxy": f"ftp://robin:{PASSWORD}@example.com:99"},
        {"proxy": f"robin:{PASSWORD}@example.com:99"},
        {"proxy": f"http://robin:{PASSWORD}@example.com", "timeout": -1},
        {"proxy": f"http://robin:{PASSWORD}@example.com", "access_token": 5, "password": PASSWORD},
        {"client_secret": 5, "password": PASSWORD},
    ],
)
def test_a_rejected_setting_shows_in_no_frame(settings: dict[str, Any]) -> None:
    hidden = dict(settings)  # named so in this frame, which holds it too

    def of_the_package(error: ApiException) -> str:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("knetik_cloud")]
        assert ours
        return "".join(repr(frame.f_locals) for frame in ours) + str(error)

    assert_hidden(of_the_package(fails(lambda: Configuration(**hidden))))
    configuration = Configuration()

    def assign() -> None:
        for name, value in hidden.items():
            setattr(configuration, name, value)

    assert_hidden(of_the_package(fails(assign)))
    assert_hidden(repr(configuration))


def test_a_rejected_token_shows_in_no_frame() -> None:
    configuration = Configuration()
    try:
        configuration.access_token = Secret(f"{FIXED}\n")
    except ApiException as error:
        assert_hidden("\n".join(views(error)))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "provide",
    [
        lambda: f"{FIXED}\n",
        lambda: FIXED.encode(),
        lambda: {"access_token": FIXED},
        lambda: AccessToken(f"{FIXED}\n", 60),
        lambda: (FIXED, 60, None),
    ],
)
def test_an_unusable_token_of_a_provider_shows_in_no_frame(
    provide: Callable[[], Any], is_async: bool
) -> None:
    class Provider:
        def get_token(self) -> Any:
            return provide()

    configuration = Configuration("http://127.0.0.1:1", token_provider=Provider())
    error = fails_to_get(configuration, is_async)
    assert type(error) is ApiResponseError
    assert_hidden("\n".join(views(error)))


def test_an_access_token_shows_only_its_lifetime() -> None:
    token = AccessToken(FIXED, 60)
    assert_all_hidden(token, [token])
    assert repr(token) == "AccessToken(token='***', expires_in=60)"
    assert tuple(token) == (FIXED, 60)


@pytest.mark.parametrize(
    "named",
    [
        {"password": Secret(PASSWORD), "username": "\ud800"},
        {"password": Secret(f"{PASSWORD}\ud800")},
        {"password": Secret(PASSWORD), "refresh_token": Secret(f"{REFRESH}\ud800")},
        {"password": Secret(PASSWORD), "_headers": {"Authorization": Secret(f"Basic {FIXED}\n")}},
    ],
)
def test_an_argument_that_is_rejected_shows_no_secret(named: dict[str, Any]) -> None:
    with ApiClient(Configuration(host="http://127.0.0.1:1")) as client:
        api = AccessTokenApi(client)
        error = fails(lambda: api.get_o_auth_token("password", **named))
    assert_hidden("\n".join(views(error)))


def test_the_logger_of_the_root_and_its_handlers_are_left_alone() -> None:
    import http.client

    root = logging.getLogger()
    before = list(root.handlers), root.level, http.client.HTTPConnection.debuglevel
    with FaultServer() as server, ApiClient(Configuration(host=server.url, debug=True)) as client:
        UsersInventoryApi(client).get_user_inventory(56, 56)
    assert (list(root.handlers), root.level, http.client.HTTPConnection.debuglevel) == before
    assert logging.getLogger("knetik_cloud").handlers == []
