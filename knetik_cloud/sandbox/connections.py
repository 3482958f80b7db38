"""Reading a request's body, and responses that break their connection, for faults."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from knetik_cloud.sandbox.errors import malformed_error

ABORT_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing sends RST."""


def with_exchange(app: ASGIApp) -> ASGIApp:
    """Return an application that adds the server's state of a request to its scope.

    The server must call it directly: tools that wrap applications, such as New Relic, wrap `send`, too.
    """

    async def outermost(scope: Scope, receive: Receive, send: Any) -> None:
        scope["knetik.exchange"] = send.__self__
        await app(scope, receive, send)

    return outermost


BODY_TIMEOUT_SECONDS = 60
"""Seconds in which a request's body must arrive."""


async def read_body(request: Request, limit: int) -> bytes:
    """Read a request's body.

    Raises:
        ServiceError: If the body is longer than `limit` bytes, ends early, or takes too long.
    """
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise malformed_error(f"the body must not be larger than {limit} bytes")
    except ClientDisconnect:
        raise malformed_error("the body ended early") from None
    except TimeoutError:
        raise malformed_error(f"the body must arrive within {BODY_TIMEOUT_SECONDS} seconds") from None
    return b"".join(chunks)


class ResetResponse(Response):
    """No response: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = scope["knetik.exchange"]
        connection = exchange.transport.get_extra_info("socket")
        with suppress(OSError):  # closed, because the caller has disconnected during a delay
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT_ON_CLOSE)
        abort(exchange)


class TruncatedResponse(Response):
    """Another response with its full length but half of its body, after which the connection closes."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        exchange = scope["knetik.exchange"]
        exchange.transport.close()
        exchange.disconnected = True


def abort(exchange: Any) -> None:
    """Drop the connection of a request without a response."""
    exchange.transport.abort()
    # So that the server logs no error for the missing rest. It notices by itself only in the last request of
    # a connection, and others may have been sent behind this one.
    exchange.disconnected = True
