"""The parser of one HTTP/1 response: it decides where the response ends and whether another may follow."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from knetik_cloud.exceptions import ApiResponseError
from knetik_cloud.wire import content

MAX_HEAD_BYTES = 1 << 20
"""The limit for a head, including all interim responses before it."""
MAX_LINE_BYTES = 1 << 16
MAX_CHUNK_LINE_BYTES = 1 << 12
MAX_TRAILERS = 100
SMALL_BYTES = 1 << 8
START = b"HTTP/1."
STATUS_LINE = re.compile(r"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t]+(.*))?", re.DOTALL)
HEAD_END = re.compile(rb"\n\r?\n")
FOLD = re.compile(r"\n[ \t]+")
NAME = re.compile(r"[!-9;-~]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""The control characters of a reason phrase, which reach neither logs nor messages."""
KEPT = re.compile(r"timeout=([0-9]{1,9})")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class FramingError(Exception):
    """A response that breaks the rules of HTTP, so that its meaning or its end is uncertain."""


class ClosedEarlyError(ConnectionError):
    """A connection that was closed before a response began."""


class TruncatedError(ConnectionError):
    """A response whose end is missing."""


class Response:
    """One response, parsed from bytes as they arrive, however they are split.

    `feed` takes what arrives, and `take` returns the decoded body. Errors in the head are raised by `feed`.
    Errors in the body are raised by `take`, once all bytes before them have been taken, so that the status is
    known in any case.

    Args:
        method: The method of the request. A response to HEAD has no body, and after one to CONNECT, the
            connection belongs to another protocol.
        limit: The maximum size of the decoded body in bytes, which may be changed. 0 sets no limit.
    """

    status = 0
    """The status of the final response, or 0 until its head is complete."""
    reason = ""
    leftover = b""
    """Bytes received after the end of the response."""
    is_complete = False
    """Whether all bytes of the response have been received."""
    _start = _scanned = _total = _taken = _trailers = 0
    _left: int | None = None  # bytes of the body, or of a transfer chunk, if that is known
    _error: Exception | None = None
    _decoders: Sequence[content.Inflater] = ()
    _chunks: Iterator[bytes] = iter(())
    _is_chunked = _is_kept_alive = False
    _buffer: bytes | bytearray = b""
    _line = b""

    def __init__(self, method: str = "GET", limit: int = 0) -> None:
        self.fields: list[tuple[str, str]] = []
        self.limit = limit
        self._values: dict[str, list[str]] = {}
        self._method = method
        self._body: list[bytes] = []

    @property
    def is_success(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.status < 300

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can carry another request once this response is complete."""
        return self.is_complete and self._is_kept_alive and not self.leftover

    @property
    def max_idle(self) -> float:
        """The seconds of idleness after which the peer may close the connection, less a margin."""
        values = self._values.get("keep-alive")
        found = KEPT.search(values[0]) if values else None
        return math.inf if found is None else 0.8 * int(found[1])

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body has no length of its own, and ends when the connection is closed."""
        return self.status > 0 and not self.is_complete and not self._is_chunked and self._left is None

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header, in any letter case, or `default` if it is missing."""
        return self._values.get(name.lower(), (default,))[0]

    def feed(self, data: bytes) -> bool:
        """Parse what a connection returned, b"" at its end, and return whether the status is known.

        Raises:
            FramingError: If the head is malformed or too large.
            ClosedEarlyError: If the connection was closed before a byte of a response.
            TruncatedError: If the connection was closed within the head.
        """
        try:
            if not data:
                self._feed_end()
            elif self.status:
                self._feed_body(data)
            else:
                self._feed_head(data)
        except (ApiResponseError, FramingError, TruncatedError) as error:
            if not self.status:
                raise
            self._error = error.with_traceback(None)
        return self.status > 0

    def _feed_end(self) -> None:
        if not self.status and not self._buffer:
            raise ClosedEarlyError("the connection was closed without a response")
        if self.ends_with_connection:
            self.is_complete = True
        elif not self.is_complete and self._error is None:
            raise TruncatedError(f"the connection was closed within the {'body' if self.status else 'head'}")

    @property
    def is_plain(self) -> bool:
        """Whether `take` returns the body as a whole once it is complete: its length is known."""
        return self._left is not None and not self._is_chunked and not self._decoders

    @property
    def is_gathering(self) -> bool:
        """Whether a body that is taken as a whole is incomplete, and worth waiting for."""
        return not self.is_complete and self.is_plain and self._error is None and not self._is_too_large()

    def limit_rest(self, limit: int, held: int) -> None:
        """Limit what is left of the body, together with the bytes of it that the reader holds."""
        self.limit, self._taken, self._total = limit, held, 0

    def take(self) -> bytes:
        """Return the next decoded bytes, or b"" if the body is over or more must be received.

        Raises:
            FramingError: If the body is malformed.
            TruncatedError: If the connection was closed before the end of the body.
            ApiResponseError: If the body is too large or can't be decoded.
        """
        data = self._inflate() if self._decoders else self._drain()
        if not data and self._error is not None:
            raise self._error
        self._taken += len(data)
        if self._is_too_large():
            raise ApiResponseError(
                reason=f"the response is larger than {self.limit} bytes, "
                "the limit of Configuration.max_response_size"
            )
        return data

    def _is_too_large(self) -> bool:
        """Return whether the body is too large as far as it is known, announced bytes included.

        Most of what is received may frame chunks, or decode to little, so that is limited as well.
        """
        announced = 0 if self._decoders or self._left is None or self._left < 0 else self._left
        return 0 < self.limit < self._taken + announced or 0 < 4 * self.limit < self._total - MAX_HEAD_BYTES

    def _drain(self) -> bytes:
        data = b"".join(self._body)
        self._body.clear()
        return data

    def _add(self, data: bytes) -> None:
        """Add to the body. Small chunks are joined: as objects they take many times their bytes."""
        body = self._body
        if body and len(body[-1]) < SMALL_BYTES:
            data = body.pop() + data
        body.append(data)

    def _inflate(self) -> bytes:
        """Return the next chunk of the decompressed body: no more than one is held in memory."""
        while not (chunk := next(self._chunks, b"")) and self._body:
            self._chunks = content.feed(self._decoders, self._drain())
        if not chunk and self.is_complete:
            for decoder in self._decoders:
                decoder.finish()
        return chunk

    # The head

    def _feed_head(self, data: bytes) -> None:
        if self._buffer:
            self._buffer += data
        buffer: bytes | bytearray = self._buffer or data
        while match := HEAD_END.search(buffer, self._scanned):
            line_feed, end = match.span()
            if end > MAX_HEAD_BYTES:
                break
            if self._parse_head(buffer[self._start : line_feed + 1].decode("latin-1")):
                self.is_complete = self._left == 0
                if end < len(buffer):
                    self._feed_body(bytes(buffer[end:]))
                return
            self._start = self._scanned = end
        if buffer is data:
            self._buffer = buffer = bytearray(data)
        self._scanned = max(self._start, len(buffer) - 2)
        # What no further bytes can turn into a head is rejected early.
        begun = buffer[self._start : self._start + 40]
        if begun[: len(START)] != START[: len(begun)]:
            raise FramingError(f"it begins with {bytes(begun)!r} instead of a status line")
        if len(buffer) > MAX_HEAD_BYTES:
            raise FramingError(f"its head is larger than {MAX_HEAD_BYTES} bytes")
        if len(buffer) - buffer.rfind(b"\n") - 1 > MAX_LINE_BYTES:
            raise FramingError(f"a line of its head is longer than {MAX_LINE_BYTES} bytes")

    def _parse_head(self, head: str) -> bool:
        """Parse a head, which ends in a line feed, and return whether it belongs to the final response."""
        if len(head) > MAX_LINE_BYTES and max(map(len, head.split("\n"))) > MAX_LINE_BYTES:
            raise FramingError(f"a line of its head is longer than {MAX_LINE_BYTES} bytes")
        head = head.replace("\r\n", "\n")
        first, _, rest = head.partition("\n")
        parse = _status_line if len(first) < 40 else _status_line.__wrapped__  # cached only if it is usual
        status, reason, is_old = parse(first)
        if "\r" in head or "\0" in head:
            raise FramingError("its head contains a bare carriage return or a NUL")
        is_final = not 100 <= status < 200 or status == 101
        if "\n " in rest or "\n\t" in rest:
            rest = FOLD.sub(" ", rest)
        fields, values = (self.fields, self._values) if is_final else ([], {})
        for line in rest.split("\n")[:-1]:
            name, colon, value = line.partition(":")
            key = _key(name) if colon else ""
            if not key:
                raise FramingError("a line of its head is not a header")
            value = value.strip(" \t")
            fields.append((name, value))
            values.setdefault(key, []).append(value)
        if is_final:
            self._decide_framing(status, is_old)
            self.status, self.reason = status, reason
            if "content-encoding" in values and self._left != 0:  # an empty body needs no decoder
                self._decoders = content.inflaters(",".join(values["content-encoding"]))
        return is_final

    def _decide_framing(self, status: int, is_old: bool) -> None:
        """Decide where the body ends, and reject what two readers could read in two ways."""
        values = {} if self._method == "CONNECT" else self._values  # what a tunnel announces means nothing
        if "transfer-encoding" in values:
            coding = ", ".join(values["transfer-encoding"])
            self._is_chunked = coding.lower() == "chunked"
            if not self._is_chunked and coding.lower() != "identity":
                raise FramingError(f"its transfer encoding is {coding!r}")
        length = None
        for text in values.get("content-length", ()):
            # A head is Latin-1, whose only decimals are 0 to 9.
            known, length = length, int(text) if text.isdecimal() and len(text) < 20 else -1
            if length < 0 or known not in (None, length):
                raise FramingError(f"its length is {', '.join(values['content-length'])!r}")
        connection = ",".join(values.get("connection", ())).lower()
        is_kept_alive = "keep-alive" in connection if is_old else "close" not in connection
        is_bare = status in (101, 204, 304)
        if is_bare:
            is_certain = status != 101 and not self._is_chunked and not length
        elif self._is_chunked:
            is_certain = length is None and not is_old
        else:
            is_certain = length is not None or self._method == "HEAD"
        is_empty = is_bare or self._method in ("HEAD", "CONNECT")
        self._left = 0 if is_empty else None if self._is_chunked else length
        self._is_kept_alive = is_kept_alive and is_certain

    # The body

    def _feed_body(self, data: bytes) -> None:
        if self.is_complete:
            self.leftover += data
        elif self._error is None:
            self._total += len(data)
            if self._is_chunked:
                self._read_transfer_chunks(data)
            elif self._left is None:
                self._add(data)
            else:
                self.leftover, data = data[self._left :], data[: self._left]
                self._add(data)
                self._left -= len(data)
                self.is_complete = self._left == 0

    def _read_transfer_chunks(self, data: bytes) -> None:
        """Read transfer chunks; `_left` is None between them, and -1 in the trailers."""
        position = 0
        while position < len(data) and not self.is_complete:
            if self._left is not None and self._left > 0:
                part = data[position : position + self._left]
                self._add(part)
                self._left -= len(part)
                position += len(part)
                continue
            end = data.find(b"\n", position) + 1
            self._line += data[position : end or None]
            position = end or len(data)
            if self._left == 0 and not b"\r\n".startswith(self._line):
                raise FramingError("a chunk is longer than its size")
            if len(self._line) > MAX_CHUNK_LINE_BYTES:
                raise FramingError("a line between its chunks is too long")
            if end:
                line, self._line = self._line, b""
                self._end_line(line)
        self.leftover = data[position:]

    def _end_line(self, line: bytes) -> None:
        """Interpret a line between the chunks. A bare line feed ends none: proxies differ on it."""
        if self._left == 0:
            self._left = None
        elif self._left is None:
            size = CHUNK_SIZE.fullmatch(line)
            if size is None:
                raise FramingError("the size of a chunk is malformed")
            self._left = int(size[1], 16) or -1
        elif line == b"\r\n":
            self.is_complete = True
        else:
            self._trailers += 1
            if self._trailers > MAX_TRAILERS:
                raise FramingError(f"it has more than {MAX_TRAILERS} trailers")
            if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                raise FramingError("a trailer is malformed")


@lru_cache(64)
def _status_line(line: str) -> tuple[int, str, bool]:
    """Return the status of a response, its reason, and whether its version is HTTP/1.0."""
    parts = STATUS_LINE.fullmatch(line)
    if parts is None:
        raise FramingError(f"it begins with {line[:40]!r} instead of a status line")
    return int(parts[2]), CONTROL.sub("?", (parts[3] or "").strip()), parts[1] == "0"


@lru_cache(256)
def _key(name: str) -> str:
    """Return a header's name in small letters, or "" if it is invalid."""
    return "" if NAME.fullmatch(name) is None else name.lower()
