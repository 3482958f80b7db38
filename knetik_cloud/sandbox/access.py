"""The checks of a request's sender, made before anything else happens."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knetik_cloud.sandbox.errors import FORBIDDEN, Problem, ServiceError, forbidden_error
from knetik_cloud.sandbox.settings import Audience, Settings, host_name

CONTROL_PREFIX = "/_sandbox"
"""The path below which the control API lives."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_DISCARDED_BYTES = 64 * 1024
"""Bytes of a rejected request's body that the server reads, so that the connection can be used again."""

PREFLIGHT_SECONDS = 600
"""Seconds for which a browser may remember the response to a preflight."""

EXPOSED_HEADERS = "Retry-After, WWW-Authenticate"
"""Response headers that pages of other origins may read, in addition to those that they always may."""

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@?#,\s]+)(?::[0-9]{0,5})?")


def is_loopback(address: str) -> bool:
    """Return whether an IP address, or the name `localhost`, means this machine."""
    if address == "localhost" or address.endswith(".localhost"):
        return True
    ip = _ip(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    return ip is not None and bool((mapped or ip).is_loopback)


def may_control(audience: Audience, address: str) -> bool:
    """Return whether the control API serves a client at an IP address."""
    return audience == "anywhere" or (audience == "loopback" and is_loopback(address))


class Access:
    """The rules by which a sandbox accepts requests, made from its settings.

    A web page can send requests to any address, this machine's included. If its own host name is then made
    to resolve to this machine (DNS rebinding), it can also read the responses. So the `Host` header must be
    an IP literal, `localhost`, or a name that the settings list. Requests that change something must not
    come from pages of other origins, except pages of this machine and of the listed hosts.
    """

    def __init__(self, settings: Settings) -> None:
        self._control: Audience = settings.control
        self._allowed = frozenset(map(host_name, settings.allow_host))
        self._names = self._allowed | {settings.host.lower()}
        # A client sends the same value with every request.
        self.serves_host = lru_cache(256)(self._serves_host)
        self.trusts_origin = lru_cache(256)(self._trusts_origin)

    def check(self, scope: Scope) -> tuple[str | None, str]:
        """Check the sender of an HTTP request. Return its origin (None if it has none) and its host.

        Raises:
            ServiceError: If the request's host is not served (421), or if its sender may not send it (403).
        """
        host, origin, site = _sender(scope["headers"])
        if not self.serves_host(host):
            message = f"The sandbox does not serve the host {host[:200]!r}"
            advice = "start it with --allow-host and this name, or call it by its IP address"
            raise ServiceError(421, FORBIDDEN, [Problem(f"{message}: {advice}", "Host")])
        is_control = _is_control(scope["path"])
        # If it is off, nothing is there, which is a 404.
        if is_control and self._control != "off":
            peer = scope.get("client")
            if not may_control(self._control, peer[0] if peer else ""):
                raise forbidden_error(
                    "The control API serves this machine only: start with --control anywhere to open it"
                )
        if is_control or scope["method"] not in SAFE_METHODS:
            if origin is not None and not self.trusts_origin(origin, host):
                raise forbidden_error(
                    f"The sandbox doesn't accept this request from pages of {origin[:200]}: start it with "
                    "--allow-host and the page's host name to accept them",
                    "Origin",
                )
            if origin is None and site == "cross-site":
                raise forbidden_error(
                    "The sandbox doesn't accept this request from a page of another site", "Sec-Fetch-Site"
                )
        return origin, host

    def _serves_host(self, authority: str) -> bool:
        """Return whether the value of a Host header names this server."""
        host = _host(authority)
        return host is not None and (host in self._names or is_loopback(host) or _ip(host) is not None)

    def _trusts_origin(self, origin: str, authority: str) -> bool:
        """Return whether pages of an origin may change data: its own, this machine's and listed hosts'."""
        scheme, separator, own = origin.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            return False
        host = _host(own)
        return host is not None and (
            own.lower() == authority.lower() or is_loopback(host) or host in self._allowed
        )


class Gate:
    """The outermost application. It rejects senders without access, and responds to preflights."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            origin, host = self._access.check(scope)
        except ServiceError as error:
            await _reject(scope, send, error)
            return
        if origin is not None and self._access.trusts_origin(origin, host):
            shared = _sharing_headers(origin)
            if scope["method"] == "OPTIONS" and (wanted := _preflight(scope["headers"])) is not None:
                await _respond(send, 204, [*shared, *wanted], b"")
                return
            send = _with_headers(send, shared)
        await self._app(scope, receive, send)


def _sender(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str | None, str | None]:
    """Return the values of Host (empty if missing), Origin and Sec-Fetch-Site."""
    host, origin, site = "", None, None
    for name, value in headers:
        if name == b"host":
            host = value.decode("latin-1")
        elif name == b"origin":
            origin = value.decode("latin-1")
        elif name == b"sec-fetch-site":
            site = value.decode("latin-1").lower()
    return host, origin, site


def _is_control(path: str) -> bool:
    return path.startswith(CONTROL_PREFIX) and path[len(CONTROL_PREFIX) :][:1] in ("", "/")


def _host(authority: str) -> str | None:
    """Return the host of `host[:port]` in lower case, or None if that isn't what the text is."""
    match = _AUTHORITY.fullmatch(authority.strip())
    return None if match is None else match[1].strip("[]").lower().removesuffix(".")


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is, or None for a name."""
    with suppress(ValueError):
        return ip_address(host)
    # Short forms such as 127.1, which curl sends as written; no name of DNS looks like these.
    with suppress(OSError, ValueError):
        return IPv4Address(socket.inet_aton(host)) if host[-1:].isalnum() else None
    return None


def _preflight(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]] | None:
    """Return what the response to a preflight allows, or None if the request isn't a preflight."""
    fields = dict(headers)
    method = fields.get(b"access-control-request-method")
    if method is None:
        return None
    allowed = [
        (b"access-control-allow-methods", method),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
    ]
    if wanted := fields.get(b"access-control-request-headers"):
        allowed.append((b"access-control-allow-headers", wanted))
    if fields.get(b"access-control-request-private-network") == b"true":
        allowed.append((b"access-control-allow-private-network", b"true"))
    return allowed


def _sharing_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """Return the headers with which a page of an origin may read the response."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
        (b"vary", b"Origin"),
    ]


def _with_headers(send: Send, added: list[tuple[bytes, bytes]]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return send_with_headers


async def _reject(scope: Scope, send: Send, error: ServiceError) -> None:
    """Send an error without reading the request's body. A large one isn't waited for either."""
    body = json.dumps(error.body("0-0")).encode()
    headers = [(b"content-type", b"application/json")]
    if _is_large(scope["headers"]):
        headers.append((b"connection", b"close"))
    await _respond(send, error.status, headers, body)


def _is_large(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request announces a body that is larger than MAX_DISCARDED_BYTES, or of any length."""
    fields = dict(headers)
    length = fields.get(b"content-length", b"0")
    return b"transfer-encoding" in fields or not length.isdigit() or int(length[:20]) > MAX_DISCARDED_BYTES


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    if body:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
