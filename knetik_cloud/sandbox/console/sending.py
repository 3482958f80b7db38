"""Sends requests to the sandbox from inside, where they meet its rules, faults, clock and journal."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from knetik_cloud.contract import FORM, JSON, Operation

MARK = "x-console-request"
"""The header by which the console finds its request in the journal."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to send: the texts of its parameters by place and name, its body, and a bearer token."""

    operation: Operation
    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    token: str | None = None


@dataclass(slots=True)
class Received:
    """The response to a request of the console. `status` is None if a fault reset the connection."""

    mark: str
    status: int | None = None
    body: bytes = b""


async def send(origin: Request, wanted: Wanted) -> Received:
    """Send a request to the sandbox as a client of the page that `origin` is a request for."""
    received = Received(secrets.token_hex(8))
    app: ASGIApp = origin.app.state.operations
    scope, body = _scope(origin.scope, wanted, received.mark)
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def respond(message: Message) -> None:
        if message["type"] == "http.response.start":
            received.status = message["status"]
        else:
            received.body += message.get("body", b"")

    await app(scope, receive, respond)
    return received


def _scope(outer: Scope, wanted: Wanted, mark: str) -> tuple[Scope, bytes]:
    operation, body = wanted.operation, b""
    path = operation.path
    for name, value in wanted.path.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    headers = {
        b"host": dict(outer["headers"]).get(b"host", b"localhost"),
        b"user-agent": b"knetik-sandbox-console",
        MARK.encode(): mark.encode(),
    }
    if operation.takes_form:
        body, headers[b"content-type"] = urlencode(wanted.form).encode(), FORM.encode()
    elif wanted.body is not None:
        body, headers[b"content-type"] = wanted.body.encode("utf-8", "replace"), JSON.encode()
    if body or operation.method in ("POST", "PUT"):
        headers[b"content-length"] = str(len(body)).encode()
    if wanted.token is not None:
        headers[b"authorization"] = f"Bearer {wanted.token}".encode("latin-1", "replace")
    scope = {
        **{key: outer[key] for key in ("type", "asgi", "http_version", "scheme", "client", "server")},
        "method": operation.method,
        "path": _decoded(path),
        "raw_path": path.encode("ascii"),
        "query_string": urlencode(wanted.query).encode("ascii"),
        "root_path": "",
        "headers": list(headers.items()),
        "knetik.exchange": _NoConnection(),
    }
    return scope, body


def _decoded(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


class _NoConnection:
    """Stands for the exchange and the connection of a request from inside, which a fault may reset."""

    disconnected = False

    @property
    def transport(self) -> Self:
        return self

    def get_extra_info(self, name: str) -> Any:
        return self

    def setsockopt(self, *arguments: Any) -> None:
        pass

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass
