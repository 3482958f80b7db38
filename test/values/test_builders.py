"""`filter_date` and `order` accept the documented text, or what the builders return."""

from __future__ import annotations

import enum
import json
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import ApiClient, ApiValueError, Configuration, UsersInventoryApi, filters, sorting
from knetik_cloud.documents import load_document
from knetik_cloud.filters import DateFilter, after, at, at_or_after, at_or_before, before, between
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sorting import SortOrder, ascending, descending

MOMENT = datetime(2017, 8, 15, tzinfo=UTC)
CONTRACT = load_document(Path(knetik_cloud.__file__).parent / "openapi.yaml")
PATTERNS = {
    name: re.compile(CONTRACT["components"]["parameters"][name]["schema"]["pattern"])
    for name in ("filter_date", "order")
}


@pytest.mark.parametrize(
    ("built", "formatted"),
    [
        (after(MOMENT), "GT,1502755200"),
        (before("2017-08-15T00:00:00Z"), "LT,1502755200"),
        (at_or_after(1502755200), "GOE,1502755200"),
        (at_or_before("1502755200"), "LOE,1502755200"),
        (at(-1), "EQ,-1"),
        (between(MOMENT, 1600000000), "GOE,1502755200,LT,1600000000"),
        (after(1) & before(5) & at(3), "GT,1,LT,5,EQ,3"),
    ],
)
def test_a_range_of_time_is_formatted_as_documented(built: DateFilter, formatted: str) -> None:
    assert built == formatted
    assert type(built) is DateFilter
    assert PATTERNS["filter_date"].fullmatch(built)


@pytest.mark.parametrize(
    ("built", "formatted"),
    [
        (ascending("id"), "id:ASC"),
        (descending("created_date").then(ascending("id")), "created_date:DESC,id:ASC"),
    ],
)
def test_a_sort_order_is_formatted_as_documented(built: SortOrder, formatted: str) -> None:
    assert built == formatted
    assert type(built) is SortOrder
    assert PATTERNS["order"].fullmatch(built)


@pytest.mark.parametrize("build", [after, before, at, at_or_after, at_or_before, lambda m: between(0, m)])
def test_a_naive_instant_is_rejected(build: object) -> None:
    with pytest.raises(ApiValueError, match="without a UTC offset"):
        build(datetime(2017, 8, 15))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("build", "subject"),
    [
        (after, "the instant of after()"),
        (before, "the instant of before()"),
        (at, "the instant of at()"),
        (at_or_after, "the instant of at_or_after()"),
        (at_or_before, "the instant of at_or_before()"),
        (lambda instant: between(instant, 5), "the start of between()"),
        (lambda instant: between(0, instant), "the end of between()"),
    ],
)
@pytest.mark.parametrize(
    "instant", ["2030-01-01", "soon", "99999999999999", "0001-01-01T00:00:00+14:00", 1.5]
)
def test_messages_name_the_function_and_the_instant_that_was_passed(
    build: Callable[[Any], object], subject: str, instant: Any
) -> None:
    with pytest.raises(
        ApiValueError, match=f"^{re.escape(subject)} must be .*, not {re.escape(repr(instant))}"
    ):
        build(instant)


def test_a_range_that_ends_before_it_starts_is_rejected() -> None:
    message = "^the start of between() must not be after its end: swap '2017-08-15T00:00:01Z' and 1502755200$"
    with pytest.raises(ApiValueError, match=message.replace("()", r"\(\)")):
        between("2017-08-15T00:00:01Z", 1502755200)
    assert between(MOMENT, 1502755200) == "GOE,1502755200,LT,1502755200"


@pytest.mark.parametrize("field", ["", "a:b", "a,b", "a b", None, 5])
def test_anything_but_the_name_of_a_field_is_rejected(field: object) -> None:
    with pytest.raises(ApiValueError, match="the field to sort by"):
        ascending(field)  # type: ignore[arg-type]


def test_a_range_intersects_with_ranges_only() -> None:
    with pytest.raises(TypeError):
        after(1) & "LT,5"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ({"filter_date": MOMENT}, "a str or one of knetik_cloud.filters, such as after(instant)"),
        ({"order": ["id"]}, "a str or one of knetik_cloud.sorting, such as descending('id')"),
    ],
)
def test_the_message_on_another_value_names_the_builders(argument: dict[str, Any], expected: str) -> None:
    ((name, value),) = argument.items()
    method = "get_users_inventory" if name == "filter_date" else "get_entitlement_items"
    with pytest.raises(ApiValueError, match=f"^{re.escape(f'{name} must be {expected}, not {value!r}')}$"):
        getattr(UsersInventoryApi(), method)(**argument)


def test_builders_are_found_from_the_package_and_behave_as_texts() -> None:
    assert knetik_cloud.filters is filters
    assert knetik_cloud.sorting is sorting
    assert pickle.loads(pickle.dumps(after(1))) == "GT,1"
    assert json.dumps(ascending("id")) == '"id:ASC"'


def test_the_service_accepts_their_formats() -> None:
    with Sandbox() as sandbox, ApiClient(Configuration(sandbox.url)) as client:
        api = UsersInventoryApi(client)
        everything = api.get_user_inventories(56, filter_date=after("2000-01-01T00:00:00Z")).total_elements
        nothing = api.get_user_inventories(56, filter_date=between(0, 1)).total_elements
        assert everything
        assert nothing == 0
        ids = [item.id for item in api.iter_entitlement_items(order=descending("id"), page_size=2)]
        assert ids == sorted(ids, reverse=True)


class Field(str, enum.Enum):  # noqa: UP042 - formatting differs from that of a StrEnum
    CREATED = "created_date"


def test_members_of_enums_are_formatted_as_their_values() -> None:
    assert descending(Field.CREATED).then(ascending("id")) == "created_date:DESC,id:ASC"
    assert ascending("id").then(SortOrder("name:ASC")) == "id:ASC,name:ASC"


@pytest.mark.parametrize("weaker", [5, None, b"id:ASC"])
def test_only_an_order_breaks_ties(weaker: Any) -> None:
    with pytest.raises(
        ApiValueError, match=r"^the weaker order must be one such as descending\('id'\), not "
    ):
        ascending("id").then(weaker)
