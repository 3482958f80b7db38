"""Inventory entries over HTTP: lists with every filter, and state set by hand."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [1, 56]),
        ({"inactive": "true"}, [1, 2, 56]),
        ({"inactive": "True"}, [1, 2, 56]),
        ({"inactive": "False"}, [1, 56]),
        ({"filter_item_name": "Pot"}, [56]),
        ({"filter_item_name": "Potion of Speed"}, [56]),
        ({"filter_item_name": "pot"}, []),
        ({"filter_item_name": "%"}, []),
        ({"filter_item_name": ""}, [1, 56]),
        ({"filter_item_id": 5}, [1]),
        ({"filter_item_id": -1}, []),
        ({"filter_username": "user_id_example"}, [1, 56]),
        ({"filter_username": "filter_username_example", "inactive": "true"}, [2]),
        ({"filter_username": "nobody"}, []),
        ({"filter_group": "filter_group_example"}, [1, 56]),
        ({"filter_group": "others"}, []),
        ({"filter_date": "GT,1500000000"}, [1, 56]),
        ({"filter_date": "GT,1502755200"}, []),
        ({"filter_date": "GOE,1502755200,LOE,1502755200"}, [1, 56]),
        ({"filter_date": "EQ,1502755200"}, [1, 56]),
        ({"filter_date": "LT,1502755200"}, []),
        ({"filter_item_name": "Pot", "filter_item_id": 5}, []),
        ({"size": 1, "page": 2}, [56]),
    ],
)
def test_lists_contain_the_entries_that_match_every_filter(
    web: Web, query: dict[str, Any], ids: list[int]
) -> None:
    page = web.get("/inventories", query=query).json
    assert [entry["id"] for entry in page["content"]] == ids
    assert page["sort"] is None
    own = web.get("/users/56/inventory", query=query).json
    assert [entry["id"] for entry in own["content"]] == [number for number in ids if number != 2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"filter_date": "filter_date_example"}, "filter_date"),
        ({"filter_date": "GT"}, "filter_date"),
        ({"filter_date": "gt,1"}, "filter_date"),
        ({"filter_date": f"GT,{2**63}"}, "filter_date"),
        ({"filter_date": "GT,1,LT"}, "filter_date"),
        ({"filter_item_id": 2**31}, "filter_item_id"),
        ({"filter_item_id": "x"}, "filter_item_id"),
        ({"inactive": "maybe"}, "inactive"),
        ({"filter_username": "a\0b"}, "filter_username"),
    ],
)
def test_invalid_filters_are_rejected(web: Web, query: dict[str, Any], field: str) -> None:
    reply = web.get("/inventories", query=query)
    assert (reply.status, reply.problem["field"]) == (400, field)


def test_an_entry_is_found_under_its_owner_only(web: Web) -> None:
    assert web.get("/users/56/inventory/56").json["id"] == 56
    assert web.get("/users/3/inventory/56").problem["field"] == "id"
    assert web.get("/users/56/inventory/999").status == 404
    assert web.get("/users/999/inventory").problem["field"] == "id"


@pytest.mark.parametrize("status", ["pending", "active", "inactive"])
def test_a_status_is_set_as_a_bare_string(web: Web, status: str) -> None:
    reply = web.put("/users/56/inventory/56/status", status)
    assert (reply.status, reply.body) == (200, b"")
    assert web.get("/users/56/inventory/56").json["status"] == status
    assert web.check(56, 56).status == (200 if status == "active" else 403)


@pytest.mark.parametrize(
    ("body", "status"), [("inventory_status_example", 400), (1, 400), (None, 400), (..., 400)]
)
def test_an_invalid_status_is_rejected(web: Web, body: Any, status: int) -> None:
    reply = web.put("/users/56/inventory/56/status", body)
    assert reply.status == status
    assert reply.problem["field"] == "inventory_status"
    assert web.get("/users/56/inventory/56").json["status"] == "active"


@pytest.mark.parametrize(
    ("body", "expires", "status"),
    [
        (4_102_444_801, 4_102_444_801, "active"),
        (789, 789, "inactive"),
        (0, 0, "inactive"),
        (None, None, "active"),
        (..., None, "active"),
    ],
)
def test_expiry_is_set_as_a_bare_number(web: Web, body: Any, expires: int | None, status: str) -> None:
    assert web.put("/users/56/inventory/56/expires", body).status == 200
    entry = web.get("/users/56/inventory/56").json
    assert (entry["expires"], entry["status"]) == (expires, status)


@pytest.mark.parametrize("body", ["soon", 1.5, 2**63, [1], True])
def test_an_invalid_expiry_is_rejected(web: Web, body: Any) -> None:
    assert web.put("/users/56/inventory/56/expires", body).status == 400
    assert web.get("/users/56/inventory/56").json["expires"] == 4_102_444_800


def test_an_expired_entry_is_revived_by_a_later_end(web: Web) -> None:
    web.put("/users/56/inventory/56/expires", 789)
    web.put("/users/56/inventory/56/expires", 4_102_444_800)
    assert web.use(56, 56).status == 200


@pytest.mark.parametrize("body", [{"consumable": {"use_count": 9}, "mine": [None, 1.5, "x"]}, {}])
def test_behavior_data_is_any_map(web: Web, body: dict[str, Any]) -> None:
    assert web.put("/users/56/inventory/56/behavior-data", body).status == 200
    assert web.get("/users/56/inventory/56").json["behavior_data"] == body


def test_behavior_data_decides_how_often_an_entry_can_be_used(web: Web) -> None:
    web.put("/users/56/inventory/56/behavior-data", {"consumable": {"use_count": 9}})
    assert [web.use(56, 56).status for _ in range(2)] == [200, 403]


def test_behavior_data_other_than_a_map_is_rejected(web: Web) -> None:
    assert web.put("/users/56/inventory/56/behavior-data", [1]).status == 400
    assert web.put("/users/56/inventory/56/behavior-data").status == 200
    assert web.get("/users/56/inventory/56").json["behavior_data"] == {}


def test_changes_by_hand_are_logged(web: Web, sandbox: Sandbox) -> None:
    web.put("/users/56/inventory/56/status", "inactive")
    web.put("/users/56/inventory/56/expires", 789)
    web.put("/users/56/inventory/56/behavior-data", {})
    log = web.get("/users/56/inventory/56/log", query={"page": 2, "size": 3}).json
    assert [(line["type"], line["info"]) for line in log["content"]] == [
        ("status", "inactive"),
        ("expires", "789"),
        ("behavior_data", None),
    ]
    assert (log["total_elements"], log["total_pages"], log["last"]) == (6, 2, True)
