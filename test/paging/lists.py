"""A raw HTTP service of one list, in threads: small, fast, and changed while it is read."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]


class ListService:
    """Responds to every GET with a page of `rows`; `before` is called with the requested page number."""

    def __init__(self, rows: list[Row] | range, latency: float = 0.0) -> None:
        self.rows = rows
        self.latency = latency
        self.before: Callable[[int], object] = lambda page: None
        self.max_size = 1 << 30
        self.requests: list[dict[str, str]] = []
        self.in_progress = 0
        self.max_in_progress = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        received = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in received:
                    try:
                        chunk = connection.recv(65536)
                    except OSError:
                        return
                    if not chunk:
                        return
                    received += chunk
                head, _, received = received.partition(b"\r\n\r\n")
                target = re.match(rb"GET (\S+)", head)
                assert target is not None
                with self._lock:
                    self.in_progress += 1
                    self.max_in_progress = max(self.max_in_progress, self.in_progress)
                content = self._page(target[1].decode())
                with self._lock:
                    self.in_progress -= 1
                start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
                try:
                    connection.sendall(start.encode() + b"\r\n\r\n" + content)
                except OSError:
                    return

    def _page(self, target: str) -> bytes:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.requests.append(query)
        number, size = int(query.get("page", 1)), min(int(query.get("size", 25)), self.max_size)
        self.before(number)
        time.sleep(self.latency)
        return json.dumps(self.envelope(number, size)).encode()

    def envelope(self, number: int, size: int) -> Row:
        """Return a page."""
        rows, total = self.rows, len(self.rows)
        content: Any = rows[(number - 1) * size : number * size]
        if isinstance(content, range):
            content = [{"id": row} for row in content]
        return {"content": content, "total_elements": total, "total_pages": -(-total // size), "size": size}


def entries(count: int) -> list[Row]:
    """Make rows with the ids from 1 on."""
    return [{"id": number} for number in range(1, count + 1)]
