"""Entitlement items over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web

ITEM = {"type_hint": "entitlement", "name": "Potion"}


def limited(name: str | None, limit: int, active_only: bool = True) -> dict[str, Any]:
    group = {"name": name, "active_only": active_only, "owned_limit": limit}
    return {"type_hint": "limited_gettable", "group": group}


def test_a_created_item_comes_back_complete(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    reply = web.post("/entitlements", {**ITEM, "tags": ["a"], "unique_key": "potion"})
    assert reply.status == 201
    assert reply.json == {
        "id": 57,
        "type_hint": "entitlement",
        "name": "Potion",
        "tags": ["a"],
        "unique_key": "potion",
        "sort": 500,
        "behaviors": [],
        "created_date": int(sandbox.now()),
        "updated_date": int(sandbox.now()),
    }
    assert web.get("/entitlements/57").json == reply.json


def test_ids_are_the_same_after_each_reset(web: Web, sandbox: Sandbox) -> None:
    def ids() -> list[Any]:
        return [
            web.post("/entitlements", ITEM).json["id"],
            web.post("/entitlements", ITEM).json["id"],
            web.post("/entitlements/templates", {"name": "T"}).json["id"],
        ]

    first = ids()
    sandbox.reset()
    assert ids() == first


def test_an_id_is_not_used_twice(web: Web) -> None:
    first = web.create_item()
    web.delete(f"/entitlements/{first}")
    assert web.create_item() == first + 1


def test_read_only_fields_of_a_request_are_ignored(web: Web) -> None:
    reply = web.post("/entitlements", {**ITEM, "id": 1, "created_date": "never", "updated_date": None})
    assert reply.status == 201
    assert reply.json["id"] == 57


def test_unknown_fields_are_returned_unchanged(web: Web) -> None:
    behavior = {"type_hint": "consumable", "max_use": 1, "hue": [1, {"a": None}]}
    big = 2**100
    item_id = web.create_item(
        behavior, shade=big, additional_properties={"x": {"type": "text", "lang": "en"}}
    )
    read = web.get(f"/entitlements/{item_id}").json
    assert read["shade"] == big
    assert read["behaviors"] == [behavior]
    assert read["additional_properties"] == {"x": {"type": "text", "lang": "en"}}
    assert web.put(f"/entitlements/{item_id}", read).status == 204
    assert {**web.get(f"/entitlements/{item_id}").json, "updated_date": 0} == {**read, "updated_date": 0}


def test_an_update_replaces_the_item(web: Web, sandbox: Sandbox) -> None:
    before = web.get("/entitlements/56").json
    reply = web.put("/entitlements/56", {**before, "name": "Potion of Haste", "tags": None})
    assert (reply.status, reply.body) == (204, b"")
    after = web.get("/entitlements/56").json
    assert (after["name"], after["tags"], after["created_date"]) == ("Potion of Haste", None, 1502755200)
    assert after["updated_date"] > before["updated_date"]


def test_entries_follow_the_name_of_their_item(web: Web) -> None:
    item = web.get("/entitlements/56").json
    web.put("/entitlements/56", {**item, "name": "Potion of Haste"})
    assert web.get("/users/56/inventory/56").json["item_name"] == "Potion of Haste"


def test_a_deleted_item_leaves_entries_that_cannot_be_used(web: Web) -> None:
    assert web.delete("/entitlements/56").status == 204
    assert web.get("/entitlements/56").status == 404
    assert web.get("/users/56/inventory/56").json["item_name"] == "Potion of Speed"
    assert web.use(56, 56).status == 404
    assert web.delete("/entitlements/56").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_item_that_does_not_exist_is_not_found(web: Web, method: str) -> None:
    reply = web.call(method, "/entitlements/999", ITEM if method == "PUT" else ...)
    assert reply.status == 404
    assert reply.problem["field"] == "entitlement_id"
    assert "999" in reply.problem["message"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"name": None}, "name", "must be a text, not null"),
        ({"name": "  "}, "name", "must not be blank"),
        ({"name": 5}, "name", "must be a text, not 5"),
        (
            {"type_hint": "bundle_item"},
            "type_hint",
            "must be entitlement or entitlement_list here, not 'bundle_item'",
        ),
        ({"sort": 2**31}, "sort", "must be from -2147483648 to 2147483647, not 2147483648"),
        ({"sort": True}, "sort", "must be a whole number or null, not true"),
        ({"sort": 1.5}, "sort", "must be a whole number or null, not 1.5"),
        ({"tags": ["a", 1]}, "tags[1]", "must be a text, not 1"),
        ({"short_description": "x" * 256}, "short_description", "must have at most 255 characters, not 256"),
        ({"behaviors": [{"type_hint": "magic"}]}, "behaviors[0].type_hint", 'is not known: "magic"'),
        ({"behaviors": [{}]}, "behaviors[0].type_hint", "is required; use one of consumable"),
        ({"behaviors": [{"type_hint": "fulfillable"}]}, "behaviors[0].type_name", "is required"),
        (
            {"behaviors": [{"type_hint": "consumable", "max_use": 0}]},
            "behaviors[0].max_use",
            "must be 1 or more",
        ),
        ({"behaviors": ["x"]}, "behaviors[0]", 'must be an object, not "x"'),
        (
            {"behaviors": [{"type_hint": "limited_gettable", "group": {"owned_limit": 1}}]},
            "behaviors[0].group.active_only",
            "is required",
        ),
        (
            {"behaviors": [{"type_hint": "pre_req_entitlement", "item_ids": [1, 999]}]},
            "behaviors[0].item_ids",
            "names items that do not exist: 999",
        ),
        (
            {"additional_properties": {"a b": {"type": "x"}}},
            "additional_properties.a b.type",
            'is not known: "x"',
        ),
        (
            {"additional_properties": {"n": {"type": "integer", "value": 2**40}}},
            "additional_properties.n.value",
            "must be from",
        ),
        (
            {"additional_properties": {"f": {"type": "file_group", "files": [{"type": "text"}]}}},
            "additional_properties.f.files[0].type",
            'is not known: "text"; use one of audio, file, image, video',
        ),
        (
            {"additional_properties": {"f": {"type": "file_group", "files": [{"type": "image", "url": 1}]}}},
            "additional_properties.f.files[0].url",
            "must be a text or null, not 1",
        ),
        ({"template": "nope"}, "template", "'nope' does not exist"),
        ({"unique_key": "potion_of_speed"}, "unique_key", "is taken by item 56"),
    ],
)
def test_invalid_items_are_rejected_with_the_field_named(
    web: Web, change: dict[str, Any], field: str, message: str
) -> None:
    before = web.get("/entitlements").json
    reply = web.post("/entitlements", {**ITEM, **change})
    assert reply.status == 400
    assert reply.problem["field"] == field
    assert message in reply.problem["message"]
    assert web.get("/entitlements").json == before


def test_all_problems_are_reported_together(web: Web) -> None:
    reply = web.post("/entitlements", {"sort": "x", "tags": 1})
    assert reply.fields == ["name", "type_hint", "sort", "tags"]


def test_an_item_must_fit_its_template(web: Web) -> None:
    reply = web.post("/entitlements", {**ITEM, "template": "id_example"})
    assert reply.fields == ["additional_properties.color", "behaviors"]


# Groups


def test_a_group_in_use_with_other_settings_is_rejected(web: Web) -> None:
    first = web.create_item(limited("gifts", 1))
    reply = web.post("/entitlements", {**ITEM, "behaviors": [limited("gifts", 2)]})
    assert reply.status == 400
    assert reply.problem["field"] == "behaviors[0].group.name"
    assert reply.problem["details"] == {"item_id": first}
    assert web.get("/entitlements", query={"order": "id:DESC", "size": 1}).json["content"][0]["id"] == first


def test_cascade_carries_the_settings_of_a_group_over(web: Web) -> None:
    first = web.create_item(limited("gifts", 1))
    reply = web.post(
        "/entitlements",
        {**ITEM, "behaviors": [limited("gifts", 2, active_only=False)]},
        query={"cascade": "TRUE"},
    )
    assert reply.status == 201
    group = web.get(f"/entitlements/{first}").json["behaviors"][0]["group"]
    assert group == {"name": "gifts", "active_only": False, "owned_limit": 2}


def test_an_update_cascades_too(web: Web) -> None:
    behavior = {"type_hint": "time_period_gettable", "get_limit": 1, "time_length": 1, "unit_of_time": "day"}
    first, second = (web.create_item({**behavior, "group_name": "g"}) for _ in range(2))
    changed = {**ITEM, "behaviors": [{**behavior, "group_name": "g", "get_limit": 5}]}
    assert web.put(f"/entitlements/{second}", changed).problem["field"] == "behaviors[0].group_name"
    assert web.put(f"/entitlements/{second}", changed, query={"cascade": "true"}).status == 204
    assert web.get(f"/entitlements/{first}").json["behaviors"][0]["get_limit"] == 5


def test_a_nameless_group_is_the_item_s_own(web: Web) -> None:
    first, second = web.create_item(limited(None, 1)), web.create_item(limited(None, 2))
    names = [
        web.get(f"/entitlements/{item}").json["behaviors"][0]["group"]["name"] for item in (first, second)
    ]
    assert names == [f"item-{first}-limited_gettable", f"item-{second}-limited_gettable"]


UNNAMED = {"type_hint": "limited_gettable", "group": {"active_only": True, "owned_limit": 1}}
DAILY = {"type_hint": "time_period_gettable", "get_limit": 1, "time_length": 1, "unit_of_time": "day"}


@pytest.mark.parametrize(
    ("fixed", "sent", "other"),
    [
        (UNNAMED, limited(None, 1), limited(None, 2)),
        (limited(None, 1), UNNAMED, limited(None, 1, active_only=False)),
        (DAILY, DAILY, {**DAILY, "get_limit": 2}),
        (limited("gifts", 1), limited("gifts", 1), UNNAMED),
    ],
)
def test_a_template_that_fixes_a_group_without_a_name_leaves_the_name_to_the_item(
    web: Web, fixed: dict[str, Any], sent: dict[str, Any], other: dict[str, Any]
) -> None:
    definition = {"behavior": fixed, "modifiable": False, "required": True}
    template = web.post("/entitlements/templates", {"name": "Gifts", "behaviors": [definition]}).json["id"]
    item = {**ITEM, "template": template}
    created = web.post("/entitlements", {**item, "behaviors": [sent]})
    assert created.status == 201
    path = f"/entitlements/{created.json['id']}"
    for behaviors in (created.json["behaviors"], [sent], [fixed]):
        assert web.put(path, {**item, "behaviors": behaviors}).status == 204
    assert web.post("/entitlements", {**item, "behaviors": [other]}).problem["field"] == "behaviors"
    definition = {**definition, "modifiable": True}
    template = web.post("/entitlements/templates", {"name": "Any", "behaviors": [definition]}).json["id"]
    assert web.post("/entitlements", {**item, "template": template, "behaviors": [other]}).status == 201


# Lists


def test_lists_are_pages(web: Web) -> None:
    page = web.get("/entitlements", query={"size": 4, "page": 2}).json
    assert [item["id"] for item in page["content"]] == [5, 56]
    del page["content"]
    assert page == {
        "first": False,
        "last": True,
        "number": 2,
        "number_of_elements": 2,
        "size": 4,
        "sort": [
            {
                "property": "id",
                "direction": "ASC",
                "ascending": True,
                "descending": False,
                "ignore_case": False,
                "null_handling": "NATIVE",
            }
        ],
        "total_elements": 6,
        "total_pages": 2,
    }


def test_a_page_past_the_end_is_empty(web: Web) -> None:
    page = web.get("/entitlements", query={"page": 2**31 - 1, "size": 1000}).json
    assert (page["content"], page["last"], page["total_elements"]) == ([], True, 6)


def test_a_size_above_the_maximum_is_reduced_to_it(web: Web) -> None:
    assert web.get("/entitlements", query={"size": 5000}).json["size"] == 1000


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("id:DESC", [56, 5, 4, 3, 2, 1]),
        ("name:ASC", [2, 56, 4, 1, 3, 5]),
        ("sort:DESC,name:ASC", [56, 5, 4, 3, 2, 1]),
        ("unique_key:ASC,id:DESC", [5, 4, 3, 2, 56, 1]),
        ("category:DESC", [5, 56, 1, 4, 3, 2]),
        ("type_hint:DESC", [5, 1, 2, 3, 4, 56]),
    ],
)
def test_lists_are_sorted_by_the_requested_order(web: Web, order: str, ids: list[int]) -> None:
    page = web.get("/entitlements", query={"order": order}).json
    assert [item["id"] for item in page["content"]] == ids
    assert [f"{key['property']}:{key['direction']}" for key in page["sort"]] == order.split(",")


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("sort:ASC", [102, 100, 101]),
        ("sort:DESC", [101, 100, 102]),
        ("category:ASC", [100, 102, 101]),
        ("category:DESC", [101, 102, 100]),
    ],
)
def test_numbers_are_ordered_by_value_and_nulls_come_first_when_ascending(
    sandbox: Sandbox, web: Web, order: str, ids: list[int]
) -> None:
    rows: list[dict[str, Any]] = [{"sort": 9}, {"sort": 10, "category": "x"}, {"sort": -1, "category": "Y"}]
    items = [
        {"id": number, "type_hint": "entitlement", "name": "Lamp", **row}
        for number, row in enumerate(rows, 100)
    ]
    sandbox.seed({"items": items})
    page = web.get("/entitlements", query={"order": order}).json
    assert [item["id"] for item in page["content"] if item["id"] >= 100] == ids


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"order": "magic:ASC"}, "order"),
        ({"order": "behaviors:ASC"}, "order"),
        ({"order": "id"}, "order"),
        ({"order": "id:asc"}, "order"),
        ({"order": "id:ASC,"}, "order"),
        ({"size": 0}, "size"),
        ({"size": "ten"}, "size"),
        ({"page": 0}, "page"),
        ({"page": 2**31}, "page"),
        ({"page": "1.0"}, "page"),
    ],
)
def test_invalid_list_parameters_are_rejected(web: Web, query: dict[str, Any], field: str) -> None:
    reply = web.get("/entitlements", query=query)
    assert (reply.status, reply.problem["field"]) == (400, field)


def test_items_are_filtered_by_template_and_by_the_beginning_of_their_names(web: Web) -> None:
    for name in ("Potion_A", "Potion%B", "Scroll"):
        web.post("/entitlements", {**ITEM, "name": name})

    def names(**query: str) -> list[str]:
        return [item["name"] for item in web.get("/entitlements", query=query).json["content"]]

    assert names(filter_name_search="Potion_") == ["Potion_A"]
    assert names(filter_name_search="Potion%") == ["Potion%B"]
    assert names(filter_name_search="potion") == []
    assert names(filter_template="id_example") == ["Potion of Speed"]
    assert names(filter_template="id_example", filter_name_search="Scroll") == []
