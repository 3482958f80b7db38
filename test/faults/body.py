"""Faults of the body: what claims to be JSON and isn't, what lies compressed, what has another shape."""

from __future__ import annotations

import gzip
import json
import zlib

from knetik_cloud import ApiResponseError
from test.faults.server import ENTRY, http_response, keeps
from test.faults.table import Outcome, Play, Row, attempt, fails, result, right, right_or_fails

BODY = json.dumps(ENTRY).encode()
GZIP, DEFLATE = "Content-Encoding: gzip", "Content-Encoding: deflate"
is_invalid = fails(ApiResponseError, 200)


def raw_deflate(data: bytes) -> bytes:
    """Deflate without the zlib header, as many servers do."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def bomb(layers: int = 1) -> bytes:
    """Return 1.5 MB that unpack to 1.5 GB of zeros: one flushed block of a megabyte, many times."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block * 1500
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


def unknown_things_kept(outcome: Outcome) -> None:
    """Expect that what the contract doesn't know is there all the same."""
    assert outcome.error is None
    assert outcome.value.status == "frozen"
    assert json.loads(outcome.value.to_json())["new_field"] == {"a": [1]}


def page(content: object) -> dict[str, object]:
    """Return a page that contains a value."""
    return {"content": content, "total_elements": 1}


def nested(depth: int) -> bytes:
    """Return an object with this depth of nesting."""
    return b'{"id": 56, "behavior_data": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


def error_of_a_stream(play: Play) -> int:
    """Call for a stream, and get an error, whose body the client reads itself."""
    fails(status=404)(attempt(play.driver(), "get", 5, _preload_content=False))
    return play.server.met


ROWS = [
    Row("invalid JSON with 200", [keeps(http_response(b'{"id": 56,'))], is_invalid, again=True),
    Row("JSON cut by the service", [keeps(http_response(BODY[:-1]))], is_invalid),
    Row("two JSON values", [keeps(http_response(BODY + BODY))], is_invalid),
    Row("NaN and Infinity", [keeps(http_response(b'{"id": NaN}'))], is_invalid),
    Row("single quotes", [keeps(http_response(b"{'id': 56}"))], is_invalid),
    Row("empty body with 200 where an object is due", [keeps(http_response(b""))], is_invalid, again=True),
    Row("blank body with 200 where an object is due", [keeps(http_response(b" \r\n "))], is_invalid),
    Row("null where an object is due", [keeps(http_response(b"null"))], is_invalid),
    Row("empty body where nothing is due", [keeps(http_response(b""))], result, "use"),
    Row("empty body where a result may be missing", [keeps(http_response(b""))], result, "add"),
    Row("null where a result may be missing", [keeps(http_response(b"null"))], result, "add"),
    Row("JSON array where an object is due", [keeps(http_response([ENTRY]))], is_invalid, again=True),
    Row("JSON string where an object is due", [keeps(http_response("56"))], is_invalid),
    Row("JSON number where an object is due", [keeps(http_response(56))], is_invalid),
    Row("false where an object is due", [keeps(http_response(b"false"))], is_invalid),
    Row("object where a list is due", [keeps(http_response(page({})))], is_invalid, "list"),
    Row("string where a list is due", [keeps(http_response(page("none")))], is_invalid, "list"),
    Row("numbers where rows are due", [keeps(http_response(page([1, 2])))], is_invalid, "list"),
    Row(
        "string where a row's object is due",
        [keeps(http_response(page([{"id": 1, "user": "robin"}])))],
        is_invalid,
        "list",
    ),
    Row(
        "string where a nested object is due", [keeps(http_response({"id": 56, "user": "robin"}))], is_invalid
    ),
    Row(
        "an unreadable answer to a POST is ambiguous",
        [keeps(http_response(b"<html>"))],
        fails(ApiResponseError, 200, may_have_applied=True),
        "add",
        sent=1,
    ),
    Row(
        "unknown extra fields and unknown enum",
        [keeps(http_response({**ENTRY, "status": "frozen", "new_field": {"a": [1]}}))],
        unknown_things_kept,
    ),
    Row("duplicate keys", [keeps(http_response(b'{"id": 1, "id": 56}'))]),
    Row(
        "HTML with 200", [keeps(http_response(b"<html>login</html>", "Content-Type: text/html"))], is_invalid
    ),
    Row("HTML with 200 that claims to be JSON", [keeps(http_response(b"<html>login</html>"))], is_invalid),
    Row(
        "HTML with 200 where nothing is due",
        [keeps(http_response(b"<html>login</html>", "Content-Type: text/html"))],
        fails(ApiResponseError, 200, may_have_applied=True),
        "use",
        sent=1,
    ),
    Row(
        "HTML that claims nothing where nothing is due",
        [keeps(http_response(b"\n<!doctype html>", "Content-Type:"))],
        fails(ApiResponseError, 200),
        "use",
    ),
    Row(
        "another media type that ends in json",
        [keeps(http_response(BODY, "Content-Type: application/hal+json"))],
    ),
    Row("no media type", [keeps(http_response(BODY, "Content-Type:"))]),
    Row("garbage for a media type", [keeps(http_response(BODY, "Content-Type: \xff;;;="))], right_or_fails),
    Row(
        "JSON in the Latin-1 that it claims",
        [
            keeps(
                http_response(
                    '{"id": 56, "item_name": "J\xfcrgen"}'.encode("latin-1"),
                    "Content-Type: application/json; charset=ISO-8859-1",
                )
            )
        ],
    ),
    Row(
        "JSON in a character set that isn't known",
        [keeps(http_response(BODY, "Content-Type: application/json; charset=x-1"))],
        is_invalid,
    ),
    Row(
        "a character set that is no text",
        [keeps(http_response(BODY, "Content-Type: application/json; charset=zlib"))],
        is_invalid,
    ),
    Row(
        "invalid UTF-8 inside the JSON",
        [keeps(http_response(b'{"id": 56, "item_name": "\xff"}'))],
        is_invalid,
    ),
    Row("UTF-16 JSON", [keeps(http_response(json.dumps(ENTRY).encode("utf-16")))], right_or_fails),
    Row("lone surrogates in the JSON", [keeps(http_response(b'{"id": 56, "item_name": "\\ud800"}'))]),
    Row("UTF-8 BOM before the JSON", [keeps(http_response(b"\xef\xbb\xbf" + BODY))], right_or_fails),
    Row("JSON nested 100,000 deep", [keeps(http_response(b"[" * 100_000))], is_invalid),
    Row("an object nested 100,000 deep", [keeps(http_response(nested(100_000)))], is_invalid),
    *(
        Row(
            f"an array nested {depth} deep where an object is due",
            [keeps(http_response(b"[" * depth + b"]" * depth))],
            is_invalid,
        )
        for depth in (300, 900, 950, 960, 970, 980, 990)
    ),
    Row("an integer of 5,000 digits", [keeps(http_response(b'{"id": %s}' % (b"9" * 5000)))], is_invalid),
    Row("an integer of 4,000 digits where an object is due", [keeps(http_response(b"9" * 4000))], is_invalid),
    Row("a number beyond all floats", [keeps(http_response(b'{"id": 56, "expires": 1e999}'))], is_invalid),
    Row(
        "a string of 10 MB where an object is due",
        [keeps(http_response("x" * 10_000_000))],
        is_invalid,
        peak=250,
    ),
    Row("gzip body", [keeps(http_response(gzip.compress(BODY), GZIP))], again=True),
    Row("gzip by its old name", [keeps(http_response(gzip.compress(BODY), "Content-Encoding: x-gzip"))]),
    Row("gzip in capitals", [keeps(http_response(gzip.compress(BODY), "Content-Encoding: GZIP"))]),
    Row("deflate body", [keeps(http_response(zlib.compress(BODY), DEFLATE))], again=True),
    Row("deflate body without its header", [keeps(http_response(raw_deflate(BODY), DEFLATE))], again=True),
    Row(
        "gzip in chunks of one byte",
        [
            keeps(
                http_response(b"", "Transfer-Encoding: chunked", GZIP)
                + b"".join(b"1\r\n%c\r\n" % byte for byte in gzip.compress(BODY))
                + b"0\r\n\r\n"
            )
        ],
        again=True,
    ),
    Row(
        "deflate without its header in chunks of one byte",
        [
            keeps(
                http_response(b"", "Transfer-Encoding: chunked", DEFLATE)
                + b"".join(b"1\r\n%c\r\n" % byte for byte in raw_deflate(BODY))
                + b"0\r\n\r\n"
            )
        ],
        again=True,
    ),
    Row(
        "gzip of several members",
        [keeps(http_response(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), GZIP))],
        again=True,
    ),
    Row("gzip padded with zeros", [keeps(http_response(gzip.compress(BODY) + bytes(99), GZIP))], again=True),
    Row(
        "gzip with trailing garbage",
        [keeps(http_response(gzip.compress(BODY) + b"garbage", GZIP))],
        right_or_fails,
    ),
    Row(
        "gzip of gzip",
        [keeps(http_response(gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip, gzip"))],
        again=True,
    ),
    Row(
        "gzip of gzip in two headers",
        [keeps(http_response(gzip.compress(gzip.compress(BODY)), GZIP, GZIP))],
        again=True,
    ),
    Row(
        "deflate of gzip",
        [keeps(http_response(zlib.compress(gzip.compress(BODY)), "Content-Encoding: gzip, deflate"))],
    ),
    Row(
        "gzip ten times over",
        [keeps(http_response(BODY, "Content-Encoding: " + ", ".join(["gzip"] * 10)))],
        is_invalid,
    ),
    Row(
        "corrupt gzip",
        [keeps(http_response(gzip.compress(BODY)[:-12] + bytes(12), GZIP))],
        is_invalid,
        again=True,
    ),
    Row(
        "gzip with a wrong checksum",
        [keeps(http_response(gzip.compress(BODY)[:-8] + bytes(8), GZIP))],
        is_invalid,
    ),
    Row("truncated gzip", [keeps(http_response(gzip.compress(BODY)[:-9], GZIP))], is_invalid, again=True),
    Row("gzip that isn't", [keeps(http_response(BODY, GZIP))], is_invalid),
    Row("gzip that is empty", [keeps(http_response(b"", GZIP))], result, "use"),
    Row("gzip that isn't named", [keeps(http_response(gzip.compress(BODY)))], is_invalid),
    Row(
        "an encoding that isn't known",
        [keeps(http_response(BODY, "Content-Encoding: br"))],
        is_invalid,
        again=True,
    ),
    Row("the identity encoding", [keeps(http_response(BODY, "Content-Encoding: identity"))]),
    Row("an empty encoding", [keeps(http_response(BODY, "Content-Encoding:"))]),
    Row(
        "gzip bomb (1.5 MB -> 1.5 GB): refused, peak RSS",
        [keeps(http_response(bomb(), GZIP))],
        is_invalid,
        peak=200,
        limit=5.0,
    ),
    Row(
        "gzip bomb in a gzip",
        [keeps(http_response(bomb(2), "Content-Encoding: gzip, gzip"))],
        is_invalid,
        peak=200,
        limit=5.0,
    ),
    Row(
        "gzip bomb in an error: the status survives",
        [keeps(http_response(bomb(), GZIP, status="404 Not Found"))],
        fails(status=404),
        peak=200,
        limit=5.0,
    ),
    Row(
        "gzip bomb in the error of a streamed call: the status survives",
        [keeps(http_response(bomb(), GZIP, status="404 Not Found"))],
        play=error_of_a_stream,
        peak=200,
    ),
    Row(
        "corrupt gzip in an error: the status survives",
        [keeps(http_response(b"garbage", GZIP, status="404 Not Found"))],
        fails(status=404),
    ),
    Row(
        "a cut error: the status survives",
        [
            keeps(http_response(b"{}", "Connection: close", status="404 Not Found", length=99)),
        ],
        fails(status=404),
    ),
    Row("a right answer among all of that", [keeps(http_response(BODY))], right),
]
