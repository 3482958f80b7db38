"""A small fast loopback server, run in a process of its own so that it isn't what is measured.

A raw asyncio protocol: it looks for the end of a request's head and writes bytes that were made beforehand,
with an id that no other response has, as services send it. It prints its port, and ends when its standard
input is closed.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
import sys
from types import TracebackType
from typing import Self

from benchmarks import payloads
from benchmarks.process import ROOT

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {length}\r\n"
    "Date: Sat, 01 Aug 2026 12:00:00 GMT\r\nX-Request-Id: "
)
_IDS = itertools.count(0x4F8A2C1E90)


def parts(body: bytes) -> tuple[bytes, bytes]:
    """Return what is before and after the id of an HTTP response."""
    return _HEAD.format(length=len(body)).encode(), b"\r\n\r\n" + body


class _Canned(asyncio.Protocol):
    """Responds to each request with a page of the requested size, or with one entry if there is no size."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            requested = _SIZE.search(self._received, 0, end)
            self._received = self._received[end + 4 :]
            before, after = _PARTS[requested.group(1) if requested else b"1"]
            self._transport.write(b"%b%x%b" % (before, next(_IDS), after))


_SIZE = re.compile(rb"[?&]size=(\d+)")
_PARTS = {b"%d" % size: parts(payloads.body(size)) for size in payloads.SIZES}


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class Server:
    """The server as a child process; use it in a `with`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End the server."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


if __name__ == "__main__":
    asyncio.run(_serve())
