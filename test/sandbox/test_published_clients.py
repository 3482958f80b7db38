"""The sandbox accepts what the platform's clients of 2017 to 2020 send."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.operations import HANDLERS
from test.sandbox.web import Web

JSON = {"Content-Type": "application/json"}
STATUS = "/users/56/inventory/56/status"


@pytest.mark.parametrize("body", [b'"inactive"', b'{"value": "inactive"}', b"inactive"])
def test_a_status_is_a_json_string_wrapped_or_bare(web: Web, body: bytes) -> None:
    assert web.call("PUT", STATUS, body=body, headers=JSON).status == 200
    assert web.get("/users/56/inventory/56").json["status"] == "inactive"


@pytest.mark.parametrize(
    "body", [b"spent", b'"spent"', b'{"value": "spent"}', b'{"value": 1}', b'{"status": "inactive"}', b"null"]
)
def test_a_wrong_status_is_rejected_in_every_form(web: Web, body: bytes) -> None:
    reply = web.call("PUT", STATUS, body=body, headers=JSON)
    assert reply.status == 400
    assert web.get("/users/56/inventory/56").json["status"] == "active"


@pytest.mark.parametrize("body", [b"1893456000", b'{"value": 1893456000}'])
def test_an_expiry_is_a_number_bare_or_wrapped(web: Web, body: bytes) -> None:
    assert web.call("PUT", "/users/56/inventory/56/expires", body=body, headers=JSON).status == 200
    assert web.get("/users/56/inventory/56").json["expires"] == 1893456000


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "1", "on", "yes", "YES"])
def test_true_is_accepted_in_many_forms(web: Web, text: str) -> None:
    web.call("PUT", STATUS, body=b'"inactive"', headers=JSON)
    assert web.get("/users/56/inventory", query={"inactive": text}).json["total_elements"] == 2


@pytest.mark.parametrize("text", ["false", "False", "0", "off", "no", ""])
def test_false_is_accepted_in_many_forms_and_an_empty_boolean_is_absent(web: Web, text: str) -> None:
    web.call("PUT", STATUS, body=b'"inactive"', headers=JSON)
    assert web.get("/users/56/inventory", query={"inactive": text}).json["total_elements"] == 1


@pytest.mark.parametrize("text", ["2", "y", "wahr", "null"])
def test_other_words_are_not_booleans(web: Web, text: str) -> None:
    reply = web.get("/users/56/inventory", query={"inactive": text})
    assert (reply.status, reply.problem["field"]) == (400, "inactive")


def test_empty_numbers_are_absent(web: Web) -> None:
    page = web.get("/users/56/inventory", query={"page": "", "size": "", "filter_item_id": ""})
    assert (page.status, page.json["size"]) == (200, 25)


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def test_a_client_authenticates_with_http_basic(web: Web) -> None:
    form = {"grant_type": "client_credentials"}
    reply = web.call("POST", "/oauth/token", form=form, headers=basic("knetik", "client_secret_example"))
    assert reply.status == 200
    wrong = web.call("POST", "/oauth/token", form=form, headers=basic("knetik", "wrong"))
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", ["Basic", "Basic ?", "Basic " + base64.b64encode(b"knetik").decode()])
def test_a_broken_basic_header_is_rejected(web: Web, header: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "knetik"}
    reply = web.call("POST", "/oauth/token", form=form, headers={"Authorization": header})
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("stored", [{}, {"client_secret": ""}])
@pytest.mark.parametrize("secret", [{}, {"client_secret": ""}])
def test_a_public_client_has_no_secret(
    web: Web, sandbox: Sandbox, secret: dict[str, str], stored: dict[str, str]
) -> None:
    sandbox.seed({"clients": [{"client_id": "public", "permissions": ["INVENTORY_ADMIN"], **stored}]})
    for grant in (
        {"grant_type": "client_credentials"},
        {"grant_type": "password", "username": "user_id_example", "password": "password_example"},
    ):
        reply = web.call("POST", "/oauth/token", form={**grant, "client_id": "public", **secret})
        assert reply.status == 200, reply.body
    web_application = web.call(
        "POST",
        "/oauth/token",
        form={"grant_type": "client_credentials"},
        headers=basic("public", ""),
    )
    assert web_application.status == 200


def test_a_confidential_client_needs_its_secret(web: Web) -> None:
    reply = web.call("POST", "/oauth/token", form={"grant_type": "client_credentials", "client_id": "knetik"})
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


def test_a_response_without_an_invoice_is_a_json_null(web: Web) -> None:
    body = {"sku": "sku_example", "note": "", "skip_invoice": True, "overrides": ["limited_gettable"]}
    reply = web.post("/users/56/inventory", body)
    assert (reply.status, reply.body) == (201, b"null")
    assert reply.headers["content-type"] == "application/json"


def test_an_operation_without_a_rule_responds_with_the_contract_s_example(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(HANDLERS, "get_entitlement_item")
    operation = Contract.load().operations["get_entitlement_item"]
    reply = web.get("/entitlements/999")
    assert (reply.status, reply.json) == (200, operation.example)
    assert reply.headers["x-knetik-sandbox-example"] == "contract"
    assert "x-knetik-sandbox-example" not in web.get("/users/56/inventory/56").headers


def test_parameters_of_an_operation_without_a_rule_are_still_checked(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(HANDLERS, "get_entitlement_item")
    assert web.get("/entitlements/first").status == 400


def test_later_fields_are_kept(web: Web) -> None:
    definition: dict[str, Any] = {
        "name": "color",
        "type": "text",
        "required": False,
        "friendly_name": "Color",
        "description": "Color of the bottle",
        "options_url": "https://options.example.com/colors",
        "option_label_path": "$.label",
        "option_value_path": "$.value",
    }
    created = web.post("/entitlements/templates", {"name": "Potions", "properties": [definition]})
    assert created.json["properties"] == [definition]
