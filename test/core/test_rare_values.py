"""Values and failures that programs rarely meet, so that a test runs each line of the engine and the data."""

from __future__ import annotations

import builtins
import datetime as dt
import enum
import json
import shlex
import sys
from collections.abc import Generator
from itertools import product
from typing import Any

import numpy as np
import pytest

from knetik_cloud import (
    ApiClient,
    ApiValueError,
    Configuration,
    EntitlementItem,
    MapProperty,
    UsersInventoryApi,
    observation,
)
from knetik_cloud.core import call
from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.core.request import Request, build
from knetik_cloud.data import codec
from knetik_cloud.data.model import field
from knetik_cloud.exceptions import ApiConnectionException, ApiResponseError
from knetik_cloud.operations import (
    CREATE_ENTITLEMENT_ITEM,
    GRANT_USER_ENTITLEMENT,
    USE_USER_ENTITLEMENT_ITEM,
)
from knetik_cloud.path_call import prepare_path_call
from knetik_cloud.recovery import check_key
from knetik_cloud.wire import failure
from knetik_cloud.wire.response import Response
from knetik_cloud.writes import Outcome, marks
from test.conftest import RecordingServer, http_response
from test.core.lists import ONCE, READ, Reply, World


def call_of_path(**changes: Any) -> Any:
    call: dict[str, Any] = {
        "resource_path": "/a", "method": "GET", "path_params": None, "query_params": None,
        "header_params": None, "body": None, "response_type": None, "options": {},
    }  # fmt: skip
    return prepare_path_call(**{**call, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "TRACE"}, "method must be one of GET"),
        ({"query_params": [1]}, "query_params must be a dict"),
        ({"path_params": {1: 2}}, "a name in path_params must be a str"),
        (
            {"header_params": [("X-A", "b")]},
            "header_params must be a dict of header names to strings, not list",
        ),
        ({"header_params": {"X-A": 1}}, r"header_params\['X-A'\] must be a Latin-1 str"),
        ({"header_params": {"X-A": "b"}, "options": {"_headers": [("X-B", "c")]}}, "_headers must be a dict"),
    ],
)
def test_call_of_a_path_is_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiValueError, match=message):
        call_of_path(**changes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (dt.date(2017, 8, 1), "2017-08-01"), ([1, True, "x"], "1%2Ctrue%2Cx"), (7, "7")],
)
def test_query_of_a_path_accepts_plain_values(value: object, text: str) -> None:
    operation, arguments, _ = call_of_path(query_params={"q": value})
    assert build(operation, arguments, "", {}).target == f"/a?q={text}"
    with pytest.raises(ApiValueError, match="must be a str, a finite number"):
        build(operation, {**arguments, "query q": object()}, "", {})


class Misleading(str):
    """A string that is formatted as another text, as members of a `(str, Enum)` are."""

    def __str__(self) -> str:
        return "another"

    def __format__(self, spec: str) -> str:
        return "another"


class Word(str, enum.Enum):  # noqa: UP042  # a StrEnum is formatted as its value
    PLAIN = "plain"


class Number(enum.IntEnum):
    FIVE = 5

    def __str__(self) -> str:
        return "another"

    __format__ = __repr__ = __str__  # type: ignore[assignment]


@pytest.mark.parametrize("place", ["path", "query", "form", "header"])
@pytest.mark.parametrize(
    ("type", "value"),
    [
        *product(("str", "int | str", "object"), (Misleading("plain"), Word.PLAIN, np.str_("plain"))),
        ("object", [Word.PLAIN]),
        ("object", (Misleading("plain"),)),
    ],
)
def test_argument_is_sent_as_its_value_and_not_as_it_is_formatted(type: Any, value: Any, place: Any) -> None:
    operation: Operation[Any] = Operation("a", "GET", "/{x}", [Parameter("x", place, type)])
    request = build(operation, {"x": value}, "", {})
    sent = {
        "path": request.target,
        "query": request.target.partition("?x=")[2],
        "form": (request.content() or b"").decode().removeprefix("x="),
        "header": request.headers.get("x"),
    }
    assert sent[place] == ("/plain" if place == "path" else "plain")
    assert "another" not in request.as_curl("")


@pytest.mark.parametrize("type", ["int32", "int | str", "object"])
def test_number_is_sent_as_its_value_and_not_as_it_is_formatted(type: Any) -> None:
    operation: Operation[Any] = Operation("a", "GET", "/a", [Parameter("x", "query", type)])
    assert build(operation, {"x": Number.FIVE}, "", {}).target == "/a?x=5"


def test_names_in_a_call_of_a_path_are_sent_as_their_values() -> None:
    operation, arguments, _ = call_of_path(
        resource_path=Misleading("/a/{plain}"),
        path_params={Word.PLAIN: Word.PLAIN},
        query_params={Word.PLAIN: [Word.PLAIN, Number.FIVE]},
    )
    assert build(operation, arguments, "/b", {}).target == "/b/a/plain?plain=plain%2C5"
    assert operation.id == "GET /a/{plain}"


def test_user_agent_and_markers_are_sent_as_their_values() -> None:
    assert type(Configuration(user_agent=Word.PLAIN).settings().headers["User-Agent"]) is str
    assert check_key(Word.PLAIN).after(Misleading("plain")) == "plain [plain]"


def test_writes_are_compared_by_the_values_of_their_arguments() -> None:
    plain, member = ({"user_id": user, "item_id": 5} for user in ("plain", Word.PLAIN))
    assert marks(USE_USER_ENTITLEMENT_ITEM, plain) == marks(USE_USER_ENTITLEMENT_ITEM, member)
    plain, member = ({"entitlement_item": {"name": name}} for name in ("plain", Word.PLAIN))
    assert marks(CREATE_ENTITLEMENT_ITEM, plain) == marks(CREATE_ENTITLEMENT_ITEM, member)
    plain, member = (
        {"user_id": 5, "grant_request": {"entitlement_id": number}} for number in (5, Number.FIVE)
    )
    assert marks(GRANT_USER_ENTITLEMENT, plain) == marks(GRANT_USER_ENTITLEMENT, member)


@pytest.mark.parametrize(
    ("place", "value", "target"),
    [
        ("path", "\u00e9t\u00e9", "/a/%C3%A9t%C3%A9"),
        ("query", "\u0661", "/a/{x}?x=%D9%A1"),
        ("query", "", "/a/{x}?x="),
        ("query", "..", "/a/{x}?x=.."),
    ],
)
def test_text_of_an_argument_is_percent_encoded(place: Any, value: str, target: str) -> None:
    operation: Operation[Any] = Operation("a", "GET", "/a/{x}", [Parameter("x", place, "str")])
    assert build(operation, {"x": value}, "", {}).target == target


@pytest.mark.parametrize(
    ("kind", "value"), [("int64", "9" * 5000), ("int64", "\u0661"), ("object", float("inf"))]
)
def test_number_that_cannot_be_sent_is_rejected(kind: str, value: Any) -> None:
    operation: Operation[Any] = Operation("a", "GET", "/a", [Parameter("x", "query", kind)])
    with pytest.raises(ApiValueError, match=r"^x must be "):
        build(operation, {"x": value}, "", {})


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("int32", 0, "0"), ("int32", (1 << 31) - 1, "2147483647"), ("int32", 1 << 31, None),
        ("int64", 1 << 31, "2147483648"), ("int | str", 1 << 63, None), ("int32", True, None),
        ("str", 5, None), ("bool", 1, None), ("float", 5, "5"), ("date", 5, None), ("object", 5, "5"),
        ("int32", -5, "-5"), ("int64", str(-(1 << 63)), str(-(1 << 63))), ("int64", "9" * 19, None),
    ],
)  # fmt: skip
def test_int_is_sent_if_the_type_of_its_parameter_accepts_it(
    kind: str, value: int | str, sent: str | None
) -> None:
    operation: Operation[None] = Operation("do", "GET", "/do", (Parameter("value", "query", kind),))
    if sent is None:
        with pytest.raises(ApiValueError, match="value must be"):
            build(operation, {"value": value}, "", {})
    else:
        assert build(operation, {"value": value}, "", {}).target == f"/do?value={sent}"


def test_header_parameter_is_encoded_as_one_segment() -> None:
    operation: Operation[Any] = Operation("a", "GET", "/a", [Parameter("x", "header", "str", wire="X-A")])
    assert build(operation, {"x": "b c"}, "", {}).headers["X-A"] == "b%20c"
    assert build(operation, {"x": "b"}, "", {"x-a": "c"}).headers == {
        "Accept": "application/json",
        "x-a": "c",
    }
    for value in ("", ".", ".."):
        with pytest.raises(ApiValueError, match="x must be one segment of a header, and not empty"):
            build(operation, {"x": value}, "", {})


def test_integer_body_may_be_decimal_text_and_missing_fields_are_named() -> None:
    number: Operation[Any] = Operation("a", "PUT", "/a", [Parameter("n", "body", "int32")])
    assert build(number, {"n": "5"}, "", {}).body == b"5"
    item: Operation[Any] = Operation("a", "PUT", "/a", [Parameter("item", "body", "EntitlementItem")])
    with pytest.raises(ApiValueError, match=r"item\.name missing"):
        build(item, {"item": EntitlementItem()}, "", {})


def test_body_that_contains_itself_is_an_error() -> None:
    item: Operation[Any] = Operation("a", "PUT", "/a", [Parameter("item", "body", "EntitlementItem")])
    cyclic: dict[str, Any] = {}
    cyclic["additional_properties"] = {"a": cyclic}
    with pytest.raises(ApiValueError, match="EntitlementItem is nested too deeply, or contains itself"):
        build(item, {"item": cyclic}, "", {})
    values = MapProperty(map={})
    values.map["a"] = values
    with pytest.raises(ApiValueError, match="a can't send its item: it is nested too deeply, or contains"):
        build(item, {"item": EntitlementItem(additional_properties={"a": values})}, "", {})


def test_outcome_of_a_write_describes_itself() -> None:
    error = ApiConnectionException(reason="reset")
    outcome: Outcome[Any] = Outcome("unknown", key="k", candidates=[1, 2], error=error)
    assert (
        repr(outcome) == "<Outcome 'unknown', key='k', candidates=2, error=ApiConnectionException('reset')>"
    )
    assert not outcome.is_applied


def test_decoder_is_the_standard_one_without_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_msgspec(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("msgspec"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    codec.fast_decoder.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_msgspec)
    try:
        assert codec.fast_decoder() is None
        assert codec.decode(b"[" + b"1," * 5000 + b"1]")[-1] == 1
    finally:
        codec.fast_decoder.cache_clear()


def test_text_in_another_character_set_is_an_error() -> None:
    with pytest.raises(ApiResponseError, match="isn't text in the character set 'ascii'"):
        codec.text(b"\xff", "ascii")
    assert codec.text("ü".encode("latin-1"), "latin-1") == "ü"


def test_field_outside_a_class_has_no_description() -> None:
    assert field("str").__doc__ == ""


def test_response_nested_too_deeply_is_an_error() -> None:
    data = b'{"type_hint":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert "nested too deeply" in str(World().error(READ, [Reply(200, data)]))


def test_blank_response_is_none_where_an_empty_one_is_valid() -> None:
    assert World().call(ONCE, [Reply(200, b" \r\n")]).data is None


def test_unknown_error_is_a_failed_exchange() -> None:
    mapped = failure.map_error(LookupError("x"), False, "example.com")
    assert (mapped.error, mapped.reason) == (
        ApiConnectionException,
        "the exchange with example.com failed: LookupError x",
    )


def test_error_is_mapped_without_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("socket", "ssl"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    mapped = failure.map_error(OSError(24, "Too many open files"), False, "example.com")
    assert mapped.reason == (
        "the connection to example.com could not be made: [Errno 24] Too many open files"
    )
    assert sys.modules.keys().isdisjoint(("socket", "ssl"))


@pytest.mark.parametrize("text", ["", "plain", "a b", "it's", "ü", "a-b_c.d/e:f,g=h+i@j%k", "$x", "a\n"])
def test_curl_command_is_quoted_as_the_shell_requires(text: str) -> None:
    request = Request(READ, "/a", {}, text.encode())
    assert shlex.split(request.as_curl("http://service"))[-1] == text
    assert request.as_curl("http://service").endswith(f" --data-raw {shlex.quote(text)}")


def test_encoders_that_use_vars_see_the_data_of_nested_maps() -> None:
    nested = {"a": {"type": "text", "value": "y"}}
    item = EntitlementItem.from_dict({"name": "x", "additional_properties": nested})
    assert isinstance(item.additional_properties, dict)
    assert vars(item) == {"name": "x", "additional_properties": nested}


def test_error_of_the_interpreter_without_a_traceback_is_translated() -> None:
    assert not failure.is_foreign(OSError("reset"))


def test_response_that_exhausts_the_stack_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object) -> None:
        raise RecursionError

    monkeypatch.setattr(call, "read", exhausted)
    assert "nested too deeply" in str(World().error(READ, [Reply(200)]))


@pytest.mark.parametrize("name", ["X-0123456789", "!#$%&'*+-.^_`|~x"])
def test_header_names_have_all_characters_of_tokens(name: str) -> None:
    response = Response()
    response.feed(f"HTTP/1.1 200 OK\r\n{name}: 1\r\nContent-Length: 0\r\n\r\n".encode())
    assert response.fields[0] == (name, "1")


class Pending:
    """The result of a coroutine hook, which nothing awaits here."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def test_error_that_a_signal_handler_raises_during_a_hook_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "signal", raising=False)
    assert not observation.is_interruption(ValueError())
    monkeypatch.setattr(observation, "is_interruption", lambda error: True)
    steps = observation.notify([lambda event: event], Pending())
    next(steps)
    with pytest.raises(ValueError, match="time limit"):
        steps.throw(ValueError("time limit"))


@pytest.mark.parametrize("text", ["[1, 2, [ ], {\n}]", '{"a":[1,2],"b":"x"}', '["a,b","[{\\"",{"c":null}]'])
def test_json_values_of_a_response_are_counted(text: str) -> None:
    def values(value: object) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + sum(map(values, inner))

    count = values(json.loads(text))
    for data in (text, text.encode()):
        codec.check_count(data, count)
        with pytest.raises(ApiResponseError, match=r"more than \d+ JSON values, the limit of Configuration"):
            codec.check_count(data, count - 1)


def test_response_with_too_many_json_values_is_an_error(server: RecordingServer) -> None:
    server.responses = [http_response(200, b'{"name":"x","tags":[' + b'"a,b",' * 50 + b'"c"]}')]
    with ApiClient(Configuration(server.url, max_json_values=54)) as client:
        assert UsersInventoryApi(client).get_entitlement_item(5).name == "x"
        client.configuration.max_json_values = 53
        with pytest.raises(ApiResponseError, match="more than 53 JSON values"):
            UsersInventoryApi(client).get_entitlement_item(5)


def test_every_coroutine_hook_of_an_event_is_awaited() -> None:
    awaited = [Pending(), Pending()]
    steps = observation.notify(tuple(lambda event, each=each: each for each in awaited), None)  # type: ignore[misc]
    assert [command.awaitable for command in steps] == awaited  # type: ignore[union-attr]
