"""Entitlement templates over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web


def test_a_template_is_created_read_updated_and_deleted(web: Web, sandbox: Sandbox) -> None:
    created = web.post("/entitlements/templates", {"name": "Scrolls", "mine": 1})
    assert created.status == 201
    template_id = created.json["id"]
    assert web.get(f"/entitlements/templates/{template_id}").json == created.json
    sandbox.advance(hours=1)
    updated = web.put(f"/entitlements/templates/{template_id}", {**created.json, "name": "Books"})
    assert updated.status == 200
    assert updated.json["name"] == "Books"
    assert updated.json["mine"] == 1
    assert updated.json["updated_date"] >= created.json["updated_date"] + 3600
    assert web.delete(f"/entitlements/templates/{template_id}").status == 204
    assert web.get(f"/entitlements/templates/{template_id}").problem["field"] == "id"


def test_a_template_in_use_is_kept_unless_it_is_detached(web: Web) -> None:
    for query in ({}, {"cascade": "cascade_example"}):
        rejected = web.delete("/entitlements/templates/id_example", query=query)
        assert (rejected.status, rejected.problem["field"]) == (400, "cascade")
    assert web.get("/entitlements/56").json["template"] == "id_example"
    assert web.delete("/entitlements/templates/id_example", query={"cascade": "detach"}).status == 204
    assert web.get("/entitlements/56").json["template"] is None
    assert web.get("/entitlements/templates/id_example").status == 404


def test_templates_are_listed_in_order(web: Web) -> None:
    web.post("/entitlements/templates", {"name": "Armor"})
    page = web.get("/entitlements/templates", query={"order": "name:ASC"}).json
    assert [template["name"] for template in page["content"]] == ["Armor", "Potions"]


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "T", "properties": [{"name": "a", "type": "text"}]}, "properties[0].required"),
        (
            {"name": "T", "properties": [{"name": "a", "type": "tune", "required": True}]},
            "properties[0].type",
        ),
        (
            {
                "name": "T",
                "properties": [{"name": "a", "type": "integer", "required": True, "min": 2, "max": 1}],
            },
            "properties[0].max",
        ),
        (
            {"name": "T", "properties": [{"name": "a", "type": "text", "required": True, "max_length": -1}]},
            "properties[0].max_length",
        ),
        (
            {"name": "T", "properties": [{"name": "a", "type": "text", "required": True}] * 2},
            "properties[1].name",
        ),
        (
            {
                "name": "T",
                "behaviors": [{"behavior": {"type_hint": "x"}, "modifiable": True, "required": True}],
            },
            "behaviors[0].behavior.type_hint",
        ),
        (
            {
                "name": "T",
                "behaviors": [
                    {
                        "behavior": {"type_hint": "consumable", "max_use": 0},
                        "modifiable": True,
                        "required": True,
                    }
                ],
            },
            "behaviors[0].behavior.max_use",
        ),
    ],
)
def test_invalid_templates_are_rejected_with_the_field_named(
    web: Web, template: dict[str, Any], field: str
) -> None:
    reply = web.post("/entitlements/templates", template)
    assert (reply.status, reply.problem["field"]) == (400, field)


TEMPLATE = {
    "name": "Swords",
    "properties": [{"name": "color", "type": "text", "required": False}],
}


def patched(web: Web, *actions: dict[str, Any], **query: str) -> Any:
    template_id = web.post("/entitlements/templates", TEMPLATE).json["id"]
    body = {"patch_actions": list(actions)}
    return web.call("PATCH", f"/entitlements/templates/{template_id}", body, query=query)


def test_a_patch_changes_only_the_fields_that_it_names(web: Web) -> None:
    size = {"name": "size", "type": "integer", "required": True}
    reply = patched(
        web,
        {"op": "test", "path": "/name", "value": "Swords"},
        {
            "op": "test",
            "path": "/properties",
            "value": [{"required": False, "type": "text", "name": "color"}],
        },
        {"op": "replace", "path": "/name", "value": "Blades"},
        {"op": "add", "path": "/properties/-", "value": size},
        {"op": "replace", "path": "/properties/0/required", "value": True},
        {"op": "add", "path": "/mine", "value": {"a~b": 1}},
        {"op": "remove", "path": "/mine/a~0b"},
    )
    assert reply.status == 200
    assert reply.json["name"] == "Blades"
    assert reply.json["properties"] == [{"name": "color", "type": "text", "required": True}, size]
    assert reply.json["mine"] == {}
    assert web.get(f"/entitlements/templates/{reply.json['id']}").json == reply.json


def test_test_validation_checks_a_patch_and_stores_nothing(web: Web) -> None:
    rename = {"op": "replace", "path": "/name", "value": "Blades"}
    reply = patched(web, rename, test_validation="true")
    assert (reply.status, reply.json["name"]) == (200, "Blades")
    assert web.get(f"/entitlements/templates/{reply.json['id']}").json["name"] == "Swords"
    blank = {"op": "replace", "path": "/name", "value": ""}
    assert patched(web, blank, test_validation="true").problem["field"] == "name"


def test_test_validation_returns_the_patched_template(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    template_id = web.post("/entitlements/templates", {**TEMPLATE, "mine": 1}).json["id"]
    path = f"/entitlements/templates/{template_id}"
    actions = [
        {"op": "remove", "path": "/properties"},
        {"op": "remove", "path": "/mine"},
        {"op": "add", "path": "/id", "value": "other"},
    ]
    checked = web.call("PATCH", path, {"patch_actions": actions}, query={"test_validation": "true"})
    assert checked.status == 200
    assert "properties" in web.get(path).json
    assert web.call("PATCH", path, {"patch_actions": actions}).json == checked.json


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"op": "replace", "path": "/nothing", "value": 1}, "patch_actions[0].path"),
        ({"op": "replace", "path": "name", "value": 1}, "patch_actions[0].path"),
        ({"op": "remove", "path": ""}, "patch_actions[0].path"),
        ({"op": "remove", "path": "/properties/1"}, "patch_actions[0].path"),
        ({"op": "remove", "path": "/properties/-"}, "patch_actions[0].path"),
        ({"op": "remove", "path": "/properties/00"}, "patch_actions[0].path"),
        ({"op": "add", "path": "/name/first", "value": 1}, "patch_actions[0].path"),
        ({"op": "test", "path": "/name", "value": "Shields"}, "patch_actions[0].value"),
        ({"op": "test", "path": "/properties/0/required", "value": 0}, "patch_actions[0].value"),
        ({"op": "test", "path": "/properties/0", "value": {"name": "color"}}, "patch_actions[0].value"),
        ({"op": "test", "path": "/properties/0", "value": "color"}, "patch_actions[0].value"),
        ({"op": "test", "path": "/properties", "value": []}, "patch_actions[0].value"),
        ({"op": "test", "path": "/properties", "value": 5}, "patch_actions[0].value"),
        ({"op": "add", "path": "/mine"}, "patch_actions[0].value"),
        ({"op": "swap", "path": "/name"}, "patch_actions[0].op"),
        ({"op": "replace", "path": "/name", "value": 7}, "name"),
        ({"op": "replace", "path": "", "value": []}, "template"),
        ({"op": "remove", "path": "/name"}, "name"),
    ],
)
def test_a_patch_that_cannot_be_applied_is_rejected_and_changes_nothing(
    web: Web, action: dict[str, Any], field: str
) -> None:
    before = web.post("/entitlements/templates", TEMPLATE).json
    path = f"/entitlements/templates/{before['id']}"
    reply = web.call("PATCH", path, {"patch_actions": [action]})
    assert (reply.status, reply.problem["field"]) == (400, field)
    assert web.get(path).json == before


def texts(*values: str) -> dict[str, Any]:
    return {"type": "list", "values": [{"type": "text", "value": value} for value in values]}


@pytest.mark.parametrize(
    ("limits", "accepted", "rejected"),
    [
        ({"type": "integer", "min": 2}, [2, 99, None], [1]),
        ({"type": "integer", "max": 2}, [2, -99, None], [3]),
        ({"type": "double", "min": 0, "max": 0}, [0.0], [-0.5, 0.5]),
        ({"type": "text", "max_length": 2}, ["ab", "", None], ["abc"]),
        ({"type": "text"}, ["abc" * 99], []),
        ({"type": "list", "min_count": 2}, [texts("a", "b"), texts("a", "b", "c")], [texts("a"), texts()]),
        ({"type": "list", "max_count": 1}, [texts(), texts("a")], [texts("a", "b")]),
        ({"type": "list", "required": True}, [texts("a")], [texts()]),
        ({"type": "text", "required": True}, ["a"], [None]),
        (
            {"type": "map", "required": True},
            [{"type": "map", "map": {"a": {"type": "text", "value": "b"}}}],
            [{"type": "map", "map": {}}],
        ),
    ],
)
def test_values_are_accepted_up_to_the_limits_of_their_definition(
    web: Web, limits: dict[str, Any], accepted: list[Any], rejected: list[Any]
) -> None:
    definition = {"name": "x", "required": False, **limits}
    template_id = web.post("/entitlements/templates", {"name": "T", "properties": [definition]}).json["id"]
    for value, status in [(each, 201) for each in accepted] + [(each, 400) for each in rejected]:
        sent = value if isinstance(value, dict) else {"type": limits["type"], "value": value}
        item = {"type_hint": "entitlement", "name": "I", "template": template_id}
        reply = web.post("/entitlements", {**item, "additional_properties": {"x": sent}})
        assert reply.status == status, value


LIST = {
    "name": "colors",
    "type": "list",
    "required": True,
    "max_count": 2,
    "value_definition": {"name": "color", "type": "text", "required": False, "max_length": 4},
}
MAP = {
    "name": "stats",
    "type": "map",
    "required": False,
    "allow_additional": False,
    "properties": [{"name": "strength", "type": "integer", "required": True, "max": 10}],
}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"colors": {"type": "list", "values": [{"type": "text", "value": "red"}]}}, None),
        ({"colors": {"type": "list", "values": []}}, "additional_properties.colors.values"),
        ({}, "additional_properties.colors"),
        (
            {"colors": {"type": "list", "values": [{"type": "text", "value": "crimson"}]}},
            "additional_properties.colors.values[0].value",
        ),
        (
            {"colors": {"type": "list", "values": [{"type": "integer", "value": 1}]}},
            "additional_properties.colors.values[0].type",
        ),
        (
            {"colors": {"type": "list", "values": [{"type": "text", "value": "red"}] * 3}},
            "additional_properties.colors.values",
        ),
        ({"stats": {"type": "map", "map": {"strength": {"type": "integer", "value": 9}}}}, None),
        (
            {"stats": {"type": "map", "map": {"strength": {"type": "integer", "value": 11}}}},
            "additional_properties.stats.map.strength.value",
        ),
        ({"stats": {"type": "map", "map": {}}}, "additional_properties.stats.map.strength"),
        (
            {
                "stats": {
                    "type": "map",
                    "map": {
                        "strength": {"type": "integer", "value": 9},
                        "luck": {"type": "integer", "value": 1},
                    },
                }
            },
            "additional_properties.stats.map.luck",
        ),
    ],
)
def test_lists_and_maps_are_checked_against_their_definitions(
    web: Web, values: dict[str, Any], field: str | None
) -> None:
    template = {"name": "Swords", "properties": [LIST, MAP]}
    template_id = web.post("/entitlements/templates", template).json["id"]
    red = {"colors": {"type": "list", "values": [{"type": "text", "value": "red"}]}}
    item = {
        "type_hint": "entitlement",
        "name": "Sword",
        "template": template_id,
        "additional_properties": red | values if "stats" in values else values,
    }
    reply = web.post("/entitlements", item)
    assert (reply.status, reply.problem["field"] if reply.status == 400 else None) == (
        (201, None) if field is None else (400, field)
    )
