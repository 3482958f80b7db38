"""The parser of one HTTP/1 response: it decides where the response ends and whether another may follow."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator
from contextlib import suppress
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
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
BAD_SIZE = "the size of a chunk is malformed"


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
    is_complete = False
    """Whether all bytes of the response have been received."""
    _total = _taken = 0
    _left: int | None = None  # bytes of the body, or of a transfer chunk, if that is known
    _error: Exception | None = None
    _decoded: Iterator[bytes] | None = None  # the chunks of the body, if it is encoded
    _is_chunked = _is_kept_alive = False

    def __init__(self, method: str = "GET", limit: int = 0) -> None:
        self.fields: list[tuple[str, str]] = []
        self.limit = limit
        self._values: dict[str, list[str]] = {}
        self._method = method
        self._buffer = bytearray()
        self._body: list[bytes] = []
        self._steps = self._parse()

    @property
    def is_success(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.status < 300

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can carry another request once this response is complete."""
        return self.is_complete and self._is_kept_alive and not self._buffer

    @property
    def leftover(self) -> bytes:
        """Bytes received after the end of the response."""
        return bytes(self._buffer)

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
            if data:
                self._total += len(data)
                if len(data) <= (self._left or 0):
                    self._add(data)  # as it is, without a copy
                else:
                    self._buffer += data
                next(self._steps, None)
            elif not self.status and not self._total:
                raise ClosedEarlyError("the connection was closed without a response")
            elif self.ends_with_connection:
                self.is_complete = True
            elif not self.is_complete and self._error is None:
                part = "body" if self.status else "head"
                raise TruncatedError(f"the connection was closed within the {part}")
        except (ApiResponseError, FramingError, TruncatedError) as error:
            if not self.status:
                raise
            self._error = error.with_traceback(None)
        return self.status > 0

    def close(self) -> None:
        """Stop what refers to this response, so that it is freed without the collector."""
        self._decoded = iter(())
        with suppress(ValueError):  # it runs, in another thread or below a signal handler
            self._steps.close()

    @property
    def is_plain(self) -> bool:
        """Whether `take` returns the body as a whole once it is complete: its length is known."""
        return self._left is not None and not self._is_chunked and self._decoded is None

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
        data = self._drain() if self._decoded is None else next(self._decoded, b"")
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
        announced = self._left or 0 if self._decoded is None else 0
        return 0 < self.limit < self._taken + announced or 0 < 4 * self.limit < self._total - MAX_HEAD_BYTES

    def _drain(self) -> bytes:
        data = b"".join(self._body)
        self._body.clear()
        return data

    def _encoded(self) -> Iterator[bytes]:
        """Yield what has arrived of the body, which may be nothing, until its end."""
        while self._body or not self.is_complete:
            yield self._drain()

    # The steps of the parser, which yield where they need more bytes in the buffer

    def _parse(self) -> Generator[None, None, None]:
        buffer, unused = self._buffer, MAX_HEAD_BYTES
        while not self.status:
            scanned = 0
            while (match := HEAD_END.search(buffer, scanned)) is None and len(buffer) <= unused:
                # What no further bytes can turn into a head is rejected early.
                if not START.startswith(buffer[: len(START)]):
                    raise FramingError(f"it begins with {bytes(buffer[:40])!r} instead of a status line")
                scanned = max(0, len(buffer) - 2)
                if len(buffer) - buffer.rfind(b"\n") - 1 > MAX_LINE_BYTES:
                    raise FramingError(f"a line of its head is longer than {MAX_LINE_BYTES} bytes")
                yield
            if match is None or match.end() > unused:
                raise FramingError(f"its head is larger than {MAX_HEAD_BYTES} bytes")
            unused -= match.end()
            head = buffer[: match.start() + 1].decode("latin-1")
            del buffer[: match.end()]
            self._parse_head(head)
        self._total = len(buffer)
        if self._is_chunked and self._left is None:
            yield from self._read_transfer_chunks()
        while self._lacks_some():
            yield
        self.is_complete = True

    def _lacks_some(self) -> bool:
        """Move what has arrived to the body, and return whether the body, or a transfer chunk, lacks some."""
        data = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._add(data)
        return self._left != 0

    def _add(self, data: bytes) -> None:
        """Add to the body. Small parts are joined: as objects they take many times their bytes."""
        if self._left is not None:
            self._left -= len(data)
        if self._body and len(self._body[-1]) < SMALL_BYTES:
            data = self._body.pop() + data
        self._body.append(data)

    def _read_transfer_chunks(self) -> Iterator[None]:
        while True:
            line = yield from self._read_line(MAX_CHUNK_LINE_BYTES, BAD_SIZE)
            size = CHUNK_SIZE.fullmatch(line)
            if size is None:
                raise FramingError(BAD_SIZE)
            self._left = int(size[1], 16)
            if not self._left:
                break
            while self._lacks_some():
                yield
            yield from self._read_line(len(b"\r\n"), "a chunk is longer than its size")
        for _ in range(MAX_TRAILERS + 1):
            if not (yield from self._read_line(MAX_CHUNK_LINE_BYTES, "a trailer is malformed")):
                return
        raise FramingError(f"it has more than {MAX_TRAILERS} trailers")

    def _read_line(self, limit: int, error: str) -> Generator[None, None, bytes]:
        """Read a line between the chunks. A bare line feed ends none: proxies differ on it."""
        buffer = self._buffer
        while not (end := buffer.find(b"\n", 0, limit) + 1) and len(buffer) < limit:
            yield
        line = bytes(buffer[:end])
        del buffer[:end]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise FramingError(error)
        return line[:-2]

    # The head

    def _parse_head(self, head: str) -> None:
        """Parse a head, which ends in a line feed. That of an interim response changes nothing."""
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
                self._decoded = content.decoded(",".join(values["content-encoding"]), self._encoded())

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
