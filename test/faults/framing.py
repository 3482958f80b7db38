"""Faults of HTTP's framing: invalid heads, bodies without a clear end, chunks with wrong sizes."""

from __future__ import annotations

import json

from knetik_cloud import ApiConnectionException, ApiException, ApiResponseError, DeadlineExceeded
from test.faults.server import ENTRY, Peer, Request, after, http_response, keeps, says
from test.faults.table import Play, Row, attempt, fails, result, right, right_or_fails

GOOD = http_response(ENTRY)
BODY = json.dumps(ENTRY).encode()
CHUNKED = "Transfer-Encoding: chunked"


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """Write a chunk."""
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def chunked(*parts: bytes) -> bytes:
    """Write a response in chunks: its head, then the given bytes."""
    return http_response(b"", CHUNKED) + b"".join(parts)


def head(*lines: str, body: bytes = BODY) -> bytes:
    """Write a response with exactly these lines of head."""
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def plain(*lines: str, body: bytes = BODY) -> bytes:
    """Write a response of 200 with these headers and no others."""
    return head("HTTP/1.1 200 OK", *lines, body=body)


def endless(*start: bytes, data: bytes = b" " * 65536):
    """Return a script that begins a response and never ends it."""
    return after(b"".join(start), lambda peer: peer.forever(data))


def too_short(play: Play) -> None:
    """Announce less than is sent: an error, and the rest must not be read as the next response."""
    driver = play.driver()
    fails(ApiResponseError)(attempt(driver, "get", 3))
    right(attempt(driver, "get", 3))
    assert play.server.connections == 2


def two_good_calls_one_connection(play: Play) -> None:
    """Check that a valid response leaves its connection in use."""
    driver = play.driver()
    right(attempt(driver, "get", 3))
    right(attempt(driver, "get", 3))
    assert play.server.connections == 1


def interim_flood(peer: Peer, request: Request) -> None:
    """Send interim responses without end."""
    peer.forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


ROWS = [
    Row("body cut at half of Content-Length", [says(GOOD[:-10])] * 3, fails(ApiConnectionException)),
    Row("body cut once, then healthy", [says(GOOD[:-10])], right, again=True),
    Row(
        "body of a POST's answer cut",
        [says(http_response(BODY)[:-10])],
        fails(may_have_applied=True),
        "add",
        sent=1,
    ),
    Row(
        "Content-Length too small: error, next call not poisoned",
        [keeps(http_response(BODY, length=5))],
        play=too_short,
    ),
    Row("Content-Length of 0 before a body", [keeps(http_response(BODY, length=0))], play=too_short),
    Row("Content-Length too large", [keeps(http_response(BODY, length=999))] * 3, fails()),
    Row(
        "Content-Length not a number",
        [keeps(plain("Content-Length: many"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "Content-Length negative",
        [keeps(plain("Content-Length: -5"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "Content-Length with a sign",
        [keeps(plain(f"Content-Length: +{len(BODY)}"))],
        right_or_fails,
        again=True,
    ),
    Row("Content-Length with underscores", [keeps(plain("Content-Length: 4_0"))] * 3, fails(), again=True),
    Row(
        "Content-Length of thousands of digits", [keeps(plain(f"Content-Length: {'9' * 5000}"))] * 3, fails()
    ),
    Row("two equal Content-Lengths", [keeps(plain(*[f"Content-Length: {len(BODY)}"] * 2))], again=True),
    Row(
        "two different Content-Lengths",
        [keeps(plain("Content-Length: 2", f"Content-Length: {len(BODY)}"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "a list of Content-Lengths",
        [keeps(plain(f"Content-Length: 2, {len(BODY)}"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "Content-Length and chunks",
        [keeps(plain("Content-Length: 3", CHUNKED, body=chunk(BODY) + b"0\r\n\r\n"))],
        right_or_fails,
        again=True,
    ),
    Row("no length at all, closed at the end", [says(plain())], again=True),
    Row("no length at all, never closed", [keeps(plain())] * 3, fails(), again=True),
    Row(
        "endless body: size limit, peak RSS",
        [endless(plain(body=b""))],
        fails(ApiResponseError),
        limit=20,
        peak=200,
        settings={"deadline": 15.0, "timeout": 5.0},
    ),
    Row(
        "endless chunks: size limit, peak RSS",
        [endless(chunked(), data=chunk(b" " * 65536))],
        fails(ApiResponseError),
        limit=20,
        peak=200,
        settings={"deadline": 15.0, "timeout": 5.0},
    ),
    Row(
        "endless one-byte chunks: time and memory hold",
        [endless(chunked(), data=chunk(b" ") * 9999)],
        fails(),
        limit=6,
        peak=200,
        settings={"deadline": 1.5, "timeout": 1.0},
    ),
    Row(
        "a body announced above the limit is not read",
        [keeps(http_response(b"", length=1 << 40))],
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "a body just at the limit",
        [keeps(http_response(b'{"id": 56}'))],
        settings={"max_response_size": 10},
    ),
    Row(
        "a body just above the limit",
        [keeps(http_response(b'{"id": 56 }'))],
        fails(ApiResponseError, 200, "10 bytes"),
        settings={"max_response_size": 10},
    ),
    Row(
        "chunks just above the limit",
        [keeps(chunked(chunk(b'{"id":'), chunk(b" 56 }"), b"0\r\n\r\n"))],
        fails(ApiResponseError, 200, "10 bytes"),
        settings={"max_response_size": 10},
    ),
    Row("sound chunks", [keeps(chunked(chunk(BODY[:5]), chunk(BODY[5:]), b"0\r\n\r\n"))], again=True),
    Row(
        "sound chunks leave the connection in use",
        [keeps(chunked(chunk(BODY), b"0\r\n\r\n"))],
        play=two_good_calls_one_connection,
    ),
    Row("chunk extensions", [keeps(chunked(chunk(BODY, b';a="b;c";d'), b"0;x=y\r\n\r\n"))], again=True),
    Row(
        "trailers behind the chunks",
        [keeps(chunked(chunk(BODY), b"0\r\nX-Checksum: 1\r\nX-More: 2\r\n\r\n"))],
        again=True,
    ),
    Row(
        "chunk sizes in capitals with leading zeros",
        [keeps(chunked(b"0000%X\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)))],
        again=True,
    ),
    Row(
        "bare line feeds between the chunks",
        [says(chunked(b"%x\n%s\n0\n\n" % (len(BODY), BODY)))],
        right_or_fails,
    ),
    Row(
        "chunked body without the final chunk",
        [says(chunked(chunk(BODY)))] * 3,
        fails(ApiConnectionException),
    ),
    Row("chunk cut in its middle", [says(chunked(chunk(BODY)[:-9]))] * 3, fails(ApiConnectionException)),
    Row("chunk size cut", [says(chunked(b"1"))] * 3, fails()),
    Row(
        "chunk size not a number",
        [keeps(chunked(b"size\r\n", BODY))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row("chunk size empty", [keeps(chunked(b"\r\n", BODY))] * 3, fails(ApiResponseError), again=True),
    Row("chunk size negative", [keeps(chunked(b"-5\r\n", BODY))] * 3, fails(ApiResponseError), again=True),
    Row("chunk size of -1", [says(chunked(b"-1\r\n", BODY))] * 3, fails(ApiResponseError), again=True),
    Row("chunk size with 0x", [keeps(chunked(b"0x5\r\n", BODY))] * 3, fails(ApiResponseError), again=True),
    Row("chunk size huge", [keeps(chunked(b"f" * 16 + b"\r\n", BODY))] * 3, fails(), again=True),
    Row("chunk size large, body short", [says(chunked(b"ffffffff\r\n", BODY))] * 3, fails(), peak=150),
    Row(
        "chunk longer than it says",
        [keeps(chunked(b"3\r\n", BODY, b"\r\n0\r\n\r\n"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row("chunk extension without end", [endless(chunked(b"5;"), data=b"x" * 4096)] * 3, fails(), again=True),
    Row(
        "endless trailers",
        [endless(chunked(chunk(BODY), b"0\r\n"), data=b"X-A: b\r\n" * 99)] * 3,
        fails(),
        peak=150,
        again=True,
    ),
    Row(
        "Transfer-Encoding unknown",
        [keeps(http_response(BODY, "Transfer-Encoding: gzip, chunked"))] * 3,
        fails(ApiResponseError),
        again=True,
    ),
    Row(
        "two Transfer-Encodings",
        [keeps(plain(CHUNKED, CHUNKED, body=chunk(BODY) + b"0\r\n\r\n"))] * 3,
        fails(),
        again=True,
    ),
    Row(
        "HTTP/1.0 with a length", [says(head("HTTP/1.0 200 OK", f"Content-Length: {len(BODY)}"))], again=True
    ),
    Row("HTTP/1.0 without a length", [says(head("HTTP/1.0 200 OK"))], again=True),
    Row("HTTP/1.0 without a length, cut", [says(head("HTTP/1.0 200 OK", body=BODY[:-3]))] * 3, fails()),
    Row(
        "HTTP/1.0 that keeps alive",
        [keeps(head("HTTP/1.0 200 OK", "Connection: keep-alive", f"Content-Length: {len(BODY)}"))],
        play=two_good_calls_one_connection,
    ),
    Row("HTTP/0.9: a body without a head", [says(BODY)] * 3, fails(ApiResponseError)),
    Row("HTTP/2's preface", [says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")] * 3, fails(ApiResponseError)),
    Row("HTTP/3.0 in the status line", [says(head("HTTP/3.0 200 OK"))] * 3, fails(ApiResponseError)),
    Row(
        "garbage instead of a status line",
        [says(b"\x00\xff\xfegarbage\r\n\r\n")] * 3,
        fails(ApiResponseError),
    ),
    Row(
        "garbage without end instead of a status line",
        [endless(data=b"\xffgarbage" * 999)] * 3,
        fails(ApiResponseError),
    ),
    Row("an empty line instead of a status line", [says(b"\r\n")] * 3, fails()),
    Row(
        "a server of another protocol", [says(b"220 mail.example.com ESMTP\r\n")] * 3, fails(ApiResponseError)
    ),
    Row(
        "status code 999",
        [keeps(http_response(BODY, status="999 Odd"))],
        fails(ApiException, 999),
        again=True,
    ),
    Row("status code 99", [says(http_response(BODY, status="99 Odd"))] * 3, fails()),
    Row(
        "status code not a number", [says(http_response(BODY, status="two Odd"))] * 3, fails(ApiResponseError)
    ),
    Row("status code negative", [says(http_response(BODY, status="-200 Odd"))] * 3, fails(ApiResponseError)),
    Row(
        "status code of 999 to a POST is ambiguous",
        [keeps(http_response(BODY, status="999 Odd"))],
        fails(status=999, may_have_applied=True),
        "use",
        sent=1,
    ),
    Row("no reason phrase", [keeps(http_response(BODY, status="200"))], again=True),
    Row("status line over 64 KiB", [says(http_response(BODY, status=f"200 {'O' * 70000}"))] * 3, fails()),
    Row("header line over 64 KiB", [says(http_response(BODY, f"X-Long: {'x' * 70000}"))] * 3, right_or_fails),
    Row(
        "a thousand headers",
        [says(http_response(BODY, *[f"X-{n}: y" for n in range(1000)]))] * 3,
        right_or_fails,
    ),
    Row("headers without end", [endless(b"HTTP/1.1 200 OK\r\n", data=b"X-A: b\r\n" * 99)] * 3, fails()),
    Row("folded headers", [keeps(http_response(BODY, "X-Folded: one\r\n two\r\n\tthree"))], again=True),
    Row(
        "a folded first header",
        [keeps(plain(" folded: nothing", f"Content-Length: {len(BODY)}"))] * 3,
        right_or_fails,
    ),
    Row(
        "a header without a colon",
        [keeps(plain("no header", f"Content-Length: {len(BODY)}"))] * 3,
        fails(),
        again=True,
    ),
    Row(
        "a header without a name",
        [keeps(plain(": value", f"Content-Length: {len(BODY)}"))],
        right_or_fails,
        again=True,
    ),
    Row(
        "a bare CR that hides a header",
        [keeps(plain(f"X-A: b\rContent-Length: {len(BODY)}", "Content-Length: 2"))] * 3,
        fails(),
        again=True,
    ),
    Row("NUL in a header", [keeps(http_response(BODY, "X-A: \0b"))], right_or_fails, again=True),
    Row(
        "bare line feeds in the head",
        [says(b"HTTP/1.1 200 OK\nContent-Length: %d\n\n%s" % (len(BODY), BODY))],
        right,
        again=True,
    ),
    Row(
        "latin-1 reason phrase and header bytes",
        [keeps(http_response(BODY, "X-Name: J\xfcrgen \x85\xff", status="200 \xc4\xf6\xfc"))],
        again=True,
    ),
    Row("100 Continue before the answer", [keeps(b"HTTP/1.1 100 Continue\r\n\r\n", GOOD)], again=True),
    Row(
        "103 Early Hints before the answer",
        [keeps(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 3, GOOD)],
        again=True,
    ),
    Row(
        "102 Processing before a POST's answer",
        [keeps(b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n")],
        result,
        "use",
        sent=1,
        again=True,
    ),
    Row("100 Continue without end", [interim_flood] * 3, fails(), peak=150, again=True),
    Row(
        "103 Early Hints without end",
        [endless(data=b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 99)] * 3,
        fails(),
        again=True,
    ),
    Row(
        "103 Early Hints without end, stopped long before the deadline",
        [endless(data=b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 99)],
        fails(ApiResponseError, says="its head is larger than 1048576 bytes"),
        settings={"deadline": 30, "timeout": 5, "retries": 0},
        again=True,
    ),
    Row(
        "100 Continue and then nothing",
        [after(b"HTTP/1.1 100 Continue\r\n\r\n", lambda peer: peer.hold())] * 3,
        fails(),
    ),
    Row(
        "100 Continue dribbled",
        [lambda peer, request: peer.forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)],
        fails(DeadlineExceeded),
        limit=1.25,
    ),
    Row(
        "101 Switching Protocols",
        [keeps(head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", body=b""))],
        fails(),
        again=True,
    ),
    Row(
        "204 with a body",
        [keeps(http_response(BODY, status="204 No Content"))],
        lambda outcome: result(outcome),
        again=True,
    ),
    Row(
        "204 with chunks",
        [keeps(head("HTTP/1.1 204 No Content", CHUNKED, body=chunk(BODY) + b"0\r\n\r\n"))],
        result,
        "use",
        again=True,
        sent=1,
    ),
    Row("304 to a read", [keeps(head("HTTP/1.1 304 Not Modified", body=b""))], fails(status=304), again=True),
    Row("bytes behind the body", [keeps(GOOD + b"more")], again=True),
    Row("an answer behind the answer", [keeps(GOOD + http_response({"id": 666}))], again=True),
    Row("bytes behind the last chunk", [keeps(chunked(chunk(BODY), b"0\r\n\r\nmore"))], again=True),
    Row("Connection: close is kept to", [keeps(http_response(BODY, "Connection: close"))], again=True),
]
