"""Differential fuzzing of the response parser: generated and mutated responses, judged by five parsers.

    python -m test.wire.fuzzing [COUNT [SEED]]

Each response is fed to our parser whole and split at every position of its head, which must make no
difference, and to http.client, h11, aiohttp and llhttp. Each difference must be explained by an entry of
`REVIEWED`.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

import aiohttp.http_exceptions
import h11
import httptools
from aiohttp.http import HttpResponseParser

from knetik_cloud.wire.response import HEAD_END, ClosedEarlyError, FramingError, Response, TruncatedError

OK = "response"
MALFORMED = "malformed"
TRUNCATED = "truncated"


class Verdict(NamedTuple):
    """The result of a parser for bytes that end with the connection."""

    kind: str
    status: int = 0
    body: bytes = b""
    why: str = ""


def ours(*parts: bytes) -> Verdict:
    """Judge with our parser."""
    response = Response()
    body = b""
    try:
        for part in parts:
            response.feed(part)
            while chunk := response.take():
                body += chunk
        response.feed(b"")
        while chunk := response.take():
            body += chunk
    except FramingError as error:
        return Verdict(MALFORMED, why=str(error))
    except (TruncatedError, ClosedEarlyError) as error:
        return Verdict(TRUNCATED, why=str(error))
    return Verdict(OK, response.status, body)


def by_http_client(data: bytes) -> Verdict:
    """Judge with the standard library's parser."""
    sock = mock.Mock(makefile=lambda mode: io.BytesIO(data))
    response = http.client.HTTPResponse(sock, method="GET")
    try:
        response.begin()
        while 101 < response.status < 200:
            response.headers = None  # type: ignore[assignment]  # or nothing more is read
            response.begin()
        return Verdict(OK, response.status, response.read())
    except (http.client.IncompleteRead, http.client.RemoteDisconnected):
        return Verdict(TRUNCATED)
    except (http.client.HTTPException, ValueError, OverflowError):
        return Verdict(MALFORMED)


def by_h11(data: bytes) -> Verdict:
    """Judge with h11."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    status, body, is_closed = 0, b"", False
    try:
        if data:
            connection.receive_data(data)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if is_closed:
                    return Verdict(TRUNCATED)
                is_closed = True
                connection.receive_data(b"")
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return Verdict(OK, 101)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return Verdict(OK, status, body)
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                return Verdict(TRUNCATED)
    except h11.RemoteProtocolError as error:
        text = str(error)
        return Verdict(TRUNCATED if "closed connection" in text or "incomplete" in text else MALFORMED)


class _Messages:
    """The callbacks of llhttp."""

    def __init__(self) -> None:
        self.parser: Any = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = b""
        self.is_done = False

    def on_headers_complete(self) -> None:
        if not self.is_done:
            self.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if not self.is_done:
            self.body += body

    def on_message_complete(self) -> None:
        self.is_done = self.is_done or not 100 <= self.status < 200 or self.status == 101


def by_llhttp(data: bytes) -> Verdict:
    """Judge with llhttp, which httptools can't tell that the connection has ended."""
    messages = _Messages()
    try:
        messages.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return Verdict(OK, messages.status, messages.body)
    except (httptools.HttpParserError, ValueError):
        if not messages.is_done:
            return Verdict(MALFORMED)
    if messages.is_done or (messages.status >= 200 and _has_no_length(data)):
        return Verdict(OK, messages.status, messages.body)
    return Verdict(TRUNCATED)


def _has_no_length(data: bytes) -> bool:
    response = Response()
    try:
        response.feed(data)
        response.feed(b"")
    except (FramingError, ConnectionError):
        return False
    return response.is_complete and response.get("Content-Length") is None and not response.leftover


_LOOP = mock.Mock(spec=asyncio.AbstractEventLoop, get_debug=lambda: False)


def by_aiohttp(data: bytes) -> Verdict:
    """Judge with aiohttp's parser, fed as aiohttp's own connections feed it."""
    parser = HttpResponseParser(
        mock.Mock(_reading_paused=False), _LOOP, 2**16, read_until_eof=True, auto_decompress=False
    )
    try:
        messages, _, _ = parser.feed_data(data)
    except (aiohttp.http_exceptions.HttpProcessingError, ValueError):
        return Verdict(MALFORMED)
    messages = [each for each in messages if not 100 <= each[0].code < 200 or each[0].code == 101]
    if not messages:
        return Verdict(TRUNCATED)
    message, payload = messages[0]
    try:
        parser.feed_eof()
    except (aiohttp.http_exceptions.HttpProcessingError, aiohttp.ClientPayloadError, ValueError):
        if not payload.is_eof():
            return Verdict(TRUNCATED)
    error = payload.exception()
    if error is not None:
        is_cut = isinstance(error, aiohttp.ClientPayloadError) and "Not enough" in str(error)
        return Verdict(TRUNCATED if is_cut else MALFORMED)
    if not payload.is_eof():
        return Verdict(TRUNCATED)
    return Verdict(OK, message.code, payload.read_nowait(-1) if payload.total_bytes else b"")


PARSERS: dict[str, Callable[[bytes], Verdict]] = {
    "http.client": by_http_client,
    "h11": by_h11,
    "aiohttp": by_aiohttp,
    "llhttp": by_llhttp,
}


# What is generated

STATUS_LINES = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.1 200 ",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 999 Odd",
    b"HTTP/1.1 503 J\xfcrgen",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/2.0 200 OK",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 20 OK",
    b"HTTP/1.1 0200 OK",
    b"http/1.1 200 OK",
    b"HTTP/1.2 200 OK",
    b"HTTP/1.1\t200\tOK",
    b"HTTP/0.9 200 OK",
    b"HTTP/1.1 +20 OK",
    b"HTTP/1.1 200OK",
    b"HTTP 200 OK",
    b" HTTP/1.1 200 OK",
    b"",
    b"ICY 200 OK",
    b"HTTP/11 200 OK",
)
HEADERS = (
    b"Content-Type: application/json",
    b"X-A: b",
    b"X-A:b",
    b"X-A:  b  ",
    b"X-Empty:",
    b"Date: now",
    b"X-Folded: a\r\n b",
    b"X-Folded: a\r\n\tb",
    b"Connection: close",
    b"Connection: keep-alive",
    b" folded",
    b"no colon",
    b": no name",
    b"X-Space : a",
    b"X-Nul: a\0b",
    b"X-Cr: a\rb",
    b"X-\xfc: a",
    b"X-(): a",
    b"X-Latin: \xe4\xf6\xfc",
    b"X-Control: a\x01b",
    b"Keep-Alive: timeout=5",
    b"\tX: y",
    b"X-Tab:\ta\t",
)
LENGTHS = (
    b"%d",
    b"%d ",
    b" %d",
    b"+%d",
    b"-%d",
    b"0%d",
    b"%d, %d",
    b"%d,%d",
    b"%d.0",
    b"0x%d",
    b"%d_0",
    b"",
    b"many",
    b"\x0b%d",
    b"%d\x0b",
    b"\xc2\xb2",
    b"99999999999999999999",
    b"%d;a",
)
CODINGS = (
    b"chunked",
    b"Chunked",
    b"chunked ",
    b"identity",
    b"gzip, chunked",
    b"chunked, gzip",
    b"x",
    b"",
    b"\x0bchunked",
    b"chunked,",
    b"chunked;a=b",
    b"chunked, chunked",
    b"\tchunked",
)
SIZES = (
    b"%x",
    b"%X",
    b"0%x",
    b"%x;a=b",
    b'%x;a="b;c"',
    b"%x ",
    b" %x",
    b"+%x",
    b"-%x",
    b"0x%x",
    b"%x\t;a",
    b"",
    b"g",
    b"%x;a\nb",
    b"%x;\rb",
    b"%x_0",
    b"fffffffffffffffff",
    b"%x;" + b"x" * 5000,
)
ENDS = (b"\r\n",) * 12 + (b"\n", b"\r", b"\r\r\n", b"", b"\n\r")
TRAILERS = (b"", b"X-T: 1\r\n", b"X-T: 1\r\nX-U: 2\r\n", b"no colon\r\n", b"X-T: 1\n", b"\0: \r\n")
BODIES = (
    b"",
    b"{}",
    b'{"id": 56}',
    b"hello\r\nworld",
    b"0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"\0\xff" * 5,
)


def generate(chance: random.Random) -> bytes:
    """Make a response that is sound, odd or malformed, and mutate some."""
    body = chance.choice(BODIES)
    usual = chance.random() < 0.5
    lines = [STATUS_LINES[0] if usual or chance.random() < 0.5 else chance.choice(STATUS_LINES)]
    lines += [chance.choice(HEADERS[:6] if usual else HEADERS) for _ in range(chance.randrange(4))]
    framing = chance.randrange(5)
    if framing in (1, 2, 4):
        lines.append(b"Content-Length: " + _of(chance, LENGTHS, len(body), usual))
        if chance.random() < 0.1:
            lines.append(b"Content-length:" + _of(chance, LENGTHS, chance.choice((len(body), 3)), usual))
    if framing in (3, 4):
        coding = CODINGS[0] if usual or chance.random() < 0.6 else chance.choice(CODINGS)
        lines.append(b"Transfer-Encoding: " + coding)
        body = _chunked(chance, body, usual)
        if chance.random() < 0.05:
            lines.append(b"Transfer-Encoding: " + chance.choice(CODINGS))
    if not usual:
        chance.shuffle(rest := lines[1:])
        lines[1:] = rest
    end = b"\n" if chance.random() < 0.04 else b"\r\n"
    head = b"".join(
        line + (end if usual else chance.choice((end, end, end, chance.choice(ENDS)))) for line in lines
    )
    data = head + end + body
    if chance.random() < 0.06:
        data = chance.choice((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nLink: a\r\n\r\n")) + data
    if chance.random() < 0.15:
        data += chance.choice((b"more", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\0"))
    return _mutated(chance, data) if chance.random() < 0.35 else data


def _of(chance: random.Random, forms: tuple[bytes, ...], number: int, usual: bool) -> bytes:
    form = forms[0] if usual or chance.random() < 0.5 else chance.choice(forms)
    return form % ((number,) * form.count(b"%"))


def _chunked(chance: random.Random, body: bytes, usual: bool) -> bytes:
    written = b""
    while body:
        size = chance.randint(1, len(body))
        length = size if usual or chance.random() < 0.9 else size + chance.choice((-1, 1, 5))
        end = b"\r\n" if usual else chance.choice(ENDS)
        written += (
            _of(chance, SIZES, max(length, 0), usual)
            + end
            + body[:size]
            + (b"\r\n" if usual else chance.choice(ENDS))
        )
        body = body[size:]
    last = b"0" if usual else chance.choice((b"0", b"0", b"00", b"0;a=b", b"-0", b""))
    return written + last + b"\r\n" + chance.choice(TRAILERS[:3] if usual else TRAILERS) + b"\r\n"


def _mutated(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        how = chance.randrange(5)
        if how == 0:
            data = data[:at] + data[at + chance.randint(1, 4) :]
        elif how == 1:
            data = data[:at] + bytes((chance.choice(b"\r\n\0 :\t;,0a\x0b\x85\xff"),)) + data[at:]
        elif how == 2:
            data = data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        elif how == 3:
            data = data[:at]
        else:
            other = chance.randrange(len(data) + 1)
            data = data[:at] + data[min(at, other) : max(at, other)] + data[at:]
    return data


# What is reviewed


def oddities(data: bytes) -> set[str]:
    """List what is odd about a response that we read."""
    response = Response()
    try:
        response.feed(data)
    except FramingError:
        return set()
    found = set()
    start, blocks = 0, []
    while data.startswith(b"HTTP/1.", start) and (end := HEAD_END.search(data, start)):
        blocks.append(data[start : end.end()])
        start = end.end()
        if not re.match(rb"HTTP/1\.[0-9]\s+1(?!01)", blocks[-1]):
            break
    lines = [line for block in blocks for line in block.split(b"\n")[1:]]
    sound = rb"HTTP/1\.[01] [1-5][0-9]{2}( [\t -~\x80-\xff]*)?\r?\n"
    if not all(re.match(sound, block) for block in blocks):
        found.add("status line")
    if any(re.search(rb"(?<!\r)\n", block) for block in blocks):
        found.add("bare line feed")
    if any(line.startswith((b" ", b"\t")) for line in lines):
        found.add("fold")
    if any(
        re.search(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]", line.partition(b":")[0].strip(b"\r")) for line in lines
    ):
        found.add("name")
    if any(re.search(rb"[\x01-\x08\x0a-\x1f\x7f]", line.removesuffix(b"\r")) for line in lines):
        found.add("control character")
    if any(re.match(rb"(?i)transfer-encoding:[^\n]*\t\s*$", line) for line in lines):
        found.add("tab behind the coding")
    names = [name.lower() for name, _ in response.fields]
    if "transfer-encoding" in names:
        found.add("coding")
        if "content-length" in names:
            found.add("length and coding")
        if b"HTTP/1.0" in data:
            found.add("coding of HTTP/1.0")
    if names.count("content-length") > 1:
        found.add("two lengths")
    if response.status in (101, 204, 304):
        found.add("no body")
    if response.leftover:
        found.add("leftover")
    return found


class Reviewed(NamedTuple):
    """A category of intended differences.

    Attributes:
        ours: What we make of the response.
        theirs: What the other parsers make of it.
        why: A part of our reason to reject it, or an oddity of what we read.
        reason: Why the difference is right.
        parsers: The parsers that differ so.
    """

    ours: str
    theirs: str
    why: str
    reason: str
    parsers: tuple[str, ...] = tuple(PARSERS)


HTTP_CLIENT = ("http.client",)
OTHERS = ("h11", "aiohttp", "llhttp")
REVIEWED = (
    # Both fail: the words differ, the consequences don't.
    Reviewed(TRUNCATED, MALFORMED, "", "cut and malformed: we judge a head, and a line, when it is whole"),
    Reviewed(MALFORMED, TRUNCATED, "", "cut and malformed: we judge what has come first"),
    # We are stricter: nothing that two readers could read in two ways is believed.
    Reviewed(MALFORMED, OK, "status line", "only HTTP/1.x with three digits is a status line"),
    Reviewed(MALFORMED, OK, "bare carriage return or a NUL", "proxies differ on a bare CR and on NUL"),
    Reviewed(MALFORMED, OK, "not a header", "a line without a name and a colon may hide a header"),
    Reviewed(MALFORMED, OK, "transfer encoding", "one coding, chunked: others would end the body elsewhere"),
    Reviewed(MALFORMED, OK, "its length is", "one length, in digits: readers differ on all others"),
    Reviewed(MALFORMED, OK, "size of a chunk", "chunk sizes are hexadecimal digits, and lines end in CRLF"),
    Reviewed(MALFORMED, OK, "longer than its size", "a chunk ends where its size says, with CRLF"),
    Reviewed(MALFORMED, OK, "trailer is malformed", "proxies differ on where a trailer ends"),
    Reviewed(MALFORMED, OK, "too long", "a line between chunks has at most 4 KiB"),
    Reviewed(TRUNCATED, OK, "within the head", "a head that is cut may lack its framing"),
    Reviewed(TRUNCATED, OK, "without a response", "interim responses alone are no response"),
    Reviewed(TRUNCATED, OK, "within the body", "trailers that are cut may lack the last line", HTTP_CLIENT),
    Reviewed(TRUNCATED, OK, "within the body", "a coding with a space, read without it", HTTP_CLIENT),
    # We read what 1.0.0 reads, and the end of the response is certain.
    Reviewed(OK, MALFORMED, "status line", "odd spaces, HTTP/1.2 to 1.9 and unknown codes are clear", OTHERS),
    Reviewed(OK, MALFORMED, "bare line feed", "servers that end lines of the head in LF exist", OTHERS),
    Reviewed(OK, MALFORMED, "fold", "a folded line belongs to the header before it", OTHERS),
    Reviewed(OK, MALFORMED, "name", "a name of other visible characters hides nothing", OTHERS),
    Reviewed(
        OK, MALFORMED, "control character", "control characters other than CR, LF and NUL end nothing", OTHERS
    ),
    Reviewed(OK, MALFORMED, "length and coding", "the coding wins, and the connection is closed", OTHERS),
    Reviewed(OK, MALFORMED, "two lengths", "equal lengths are one length", OTHERS),
    Reviewed(OK, MALFORMED, "leftover", "the response is whole, and the connection is closed", OTHERS),
    Reviewed(OK, MALFORMED, "coding of HTTP/1.0", "it is certain, and the connection is closed", OTHERS),
    Reviewed(
        OK,
        MALFORMED,
        "no body",
        "101, 204 and 304 have none, and the connection is closed if they announce one",
    ),
    Reviewed(
        OK, MALFORMED, "coding", "what extensions and trailers say doesn't matter if their lines are sound"
    ),
    Reviewed(
        OK,
        TRUNCATED,
        "no body",
        "101, 204 and 304 have none, and the connection is closed if they announce one",
    ),
    Reviewed(OK, TRUNCATED, "fold", "a folded coding, which others overlook"),
    Reviewed(
        OK, OK, "no body", "101, 204 and 304 have none, and the connection is closed if they announce one"
    ),
    Reviewed(OK, OK, "fold", "a folded framing header, which others overlook"),
    Reviewed(
        OK,
        OK,
        "tab behind the coding",
        "a tab is white space (RFC 9110, 5.6.3), which llhttp overlooks",
        OTHERS,
    ),
    Reviewed(OK, TRUNCATED, "tab behind the coding", "a tab is white space, which llhttp overlooks", OTHERS),
    Reviewed(OK, OK, "coding", "a coding with a space behind it, which http.client overlooks", HTTP_CLIENT),
    Reviewed(
        OK, TRUNCATED, "coding", "a coding with a space behind it, which http.client overlooks", HTTP_CLIENT
    ),
)


def differences(data: bytes) -> list[tuple[str, Verdict, Verdict, str | None]]:
    """List the parsers that judge a response differently, each with the entry that explains it, or None."""
    mine = ours(data)
    found: list[tuple[str, Verdict, Verdict, str | None]] = []
    for name, judge in PARSERS.items():
        other = judge(data)
        if other[:3] != mine[:3]:
            reasons = oddities(data) if mine.kind == OK else {mine.why}
            explained = (
                each.reason
                for each in REVIEWED
                if name in each.parsers
                and (each.ours, each.theirs) == (mine.kind, other.kind)
                and any(each.why == why or (mine.kind != OK and each.why in why) for why in reasons)
            )
            found.append((name, mine, other, next(explained, None)))
    return found


def split_differences(data: bytes) -> list[int]:
    """List the positions of the head at which a split makes a difference."""
    whole = ours(data)
    end = re.search(rb"\n\r?\n", data)
    head = len(data) if end is None else end.end()
    return [at for at in range(1, min(head + 1, len(data))) if ours(data[:at], data[at:])[:3] != whole[:3]]


def fuzz(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Judge generated responses. Return how often each entry applied, and what no entry explains."""
    chance = random.Random(seed)
    applied: Counter[str] = Counter()
    unexplained: list[str] = []
    for _ in range(count):
        data = generate(chance)
        positions = split_differences(data)
        if positions:
            unexplained.append(f"split at {positions}: {data!r}")
        for name, mine, other, entry in differences(data):
            if entry is None:
                unexplained.append(f"{name}: {other} instead of {mine}: {data!r}")
            else:
                applied[f"{name}: {entry}"] += 1
    return applied, unexplained


def main(arguments: list[str]) -> int:
    """Fuzz, print what was found, and return 1 if anything is unexplained."""
    count = int(arguments[0]) if arguments else 200_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    started = time.process_time()
    applied, unexplained = fuzz(count, seed)
    for name, times in sorted(applied.items()):
        print(f"{times:8} {name}")
    for line in unexplained:
        print(line)
    seconds = time.process_time() - started
    print(f"{count} responses in {seconds:.0f} s of CPU time, {len(unexplained)} differences unexplained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
