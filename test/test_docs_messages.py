"""Each message that the guides quote is that of a failure, except for its host and numbers."""

from __future__ import annotations

import pickle
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.wire.failure import map_error
from test.faults.server import FaultServer, Peer, Request, Script, http_response

GUIDES = Path(__file__).resolve().parents[1] / "docs" / "guides"
QUOTE = re.compile(r"(?:^> .+\n)+", re.MULTILINE)
SETTING = "Configuration has no setting"


def quotes(page: Path) -> list[str]:
    """Return the messages that a page quotes, each on one line."""
    return [
        " ".join(line.removeprefix("> ") for line in quote.splitlines())
        for quote in QUOTE.findall(page.read_text(encoding="utf-8"))
    ]


def comparable(message: str) -> str:
    """Return a message without what differs between machines: hosts, durations, a path and a line."""
    message = re.sub(r"\b(127\.0\.0\.1|localhost|\w+\.example\.com)(:\d+)?", "HOST", message)
    message = re.sub(r"'[^']*cacert\.pem'", "PATH", message)
    message = re.sub(r"_ssl\.c:\d+", "_ssl.c:LINE", message)
    return re.sub(r"[\d.]+ s\b", "SECONDS", message)


def fail(host: str = "http://api.example.com", call: str = "get_user_inventory", **settings: Any) -> None:
    """Make a call that fails."""
    with ApiClient(Configuration(host=host, retries=0, **settings)) as client:
        getattr(UsersInventoryApi(client), call)(56, 56)


def served(script: Script, call: str = "get_user_inventory", **settings: Any) -> Callable[[], None]:
    """Return a call to a server that does with its requests what a script does."""

    def run() -> None:
        with FaultServer([script] * 2) as server:
            fail(server.url, call, **settings)

    return run


def responds(
    body: bytes | object, *headers: str, status: str = "200 OK", length: int | None = None
) -> Script:
    """Return a script that responds, and closes the connection."""

    def script(peer: Peer, request: Request) -> None:
        peer.send(http_response(body, *headers, status=status, length=length))
        peer.close()

    return script


def hold(peer: Peer, request: Request | None = None) -> None:
    """Never respond."""
    peer.hold()


def refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fail(f"http://127.0.0.1:{port}")


def unknown_host() -> None:
    """Raise the error of a resolver that doesn't know the name, without using that of the machine."""
    try:
        socket.getaddrinfo("api.example.com", 443, flags=socket.AI_NUMERICHOST)
    except OSError as error:
        raise OSError(map_error(error, False, "api.example.com").reason) from None


def timed_out() -> None:
    with FaultServer(greetings=[hold]) as server:
        fail(server.url.replace("http:", "https:"), timeout=(0.1, 10))


def untrusted() -> None:
    with FaultServer(tls="good") as server:
        fail(server.url)


def wrong_version() -> None:
    with Sandbox() as sandbox:
        fail(sandbox.url.replace("http:", "https:"))


def rejected_by_a_proxy() -> None:
    with FaultServer([responds(b"", status="407 Proxy Authentication Required")]) as server:
        fail("https://api.example.com", proxy=server.url)


def denied(status: int) -> Callable[[], None]:
    def run() -> None:
        with Sandbox() as sandbox:
            sandbox.fail("get_user_inventory", status=status)
            fail(sandbox.url)

    return run


def closed_client() -> None:
    with ApiClient() as client:
        pass
    UsersInventoryApi(client).get_user_inventory(56, 56)


FAILURES: dict[str, Callable[[], object]] = {
    "the connection to 127.0.0.1:8080 could not be made: [Errno 111] Connection refused": refused,
    "the host api.example.com could not be found: [Errno -2] Name or service not known": unknown_host,
    "timed out connecting to api.example.com (increase _request_timeout)": timed_out,
    "api.example.com did not respond in time (increase _request_timeout)": served(hold, timeout=(1, 0.1)),
    "the connection to api.example.com was lost: [Errno 104] Connection reset by peer": served(
        lambda peer, request: peer.reset()
    ),
    "api.example.com closed the connection without a response": served(lambda peer, request: peer.close()),
    "the response of api.example.com was truncated": served(responds({}, length=9)),
    "the call exceeded its deadline of 30 s (increase _deadline)": served(hold, deadline=0.1),
    "no secure connection to api.example.com: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
    "unable to get local issuer certificate (_ssl.c:1006) (if you trust its CA, pass the CA's file as "
    "ssl_ca_cert; trusted now: certifi's bundle ('/app/certifi/cacert.pem'))": untrusted,
    "no secure connection to 127.0.0.1:8080: [SSL: WRONG_VERSION_NUMBER] wrong version number "
    "(_ssl.c:1006) (if it doesn't use TLS, its URL must begin with http://)": wrong_version,
    "the proxy proxy.example.com:3128 did not connect to api.example.com: 407 Proxy Authentication "
    "Required": rejected_by_a_proxy,
    "the proxy that the environment names is not an http:// or https:// URL: set Configuration.proxy, or "
    "list the host in NO_PROXY": fail,
    "(401) Reason: Unauthorized": denied(401),
    "(403) Reason: Forbidden": denied(403),
    "the token response contains no usable access token": served(responds({}), client_secret="secret"),
    "username 'kim' has no password: set Configuration.password": lambda: fail(username="kim"),
    "(200) Reason: the response isn't JSON: its content type is 'text/html'": served(
        responds(b"<html>", "Content-Type: text/html")
    ),
    "(200) Reason: the response has more than 2000000 JSON values, the limit of "
    "Configuration.max_json_values": served(responds(b"[" + b"0," * 2_000_000 + b"0]")),
    "The write may have been applied. Check before you retry it.": served(
        lambda peer, request: peer.close(), "use_user_entitlement_item"
    ),
    "this client is closed: make a new ApiClient": closed_client,
    "a Configuration with client_secret can't be pickled: the pickle would contain it": lambda: pickle.dumps(
        Configuration(client_secret="secret")
    ),
    "Configuration has no setting 'retry': did you mean 'retries'?": lambda: Configuration(retry=3),
}
"""The quotes of the page on troubleshooting, each with a function that fails with the message."""


def test_every_quoted_message_is_provoked() -> None:
    assert quotes(GUIDES / "troubleshooting.md") == list(FAILURES)
    assert {page.name for page in GUIDES.rglob("*.md") if quotes(page)} == {"troubleshooting.md"}


@pytest.mark.parametrize("quote", FAILURES)
def test_a_quoted_message_is_that_of_the_failure(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    if "environment" in quote:
        monkeypatch.setenv("HTTP_PROXY", "socks5://proxy.example.com")
    with pytest.raises(Exception) as caught:
        FAILURES[quote]()
    lines = comparable(str(caught.value)).splitlines()[:4]
    shown = {" ".join(lines[first:last]) for first in range(len(lines)) for last in range(len(lines) + 1)}
    assert comparable(quote) in shown, lines


def test_every_guide_quotes_the_message_on_an_unknown_setting() -> None:
    texts = [page.read_text(encoding="utf-8") for page in GUIDES.rglob("*.md")]
    found = [line.partition(SETTING)[2] for text in texts for line in text.splitlines() if SETTING in line]
    assert len(found) == 2
    assert {f"{SETTING}{each}" for each in found} <= set(FAILURES)
