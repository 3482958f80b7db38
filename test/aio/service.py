"""A small HTTP service in the test's own event loop, which responds late, badly or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Self

ENTRY = {"id": 56, "status": "active"}


class ReceivedRequest(NamedTuple):
    """A request: its method, its target, its header lines and its body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Responder = Callable[[ReceivedRequest, asyncio.StreamWriter], Awaitable[None]]


def http(body: Any = ENTRY, status: str = "200 OK", *headers: str) -> bytes:
    """Write a response."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + content


async def healthy(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    """Respond with the entry, or with a token."""
    is_token = request.target.startswith("/oauth")
    writer.write(http({"access_token": "fresh", "expires_in": 3600} if is_token else ENTRY))


async def silent(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    """Never respond."""
    await asyncio.sleep(60)


class Service:
    """Responds to each request as `responder` does, and counts requests and open connections."""

    def __init__(self, responder: Responder = healthy) -> None:
        self.responder = responder
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self.open = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        self.open += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = ReceivedRequest(method, target, headers, body)
        self.requests.append(request)
        responding = asyncio.ensure_future(self.responder(request, writer))
        try:
            while not responding.done():
                if reader.at_eof() or reader.exception() is not None:
                    return False
                await asyncio.wait((responding,), timeout=0.01)
            responding.result()
            await writer.drain()
        finally:
            responding.cancel()
        return True


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)
