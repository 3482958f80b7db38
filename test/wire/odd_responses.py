"""Odd and malformed responses, each with the verdict of both clients, and where 1.0.0 judged otherwise.

`python -m test.wire.odd_responses` prints the verdicts of the package that it finds, which may be an
earlier release.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from knetik_cloud import ApiClient, ApiException, Configuration, aio
from test.listening import stop_listening

BODY = b'{"id": 56}'
LENGTH = b"Content-Length: 10"
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"a\r\n" + BODY + b"\r\n0\r\n\r\n"


def head(*lines: bytes, body: bytes = BODY, end: bytes = b"\r\n") -> bytes:
    """Write a response line by line."""
    return end.join((*lines, b"", b"")) + body


def ok(*lines: bytes, body: bytes = BODY) -> bytes:
    """Write a response of 200."""
    return head(b"HTTP/1.1 200 OK", *lines, body=body)


def chunks(body: bytes) -> bytes:
    """Write a response in chunks."""
    return ok(CHUNKED, body=body)


def coded(coding: bytes, body: bytes) -> bytes:
    """Write a response with a content encoding."""
    return ok(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(body), body=body)


RESPONSES: dict[str, bytes] = {
    "sound": ok(LENGTH),
    "no reason": head(b"HTTP/1.1 200", LENGTH),
    "an empty reason": head(b"HTTP/1.1 200 ", LENGTH),
    "a reason in Latin-1": head(b"HTTP/1.1 200 J\xfcrgen", LENGTH),
    "two spaces in the status line": head(b"HTTP/1.1  200 OK", LENGTH),
    "a tab in the status line": head(b"HTTP/1.1\t200\tOK", LENGTH),
    "status 0200": head(b"HTTP/1.1 0200 OK", LENGTH),
    "status +20": head(b"HTTP/1.1 +20 OK", LENGTH),
    "status 2_0": head(b"HTTP/1.1 2_0 OK", LENGTH),
    "status 099": head(b"HTTP/1.1 099 OK", LENGTH),
    "status 1000": head(b"HTTP/1.1 1000 OK", LENGTH),
    "status 999": head(b"HTTP/1.1 999 Odd", LENGTH),
    "status without a space behind it": head(b"HTTP/1.1 200OK", LENGTH),
    "HTTP/1.0": head(b"HTTP/1.0 200 OK", LENGTH),
    "HTTP/1.2": head(b"HTTP/1.2 200 OK", LENGTH),
    "HTTP/1.10": head(b"HTTP/1.10 200 OK", LENGTH),
    "HTTP/0.9": head(b"HTTP/0.9 200 OK", LENGTH),
    "HTTP/2.0": head(b"HTTP/2.0 200 OK", LENGTH),
    "http/1.1 in small letters": head(b"http/1.1 200 OK", LENGTH),
    "ICY": head(b"ICY 200 OK", LENGTH),
    "an empty line before the status line": b"\r\n" + ok(LENGTH),
    "a space before the status line": b" " + ok(LENGTH),
    "NUL in the reason": head(b"HTTP/1.1 200 O\0K", LENGTH),
    "garbage": b"\x00\xff garbage\r\n\r\n",
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a head without its end": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
    "bare line feeds in the head": head(b"HTTP/1.1 200 OK", LENGTH, end=b"\n"),
    "some bare line feeds in the head": b"HTTP/1.1 200 OK\r\nX-A: b\n" + LENGTH + b"\r\n\n" + BODY,
    "a bare carriage return in a value": ok(b"X-A: b\rc", LENGTH),
    "a bare carriage return hides a length": ok(b"X-A: b\rContent-Length: 2", LENGTH),
    "CR CR LF": head(b"HTTP/1.1 200 OK", LENGTH, end=b"\r\r\n"),
    "NUL in a value": ok(b"X-A: \0b", LENGTH),
    "a control character in a value": ok(b"X-A: \x01b", LENGTH),
    "Latin-1 in a value": ok(b"X-A: \xe4\x85\xff", LENGTH),
    "Latin-1 in a name": ok(b"X-\xe4: b", LENGTH),
    "parentheses in a name": ok(b"X-(A): b", LENGTH),
    "a space before the colon": ok(b"Content-Length : 10"),
    "a space in a name": ok(b"X A: b", LENGTH),
    "no colon": ok(b"no header", LENGTH),
    "no name": ok(b": b", LENGTH),
    "a folded header": ok(b"X-A: b\r\n c", LENGTH),
    "a folded first line": ok(b" folded", LENGTH),
    "a folded length": ok(b"Content-Length:\r\n 10"),
    "a folded coding": ok(b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "a thousand headers": ok(*[b"X-A: b"] * 1000, LENGTH),
    "a header of 60 KB": ok(b"X-A: " + b"b" * 60_000, LENGTH),
    "a header of 70 KB": ok(b"X-A: " + b"b" * 70_000, LENGTH),
    "spaces around a length": ok(b"Content-Length: \t 10 \t"),
    "length +10": ok(b"Content-Length: +10"),
    "length -10": ok(b"Content-Length: -10"),
    "length 010": ok(b"Content-Length: 010"),
    "length 1_0": ok(b"Content-Length: 1_0"),
    "length 10.0": ok(b"Content-Length: 10.0"),
    "length 0xa": ok(b"Content-Length: 0xa"),
    "length of 30 digits": ok(b"Content-Length: " + b"1" * 30),
    "an empty length": ok(b"Content-Length:"),
    "length 10, 10": ok(b"Content-Length: 10, 10"),
    "two equal lengths": ok(LENGTH, LENGTH),
    "two lengths": ok(b"Content-Length: 2", LENGTH),
    "length too small": ok(b"Content-Length: 9"),
    "length too large": ok(b"Content-Length: 11"),
    "no length": ok(),
    "chunks": chunks(CHUNKS),
    "Chunked": ok(b"Transfer-Encoding: Chunked", body=CHUNKS),
    "chunked with a space behind it": ok(b"Transfer-Encoding: chunked ", body=CHUNKS),
    "chunked behind a vertical tab": ok(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "identity": ok(b"Transfer-Encoding: identity", LENGTH),
    "gzip, chunked": ok(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
    "chunked, chunked": ok(b"Transfer-Encoding: chunked, chunked", body=CHUNKS),
    "chunked twice": ok(CHUNKED, CHUNKED, body=CHUNKS),
    "an unknown coding": ok(b"Transfer-Encoding: x", LENGTH),
    "an empty coding": ok(b"Transfer-Encoding:", LENGTH),
    "chunks and a length": ok(b"Content-Length: 2", CHUNKED, body=CHUNKS),
    "chunks in HTTP/1.0": head(b"HTTP/1.0 200 OK", CHUNKED, body=CHUNKS),
    "a chunk extension": chunks(b'a;b="c;d"\r\n' + BODY + b"\r\n0\r\n\r\n"),
    "a chunk extension of 5 KB": chunks(b"a;" + b"b" * 5000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk extension of 300 KB": chunks(b"a;" + b"b" * 300_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a bare line feed in a chunk extension": chunks(b"a;b\nc\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare line feeds between the chunks": chunks(b"a\n" + BODY + b"\n0\n\n"),
    "a bare line feed behind a chunk": chunks(b"a\r\n" + BODY + b"\n0\r\n\r\n"),
    "a space behind a chunk size": chunks(b"a \r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a space before a chunk size": chunks(b" a\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size 0xa": chunks(b"0xa\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size +a": chunks(b"+a\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size -a": chunks(b"-a\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size 000000000000000000a": chunks(b"000000000000000000a\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "an empty chunk size": chunks(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk longer than its size": chunks(b"9\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk shorter than its size": chunks(b"b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no final chunk": chunks(b"a\r\n" + BODY + b"\r\n"),
    "no end behind the final chunk": chunks(b"a\r\n" + BODY + b"\r\n0\r\n"),
    "trailers": chunks(b"a\r\n" + BODY + b"\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n"),
    "a trailer without a colon": chunks(b"a\r\n" + BODY + b"\r\n0\r\nno colon\r\n\r\n"),
    "a trailer that ends in a bare line feed": chunks(b"a\r\n" + BODY + b"\r\n0\r\nX-T: 1\n\r\n"),
    "101 trailers": chunks(b"a\r\n" + BODY + b"\r\n0\r\n" + b"X-T: 1\r\n" * 101 + b"\r\n"),
    "bytes behind the body": ok(LENGTH) + b"more",
    "a second response": ok(LENGTH) + ok(LENGTH),
    "100 before the response": b"HTTP/1.1 100 Continue\r\n\r\n" + ok(LENGTH),
    "103 before the response": b"HTTP/1.1 103 X\r\nLink: a\r\n\r\n" * 3 + ok(LENGTH),
    "100 and nothing more": b"HTTP/1.1 100 Continue\r\n\r\n",
    "100 with a length": b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + ok(LENGTH),
    "101": head(b"HTTP/1.1 101 Switching Protocols", b"Upgrade: h2c", body=b""),
    "204 with a body": head(b"HTTP/1.1 204 No Content", LENGTH),
    "204 with chunks": head(b"HTTP/1.1 204 No Content", CHUNKED, body=CHUNKS),
    "204 in an unknown encoding": head(b"HTTP/1.1 204 No Content", b"Content-Encoding: br", body=b""),
    "304": head(b"HTTP/1.1 304 Not Modified", body=b""),
    "500 with bad chunks": head(b"HTTP/1.1 500 Oops", CHUNKED, body=b"bad\r\n\r\n"),
    "500 with a body that is cut": head(b"HTTP/1.1 500 Oops", b"Content-Length: 99"),
    "gzip": coded(b"gzip", gzip.compress(BODY)),
    "gzip in capitals": coded(b"GZIP", gzip.compress(BODY)),
    "x-gzip": coded(b"x-gzip", gzip.compress(BODY)),
    "gzip in two members": coded(b"gzip", gzip.compress(BODY[:5]) + gzip.compress(BODY[5:])),
    "gzip with bytes behind it": coded(b"gzip", gzip.compress(BODY) + b"junk"),
    "gzip that is cut": coded(b"gzip", gzip.compress(BODY)[:-9]),
    "gzip that is none": coded(b"gzip", BODY),
    "deflate": coded(b"deflate", zlib.compress(BODY)),
    "deflate without a header": coded(b"deflate", zlib.compress(BODY)[2:-4]),
    "gzip of gzip": coded(b"gzip, gzip", gzip.compress(gzip.compress(BODY))),
    "gzip three times": coded(b"gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(BODY)))),
    "an unknown encoding": coded(b"br", BODY),
    "an empty encoding": coded(b"", BODY),
}
VERDICTS: dict[str, str] = {
    "sound": "56",
    "no reason": "56",
    "an empty reason": "56",
    "a reason in Latin-1": "56",
    "two spaces in the status line": "56",
    "a tab in the status line": "56",
    "status 0200": "ApiResponseError",
    "status +20": "ApiResponseError",
    "status 2_0": "ApiResponseError",
    "status 099": "ApiResponseError",
    "status 1000": "ApiResponseError",
    "status 999": "ApiException 999",
    "status without a space behind it": "ApiResponseError",
    "HTTP/1.0": "56",
    "HTTP/1.2": "56",
    "HTTP/1.10": "ApiResponseError",
    "HTTP/0.9": "ApiResponseError",
    "HTTP/2.0": "ApiResponseError",
    "http/1.1 in small letters": "ApiResponseError",
    "ICY": "ApiResponseError",
    "an empty line before the status line": "ApiResponseError",
    "a space before the status line": "ApiResponseError",
    "NUL in the reason": "ApiResponseError",
    "garbage": "ApiResponseError",
    "nothing": "ApiConnectionException",
    "half a status line": "ApiConnectionException",
    "half a head": "ApiConnectionException",
    "a head without its end": "ApiConnectionException",
    "bare line feeds in the head": "56",
    "some bare line feeds in the head": "56",
    "a bare carriage return in a value": "ApiResponseError",
    "a bare carriage return hides a length": "ApiResponseError",
    "CR CR LF": "ApiConnectionException",
    "NUL in a value": "ApiResponseError",
    "a control character in a value": "56",
    "Latin-1 in a value": "56",
    "Latin-1 in a name": "ApiResponseError",
    "parentheses in a name": "56",
    "a space before the colon": "ApiResponseError",
    "a space in a name": "ApiResponseError",
    "no colon": "ApiResponseError",
    "no name": "ApiResponseError",
    "a folded header": "56",
    "a folded first line": "ApiResponseError",
    "a folded length": "56",
    "a folded coding": "56",
    "a thousand headers": "56",
    "a header of 60 KB": "56",
    "a header of 70 KB": "ApiResponseError",
    "spaces around a length": "56",
    "length +10": "ApiResponseError",
    "length -10": "ApiResponseError",
    "length 010": "56",
    "length 1_0": "ApiResponseError",
    "length 10.0": "ApiResponseError",
    "length 0xa": "ApiResponseError",
    "length of 30 digits": "ApiResponseError",
    "an empty length": "ApiResponseError",
    "length 10, 10": "ApiResponseError",
    "two equal lengths": "56",
    "two lengths": "ApiResponseError",
    "length too small": "ApiResponseError 200",
    "length too large": "ApiConnectionException",
    "no length": "56",
    "chunks": "56",
    "Chunked": "56",
    "chunked with a space behind it": "56",
    "chunked behind a vertical tab": "ApiResponseError",
    "identity": "56",
    "gzip, chunked": "ApiResponseError",
    "chunked, chunked": "ApiResponseError",
    "chunked twice": "ApiResponseError",
    "an unknown coding": "ApiResponseError",
    "an empty coding": "ApiResponseError",
    "chunks and a length": "56",
    "chunks in HTTP/1.0": "56",
    "a chunk extension": "56",
    "a chunk extension of 5 KB": "ApiResponseError 200",
    "a chunk extension of 300 KB": "ApiResponseError 200",
    "a bare line feed in a chunk extension": "ApiResponseError 200",
    "bare line feeds between the chunks": "ApiResponseError 200",
    "a bare line feed behind a chunk": "ApiResponseError 200",
    "a space behind a chunk size": "56",
    "a space before a chunk size": "ApiResponseError 200",
    "chunk size 0xa": "ApiResponseError 200",
    "chunk size +a": "ApiResponseError 200",
    "chunk size -a": "ApiResponseError 200",
    "chunk size 000000000000000000a": "ApiResponseError 200",
    "an empty chunk size": "ApiResponseError 200",
    "a chunk longer than its size": "ApiResponseError 200",
    "a chunk shorter than its size": "ApiResponseError 200",
    "no final chunk": "ApiConnectionException",
    "no end behind the final chunk": "ApiConnectionException",
    "trailers": "56",
    "a trailer without a colon": "56",
    "a trailer that ends in a bare line feed": "ApiResponseError 200",
    "101 trailers": "ApiResponseError 200",
    "bytes behind the body": "56",
    "a second response": "56",
    "100 before the response": "56",
    "103 before the response": "56",
    "100 and nothing more": "ApiConnectionException",
    "100 with a length": "56",
    "101": "ApiException 101",
    "204 with a body": "None",
    "204 with chunks": "None",
    "204 in an unknown encoding": "None",
    "304": "ApiException 304",
    "500 with bad chunks": "ServiceException 500",
    "500 with a body that is cut": "ServiceException 500",
    "gzip": "56",
    "gzip in capitals": "56",
    "x-gzip": "56",
    "gzip in two members": "56",
    "gzip with bytes behind it": "ApiResponseError 200",
    "gzip that is cut": "ApiResponseError 200",
    "gzip that is none": "ApiResponseError 200",
    "deflate": "56",
    "deflate without a header": "56",
    "gzip of gzip": "56",
    "gzip three times": "ApiResponseError 200",
    "an unknown encoding": "ApiResponseError 200",
    "an empty encoding": "56",
}
"""What both clients make of each response: the value, or the error with its status."""
CHANGED: dict[str, tuple[str, str, str]] = {
    "two spaces in the status line": ("56", "ApiResponseError", "as the blocking client"),
    "a tab in the status line": ("56", "ApiResponseError", "as the blocking client"),
    "status 0200": ("56", "ApiResponseError", "a status has three digits"),
    "status 099": ("ApiResponseError", "ApiException 99", "as the blocking client"),
    "HTTP/1.2": ("56", "ApiResponseError", "as the blocking client"),
    "HTTP/1.10": ("56", "ApiResponseError", "a version has one digit behind the dot"),
    "HTTP/0.9": ("56", "56", "HTTP/0.9 has no status line"),
    "HTTP/2.0": ("ApiResponseError", "56", "as the blocking client"),
    "an empty line before the status line": ("ApiResponseError", "56", "as the blocking client"),
    "a space before the status line": ("56", "ApiResponseError", "as the asyncio client"),
    "NUL in the reason": ("56", "56", "readers differ on NUL"),
    "half a status line": ("ApiResponseError", "ApiConnectionException", "as the asyncio client"),
    "half a head": ("ApiResponseError", "ApiConnectionException", "as the asyncio client"),
    "a head without its end": ("ApiResponseError 200", "ApiConnectionException", "as the asyncio client"),
    "CR CR LF": ("ApiConnectionException", "ApiResponseError", "as the blocking client"),
    "NUL in a value": ("56", "ApiResponseError", "as the asyncio client"),
    "parentheses in a name": ("56", "ApiResponseError", "as the blocking client"),
    "a space before the colon": ("ApiResponseError", "56", "as the blocking client"),
    "no name": ("56", "ApiResponseError", "as the asyncio client"),
    "a folded coding": ("ApiResponseError 200", "56", "as the asyncio client"),
    "a thousand headers": ("ApiResponseError", "ApiResponseError", "large heads are read up to 1 MiB"),
    "length +10": ("56", "ApiResponseError", "as the asyncio client"),
    "length 1_0": ("56", "ApiResponseError", "as the asyncio client"),
    "length of 30 digits": ("ApiResponseError 200", "ApiResponseError", "as the asyncio client"),
    "two equal lengths": ("56", "ApiResponseError", "as the blocking client"),
    "chunked with a space behind it": ("ApiResponseError 200", "56", "as the asyncio client"),
    "chunked behind a vertical tab": (
        "ApiResponseError 200",
        "ApiResponseError 200",
        "the head itself is malformed",
    ),
    "identity": ("56", "ApiResponseError", "as the blocking client"),
    "gzip, chunked": ("ApiResponseError", "ApiResponseError 200", "as the blocking client"),
    "chunked, chunked": ("ApiResponseError", "ApiResponseError 200", "as the blocking client"),
    "chunked twice": ("ApiResponseError", "ApiResponseError 200", "as the blocking client"),
    "an empty coding": ("ApiResponseError", "ApiResponseError 200", "as the blocking client"),
    "chunks and a length": ("56", "ApiResponseError", "as the blocking client"),
    "a chunk extension of 5 KB": ("ApiResponseError 200", "56", "as the blocking client"),
    "a chunk extension of 300 KB": ("ApiResponseError 200", "ApiTimeoutException", "as the blocking client"),
    "bare line feeds between the chunks": ("56", "ApiResponseError 200", "as the asyncio client"),
    "a bare line feed behind a chunk": ("56", "56", "proxies differ on bare line feeds between chunks"),
    "chunk size 000000000000000000a": ("ApiResponseError 200", "56", "as the blocking client"),
    "a chunk shorter than its size": ("56", "56", "CRLF must follow a chunk"),
    "a trailer without a colon": ("56", "ApiResponseError 200", "as the blocking client"),
    "a trailer that ends in a bare line feed": (
        "56",
        "56",
        "proxies differ on bare line feeds between chunks",
    ),
    "101 trailers": ("ApiResponseError 200", "56", "as the blocking client"),
    "204 with chunks": ("56", "None", "as the asyncio client"),
}
"""What the two clients of 1.0.0 (blocking, asyncio) made of responses judged otherwise now, and why."""


@contextmanager
def parrot(data: bytes) -> Iterator[str]:
    """Run a server that responds with these bytes to each request, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock, suppress(OSError):
                    sock.recv(65536)
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):  # or unread bytes would reset the connection
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop_listening(listener)
        thread.join(5)


def verdict(error: ApiException | None, value: object) -> str:
    """Format what came of a call."""
    if error is None:
        return "56" if value == {"id": 56} else repr(value)
    return type(error).__name__ + ("" if error.status is None else f" {error.status}")


def by_blocking(url: str) -> str:
    """Judge with the blocking client."""
    with ApiClient(Configuration(url, retries=0, timeout=2.0)) as client:
        try:
            return verdict(None, client.call_api("/x", "GET", response_type="object"))
        except ApiException as error:
            return verdict(error, None)


async def by_asyncio(url: str) -> str:
    """Judge with the asyncio client."""
    async with aio.ApiClient(Configuration(url, retries=0, timeout=2.0)) as client:
        try:
            return verdict(None, await client.call_api("/x", "GET", response_type="object"))
        except ApiException as error:
            return verdict(error, None)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name, data in RESPONSES.items():
        with parrot(data) as url:
            print(f"{name}\t{by_blocking(url)}\t{asyncio.run(by_asyncio(url))}")
