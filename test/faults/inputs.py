"""Faults of the input: what a caller may hand over by mistake, or hands on from a stranger."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

from knetik_cloud import ApiException, ApiValueError, Configuration
from test.faults.server import ENTRY, http_response, says
from test.faults.table import Play, Row, attempt


def rejected(method: str, *arguments: Any, **named: Any) -> Callable[[Play], int]:
    """Return the play of a call that is rejected, with nothing on the wire."""

    def play(play: Play) -> int:
        try:
            play.driver().call(method, *arguments, **named)
        except ApiValueError:
            assert not play.server.connections
            return 1
        raise AssertionError("it was sent")

    return play


def sent_as(target: str, method: str, *arguments: Any, **named: Any) -> Callable[[Play], int]:
    """Return the play of a call that goes to a target."""

    def play(play: Play) -> int:
        play.driver().call(method, *arguments, **named)
        assert play.server.requests[0].target == target
        return 1

    return play


def setting_rejected(**settings: Any) -> Callable[[Play], int]:
    """Return the play of a setting that is rejected."""

    def play(play: Play) -> int:
        try:
            Configuration(**{"host": play.server.url, **settings})
        except ApiValueError:
            return 1
        raise AssertionError(f"{settings} were taken")

    return play


def option_rejected(**options: Any) -> Callable[[Play], int]:
    """Return the play of a call's option that is rejected."""
    return rejected("get_user_inventory", 56, 56, **options)


def header_stays_one(name: str, value: str) -> Callable[[Play], int]:
    """Return the play of a header that is sent, and injects nothing."""

    def play(play: Play) -> int:
        play.driver().call("get_user_inventory", 56, 56, _headers={name: value})
        headers = play.server.requests[0].headers
        assert headers[name.lower()] == value.strip()
        assert "x-evil" not in headers
        return 1

    return play


class Tag(enum.StrEnum):
    """Texts that say something else when they are formatted."""

    NAME = "X-Tag"
    TEXT = "a tag"
    KEY = "Basic of-an-enum"
    WORD = "word"

    def __format__(self, spec: str) -> str:
        return "b\r\nX-Evil: 1"


def header_is_what_was_checked(play: Play) -> int:
    """Bring headers that are texts of another class: sent and shown is what was checked."""
    headers = {Tag.NAME: Tag.TEXT, "Authorization": Tag.KEY}
    error = attempt(play.driver(), "get", 3, _headers=headers).error
    sent = play.server.requests[0].headers
    assert sent["x-tag"] == "a tag"
    assert sent["authorization"] == "Basic of-an-enum"
    assert "x-evil" not in sent
    assert isinstance(error, ApiException)
    shown = error.as_curl() or ""
    assert "'X-Tag: a tag'" in shown
    assert "Evil" not in shown
    assert "of-an-enum" not in shown
    return 1


def own_authorization(play: Play) -> int:
    """Bring an Authorization in another letter case: it is the only one that is sent."""
    play.driver().call("get_user_inventory", 56, 56, _headers={"authorization": "Basic of-my-own"})
    assert play.server.requests[0].headers["authorization"] == "Basic of-my-own"
    return 1


def numbers_of_all_kinds(play: Play) -> int:
    """Return the limits as numbers of other types."""
    from decimal import Decimal
    from fractions import Fraction

    class Whole:
        def __index__(self) -> int:
            return 3

    Configuration(timeout=Decimal("2.5"), deadline=Fraction(7, 2), retries=Whole(), pool_size=Whole())
    driver = play.driver(timeout=(Decimal("2.5"), Fraction(1, 2)), deadline=math.inf)
    assert driver.call("get_user_inventory", 56, 56, _deadline=Decimal(3)).id == ENTRY["id"]
    driver = play.driver(timeout=math.inf, deadline=1e300)
    assert driver.call("get_user_inventory", 56, 56).id == ENTRY["id"]
    return 1


def cyclic() -> dict[str, Any]:
    """Return a body that contains itself."""
    body: dict[str, Any] = {}
    body["self"] = body
    return body


def deep(levels: int) -> dict[str, Any]:
    """Return a body with this depth of nesting."""
    body: dict[str, Any] = {}
    for _ in range(levels):
        body = {"a": body}
    return body


def body_too_deep(play: Play) -> int:
    """The limit is Python's: a thousand levels in 3.11, ten thousand in 3.13, and the stack in 3.14."""
    return rejected(DATA, 56, 56, data=deep(100_000))(play)


DATA = "update_user_inventory_behavior_data"
GET = "get_user_inventory"
TEXTS: Mapping[str, str] = {
    "../admin": "..%2Fadmin",
    "a?b=1#c": "a%3Fb%3D1%23c",
    "a/b": "a%2Fb",
    "%2e%2e": "%252e%252e",
    "..;": "..%3B",
    "a b+c": "a%20b%2Bc",
    "a\r\nX-Evil: 1": "a%0D%0AX-Evil%3A%201",
    "\0": "%00",
    "\N{SNOWMAN}": "%E2%98%83",
    "{id}": "%7Bid%7D",
    "\\..\\": "%5C..%5C",
    "http://evil.example/": "http%3A%2F%2Fevil.example%2F",
}

ROWS = [
    Row('path value ".." refused before sending', play=rejected("get_entitlement_template", "..")),
    Row('path value "." refused before sending', play=rejected("get_entitlement_template", ".")),
    Row('path value "" refused before sending', play=rejected("get_entitlement_template", "")),
    Row("path value None refused before sending", play=rejected("get_entitlement_template", None)),
    Row("path value with a lone surrogate", play=rejected("get_entitlement_template", "\ud800")),
    *(
        Row(
            f"path value {value!r} stays one segment",
            play=sent_as(f"/entitlements/templates/{sent}", "get_entitlement_template", value),
        )
        for value, sent in TEXTS.items()
    ),
    *(
        Row(f"an id that is {value!r}"[:60], play=rejected(GET, 56, value))
        for value in (
            True,
            1.5,
            "5x",
            "",
            "\u0665",
            " 5",
            "5_0",
            "1" * 30,
            2**31,
            -(2**40),
            b"5",
            [5],
            {},
            None,
        )
    ),
    Row("an id of 5,000 digits", play=rejected(GET, 56, 10**5000)),
    Row("an id as its decimal text", play=sent_as("/users/me/inventory/56", GET, "me", "56")),
    Row("a user that tries to leave the path", play=sent_as("/users/..%2F5/inventory/56", GET, "../5", 56)),
    Row(
        "query value with & and =",
        play=sent_as(
            "/users/56/inventory?filter_item_name=a%26b%3Dc",
            "get_user_inventories",
            56,
            filter_item_name="a&b=c",
        ),
    ),
    Row(
        "query value with a line break",
        play=sent_as(
            "/users/56/inventory?filter_item_name=a%0D%0Ab",
            "get_user_inventories",
            56,
            filter_item_name="a\r\nb",
        ),
    ),
    Row(
        "query value with a lone surrogate",
        play=rejected("get_user_inventories", 56, filter_item_name="\ud800"),
    ),
    Row(
        "query value that formats as another text",
        play=sent_as(
            "/users/56/inventory?filter_item_name=word",
            "get_user_inventories",
            56,
            filter_item_name=Tag.WORD,
        ),
    ),
    Row(
        "path value that formats as another text",
        play=sent_as("/entitlements/templates/word", "get_entitlement_template", Tag.WORD),
    ),
    Row("query value of the wrong type", play=rejected("get_user_inventories", 56, size="many")),
    Row("header value with CRLF injects no header", play=option_rejected(_headers={"X-A": "b\r\nX-Evil: 1"})),
    Row("header value with a bare CR", play=option_rejected(_headers={"X-A": "b\rX-Evil: 1"})),
    Row("header value with a bare LF and a space", play=option_rejected(_headers={"X-A": "b\n X-Evil: 1"})),
    Row(
        "headers that format as other texts",
        [says(http_response({}, status="400 Bad Request"))],
        play=header_is_what_was_checked,
    ),
    Row("header value with NUL", play=option_rejected(_headers={"X-A": "b\0"})),
    Row("header value beyond Latin-1", play=option_rejected(_headers={"X-A": "\N{SNOWMAN}"})),
    Row("header value that is no text", play=option_rejected(_headers={"X-A": 5})),
    Row("header name with CRLF", play=option_rejected(_headers={"X-A: b\r\nX-Evil": "1"})),
    Row("header name with a colon", play=option_rejected(_headers={"X-A:": "b"})),
    Row("header name that is empty", play=option_rejected(_headers={"": "b"})),
    Row("header that frames the message", play=option_rejected(_headers={"Content-length": "5"})),
    Row("header that asks for chunks", play=option_rejected(_headers={"TRANSFER-ENCODING": "chunked"})),
    Row("another Host", play=option_rejected(_headers={"Host": "evil.example"})),
    Row("headers that are no dict", play=option_rejected(_headers=["X-A: b"])),
    Row("an empty header value", play=header_stays_one("X-A", "")),
    Row("a Latin-1 header value", play=header_stays_one("X-A", "J\xfcrgen")),
    Row("an Authorization in small letters", play=own_authorization),
    Row(
        "an Authorization with a line break",
        play=option_rejected(_headers={"Authorization": "Bearer a\r\nb"}),
    ),
    *(
        Row(f"a {name} of {value!r}", play=setting_rejected(**{name: value}))
        for name in ("timeout", "deadline")
        for value in (0, -1, math.nan, True, "5", None, 1j, [], b"5")
    ),
    *(
        Row(f"a timeout of {value!r}", play=setting_rejected(timeout=value))
        for value in ((1,), (1, 2, 3), (1, -1))
    ),
    *(
        Row(f"{name} of {value!r}", play=setting_rejected(**{name: value}))
        for name in ("retries", "max_response_size", "pool_size")
        for value in (-1, 1.0, True, "2", None, math.nan)
    ),
    *(
        Row(f"host {value!r}", play=setting_rejected(host=value))
        for value in (
            "example.com",
            "ftp://example.com",
            "http://",
            "http://user:password@example.com",
            "http://a b",
            "http://a\r\nX-Evil: 1",
            "http://example.com/?a=b",
            "http://example.com/#a",
            "http://example.com:0",
            "http://example.com:99999",
            "http://example.com:port",
            "http://[::1",
            "http://a\\@b",
            "http://\u2603",
            b"http://example.com",
            5,
        )
    ),
    *(
        Row(f"proxy {value!r}", play=setting_rejected(proxy=value))
        for value in ("proxy:3128", "socks5://proxy", "http://", 5, "http://proxy:99999")
    ),
    Row("a token with a line break", play=setting_rejected(access_token="a\r\nX-Evil: 1")),
    Row("a token that is no text", play=setting_rejected(access_token=5)),
    Row("a password with a lone surrogate", play=setting_rejected(password="\ud800-long-enough")),
    Row("limits as numbers of all kinds", play=numbers_of_all_kinds),
    *(
        Row(f"_deadline of {value!r}", play=option_rejected(_deadline=value))
        for value in (0, -1, math.nan, True, "1")
    ),
    *(Row(f"_retries of {value!r}", play=option_rejected(_retries=value)) for value in (-1, 1.5, True, "1")),
    *(
        Row(f"_request_timeout of {value!r}", play=option_rejected(_request_timeout=value))
        for value in (0, (1,), "1")
    ),
    Row("a body that holds itself", play=rejected(DATA, 56, 56, data=cyclic())),
    Row("a body nested too deep", play=body_too_deep),
    Row("a body with NaN", play=rejected(DATA, 56, 56, data={"a": math.nan})),
    Row("a body with bytes", play=rejected(DATA, 56, 56, data={"a": b"b"})),
    Row("a body with a set", play=rejected(DATA, 56, 56, data={"a": {1}})),
    Row("a body with a tuple for a name", play=rejected(DATA, 56, 56, data={(1, 2): 3})),
    Row("a body with an integer of 5,000 digits", play=rejected(DATA, 56, 56, data={"a": 10**5000})),
    Row("a body that is no dict", play=rejected(DATA, 56, 56, data="text")),
]
