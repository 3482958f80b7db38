"""The behaviors, one by one: plain functions, each with a table of cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from knetik_cloud.sandbox.rules import (
    consumable,
    expirable,
    fulfillable,
    getting,
    groups,
    guest_playable,
    limited_gettable,
    pre_req_entitlement,
    price_overridable,
    spendable,
    template_check,
    time_period_gettable,
    time_period_usable,
    using,
)
from knetik_cloud.sandbox.rules.definitions import RULES, behavior_problems
from knetik_cloud.sandbox.rules.entry import ACTIVE, INACTIVE, PENDING, Entry
from knetik_cloud.sandbox.rules.periods import END_OF_TIME, later

NOW = 1_500_000_000
ENTRY = Entry(id=1, user_id=56, item_id=56)


def with_uses(behavior: str, **data: Any) -> Entry:
    return replace(ENTRY, behavior_data={behavior: data})


@pytest.mark.parametrize(
    ("max_use", "data", "allowed"),
    [
        (3, {}, True),
        (3, {"use_count": 2}, True),
        (3, {"use_count": 3}, False),
        (3, {"use_count": 4}, False),
        (None, {"use_count": 1000}, True),
        (1, {"use_count": "many"}, True),
        (1, {"use_count": True}, True),
        (1, {"use_count": 1.0}, True),
        (1, {"use_count": None}, True),
    ],
)
def test_consumable_allows_max_use_uses(max_use: int | None, data: dict[str, Any], allowed: bool) -> None:
    reason = consumable.deny_use({"max_use": max_use}, with_uses("consumable", **data), NOW)
    assert (reason is None) == allowed


@pytest.mark.parametrize(("used", "status"), [(0, ACTIVE), (1, ACTIVE), (2, INACTIVE)])
def test_consumable_is_inactive_after_its_last_use(used: int, status: str) -> None:
    entry = consumable.use({"max_use": 3}, with_uses("consumable", use_count=used), NOW)
    assert (entry.counter("consumable", "use_count"), entry.status) == (used + 1, status)


def test_consumable_keeps_other_behavior_data() -> None:
    entry = replace(ENTRY, behavior_data={"mine": [1], "consumable": {"use_count": 1, "color": "red"}})
    used = consumable.use({"max_use": 3}, entry, NOW)
    assert used.behavior_data == {"mine": [1], "consumable": {"use_count": 2, "color": "red"}}


@pytest.mark.parametrize("data", [None, {}, {"consumable": 5}, {"consumable": [1]}, {"consumable": None}])
def test_consumable_counts_from_zero_if_the_behavior_data_is_invalid(data: Any) -> None:
    assert consumable.use({}, replace(ENTRY, behavior_data=data), NOW).counter("consumable", "use_count") == 1


@pytest.mark.parametrize(
    ("instant", "length", "unit", "result"),
    [
        (NOW, 1, "second", NOW + 1),
        (NOW, 2, "minute", NOW + 120),
        (NOW, 1, "hour", NOW + 3600),
        (NOW, 1, "day", NOW + 86_400),
        (NOW, 2, "week", NOW + 1_209_600),
        (1_485_820_800, 1, "month", 1_488_240_000),  # January 31 to February 28, 2017
        (1_485_820_800, 13, "month", 1_519_776_000),  # to February 28, 2018
        (1_456_704_000, 1, "year", 1_488_240_000),  # February 29, 2016 to February 28, 2017
        (NOW, -1, "day", NOW - 86_400),
        (NOW, 1, "millisecond", NOW + 1),
        (NOW, 1500, "millisecond", NOW + 2),
        (NOW, 2000, "millisecond", NOW + 2),
        (NOW, -1, "millisecond", NOW - 1),
        (NOW, -1500, "millisecond", NOW - 2),
        (NOW, -2000, "millisecond", NOW - 2),
        (1_488_240_000, -1, "month", 1_485_561_600),
        (1_490_918_400, -1, "month", 1_488_240_000),  # March 31 to February 28, 2017
        (1_485_820_800, -13, "month", 1_451_520_000),  # January 31, 2017 to December 31, 2015
        (1_456_704_000, -1, "year", 1_425_081_600),  # February 29, 2016 to February 28, 2015
        (NOW, 2**31 - 1, "week", END_OF_TIME),
        (NOW, 2**31 - 1, "year", END_OF_TIME),
        (NOW, -(2**31 - 1), "year", 0),
        (NOW, -(2**31 - 1), "week", 0),
    ],
)
def test_periods_follow_the_calendar(instant: int, length: int, unit: str, result: int) -> None:
    assert later(instant, length, unit) == result


@pytest.mark.parametrize(
    ("behavior", "expires"),
    [
        ({"time_length": 30, "unit_of_time": "day"}, NOW + 2_592_000),
        ({}, None),
        ({"time_length": None, "unit_of_time": None}, None),
    ],
)
def test_expirable_ends_its_length_after_the_grant(behavior: dict[str, Any], expires: int | None) -> None:
    assert expirable.grant(behavior, ENTRY, NOW).expires == expires


@pytest.mark.parametrize(
    ("expires", "now", "status"),
    [
        (None, NOW, ACTIVE),
        (NOW + 1, NOW, ACTIVE),
        (NOW, NOW, INACTIVE),
        (NOW, NOW + 0.5, INACTIVE),
        (0, NOW, INACTIVE),
    ],
)
def test_an_expired_entry_is_inactive(expires: int | None, now: float, status: str) -> None:
    assert replace(ENTRY, expires=expires).status_at(now) == status


HOURLY = {"max_use": 2, "time_length": 1, "unit_of_time": "hour"}


@pytest.mark.parametrize(
    ("data", "now", "allowed"),
    [
        ({}, NOW, True),
        ({"period_start": NOW, "use_count": 1}, NOW + 1, True),
        ({"period_start": NOW, "use_count": 2}, NOW + 3599, False),
        ({"period_start": NOW, "use_count": 2}, NOW + 3600, True),
        ({"period_start": "noon", "use_count": 2}, NOW, True),
    ],
)
def test_time_period_usable_allows_max_use_uses_a_period(
    data: dict[str, Any], now: int, allowed: bool
) -> None:
    reason = time_period_usable.deny_use(HOURLY, with_uses("time_period_usable", **data), now)
    assert (reason is None) == allowed


def test_time_period_usable_begins_a_period_with_the_first_use_after_the_last_one() -> None:
    first = time_period_usable.use(HOURLY, ENTRY, NOW)
    second = time_period_usable.use(HOURLY, first, NOW + 10)
    third = time_period_usable.use(HOURLY, second, NOW + 7200)
    assert [entry.behavior_data for entry in (first, second, third)] == [
        {"time_period_usable": {"period_start": NOW, "use_count": 1}},
        {"time_period_usable": {"period_start": NOW, "use_count": 2}},
        {"time_period_usable": {"period_start": NOW + 7200, "use_count": 1}},
    ]


@pytest.mark.parametrize(
    ("behavior", "guest", "allowed"),
    [
        ({"allowed": True}, True, True),
        ({"allowed": False}, True, False),
        ({}, True, False),
        ({"allowed": False}, False, True),
    ],
)
def test_guest_playable_denies_guests(behavior: dict[str, Any], guest: bool, allowed: bool) -> None:
    assert (guest_playable.deny_use(behavior, guest) is None) == allowed


@pytest.mark.parametrize(
    ("owned", "limit", "allowed"), [(0, 1, True), (1, 1, False), (1, 2, True), (0, 0, False)]
)
def test_limited_gettable_limits_what_a_user_holds(owned: int, limit: int, allowed: bool) -> None:
    behavior = {"group": {"name": "gifts", "active_only": True, "owned_limit": limit}}
    assert (limited_gettable.deny_get(behavior, owned) is None) == allowed


@pytest.mark.parametrize(
    ("got", "limit", "allowed"), [(0, 1, True), (1, 1, False), (2, 3, True), (0, 0, False)]
)
def test_time_period_gettable_limits_gets_in_a_window(got: int, limit: int, allowed: bool) -> None:
    behavior = {"group_name": "gifts", "get_limit": limit, "time_length": 2, "unit_of_time": "day"}
    assert (time_period_gettable.deny_get(behavior, got) is None) == allowed
    assert time_period_gettable.window_start(behavior, NOW) == NOW - 172_800


@pytest.mark.parametrize(
    ("held", "allowed"), [({1, 2}, True), ({1, 2, 3}, True), ({1}, False), (set(), False)]
)
def test_pre_req_entitlement_requires_every_item(held: set[int], allowed: bool) -> None:
    assert (pre_req_entitlement.deny_get({"item_ids": [1, 2]}, held) is None) == allowed


@pytest.mark.parametrize(
    ("bounds", "requested", "price"),
    [
        ({"min_price": 5, "max_price": 20}, 3.99, 5.0),
        ({"min_price": 5, "max_price": 20}, 30.0, 20.0),
        ({"min_price": 5, "max_price": 20}, 7.5, 7.5),
        ({}, 3.99, 3.99),
        ({"min_price": None, "max_price": 2}, 3.99, 2.0),
    ],
)
def test_price_overridable_moves_a_price_into_its_bounds(
    bounds: dict[str, Any], requested: float, price: float
) -> None:
    assert price_overridable.price(bounds, requested) == price


WALLET = {"type_hint": "fulfillable", "type_name": "wallet"}
MONEY = {"type_hint": "spendable", "currency_code": "USD", "value": 100}


@pytest.mark.parametrize(
    ("behaviors", "overrides", "credit"),
    [
        ([WALLET, MONEY], (), spendable.Credit("USD", 100)),
        ([MONEY], (), None),
        ([WALLET], (), None),
        ([{**WALLET, "type_name": "inventory"}, MONEY], (), None),
        ([WALLET, {**MONEY, "currency_code": None}], (), None),
        ([WALLET, {**MONEY, "value": 0}], (), None),
        ([WALLET, MONEY], ("spendable",), None),
        ([WALLET, MONEY], ("fulfillable",), None),
    ],
)
def test_a_grant_credits_the_wallet_only_with_fulfillable_and_spendable(
    behaviors: list[dict[str, Any]], overrides: tuple[str, ...], credit: spendable.Credit | None
) -> None:
    assert getting.credit(behaviors, overrides) == credit
    assert fulfillable.credits_wallet(WALLET)


@pytest.mark.parametrize(
    ("entry", "guest", "behavior", "reason"),
    [
        (ENTRY, False, None, None),
        (replace(ENTRY, status=PENDING), False, None, "pending"),
        (replace(ENTRY, status=INACTIVE), False, None, "inactive"),
        (replace(ENTRY, expires=NOW), False, "expirable", "expired"),
        (replace(with_uses("consumable", use_count=1), status=INACTIVE), False, "consumable", "max_use is 1"),
        (ENTRY, True, "guest_playable", "guests"),
    ],
)
def test_a_denied_use_names_the_rule(
    entry: Entry, guest: bool, behavior: str | None, reason: str | None
) -> None:
    behaviors = [{"type_hint": "consumable", "max_use": 1}, {"type_hint": "guest_playable", "allowed": False}]
    denial = using.deny_use(behaviors, entry, guest, NOW)
    if reason is None:
        assert denial is None
    else:
        assert denial is not None
        assert denial.behavior == behavior
        assert reason in denial.reason


def test_the_entry_that_ends_first_is_used_first() -> None:
    forever, late, soon = (
        replace(ENTRY, id=number, expires=expires)
        for number, expires in ((1, None), (2, NOW + 9), (3, NOW + 1))
    )
    assert [entry.id for entry in sorted([forever, late, soon], key=using.preference)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("behavior", "field"),
    [
        ({"type_hint": "consumable", "max_use": 0}, "max_use"),
        ({"type_hint": "expirable", "time_length": 0, "unit_of_time": "day"}, "time_length"),
        ({"type_hint": "expirable", "time_length": 1, "unit_of_time": "fortnight"}, "unit_of_time"),
        ({"type_hint": "expirable", "time_length": 1}, "unit_of_time"),
        ({"type_hint": "expirable", "unit_of_time": "day"}, "time_length"),
        ({"type_hint": "fulfillable", "type_name": " "}, "type_name"),
        ({"type_hint": "guest_playable", "leaderboard": True}, "leaderboard"),
        (
            {"type_hint": "limited_gettable", "group": {"owned_limit": -1, "active_only": True}},
            "group.owned_limit",
        ),
        ({"type_hint": "price_overridable", "min_price": 2, "max_price": 1}, "max_price"),
        ({"type_hint": "price_overridable", "min_price": -1}, "min_price"),
        ({"type_hint": "spendable", "value": -1}, "value"),
        (
            {"type_hint": "time_period_gettable", "get_limit": -1, "time_length": 1, "unit_of_time": "day"},
            "get_limit",
        ),
        ({"type_hint": "time_period_usable", "max_use": 0}, "max_use"),
    ],
)
def test_an_invalid_definition_names_its_field(behavior: dict[str, Any], field: str) -> None:
    (problem,) = behavior_problems([behavior])
    assert problem.field == f"behaviors[0].{field}"
    assert problem.message.startswith(f"behaviors[0].{field} ")


@pytest.mark.parametrize(
    "behavior",
    [
        {"type_hint": "consumable", "max_use": 1},
        {"type_hint": "expirable", "time_length": 1, "unit_of_time": "day"},
        {"type_hint": "limited_gettable", "group": {"owned_limit": 0, "active_only": True}},
        {"type_hint": "price_overridable", "min_price": 0, "max_price": 0},
        {"type_hint": "spendable", "value": 0},
        {"type_hint": "time_period_gettable", "get_limit": 0, "time_length": 1, "unit_of_time": "day"},
        {"type_hint": "time_period_usable", "max_use": 1, "time_length": 1, "unit_of_time": "day"},
    ],
)
def test_a_definition_may_have_the_least_values(behavior: dict[str, Any]) -> None:
    assert behavior_problems([behavior]) == []


def test_an_item_has_each_behavior_once() -> None:
    (problem,) = behavior_problems([{"type_hint": "consumable"}, {"type_hint": "consumable"}])
    assert problem.field == "behaviors[1].type_hint"


def test_there_is_a_rule_for_each_of_the_ten_behaviors() -> None:
    from knetik_cloud.contract import Contract

    assert set(RULES) == set(Contract.load().schemas["Behavior"]["discriminator"]["mapping"])


LIMITED = {"type_hint": "limited_gettable", "group": {"name": None, "active_only": True, "owned_limit": 1}}


def test_a_nameless_group_gets_a_name_that_stays() -> None:
    (created,) = groups.with_names([LIMITED], 7)
    (kept,) = groups.named([LIMITED], {"behaviors": [created]})
    assert created["group"]["name"] == kept["group"]["name"] == "item-7-limited_gettable"
    assert groups.named([LIMITED], None) == [LIMITED]


TEMPLATE = {
    "properties": [
        {"name": "color", "type": "text", "required": True, "max_length": 5},
        {"name": "level", "type": "integer", "required": False, "min": 1, "max": 10},
        {"name": "icon", "type": "image", "required": True, "file_type": "png"},
        {
            "name": "songs",
            "type": "audio_group",
            "required": False,
            "min_count": 1,
            "max_count": 2,
            "file_type": "mp3",
        },
        {"name": "fancy", "type": "boolean", "required": True},
    ],
    "behaviors": [
        {"behavior": {"type_hint": "consumable", "max_use": 3}, "modifiable": False, "required": True},
        {"behavior": {"type_hint": "expirable"}, "modifiable": True, "required": False},
    ],
}
FITTING: dict[str, Any] = {
    "additional_properties": {
        "color": {"type": "text", "value": "red"},
        "icon": {"type": "image", "url": "https://cdn.example.com/a.png", "file_type": "png"},
        "fancy": {"type": "boolean"},
        "extra": {"type": "long", "value": 1},
    },
    "behaviors": [{"type_hint": "consumable", "max_use": 3, "description": "any"}],
}


def with_property(name: str, value: Any) -> dict[str, Any]:
    return {**FITTING, "additional_properties": {**FITTING["additional_properties"], name: value}}


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (FITTING, None),
        ({**FITTING, "behaviors": []}, "behaviors"),
        ({**FITTING, "behaviors": [{"type_hint": "consumable", "max_use": 4}]}, "behaviors"),
        (with_property("color", None), "additional_properties.color"),
        (with_property("color", {"type": "text"}), "additional_properties.color.value"),
        (with_property("color", {"type": "long", "value": 1}), "additional_properties.color.type"),
        (with_property("color", {"type": "text", "value": "crimson"}), "additional_properties.color.value"),
        (with_property("level", {"type": "integer", "value": 10}), None),
        (with_property("level", {"type": "integer", "value": 0}), "additional_properties.level.value"),
        (with_property("level", {"type": "integer", "value": 11}), "additional_properties.level.value"),
        (with_property("icon", {"type": "image"}), "additional_properties.icon.url"),
        (
            with_property("icon", {"type": "image", "url": "x", "file_type": "gif"}),
            "additional_properties.icon.file_type",
        ),
        (with_property("songs", {"type": "audio_group", "files": []}), "additional_properties.songs.files"),
        (
            with_property("songs", {"type": "audio_group", "files": [{"type": "audio", "file_type": "ogg"}]}),
            "additional_properties.songs.files[0].file_type",
        ),
        (
            with_property("songs", {"type": "audio_group", "files": [{"type": "audio"}] * 3}),
            "additional_properties.songs.files",
        ),
    ],
)
def test_a_template_names_the_fields_that_do_not_match(item: dict[str, Any], field: str | None) -> None:
    assert [problem.field for problem in template_check.problems(item, TEMPLATE)] == (
        [field] if field else []
    )
