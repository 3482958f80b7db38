"""Faster parsing of requests: uvicorn's protocol over httptools, made to act as with h11.

It adds a limit on the size of a request's head and the check that it names one host at most. It also ignores
the wish to upgrade to another protocol, at which httptools would stop before the body.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
"""The maximum size of a request line with its header fields, the same as h11's."""


class BadHead(Exception):
    """The head of a request exceeds MAX_HEAD_BYTES, names several hosts, or asks for a tunnel."""


class PlainParser(httptools.HttpRequestParser):
    """A parser that reads requests with an `Upgrade` field like others."""

    def __init__(self, protocol: LimitedProtocol) -> None:
        super().__init__(protocol)
        with suppress(AttributeError):  # httptools before 0.6.3
            self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        """Parse bytes. A new parser takes over at the end of a head that asks to upgrade."""
        parser, protocol = self, self._protocol
        while True:
            try:
                super(PlainParser, parser).feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = memoryview(data)[upgrade.args[0] :]
            fields, head = protocol.headers, protocol.plain_head()
            parser = protocol.parser = PlainParser(protocol)
            super(PlainParser, parser).feed_data(head)
            # The application sees the fields that were sent.
            protocol.headers[:] = fields


class LimitedProtocol(HttpToolsProtocol):
    """A connection whose requests have heads of limited size, and never change its protocol."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = PlainParser(self)
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
        """Start to respond, unless the head is to be parsed again."""
        self._head = None
        if self.parser.get_method() == b"CONNECT":
            raise BadHead
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def plain_head(self) -> bytes:
        """Return the head that was parsed last, without its `Upgrade` fields."""
        version = self.parser.get_http_version().encode()
        fields = [b"%b: %b\r\n" % each for each in self.headers if each[0] != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(fields))

    def _count(self, *parts: bytes) -> None:
        # Trailers come after the head.
        self._head = (self._head or 0) + sum(map(len, parts)) + 4
        if self._head > MAX_HEAD_BYTES:
            raise BadHead
