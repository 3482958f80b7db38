"""JSON: exact both ways, and never anything but an ApiException."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud import EntitlementItem, UsersInventoryApi
from knetik_cloud.core.call import read
from knetik_cloud.data import codec
from knetik_cloud.exceptions import ApiResponseError, ApiValueError
from knetik_cloud.operations import GET_ENTITLEMENT_TEMPLATES
from test.conftest import RecordingServer
from test.core.lists import ONCE, READ, REMOVE, Reply

USUAL_DEPTH = 1000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_values_survive_the_round_trip(value: Any) -> None:
    assert codec.decode(codec.encode(value)) == value


@given(st.integers(-(10**40), 10**40))
def test_integers_are_exact(number: int) -> None:
    assert codec.decode(str(number).encode()) == number


@given(st.binary())
def test_any_bytes_are_read_or_rejected(data: bytes) -> None:
    with suppress(ApiResponseError):
        codec.decode(data)


@given(st.text())
def test_any_text_is_read_or_rejected(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ApiResponseError):
            codec.decode(text)
    else:
        if expected == expected and expected not in (math.inf, -math.inf):
            assert codec.decode(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "-Infinity",
        "1e999",
        "-1e999",
        "[1,]",
        "{'a': 1}",
        "01",
        "\ufeff",
        "[" * 100_000,
        "9" * 5000,
        '"\t"',
        "1 2",
        "nul",
        "\0",
        '{"a": 1e400}',
    ],
)
def test_malformed_json_is_rejected(text: str) -> None:
    with pytest.raises(ApiResponseError):
        codec.decode(text.encode())


@pytest.mark.parametrize("text", ["\n\n{bad", ' \r\n["a",]\n', "\n1\n\n2", "[1] \n\ufeff", '\t{"a": "b\n"}'])
def test_an_error_names_its_place_in_the_whole_text(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    for data in (text, text.encode()):
        with pytest.raises(ApiResponseError) as caught:
            codec.decode(data)
        assert caught.value.reason == f"the response isn't JSON: {expected.value}"


def test_a_byte_order_mark_is_skipped() -> None:
    assert codec.decode(b"\xef\xbb\xbf[]") == []


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, b"", {1, 2}, object(), {(1, 2): 3}, pytest.param(10**5000, id="huge"), 1j]
)
def test_values_that_json_cannot_represent_are_rejected(value: Any) -> None:
    with pytest.raises(ApiValueError, match="JSON"):
        codec.encode({"a": [value]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {"b": math.nan}]}, "data['a'][1]['b'] can't be formatted as JSON: Out of range float"),
        (
            {"a": [{"b": ({1}, 2)}]},
            "data['a'][0]['b'][0] can't be formatted as JSON: set is not a JSON value",
        ),
        ({"a": {(1, 2): 3}}, "data['a'] can't be formatted as JSON: keys must be str"),
        ({"a": EntitlementItem.from_dict({"id": b"x"})}, "data['a']['id'] can't be formatted as JSON: bytes"),
        (math.inf, "data can't be formatted as JSON: Out of range float"),
    ],
)
def test_the_place_of_a_value_that_json_cannot_represent_is_named(value: Any, message: str) -> None:
    with pytest.raises(ApiValueError) as raised:
        codec.encode(value, "data")
    assert str(raised.value).startswith(message)


@pytest.fixture
def usual_stack() -> Iterator[None]:
    """Sets Python's usual limit of the stack, as other tests run tools that raise it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(USUAL_DEPTH)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_stack")
def test_a_value_that_json_cannot_represent_is_rejected_at_any_depth() -> None:
    for depth in range(0, USUAL_DEPTH, 50):
        value: Any = {1}
        for _ in range(depth):
            value = [value]
        with pytest.raises(ApiValueError, match="can't be formatted as JSON"):
            codec.encode(value)


def test_the_place_in_a_body_or_in_a_model_is_named(api: UsersInventoryApi, server: RecordingServer) -> None:
    moment = datetime(2017, 8, 1, tzinfo=UTC)
    with pytest.raises(
        ApiValueError, match=r"^data\['seen'\]\['at'\] can't .*: datetime is not a JSON value"
    ):
        api.update_user_inventory_behavior_data(1, 1, data={"seen": {"at": moment}})
    with pytest.raises(ApiValueError, match=r"^EntitlementItem\['created_date'\] can't be formatted"):
        EntitlementItem.from_dict({"created_date": moment}).to_json()
    assert server.requests == []


def test_a_cycle_is_rejected() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ApiValueError):
        codec.encode(cycle)


@pytest.mark.usefixtures("usual_stack")
@pytest.mark.parametrize("depth", [*range(USUAL_DEPTH - 150, USUAL_DEPTH, 7), 100_000])
def test_nesting_near_the_limit_of_the_stack_is_read_or_rejected(depth: int) -> None:
    for data in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with suppress(ApiResponseError, RecursionError):  # the engine turns the latter into the former
            read(READ, Reply(200, data))


@pytest.mark.parametrize(
    "media",
    [
        None,
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/json",
        "text/plain",
        "application/problem+json",
        "application/octet-stream",
        "",
        "application/json; charset=",
        "application/json; version=2",
        "application/json;;=",
        'application/json; charset="UTF-8"',
    ],
)
def test_media_types_that_may_hold_json(media: str | None) -> None:
    reply = Reply(200, b'{"a": "\xc3\xbc"}', **({} if media is None else {"Content_Type": media}))
    assert read(READ, reply) == {"a": "ü"}


@pytest.mark.parametrize(
    "media", ["text/html", "text/html; charset=utf-8", "application/xml", "image/png", "json/html"]
)
def test_media_types_that_hold_something_else(media: str) -> None:
    for operation in (READ, REMOVE):
        with pytest.raises(ApiResponseError, match="its content type is"):
            read(operation, Reply(200, b"{}", Content_Type=media))


def test_a_declared_character_set_is_used() -> None:
    reply = Reply(200, b'{"a": "\xfc"}', Content_Type="application/json; charset=ISO-8859-1")
    assert read(READ, reply) == {"a": "ü"}


@pytest.mark.parametrize(
    ("charset", "reason"),
    [("utf-16", "isn't JSON")]
    + [(name, "unsupported") for name in ("x-unknown", "zlib_codec", "idna", "\xff", "utf-8\0")],
)
def test_a_character_set_that_does_not_match_is_rejected(charset: str, reason: str) -> None:
    with pytest.raises(ApiResponseError, match=reason):
        read(READ, Reply(200, b'{"a": "\xfc"}', Content_Type=f"application/json; charset={charset}"))


def test_an_empty_response_is_none_where_that_is_allowed() -> None:
    assert read(ONCE, Reply(200, b"")) is None
    assert read(ONCE, Reply(200, b" \r\n")) is None
    assert read(ONCE, Reply(200, b"null")) is None
    assert read(READ, Reply(204, b"")) is None
    assert read(REMOVE, Reply(200, b"OK")) is None
    with pytest.raises(ApiResponseError, match="empty"):
        read(READ, Reply(200, b""))
    with pytest.raises(ApiResponseError, match="null"):
        read(READ, Reply(200, b"null"))


def test_a_page_of_html_is_rejected_even_where_an_empty_response_is_expected() -> None:
    with pytest.raises(ApiResponseError, match="HTML"):
        read(REMOVE, Reply(200, b" <!doctype html>"))


def test_fields_of_items_are_checked_on_arrival_and_deeper_ones_when_they_are_read() -> None:
    place = r"PageResourceItemTemplateResource\.content\[\]\.behaviors"
    with pytest.raises(ApiResponseError, match=f"{place} should be a list, not 5"):
        read(GET_ENTITLEMENT_TEMPLATES, Reply(200, b'{"content":[{"behaviors":5}]}'))
    page = read(GET_ENTITLEMENT_TEMPLATES, Reply(200, b'{"content":[{"id":1,"behaviors":[5]}]}'))
    assert page.content[0].id == 1
    with pytest.raises(ApiResponseError, match=r"behaviors\[0\] should be an object, not 5"):
        _ = page.content[0].behaviors
