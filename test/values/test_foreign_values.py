"""Values of other libraries and of the caller's own classes: accepted if their meaning is clear."""

from __future__ import annotations

import datetime as dt
import enum
import json
import sys
from collections import UserDict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar, Generic, TypeVar
from unittest.mock import Mock, create_autospec

import numpy as np
import pandas as pd
import pytest
from werkzeug.local import LocalProxy

import knetik_cloud
from knetik_cloud import ApiValueError
from knetik_cloud.core import options
from knetik_cloud.data.expressions import parse
from test.conftest import RecordingServer


class Level(enum.Enum):
    LOW = 3
    NAME = "low"
    RATE = 0.5
    FLAG = True


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):  # noqa: UP042 - formatting differs from that of a StrEnum
    ACTIVE = "active"

    def __str__(self) -> str:
        return "another word"


class BadIndex:
    def __index__(self) -> int:
        raise RuntimeError("no")


class BadFloat:
    def __float__(self) -> float:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


class BadAttributes:
    """A record whose connection is lost, so that it can't load its attributes."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("__") else RuntimeError("no")


class BadZone(dt.tzinfo):
    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        raise RuntimeError("no")


class Interval(dt.timedelta):
    def __floordiv__(self, other: Any) -> Any:
        raise AttributeError("an Interval can't be divided by a timedelta")


class LibraryTime(dt.datetime):
    """A datetime like that of pendulum, whose differences have a class of their own."""

    def __sub__(self, other: Any) -> Any:
        return Interval(seconds=super().__sub__(other).total_seconds())


NEXT_YEAR = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("int32", np.int8(3), 3),
        ("int32", np.uint16(3), 3),
        ("int64", np.int64(-(2**63)), -(2**63)),
        ("int64", np.array(3), 3),
        ("int64", Number.ONE, 1),
        ("int64", Level.LOW, 3),
        ("int | str", np.int64(56), 56),
        ("float", np.float32(1.5), 1.5),
        ("float", np.float64(1.5), 1.5),
        ("float", np.int64(2), 2),
        ("float", Decimal("1.10"), 1.1),
        ("float", Fraction(1, 2), 0.5),
        ("float", Level.RATE, 0.5),
        ("bool", np.bool_(True), True),
        ("bool", np.bool_(False), False),
        ("bool", Level.FLAG, True),
        ("str", Word.ACTIVE, "active"),
        ("str", Level.NAME, "low"),
        ("str", np.str_("text"), "text"),
        ("epoch", np.int64(1_000), 1_000),
        ("epoch", pd.Timestamp(NEXT_YEAR), int(NEXT_YEAR.timestamp())),
        ("epoch", LibraryTime(2027, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), 1_798_761_600),
        ("epoch", LibraryTime(1969, 12, 31, 23, 59, 59, 999_999, dt.UTC), -1),
        ("datetime", pd.Timestamp(NEXT_YEAR), "2027-01-01T00:00:00+00:00"),
        ("list[int32]", [np.int64(1), 2], [1, 2]),
    ],
)
def test_a_clear_value_becomes_the_plain_one(expression: str, value: Any, expected: Any) -> None:
    converted = parse(expression, "knetik_cloud.models").convert(value, "x")
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    "expression", ["int32", "int64", "float", "bool", "str", "epoch", "date", "datetime"]
)
@pytest.mark.parametrize(
    "value",
    [
        pd.NaT,
        pd.NA,
        BadIndex(),
        BadFloat(),
        BadAttributes(),
        Mock(spec=int),
        Mock(spec=float),
        np.array([1, 2]),
        np.array([5]),
        np.array([True]),
        pd.Series([True, False]),
        np.datetime64("2027-01-01"),
        np.datetime64("2027-01-01", "ns"),
        np.timedelta64(1, "s"),
        np.timedelta64(1, "ns"),
        complex(1, 2),
        float("nan"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        np.float64("inf"),
        dt.datetime(2027, 1, 1, tzinfo=BadZone()),
        object(),
        type,
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_unclear_value_is_an_api_value_error(expression: str, value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^x must be"):
        parse(expression, "knetik_cloud.models").convert(value, "x")


@pytest.mark.parametrize("expression", ["int32", "float", "epoch"])
@pytest.mark.parametrize("value", [True, np.bool_(True), Level.FLAG])
def test_booleans_are_not_numbers(expression: str, value: Any) -> None:
    with pytest.raises(ApiValueError):
        parse(expression, "knetik_cloud.models").convert(value, "x")


def test_numbers_of_other_libraries_are_sent_in_free_json() -> None:
    prop = knetik_cloud.Property.from_dict(
        {"type": "mine", "data": {"a": np.int64(1), "b": np.bool_(True), "c": np.float32(0.5)}}
    )
    assert json.loads(prop.to_json())["data"] == {"a": 1, "b": True, "c": 0.5}
    assert prop.to_json().count("true") == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Level.NAME, "low"),
        (Level.FLAG, True),
        (Level.LOW, 3),
        (MappingProxyType({"level": Level.NAME}), {"level": "low"}),
        ([UserDict(a=MappingProxyType({}))], [{"a": {}}]),
    ],
    ids=repr,
)
def test_members_of_enums_and_mappings_are_sent_in_free_json(value: Any, expected: Any) -> None:
    entry = knetik_cloud.UserInventoryResource(behavior_data={"seen": value})
    assert json.loads(entry.to_json()) == {"behavior_data": {"seen": expected}}


@pytest.mark.parametrize("value", [True, np.bool_(True), Level.FLAG, Level.NAME, 2.0, BadIndex()])
def test_an_option_that_is_not_an_integer_is_an_api_value_error(value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^limit must be an int of 0 or more, not "):
        options.integer("limit", value, 0)
    assert options.integer("limit", Level.LOW, 0) == 3


@pytest.mark.parametrize("value", [np.array("a"), np.array([["a"]]), pd.DataFrame({"a": ["b"]})])
def test_an_array_of_another_dimension_is_not_a_list(value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^EntitlementItem\.tags must be a list, not "):
        knetik_cloud.EntitlementItem(tags=value)


@pytest.mark.parametrize(
    "value",
    [
        pd.NaT,
        np.float64("nan"),
        np.datetime64("2027-01-01", "ns"),
        np.array([5]),
        BadFloat(),
        BadAttributes(),
        Mock(spec=int),
        {np.int64(1): 2},
        {1, 2},
    ],
    ids=lambda value: type(value).__name__,
)
def test_free_json_that_cannot_be_sent_is_an_api_value_error(value: Any) -> None:
    with pytest.raises(ApiValueError):
        knetik_cloud.Property.from_dict({"type": "mine", "data": value}).to_json()


class Potion(knetik_cloud.Consumable):
    """A model that a program extends."""

    def is_big(self) -> bool:
        return (self.max_use or 0) > 5


class Elixir(Potion):
    pass


@pytest.mark.parametrize("kind", [Potion, Elixir])
def test_a_program_s_subclass_keeps_the_type_of_its_model(kind: type[Potion]) -> None:
    document = '{"type_hint":"consumable","max_use":9}'
    assert kind(max_use=9).to_json() == document
    assert kind(type_hint="consumable", max_use=9).to_json() == document
    for read in (kind.from_json(document), kind.from_dict(json.loads(document))):
        assert type(read) is kind
        assert read.is_big()
    assert type(knetik_cloud.Behavior.from_json(document)) is knetik_cloud.Consumable
    with pytest.raises(ApiValueError, match="type_hint must be 'consumable', not 'expirable'"):
        kind(type_hint="expirable")


def test_a_program_s_subclass_is_sent_in_a_field_of_its_model() -> None:
    item = knetik_cloud.EntitlementItem(name="Potion", behaviors=[Elixir(max_use=1)])
    assert json.loads(item.to_json())["behaviors"] == [{"type_hint": "consumable", "max_use": 1}]


T = TypeVar("T")


class Registered:
    """A mixin that registers the classes that have it."""

    classes: ClassVar[list[str]] = []

    def __init_subclass__(cls, *, shelf: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.classes.append(f"{cls.__name__} on {shelf}")


def test_a_program_s_subclass_may_be_generic_and_have_mixins() -> None:
    class Brew(knetik_cloud.Consumable, Registered, shelf="top"):
        pass

    class Mixture(knetik_cloud.Consumable, Generic[T]):
        pass

    assert Registered.classes == ["Brew on top"]
    assert Mixture[int](max_use=1).to_json() == Brew(max_use=1).to_json()
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        type("Broth", (knetik_cloud.Consumable,), {}, shelf="top")


class Bundle(knetik_cloud.EntitlementItem):
    pass


def test_a_program_s_subclass_reads_its_nested_models() -> None:
    bundle = Bundle.from_json(
        '{"type_hint":"entitlement","name":"B","behaviors":[{"type_hint":"expirable"}]}'
    )
    assert type(bundle.behaviors[0]) is knetik_cloud.Expirable if bundle.behaviors else False


def test_a_subclass_that_its_own_package_lists_reads_its_nested_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package, module = ModuleType("shop.models"), ModuleType("shop.models.bundle")
    package.__all__ = ["Parcel"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop.models", package)
    monkeypatch.setitem(sys.modules, "shop.models.bundle", module)
    Parcel = type("Parcel", (knetik_cloud.EntitlementItem,), {"__module__": "shop.models.bundle"})
    read = Parcel.from_json('{"type_hint":"entitlement","behaviors":[{"type_hint":"expirable"}]}')
    assert type(read) is Parcel
    assert [type(behavior) for behavior in read.behaviors] == [knetik_cloud.Expirable]


def test_numbers_and_enums_of_other_libraries_are_sent_in_paths_and_queries(server: RecordingServer) -> None:
    path = {"id": np.int64(56), "word": Word.ACTIVE}
    query = {"rate": Decimal("0.5"), "flag": np.bool_(True), "level": Level.LOW, "ids": [np.int32(1), 2]}
    query |= {"name": Level.NAME, "on": Level.FLAG}
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(server.url)) as client:
        client.call_api("/users/{id}/{word}", "GET", path, query)
        for value in (np.float64("inf"), np.array([1]), pd.NaT, np.datetime64("2027-01-01", "ns")):
            with pytest.raises(ApiValueError, match="query x must be"):
                client.call_api("/users", "GET", query_params={"x": value})
    first = server.requests[0].partition(b" HTTP/1.1")[0]
    assert first == b"GET /users/56/active?rate=0.5&flag=true&level=3&ids=1%2C2&name=low&on=true"


@pytest.mark.parametrize(
    "value",
    [
        np.bool_(True),
        np.timedelta64(5, "s"),
        np.complex128(1 + 2j),
        np.str_("5"),
        np.array([5.0]),
        pd.NA,
        pd.NaT,
        Decimal("sNaN"),
        10**400,
        Level.FLAG,
        Level.NAME,
        BadFloat(),
        BadIndex(),
    ],
)
def test_a_time_limit_that_is_no_real_number_is_an_api_value_error(value: Any) -> None:
    for check in (
        lambda: options.time_limit("deadline", value),
        lambda: options.timeouts("timeout", (1.0, value)),
        lambda: knetik_cloud.deadline(value).__enter__(),
    ):
        with pytest.raises(ApiValueError, match="must be a number of seconds above 0"):
            check()


@pytest.mark.parametrize("value", [Level.LOW, Level.RATE, np.float32(0.5), np.int64(3), Decimal("0.5")])
def test_a_time_limit_is_a_number_of_any_library(value: Any) -> None:
    limit = options.time_limit("deadline", value)
    assert type(limit) is float
    assert limit in (0.5, 3.0)


@pytest.mark.parametrize("value", [np.complex128(1 + 2j), np.str_("1.5"), np.bytes_(b"1.5")])
def test_a_number_is_not_taken_from_a_part_of_a_value(value: Any) -> None:
    with pytest.raises(ApiValueError):
        parse("float", "").convert(value, "the value")


UNCOMPARABLE = [pd.NA, np.array([1, 2]), pd.Series(["a", "b"]), pd.DataFrame({"a": ["b"]}), np.void(b"ab")]


@pytest.mark.parametrize("value", UNCOMPARABLE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", sorted(knetik_cloud.Configuration._settings.keys() - {"hooks"}))
def test_a_setting_that_cannot_be_compared_is_an_api_value_error(name: str, value: Any) -> None:
    with pytest.raises(ApiValueError):
        knetik_cloud.Configuration(**{name: value})


class BadRepr:
    """A value that can't be shown."""

    def __repr__(self) -> str:
        raise LookupError("no text")


@pytest.mark.parametrize("value", [10**5000, BadRepr(), BadZone()], ids=["long", "repr", "zone"])
@pytest.mark.parametrize("name", ["host", "proxy"])
def test_a_url_that_cannot_be_shown_is_an_api_value_error(name: str, value: Any) -> None:
    with pytest.raises(ApiValueError, match=f"{name} must be"):
        knetik_cloud.Configuration(**{name: value})


def cyclic_list() -> list[Any]:
    rows: list[Any] = []
    rows.append(rows)
    return rows


def cyclic_dict() -> dict[str, Any]:
    row: dict[str, Any] = {}
    row["row"] = row
    return row


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2030, 1, 1, tzinfo=BadZone()),
        dt.time(1, tzinfo=BadZone()),
        cyclic_list(),
        pd.NaT,
        BadAttributes(),
        Mock(spec=int),
        Mock(spec=float),
    ],
    ids=["datetime", "time", "cycle", "NaT", "attributes", "mock of int", "mock of float"],
)
def test_a_path_call_rejects_what_it_cannot_send(server: RecordingServer, value: Any) -> None:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(server.url)) as client:
        for sent in (value, [value]):
            with pytest.raises(ApiValueError):
                client.call_api("/a", "GET", query_params={"at": sent})
            with pytest.raises(ApiValueError):
                client.call_api("/{at}", "GET", path_params={"at": sent})
    assert server.requests == []


ITEM = knetik_cloud.EntitlementItem


@pytest.mark.parametrize(
    "value",
    [Mock(spec=int), Mock(spec=ITEM), create_autospec(ITEM)],
    ids=["int", "model", "autospec"],
)
def test_a_mock_in_place_of_an_argument_is_an_api_value_error(server: RecordingServer, value: Any) -> None:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(server.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        with pytest.raises(
            ApiValueError, match=r"^entitlement_item must be an EntitlementItem or a dict, not"
        ):
            api.create_entitlement_item(entitlement_item=value)
        with pytest.raises(ApiValueError, match=r"^entitlement_id must be an int, not"):
            api.get_entitlement_item(value)
    assert server.requests == []


@pytest.mark.parametrize("method", [["GET"], {"GET"}, bytearray(b"GET"), 1, None])
def test_a_path_call_needs_a_method_that_is_a_text(server: RecordingServer, method: Any) -> None:
    with (
        knetik_cloud.ApiClient(knetik_cloud.Configuration(server.url)) as client,
        pytest.raises(ApiValueError, match="method must be one of GET"),
    ):
        client.call_api("/a", method)


def test_a_model_of_a_dict_that_contains_itself_is_an_api_value_error() -> None:
    with pytest.raises(ApiValueError, match="EntitlementItem is nested too deeply, or contains itself"):
        knetik_cloud.EntitlementItem.from_dict(cyclic_dict())
    with pytest.raises(ApiValueError, match="is nested too deeply, or contains itself"):
        knetik_cloud.EntitlementItem(additional_properties={"a": cyclic_dict()})


PROXY: Any = LocalProxy(lambda: "text")
"""An object whose `__class__` is `str`, as Flask, Django and wrapt make them."""


@pytest.mark.parametrize(
    "use",
    [
        lambda api: knetik_cloud.EntitlementItem(name=PROXY),
        lambda api: knetik_cloud.EntitlementItem(tags=[PROXY]),
        lambda api: knetik_cloud.EntitlementItem(additional_properties={PROXY: {"type": "text"}}),
        lambda api: api.get_entitlement_template(PROXY),
        lambda api: api.get_users_inventory(filter_item_name=PROXY),
        lambda api: api.get_entitlement_item(56, _headers={"X-Tenant": PROXY}),
        lambda api: api.get_entitlement_item(56, _headers={PROXY: "1"}),
        lambda api: api.api_client.call_api(PROXY, "GET"),
        lambda api: api.api_client.call_api("/a", "GET", query_params={PROXY: 1}),
        lambda api: api.api_client.set_default_header("X-Tenant", PROXY),
        lambda api: knetik_cloud.once(api.use_user_entitlement_item, 56, 56, key=PROXY),
        lambda api: knetik_cloud.sorting.ascending(PROXY),
        lambda api: knetik_cloud.Configuration(user_agent=PROXY),
    ],
)
def test_proxy_of_a_text_is_an_api_value_error_that_shows_its_class(
    use: Callable[[knetik_cloud.UsersInventoryApi], object], server: RecordingServer
) -> None:
    with (
        knetik_cloud.ApiClient(knetik_cloud.Configuration(server.url)) as client,
        pytest.raises(ApiValueError, match="not LocalProxy 'text'"),
    ):
        use(knetik_cloud.UsersInventoryApi(client))
    assert server.requests == []


def test_proxy_of_a_secret_is_an_api_value_error() -> None:
    with pytest.raises(ApiValueError, match="must be a str or bytes, not a LocalProxy"):
        knetik_cloud.Secret(PROXY)


def test_class_of_a_value_that_is_shown_as_a_text_is_named() -> None:
    class Lazy:
        """A translation that is looked up later."""

        def __repr__(self) -> str:
            return "'text'"

    with pytest.raises(ApiValueError, match=r"^EntitlementItem\.name must be a str, not Lazy 'text'$"):
        knetik_cloud.EntitlementItem(name=Lazy())  # type: ignore[arg-type]


def test_value_is_shown_on_one_line() -> None:
    item = knetik_cloud.EntitlementItem(id=56, name="Potion of Speed", category="potions", tags=["a", "b"])
    assert "\n" in repr(item)
    with pytest.raises(
        ApiValueError,
        match=r"^UserInventoryAddRequest\.sku must be a str, not EntitlementItem\( type_hint=.*\.\.\.$",
    ):
        knetik_cloud.UserInventoryAddRequest(sku=item)  # type: ignore[arg-type]
