"""Each operation's request, byte for byte, as a person wrote it down from the API's documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import AccessTokenApi, ApiClient, UsersInventoryApi

from .conftest import RecordingServer, http_response

PAGE = b'{"content":[]}'


HOST = "Host: {host}\r\nAccept-Encoding: gzip, deflate\r\nAccept: application/json\r\n"


def get(target: str) -> str:
    """A GET; `{host}` stands for the server's."""
    return f"GET {target} HTTP/1.1\r\n{HOST}User-Agent: test\r\n\r\n"


def with_body(method: str, target: str, body: str, media: str = "application/json") -> str:
    """A request that carries a body."""
    return (
        f"{method} {target} HTTP/1.1\r\n{HOST}Content-Type: {media}\r\nUser-Agent: test\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ) + body.replace("{", "{{").replace("}", "}}")


def delete(target: str) -> str:
    """A DELETE."""
    return f"DELETE {target} HTTP/1.1\r\n{HOST}User-Agent: test\r\n\r\n"


def empty_post(target: str) -> str:
    """A POST without a body, which has `Content-Length: 0`."""
    return f"POST {target} HTTP/1.1\r\n{HOST}User-Agent: test\r\nContent-Length: 0\r\n\r\n"


Call = Callable[[UsersInventoryApi], Any]

GOLDEN: dict[str, tuple[Call, bytes, str]] = {
    "add_item_to_user_inventory": (
        lambda api: api.add_item_to_user_inventory(
            56,
            user_inventory_add_request=knetik_cloud.UserInventoryAddRequest(
                note="gift", skip_invoice=True, sku="sku_example", overrides=["limited_gettable"]
            ),
        ),
        http_response(201, b"null"),
        with_body(
            "POST",
            "/users/56/inventory",
            '{"note":"gift","skip_invoice":true,"sku":"sku_example","overrides":["limited_gettable"]}',
        ),
    ),
    "check_user_entitlement_item": (
        lambda api: api.check_user_entitlement_item("me", 56, sku="a b&c"),
        http_response(200),
        get("/users/me/entitlements/56/check?sku=a%20b%26c"),
    ),
    "create_entitlement_item": (
        lambda api: api.create_entitlement_item(
            cascade=True,
            entitlement_item=knetik_cloud.EntitlementItem(
                name="Potion",
                behaviors=[
                    knetik_cloud.Consumable(max_use=3),
                    knetik_cloud.Expirable(time_length=7, unit_of_time="day"),
                ],
                additional_properties={"color": knetik_cloud.TextProperty(value="r\u00e9d")},
            ),
        ),
        http_response(201, b"{}"),
        with_body(
            "POST",
            "/entitlements?cascade=true",
            '{"type_hint":"entitlement","name":"Potion","behaviors":[{"type_hint":"consumable","max_use":3},'
            '{"type_hint":"expirable","time_length":7,"unit_of_time":"day"}],'
            '"additional_properties":{"color":{"type":"text","value":"r\\u00e9d"}}}',
        ),
    ),
    "create_entitlement_template": (
        lambda api: api.create_entitlement_template(
            template=knetik_cloud.ItemTemplateResource(
                name="Potions",
                properties=[
                    knetik_cloud.TextPropertyDefinitionResource(name="color", required=True, max_length=9)
                ],
            )
        ),
        http_response(201, b"{}"),
        with_body(
            "POST",
            "/entitlements/templates",
            '{"name":"Potions","properties":[{"type":"text","name":"color","required":true,"max_length":9}]}',
        ),
    ),
    "delete_entitlement_item": (
        lambda api: api.delete_entitlement_item(56),
        http_response(204),
        delete("/entitlements/56"),
    ),
    "delete_entitlement_template": (
        lambda api: api.delete_entitlement_template("id/example", cascade="detach"),
        http_response(204),
        delete("/entitlements/templates/id%2Fexample?cascade=detach"),
    ),
    "get_entitlement_item": (
        lambda api: api.get_entitlement_item(56),
        http_response(200, b"{}"),
        get("/entitlements/56"),
    ),
    "get_entitlement_items": (
        lambda api: api.get_entitlement_items(size=10, page=2, order="name:ASC,id:DESC"),
        http_response(200, PAGE),
        get("/entitlements?size=10&page=2&order=name%3AASC%2Cid%3ADESC"),
    ),
    "get_entitlement_template": (
        lambda api: api.get_entitlement_template("id_example"),
        http_response(200, b"{}"),
        get("/entitlements/templates/id_example"),
    ),
    "get_entitlement_templates": (
        lambda api: api.get_entitlement_templates(size=25, page=1, order="id:ASC"),
        http_response(200, PAGE),
        get("/entitlements/templates?size=25&page=1&order=id%3AASC"),
    ),
    "get_user_inventories": (
        lambda api: api.get_user_inventories(
            56,
            inactive=True,
            size=100,
            page=3,
            filter_item_name="Pot",
            filter_item_id=57,
            filter_username="robin",
            filter_group="beta testers",
            filter_date="GT,1500000000,LOE,1600000000",
        ),
        http_response(200, PAGE),
        get(
            "/users/56/inventory?inactive=true&size=100&page=3&filter_item_name=Pot&filter_item_id=57"
            "&filter_username=robin&filter_group=beta%20testers&filter_date=GT%2C1500000000%2CLOE%2C1600000000"
        ),
    ),
    "get_user_inventory": (
        lambda api: api.get_user_inventory("me", "56"),
        http_response(200, b"{}"),
        get("/users/me/inventory/56"),
    ),
    "get_user_inventory_log": (
        lambda api: api.get_user_inventory_log(56, 57, size=5, page=1),
        http_response(200, PAGE),
        get("/users/56/inventory/57/log?size=5&page=1"),
    ),
    "get_users_inventory": (
        lambda api: api.get_users_inventory(inactive=False, filter_username="robin"),
        http_response(200, PAGE),
        get("/inventories?inactive=false&filter_username=robin"),
    ),
    "grant_user_entitlement": (
        lambda api: api.grant_user_entitlement(56, knetik_cloud.EntitlementGrantRequest(entitlement_id=57)),
        http_response(202),
        with_body("POST", "/users/56/entitlements", '{"entitlement_id":57}'),
    ),
    "update_entitlement_item": (
        lambda api: api.update_entitlement_item(
            56, cascade=False, entitlement_item=knetik_cloud.EntitlementItem(name="Potion", sort=0)
        ),
        http_response(204),
        with_body(
            "PUT", "/entitlements/56?cascade=false", '{"type_hint":"entitlement","name":"Potion","sort":0}'
        ),
    ),
    "patch_entitlement_template": (
        lambda api: api.patch_entitlement_template(
            "id_example",
            test_validation=True,
            template_patch_resource=knetik_cloud.PatchResource(
                patch_actions=[knetik_cloud.PatchActionResource(op="replace", path="/name", value="Potions")]
            ),
        ),
        http_response(200, b"{}"),
        with_body(
            "PATCH",
            "/entitlements/templates/id_example?test_validation=true",
            '{"patch_actions":[{"op":"replace","path":"/name","value":"Potions"}]}',
        ),
    ),
    "update_entitlement_template": (
        lambda api: api.update_entitlement_template(
            "id_example", template=knetik_cloud.ItemTemplateResource(name="Potions")
        ),
        http_response(200, b"{}"),
        with_body("PUT", "/entitlements/templates/id_example", '{"name":"Potions"}'),
    ),
    "update_user_inventory_behavior_data": (
        lambda api: api.update_user_inventory_behavior_data(56, 57, data={"consumable": {"use_count": 2}}),
        http_response(200),
        with_body("PUT", "/users/56/inventory/57/behavior-data", '{"consumable":{"use_count":2}}'),
    ),
    "update_user_inventory_expires": (
        lambda api: api.update_user_inventory_expires(56, 57, timestamp=0),
        http_response(200),
        with_body("PUT", "/users/56/inventory/57/expires", "0"),
    ),
    "update_user_inventory_status": (
        lambda api: api.update_user_inventory_status(56, 57, inventory_status="inactive"),
        http_response(200),
        with_body("PUT", "/users/56/inventory/57/status", '"inactive"'),
    ),
    "use_user_entitlement_item": (
        lambda api: api.use_user_entitlement_item(56, 57, sku="s", info="level 3"),
        http_response(200),
        empty_post("/users/56/entitlements/57/use?sku=s&info=level%203"),
    ),
}


@pytest.mark.parametrize("operation", GOLDEN)
def test_request_is_exactly_these_bytes(
    operation: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    call, reply, expected = GOLDEN[operation]
    server.responses = [reply]

    call(api)

    assert server.requests == [expected.format(host=f"127.0.0.1:{server.port}").encode()]


def test_token_request_is_exactly_these_bytes(server: RecordingServer, client: ApiClient) -> None:
    server.responses = [http_response(200, b'{"access_token":"t"}')]

    AccessTokenApi(client).get_o_auth_token(
        "password", "game", client_secret="s&c", username="robin", password="p w"
    )

    body = "grant_type=password&client_id=game&client_secret=s%26c&username=robin&password=p%20w"
    expected = with_body("POST", "/oauth/token", body, "application/x-www-form-urlencoded")
    assert server.requests == [expected.format(host=f"127.0.0.1:{server.port}").encode()]


def test_every_operation_has_its_golden_request() -> None:
    methods = {name for name in vars(UsersInventoryApi) if not name.startswith("_")}
    plain = {
        name
        for name in methods
        if not name.endswith("_with_http_info") and not name.startswith(("iter_", "wait_until_"))
    }
    assert plain == set(GOLDEN)
