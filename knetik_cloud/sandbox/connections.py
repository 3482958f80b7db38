"""Answers that break their connection, for faults."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

ABORT_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing sends RST."""


def transport_of(send: Send) -> asyncio.Transport | None:
    """Give the connection behind the server's `send`; None under a server that keeps it elsewhere."""
    transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    return transport


class ResetResponse(Response):
    """No answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope["knetik.transport"]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT_ON_CLOSE)
        transport.abort()
        await _closed(receive)


class TruncatedResponse(Response):
    """Another response with half of its body: the length promises all of it, then the connection closes."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["knetik.transport"].close()
        await _closed(receive)


async def abort(transport: asyncio.Transport | None, receive: Receive) -> None:
    """Drop a connection without an answer."""
    if transport is not None:
        transport.abort()
        await _closed(receive)


async def _closed(receive: Receive) -> None:
    """Wait until the server has seen the connection go, lest it take the missing rest for a mistake."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
