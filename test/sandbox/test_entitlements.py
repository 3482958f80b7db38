"""Granting, checking, using and adding over HTTP: the rules put together."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web

ADD = {"sku": "sku_example", "note": "thanks", "skip_invoice": True}


def test_a_grant_makes_an_active_entry_and_a_log_line(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    reply = web.grant(3, 56)
    assert (reply.status, reply.body) == (202, b"")
    entry = web.entries(3, 56)[-1]
    now = int(sandbox.now())
    assert entry == {
        "id": 57,
        "user": {"id": 3, "username": "filter_username_example", "display_name": "Fay", "avatar_url": ""},
        "item_id": 56,
        "item_name": "Potion of Speed",
        "item_type_hint": "entitlement",
        "status": "active",
        "expires": now + 30 * 86_400,
        "invoice_id": None,
        "behavior_data": {},
        "created_date": now,
        "updated_date": now,
    }
    (line,) = web.get("/users/3/inventory/57/log").json["content"]
    assert (line["type"], line["item"], line["user_inventory"], line["log_date"]) == (
        "grant",
        {"id": 56, "name": "Potion of Speed"},
        57,
        now,
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/users/999/entitlements", {"entitlement_id": 56}, 404, "user_id"),
        ("/users/56/entitlements", {"entitlement_id": 999}, 404, "entitlement_id"),
        ("/users/56/entitlements", {}, 400, "entitlement_id"),
        ("/users/56/entitlements", {"entitlement_id": "56"}, 400, "entitlement_id"),
        ("/users/56/entitlements", ..., 400, "grant_request"),
        ("/users/me/entitlements", {"entitlement_id": 56}, 400, "user_id"),
    ],
)
def test_invalid_grants_are_rejected(web: Web, path: str, body: Any, status: int, field: str) -> None:
    reply = web.post(path, body)
    assert (reply.status, reply.problem["field"]) == (status, field)


def test_an_item_is_used_until_it_is_used_up(web: Web) -> None:
    item = web.create_item({"type_hint": "consumable", "max_use": 2})
    web.grant(56, item)
    statuses = [web.check(56, item).status]
    for _ in range(3):
        statuses += [web.use(56, item).status, web.check(56, item).status]
    assert statuses == [200, 200, 200, 200, 403, 403, 403]
    (entry,) = web.entries(56, item)
    assert (entry["status"], entry["behavior_data"]) == ("inactive", {"consumable": {"use_count": 2}})
    log = web.get(f"/users/56/inventory/{entry['id']}/log").json["content"]
    assert [line["type"] for line in log] == ["grant", "use", "use"]


def test_a_denial_names_its_rule(web: Web) -> None:
    item = web.create_item({"type_hint": "consumable", "max_use": 1})
    web.grant(56, item)
    web.use(56, item)
    reply = web.use(56, item)
    assert reply.status == 403
    assert reply.problem["field"] == "item_id"
    assert (
        reply.problem["message"] == f"Item {item} can't be used: it has been used 1 times, and max_use is 1"
    )
    assert reply.problem["details"]["behavior"] == "consumable"


def test_info_goes_to_the_log_and_checking_leaves_no_line(web: Web) -> None:
    web.check(56, 56)
    assert web.use(56, 56, query={"info": "Round 3: Überraschung"}).status == 200
    log = web.get("/users/56/inventory/56/log").json["content"]
    assert [line["info"] for line in log] == [
        None,
        "Used in round 1",
        "Used in round 2",
        "Round 3: Überraschung",
    ]
    assert log[-1]["user"]["username"] == "user_id_example"


def test_items_that_are_not_held_cannot_be_used(web: Web) -> None:
    item = web.create_item()
    for reply in (web.use(56, item), web.check(56, item)):
        assert reply.status == 403
        assert "does not hold" in reply.problem["message"]


def test_entries_of_one_item_are_used_up_one_after_the_other(web: Web) -> None:
    item = web.create_item({"type_hint": "consumable", "max_use": 1})
    web.grant(56, item)
    web.grant(56, item)
    assert [web.use(56, item).status for _ in range(3)] == [200, 200, 403]


def test_expiry_happens_when_time_passes(web: Web, sandbox: Sandbox) -> None:
    item = web.create_item({"type_hint": "expirable", "time_length": 3, "unit_of_time": "day"})
    web.grant(56, item)
    sandbox.advance(days=2, hours=23)
    assert web.check(56, item).status == 200
    sandbox.advance(hours=1)
    assert web.check(56, item).problem["details"]["behavior"] == "expirable"
    (entry,) = web.entries(56, item)
    assert entry["status"] == "inactive"
    shown = web.get("/users/56/inventory", query={"filter_item_id": item}).json
    assert shown["total_elements"] == 0


def test_uses_come_back_with_the_next_period(web: Web, sandbox: Sandbox) -> None:
    item = web.create_item(
        {"type_hint": "time_period_usable", "max_use": 2, "time_length": 1, "unit_of_time": "hour"}
    )
    web.grant(56, item)
    assert [web.use(56, item).status for _ in range(3)] == [200, 200, 403]
    sandbox.advance(minutes=60)
    assert [web.use(56, item).status for _ in range(3)] == [200, 200, 403]


def test_a_group_limits_what_a_user_holds_of_all_its_items(web: Web) -> None:
    group = {"name": "gifts", "active_only": True, "owned_limit": 2}
    red, blue = (web.create_item({"type_hint": "limited_gettable", "group": group}) for _ in range(2))
    assert [web.grant(56, item).status for item in (red, blue, red)] == [202, 202, 400]
    assert web.grant(3, red).status == 202
    denied = web.grant(56, blue)
    assert denied.problem["field"] == "entitlement_id"
    assert denied.problem["details"]["behavior"] == "limited_gettable"
    (entry,) = web.entries(56, red)
    web.put(f"/users/56/inventory/{entry['id']}/status", "inactive")
    assert web.grant(56, blue).status == 202


def test_a_pending_entry_counts_toward_an_active_only_limit(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    bought = {"sku": "season_pass", "note": "", "skip_invoice": False}
    assert web.post("/users/56/inventory", bought).status == 201
    assert web.post("/users/56/inventory", bought).problem["details"]["behavior"] == "limited_gettable"
    assert web.grant(56, 1).problem["details"]["behavior"] == "limited_gettable"
    sandbox.advance(seconds=1)
    (entry,) = web.entries(56, 1)
    assert entry["status"] == "active"
    web.put(f"/users/56/inventory/{entry['id']}/status", "inactive")
    assert web.post("/users/56/inventory", bought).status == 201


def test_a_group_that_is_not_active_only_counts_what_was_held(web: Web) -> None:
    group = {"name": "once", "active_only": False, "owned_limit": 1}
    item = web.create_item({"type_hint": "limited_gettable", "group": group})
    web.grant(56, item)
    (entry,) = web.entries(56, item)
    web.put(f"/users/56/inventory/{entry['id']}/status", "inactive")
    assert web.grant(56, item).status == 400


def test_gets_come_back_when_the_window_has_passed(web: Web, sandbox: Sandbox) -> None:
    assert [web.grant(56, 2).status for _ in range(2)] == [202, 400]
    sandbox.advance(hours=23)
    assert web.grant(56, 2).status == 400
    sandbox.advance(hours=1, seconds=1)
    assert web.grant(56, 2).status == 202


def test_a_window_in_milliseconds_is_rounded_up_to_whole_seconds(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    limit = {"get_limit": 1, "time_length": 1500, "unit_of_time": "millisecond"}
    item = web.create_item({"type_hint": "time_period_gettable", **limit})
    assert web.grant(56, item).status == 202
    sandbox.advance(seconds=1)
    assert web.grant(56, item).status == 400
    sandbox.advance(seconds=1)
    assert web.grant(56, item).status == 202


def test_a_prerequisite_must_be_held(web: Web) -> None:
    denied = web.grant(56, 3)
    assert (denied.status, denied.problem["details"]["behavior"]) == (400, "pre_req_entitlement")
    web.grant(56, 1)
    assert web.grant(56, 3).status == 202


def test_guests_are_denied_where_the_item_requires_it(web: Web) -> None:
    web.grant(2, 1)
    web.grant(2, 3)
    assert web.check(2, 3).problem["details"]["behavior"] == "guest_playable"


def test_a_wallet_grant_credits_money(web: Web, sandbox: Sandbox) -> None:
    web.grant(56, 4)
    web.grant(3, 4)
    assert (sandbox.wallet(56), sandbox.wallet(3)) == ({"USD": 350}, {"USD": 100})
    (entry,) = web.entries(3, 4)
    log = web.get(f"/users/3/inventory/{entry['id']}/log").json["content"]
    assert [(line["type"], line["info"]) for line in log] == [("grant", None), ("wallet", "100 USD")]


# Adding by SKU


def test_without_invoice_a_sku_is_delivered_immediately(web: Web) -> None:
    reply = web.post("/users/3/inventory", ADD)
    assert (reply.status, reply.body) == (201, b"null")
    entry = web.entries(3, 56)[-1]
    assert (entry["status"], entry["invoice_id"]) == ("active", None)
    assert web.get(f"/users/3/inventory/{entry['id']}/log").json["content"][0]["info"] == "thanks"


def test_an_invoice_is_fulfilled_later(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze()
    invoice = web.post("/users/3/inventory", {**ADD, "skip_invoice": False}).json
    assert (invoice["id"], invoice["current_payment_status"], invoice["current_fulfillment_status"]) == (
        1,
        "paid",
        "processing",
    )
    assert (invoice["grand_total"], invoice["currency"], invoice["order_notes"]) == (3.99, "USD", "thanks")
    pending = web.entries(3, 56)[-1]
    assert (pending["status"], pending["invoice_id"], pending["expires"]) == ("pending", 1, None)
    assert "pending" in web.use(3, 56).problem["message"]
    sandbox.advance(seconds=1)
    active = web.entries(3, 56)[-1]
    assert (active["status"], active["expires"]) == ("active", int(sandbox.now()) + 30 * 86_400)
    assert web.use(3, 56).status == 200
    log = web.get(f"/users/3/inventory/{active['id']}/log").json["content"]
    assert [line["type"] for line in log] == ["invoice", "fulfill", "use"]


def test_invoices_are_fulfilled_when_they_fall_due_and_not_at_the_next_request(
    web: Web, sandbox: Sandbox
) -> None:
    sandbox.freeze("2030-01-10T00:00:00Z")
    later = int(sandbox.now())
    assert web.post("/users/3/inventory", {**ADD, "skip_invoice": False}).status == 201
    sandbox.set_time("2030-01-01T00:00:00Z")
    sooner = int(sandbox.now())
    assert web.post("/users/3/inventory", {**ADD, "skip_invoice": False}).status == 201
    sandbox.set_time("2030-02-05T00:00:00Z")

    *_, second, first = web.entries(3, 56)

    assert (first["expires"], first["updated_date"]) == (sooner + 1 + 30 * 86_400, sooner + 1)
    assert (second["expires"], second["updated_date"]) == (later + 1 + 30 * 86_400, later + 1)
    assert (first["status"], second["status"]) == ("inactive", "active")
    lines = [
        web.get(f"/users/3/inventory/{entry['id']}/log").json["content"][-1] for entry in (first, second)
    ]
    assert [(line["type"], line["log_date"]) for line in lines] == [
        ("fulfill", sooner + 1),
        ("fulfill", later + 1),
    ]
    assert lines[0]["id"] < lines[1]["id"]


def test_an_export_contains_the_entries_of_due_invoices(web: Web, sandbox: Sandbox) -> None:
    web.post("/users/3/inventory", {**ADD, "skip_invoice": False})
    sandbox.advance(days=1)
    assert sandbox.export()["inventory"][-1]["status"] == "active"


def test_an_invoice_whose_item_was_deleted_fails(web: Web, sandbox: Sandbox) -> None:
    web.post("/users/3/inventory", {**ADD, "skip_invoice": False})
    web.delete("/entitlements/56")
    sandbox.advance(seconds=1)
    assert web.entries(3, 56)[-1]["status"] == "inactive"


def test_an_invoice_whose_credit_does_not_fit_fails_and_stops_no_other_request(
    web: Web, sandbox: Sandbox
) -> None:
    sandbox.freeze()
    sandbox.seed({"wallets": [{"user_id": 3, "currency_code": "USD", "balance": 2**63 - 100}]})
    for sku in ("coins_100", "sku_example"):
        assert web.post("/users/3/inventory", {"sku": sku, "note": "", "skip_invoice": False}).status == 201
    sandbox.advance(seconds=1)
    (entry,) = web.entries(3, 4)
    assert (entry["status"], entry["expires"]) == ("inactive", None)
    log = web.get(f"/users/3/inventory/{entry['id']}/log").json["content"]
    assert [line["info"] for line in log][1:] == ["failed: the balance of USD would exceed 64 bits"]
    assert web.entries(3, 56)[-1]["status"] == "active"
    assert sandbox.wallet(3) == {"USD": 2**63 - 100}


def test_an_entry_settled_by_hand_is_left_alone_by_its_invoice(web: Web, sandbox: Sandbox) -> None:
    web.post("/users/3/inventory", {**ADD, "skip_invoice": False})
    entry = web.entries(3, 56)[-1]
    web.put(f"/users/3/inventory/{entry['id']}/status", "inactive")
    sandbox.advance(seconds=1)
    assert web.entries(3, 56)[-1]["status"] == "inactive"


def test_a_price_is_moved_into_its_bounds(web: Web) -> None:
    invoice = web.post("/users/3/inventory", {"sku": "coins_100", "note": "", "skip_invoice": False}).json
    (line,) = invoice["items"]
    assert (line["original_unit_price"], line["unit_price"], invoice["grand_total"]) == (0.5, 1.0, 1.0)


def test_an_override_of_the_bounds_keeps_the_price(web: Web) -> None:
    bought = {"sku": "coins_100", "note": "", "skip_invoice": False, "overrides": ["price_overridable"]}
    invoice = web.post("/users/56/inventory", bought).json
    (line,) = invoice["items"]
    assert (line["unit_price"], invoice["grand_total"]) == (0.5, 0.5)


def test_overrides_skip_the_rules_they_name(web: Web) -> None:
    web.grant(56, 1)
    again = {"sku": "season_pass", "note": "", "skip_invoice": True}
    assert web.post("/users/56/inventory", again).problem["field"] == "sku"
    assert web.post("/users/56/inventory", {**again, "overrides": ["limited_gettable"]}).status == 201
    assert (
        web.post("/users/56/inventory", {**again, "overrides": ["limited_gettable", "expirable"]}).status
        == 201
    )
    assert [entry["expires"] is None for entry in web.entries(56, 1)] == [False, False, True]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sku": "nope"}, "sku"),
        ({"sku": None}, "sku"),
        ({"note": 1}, "note"),
        ({"skip_invoice": "yes"}, "skip_invoice"),
        ({"overrides": ["magic"]}, "overrides[0]"),
        ({"overrides": "limited_gettable"}, "overrides"),
    ],
)
def test_invalid_adds_are_rejected_with_the_field_named(web: Web, change: dict[str, Any], field: str) -> None:
    reply = web.post("/users/56/inventory", {**ADD, **change})
    assert (reply.status, reply.problem["field"]) == (400, field)


def test_a_sku_counts_for_entitlement_lists_only(web: Web) -> None:
    assert web.check(56, 5, query={"sku": "song_one"}).status == 200
    assert web.check(56, 5).status == 200
    assert web.check(56, 5, query={"sku": "song_two"}).status == 403
    web.post("/users/56/inventory", {**ADD, "sku": "song_two"})
    assert web.use(56, 5, query={"sku": "song_two"}).status == 200
    assert web.check(56, 56, query={"sku": "anything"}).status == 200


# Users in the path


def test_a_user_name_is_accepted_where_me_is(web: Web) -> None:
    assert web.check("user_id_example", 56).status == 200
    assert web.use("user_id_example", 56).status == 200
    assert web.get("/users/user_id_example/inventory/56/log").status == 200
    assert web.check("nobody", 56).problem["field"] == "user_id"


def test_me_is_the_user_of_the_token(web: Web) -> None:
    token = web.token(grant_type="password", username="user_id_example", password="password_example")
    assert web.check("me", 56, token=token).status == 200
    assert web.get("/users/me/inventory/56", token=token).json["user"]["id"] == 56
    assert web.get("/users/me/inventory/56/log", token=token).status == 200
    assert web.use("me", 56, token=token).status == 200


def test_me_without_a_user_is_rejected(web: Web) -> None:
    for token in (None, web.token()):
        reply = web.check("me", 56, token=token)
        assert (reply.status, reply.problem["field"]) == (400, "user_id")


def test_threads_share_max_use_exactly(web: Web, sandbox: Sandbox) -> None:
    item = web.create_item({"type_hint": "consumable", "max_use": 20})
    web.grant(56, item)
    statuses: list[int] = []

    def use() -> None:
        mine = Web(sandbox.url)
        statuses.extend(mine.use(56, item).status for _ in range(5))
        mine.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 20 + [403] * 20
    (entry,) = web.entries(56, item)
    log = web.get(f"/users/56/inventory/{entry['id']}/log", query={"size": 100}).json
    assert [line["type"] for line in log["content"]].count("use") == 20
