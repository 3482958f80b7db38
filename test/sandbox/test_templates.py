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
        refused = web.delete("/entitlements/templates/id_example", query=query)
        assert (refused.status, refused.problem["field"]) == (400, "cascade")
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
def test_bad_templates_are_refused_with_the_field_named(
    web: Web, template: dict[str, Any], field: str
) -> None:
    reply = web.post("/entitlements/templates", template)
    assert (reply.status, reply.problem["field"]) == (400, field)
