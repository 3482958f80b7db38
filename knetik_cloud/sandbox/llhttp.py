"""Faster parsing of requests: uvicorn's protocol over httptools, with two checks that h11 makes by itself.

These are a limit on the size of a request's head, and that it names one host at most.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
"""The maximum size of a request line with its header fields, the same as h11's."""


class BadHead(Exception):
    """The head of a request exceeds MAX_HEAD_BYTES, or names several hosts."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection whose requests have heads of limited size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = None
        self._began = False
        self._has_host = False
        self._pending = 0

    def data_received(self, data: bytes) -> None:
        """Parse received bytes. A head that is too large ends the connection with a 400."""
        self._began = False
        super().data_received(data)
        if self._head is None or self._began:
            self._pending = 0
            return
        # The parser gathers a field before it passes it on.
        self._pending += len(data)
        if self._pending > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._head, self._began, self._has_host = 0, True, False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Store a part of the request's target."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header field."""
        self._count(name, value)
        if name.lower() == b"host":
            if self._has_host:
                raise BadHead
            self._has_host = True
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head is complete."""
        self._head = None
        super().on_headers_complete()

    def _count(self, *parts: bytes) -> None:
        # Trailers come after the head.
        self._head = (self._head or 0) + sum(map(len, parts)) + 4
        if self._head > MAX_HEAD_BYTES:
            raise BadHead
