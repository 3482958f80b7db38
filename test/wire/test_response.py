"""The response parser: where a response ends, what may follow it, and that splits make no difference."""

from __future__ import annotations

import gzip
import random

import pytest

from knetik_cloud import ApiResponseError
from knetik_cloud.wire import response as parser
from knetik_cloud.wire.response import ClosedEarlyError, FramingError, Response, TruncatedError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def body(response: Response) -> bytes:
    """Read a whole body."""
    taken = b""
    while chunk := response.take():
        taken += chunk
    return taken


def parsed(*parts: bytes, closed: bool = True, **how: object) -> tuple[object, ...]:
    """Parse a response and return all that is known of it, or the type of the error."""
    response = Response(**how)  # type: ignore[arg-type]
    try:
        for part in parts:
            response.feed(part)
        if closed and not response.is_complete:
            response.feed(b"")
        taken = body(response)
    except (FramingError, ClosedEarlyError, TruncatedError, ApiResponseError) as error:
        return (type(error), response.status)
    return (
        response.status,
        response.reason,
        tuple(response.fields),
        taken,
        response.is_complete,
        response.is_reusable,
        response.leftover,
    )


def feed_in_parts(response: Response, data: bytes, size: int) -> None:
    """Feed data in parts of a size."""
    for at in range(0, len(data), size):
        response.feed(data[at : at + size])


STREAMS = {
    "a length": OK + b"Content-Length: 5\r\nX-A: b\r\n\r\nhello",
    "a length, and more": OK + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
    "a length, cut": OK + b"Content-Length: 50\r\n\r\nhello",
    "no length": OK + b"\r\nhello",
    "chunks": CHUNKED + b"5;a=b\r\nhello\r\n00\r\nX-T: 1\r\n\r\nmore",
    "chunks, cut": CHUNKED + b"5\r\nhello\r\n",
    "chunks with a bare line feed": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "chunks that are too long": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "interim responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"Content-Length: 0\r\n\r\n",
    "folded headers": OK + b"X-A: one\r\n two\r\n\tthree\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok",
    "no reason": b"HTTP/1.1 204\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
    "garbage": b"garbage\r\n\r\n",
    "nothing": b"",
    "half a head": OK + b"X-A: b\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a sign": OK + b"Content-Length: +1\r\n\r\nx",
    "NUL": OK + b"X-A: a\0b\r\n\r\n",
    "a bare carriage return": OK + b"X-A: a\rContent-Length: 2\r\n\r\n",
    "gzip": OK
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"hello" * 99, mtime=0))
    + gzip.compress(b"hello" * 99, mtime=0),
    "a space before the colon": OK + b"Content-Length : 1\r\n\r\nx",
}


@pytest.mark.parametrize("name", STREAMS)
def test_splits_make_no_difference(name: str) -> None:
    data = STREAMS[name]
    whole = parsed(data)
    for at in range(1, len(data)):
        assert parsed(data[:at], data[at:]) == whole, at
    assert parsed(*(data[at : at + 1] for at in range(len(data)))) == whole


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("a length", (200, "OK", b"hello", True, b"")),
        ("a length, and more", (200, "OK", b"hello", False, b"HTTP/1.1 200 OK\r\n\r\n")),
        ("no length", (200, "OK", b"hello", False, b"")),
        ("chunks", (200, "OK", b"hello", False, b"more")),
        ("interim responses", (200, "OK", b"", True, b"")),
        ("folded headers", (200, "OK", b"", True, b"")),
        ("bare line feeds", (200, "OK", b"ok", True, b"")),
        ("no reason", (204, "", b"", True, b"")),
        ("HTTP/1.0", (200, "OK", b"x", True, b"")),
    ],
)
def test_sound_responses(name: str, verdict: tuple[object, ...]) -> None:
    status, reason, _, taken, _, reusable, leftover = parsed(STREAMS[name])
    assert (status, reason, taken, reusable, leftover) == verdict


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("a length, cut", (TruncatedError, 200)),
        ("chunks, cut", (TruncatedError, 200)),
        ("chunks with a bare line feed", (FramingError, 200)),
        ("chunks that are too long", (FramingError, 200)),
        ("garbage", (FramingError, 0)),
        ("nothing", (ClosedEarlyError, 0)),
        ("half a head", (TruncatedError, 0)),
        ("two lengths", (FramingError, 0)),
        ("a sign", (FramingError, 0)),
        ("NUL", (FramingError, 0)),
        ("a bare carriage return", (FramingError, 0)),
        ("a space before the colon", (FramingError, 0)),
    ],
)
def test_unsound_responses(name: str, verdict: tuple[object, ...]) -> None:
    assert parsed(STREAMS[name]) == verdict


def test_folded_header_is_one_line() -> None:
    response = Response()
    response.feed(STREAMS["folded headers"])
    assert response.get("x-a") == "one two three"


def test_name_has_any_character_of_a_token() -> None:
    response = Response()
    name = "!#$%&'*+-.^_`|~0123456789AZaz"
    response.feed(OK + f"{name}: a\r\n\r\n".encode())
    assert response.get(name) == "a"


@pytest.mark.parametrize("start", [b"S", b"SSH-2.0-server", b"HTTP/2", b"\r\nHTTP/1.1 200 OK\r\n"])
def test_start_other_than_a_status_line_is_rejected_immediately(start: bytes) -> None:
    with pytest.raises(FramingError, match=r"begins with b'.* instead of a status line"):
        Response().feed(start)


def test_body_error_keeps_the_status_and_the_bytes_before_it() -> None:
    response = Response()
    response.feed(CHUNKED + b"5\r\nhello\r\nnonsense\r\n")
    assert (response.status, response.take()) == (200, b"hello")
    with pytest.raises(FramingError):
        response.take()
    assert not response.is_reusable


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", b"200 OK"), ("GET", b"204 No Content"), ("GET", b"304 X")]
)
def test_response_without_a_body(method: str, status: bytes) -> None:
    response = Response(method)
    response.feed(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert response.is_complete
    assert response.is_reusable


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("announced", [b"Transfer-Encoding: chunked", b"Content-Length: 5"])
def test_body_that_must_not_be_there_ends_the_connection(status: bytes, announced: bytes) -> None:
    response = Response()
    response.feed(b"HTTP/1.1 " + status + b"\r\n" + announced + b"\r\n\r\n")
    assert response.is_complete
    assert not response.is_reusable


def test_tunnel_has_no_body_even_if_it_announces_one() -> None:
    response = Response("CONNECT")
    response.feed(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nTLS")
    assert response.is_complete
    assert response.leftover == b"TLS"


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 11\r\n\r\n",
        CHUNKED + b"b\r\n",
        OK + b"\r\n" + b"x" * 11,
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 11, mtime=0),
    ],
)
def test_body_above_the_limit_is_rejected_as_soon_as_it_shows(data: bytes) -> None:
    response = Response(limit=10)
    response.feed(data)
    with pytest.raises(ApiResponseError, match="10 bytes"):
        body(response)
    assert response.status == 200


def test_chunks_one_byte_above_the_limit_are_rejected() -> None:
    response = Response(limit=10)
    response.feed(CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
    with pytest.raises(ApiResponseError, match="10 bytes"):
        body(response)


def test_compressed_body_is_inflated_chunk_by_chunk() -> None:
    response = Response()
    response.feed(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10_000_000)))
    assert len(response.take()) <= 1 << 16


def test_compressed_body_is_checked_for_its_end_once_all_of_it_has_been_taken() -> None:
    data = random.Random(1).randbytes(1 << 18)
    packed = gzip.compress(data)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    assert parsed(head % len(packed) + packed)[3] == data
    assert parsed(head % (len(packed) - 1) + packed[:-1]) == (ApiResponseError, 200)


def test_body_without_a_limit_may_be_of_any_size() -> None:
    data = bytes(parser.MAX_HEAD_BYTES + 1)
    assert parsed(OK + b"\r\n", data)[3] == data


def test_end_of_the_connection_after_a_complete_response_is_no_error() -> None:
    response = Response()
    response.feed(OK + b"Content-Length: 2\r\n\r\nhi")
    response.feed(b"")
    assert body(response) == b"hi"


@pytest.mark.parametrize(("coding", "data"), [(b"Chunked", b"2\r\nhi\r\n0\r\n\r\n"), (b"Identity", b"hi")])
def test_transfer_encoding_has_any_letter_case(coding: bytes, data: bytes) -> None:
    assert parsed(OK + b"Transfer-Encoding: %s\r\n\r\n" % coding + data)[3] == b"hi"


def test_limit_of_a_compressed_body_counts_decoded_bytes_not_those_that_are_announced() -> None:
    data = random.Random(5).randbytes(1000)
    packed = gzip.compress(data)
    assert len(packed) > len(data)
    response = Response(limit=len(data))
    response.feed(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed[:5])
    assert response.take() == b""
    response.feed(packed[5:])
    assert body(response) == data


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_transfer_chunks_end_a_connection_of_http_1_0(version: str) -> None:
    response = Response()
    head = f"HTTP/{version} 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    response.feed(head.encode() + b"0\r\n\r\n")
    assert response.is_complete
    assert response.is_reusable is (version == "1.1")


def test_header_may_be_folded_with_a_tab() -> None:
    response = Response()
    response.feed(OK + b"X-A: one\r\n\ttwo\r\nContent-Length: 0\r\n\r\n")
    assert response.get("x-a") == "one two"


def test_framing_around_tiny_chunks_counts_towards_a_limit() -> None:
    response = Response(limit=1000)
    response.feed(CHUNKED)
    for _ in range(parser.MAX_HEAD_BYTES // 3000 + 10):
        response.feed(b"1;" + b"x" * 3000 + b"\r\n \r\n")
    with pytest.raises(ApiResponseError):
        body(response)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
        OK + b"X-A: b\r\n" * 150_000,
        OK + b"X-A: " + b"b" * 70_000,
        OK + b"X-A: " + b"b" * 70_000 + b"\r\n\r\n",
    ],
)
def test_head_is_bounded(data: bytes) -> None:
    for size in (len(data), 50_000):
        response = Response()
        with pytest.raises(FramingError, match=r"larger|longer"):
            feed_in_parts(response, data, size)
        assert not response.status


def test_large_head_within_the_bound_is_read() -> None:
    response = Response()
    response.feed(OK + b"X-A: b\r\n" * 5000 + b"Content-Length: 0\r\n\r\n")
    assert len(response.fields) == 5001


def test_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() -> None:
    for length, expected in ((10, 200), (11, ApiResponseError)):
        data = OK + b"Content-Length: %d\r\n\r\n" % length + b"x" * length
        assert parsed(data, method="GET", limit=10)[0] == expected


def test_only_a_body_without_a_length_ends_with_the_connection() -> None:
    for head, ends in ((b"", True), (b"Content-Length: 5\r\n", False)):
        response = Response()
        assert not response.ends_with_connection
        response.feed(OK + head + b"\r\nabc")
        assert response.ends_with_connection is ends
        response.feed(b"de")
        response.feed(b"")
        assert not response.ends_with_connection


def test_no_bytes_are_the_end_of_the_connection() -> None:
    response = Response()
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    assert response.get("content-length") == "5"
    assert response.get("x-none") is None
    assert (response.is_plain, response.is_gathering, response.is_reusable) == (True, True, False)
    response.feed(b"cde")
    response.feed(b"")
    assert (response.is_gathering, response.is_reusable, response.take()) == (False, True, b"abcde")


def test_connection_that_is_closed_behind_an_interim_response_is_truncated() -> None:
    response = Response()
    response.feed(b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n")
    assert response.get("x-interim") is None
    with pytest.raises(TruncatedError):
        response.feed(b"")


def test_cut_body_is_not_gathered_any_longer() -> None:
    response = Response()
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    response.feed(b"")
    assert not response.is_gathering


@pytest.mark.parametrize(
    "head", ["Content-Length: 5\r\nContent-Encoding: gzip", "Transfer-Encoding: chunked"]
)
def test_body_that_is_decoded_or_in_chunks_is_not_plain(head: str) -> None:
    response = Response()
    response.feed(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
    assert not response.is_plain
    assert not response.is_gathering


def test_body_above_the_limit_is_not_gathered() -> None:
    response = Response(limit=4)
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert not response.is_gathering


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        ("HTTP/1.1 200 OK\r\nConnection: close", False),
        ("HTTP/1.1 200 OK\r\nConnection: keep-alive", True),
        ("HTTP/1.1 200 OK\r\nConnection: upgrade", True),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive", True),
        ("HTTP/1.0 200 OK\r\nConnection: upgrade", False),
        ("HTTP/1.0 200 OK", False),
        ("HTTP/1.1 101 Switching Protocols", False),
    ],
)
def test_connection_headers_decide_on_reuse(head: str, reusable: bool) -> None:
    response = Response()
    response.feed(f"{head}\r\nContent-Length: 0\r\n\r\n".encode())
    assert response.is_reusable is reusable


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive",
    ],
)
def test_connection_whose_framing_is_in_doubt_carries_no_other_request(head: str) -> None:
    response = Response()
    response.feed(f"{head}\r\n\r\n0\r\n\r\n".encode())
    assert response.is_complete
    assert not response.is_reusable


def test_length_of_a_body_that_is_not_sent_is_not_limited() -> None:
    response = Response("HEAD", limit=4)
    response.feed(OK + b"Content-Length: 10\r\n\r\n")
    assert response.is_complete
    assert response.take() == b""
    assert response.is_reusable


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\nabcde",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abcde", mtime=0),
    ],
)
def test_body_may_be_as_large_as_the_limit_and_no_larger(rest: bytes) -> None:
    assert parsed(OK + rest, limit=5)[3] == b"abcde"
    assert parsed(OK + rest, limit=4) == (ApiResponseError, 200)


def test_first_value_of_a_repeated_header_counts() -> None:
    response = Response()
    response.feed(OK + b"X-Id: a\r\nx-id: b\r\n\r\n")
    assert response.get("X-ID") == "a"


@pytest.mark.parametrize("parts", [1, 2])
def test_line_and_head_may_be_as_long_as_their_limits_and_no_longer(parts: int) -> None:
    def judged(data: bytes) -> object:
        half = len(data) // parts
        return parsed(*[data[start : start + half] for start in range(0, len(data), half)])[0]

    def line(size: int) -> bytes:
        return b"X: ".ljust(size - 1, b"a") + b"\r\n"

    assert judged(OK + line(parser.MAX_LINE_BYTES) + b"\r\n") == 200
    assert judged(OK + line(parser.MAX_LINE_BYTES + 1) + b"\r\n") is FramingError
    interim = b"HTTP/1.1 100 Continue\r\n" + line(4096) + b"\r\n"
    count, rest = divmod(parser.MAX_HEAD_BYTES - len(OK) - len(b"\r\n"), len(interim))
    for excess, verdict in ((0, 200), (1, FramingError)):
        assert judged(count * interim + OK + line(rest - 1 + excess) + b"\r\n") == verdict


def test_chunks_may_have_a_hundred_trailers_and_no_more() -> None:
    for count, verdict in ((100, 200), (101, FramingError)):
        assert parsed(CHUNKED, b"0\r\n" + count * b"X: a\r\n" + b"\r\n")[0] == verdict


def test_length_has_up_to_19_digits() -> None:
    for digits, verdict in ((19, 200), (20, FramingError)):
        head = OK + b"Content-Length: " + b"5".zfill(digits) + b"\r\n\r\n"
        assert parsed(head, b"abcde")[0] == verdict


def test_unfinished_line_is_rejected_as_soon_as_it_is_too_long() -> None:
    longest = b"X: ".ljust(parser.MAX_LINE_BYTES, b"a")
    assert parsed(OK + longest[:-1] + b"\r", b"\n\r\n")[0] == 200
    with pytest.raises(FramingError, match="longer than 65536 bytes"):
        Response().feed(OK + longest + b"a")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_empty_body_may_be_in_any_encoding(method: str) -> None:
    response = Response(method)
    response.feed(OK + b"Content-Encoding: br\r\nContent-Length: %d\r\n\r\n" % (9 * (method == "HEAD")))
    assert response.take() == b""
    assert response.is_reusable


def test_response_that_is_closed_while_it_is_parsed_yields_nothing_more() -> None:
    class Interrupted(Response):
        def _lacks_some(self) -> bool:
            self.close()  # as another thread or a signal handler may
            return super()._lacks_some()

    response = Interrupted()
    assert response.feed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b")
    assert response.take() == b""
