"""The operations of the contract, a row each.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.core.operation import Operation, Pages, Parameter

if TYPE_CHECKING:
    from knetik_cloud.models import (
        EntitlementItem,
        InvoiceResource,
        ItemTemplateResource,
        OAuth2Resource,
        PageResourceEntitlementItem,
        PageResourceItemTemplateResource,
        PageResourceUserInventoryResource,
        PageResourceUserItemLogResource,
        UserInventoryResource,
    )

ADD_ITEM_TO_USER_INVENTORY: Operation[InvoiceResource | None] = Operation(
    "add_item_to_user_inventory",
    "POST",
    "/users/{id}/inventory",
    (
        Parameter("id", "path", "int32", required=True),
        Parameter("user_inventory_add_request", "body", "UserInventoryAddRequest"),
    ),
    returns="InvoiceResource",
    retry="once",
    empty_result=True,
)

CHECK_USER_ENTITLEMENT_ITEM: Operation[None] = Operation(
    "check_user_entitlement_item",
    "GET",
    "/users/{user_id}/entitlements/{item_id}/check",
    (
        Parameter("user_id", "path", "int | str", required=True),
        Parameter("item_id", "path", "int32", required=True),
        Parameter("sku", "query", "str"),
    ),
    retry="safe",
)

CREATE_ENTITLEMENT_ITEM: Operation[EntitlementItem] = Operation(
    "create_entitlement_item",
    "POST",
    "/entitlements",
    (
        Parameter("cascade", "query", "bool"),
        Parameter("entitlement_item", "body", "EntitlementItem"),
    ),
    returns="EntitlementItem",
    retry="once",
)

CREATE_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource] = Operation(
    "create_entitlement_template",
    "POST",
    "/entitlements/templates",
    (Parameter("template", "body", "ItemTemplateResource"),),
    returns="ItemTemplateResource",
    retry="once",
)

DELETE_ENTITLEMENT_ITEM: Operation[None] = Operation(
    "delete_entitlement_item",
    "DELETE",
    "/entitlements/{entitlement_id}",
    (Parameter("entitlement_id", "path", "int32", required=True),),
    retry="idempotent",
)

DELETE_ENTITLEMENT_TEMPLATE: Operation[None] = Operation(
    "delete_entitlement_template",
    "DELETE",
    "/entitlements/templates/{id}",
    (
        Parameter("id", "path", "str", required=True),
        Parameter("cascade", "query", "str"),
    ),
    retry="idempotent",
)

GET_ENTITLEMENT_ITEM: Operation[EntitlementItem] = Operation(
    "get_entitlement_item",
    "GET",
    "/entitlements/{entitlement_id}",
    (Parameter("entitlement_id", "path", "int32", required=True),),
    returns="EntitlementItem",
    retry="safe",
)

GET_ENTITLEMENT_ITEMS: Operation[PageResourceEntitlementItem] = Operation(
    "get_entitlement_items",
    "GET",
    "/entitlements",
    (
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
        Parameter("order", "query", "str"),
    ),
    returns="PageResourceEntitlementItem",
    retry="safe",
    pages=Pages(order="order"),
)

GET_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource] = Operation(
    "get_entitlement_template",
    "GET",
    "/entitlements/templates/{id}",
    (Parameter("id", "path", "str", required=True),),
    returns="ItemTemplateResource",
    retry="safe",
)

GET_ENTITLEMENT_TEMPLATES: Operation[PageResourceItemTemplateResource] = Operation(
    "get_entitlement_templates",
    "GET",
    "/entitlements/templates",
    (
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
        Parameter("order", "query", "str"),
    ),
    returns="PageResourceItemTemplateResource",
    retry="safe",
    pages=Pages(order="order"),
)

GET_O_AUTH_TOKEN: Operation[OAuth2Resource] = Operation(
    "get_o_auth_token",
    "POST",
    "/oauth/token",
    (
        Parameter("grant_type", "form", "str", required=True),
        Parameter("client_id", "form", "str", required=True),
        Parameter("client_secret", "form", "str", secret=True),
        Parameter("username", "form", "str"),
        Parameter("password", "form", "str", secret=True),
        Parameter("token", "form", "str", secret=True),
        Parameter("refresh_token", "form", "str", secret=True),
    ),
    returns="OAuth2Resource",
    retry="safe",
    authenticated=False,
)

GET_USER_INVENTORIES: Operation[PageResourceUserInventoryResource] = Operation(
    "get_user_inventories",
    "GET",
    "/users/{id}/inventory",
    (
        Parameter("id", "path", "int32", required=True),
        Parameter("inactive", "query", "bool"),
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
        Parameter("filter_item_name", "query", "str"),
        Parameter("filter_item_id", "query", "int32"),
        Parameter("filter_username", "query", "str"),
        Parameter("filter_group", "query", "str"),
        Parameter("filter_date", "query", "str"),
    ),
    returns="PageResourceUserInventoryResource",
    retry="safe",
    pages=Pages(),
)

GET_USER_INVENTORY: Operation[UserInventoryResource] = Operation(
    "get_user_inventory",
    "GET",
    "/users/{user_id}/inventory/{id}",
    (
        Parameter("user_id", "path", "int | str", required=True),
        Parameter("id", "path", "int32", required=True),
    ),
    returns="UserInventoryResource",
    retry="safe",
)

GET_USER_INVENTORY_LOG: Operation[PageResourceUserItemLogResource] = Operation(
    "get_user_inventory_log",
    "GET",
    "/users/{user_id}/inventory/{id}/log",
    (
        Parameter("user_id", "path", "int | str", required=True),
        Parameter("id", "path", "int32", required=True),
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
    ),
    returns="PageResourceUserItemLogResource",
    retry="safe",
    pages=Pages(),
)

GET_USERS_INVENTORY: Operation[PageResourceUserInventoryResource] = Operation(
    "get_users_inventory",
    "GET",
    "/inventories",
    (
        Parameter("inactive", "query", "bool"),
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
        Parameter("filter_item_name", "query", "str"),
        Parameter("filter_item_id", "query", "int32"),
        Parameter("filter_username", "query", "str"),
        Parameter("filter_group", "query", "str"),
        Parameter("filter_date", "query", "str"),
    ),
    returns="PageResourceUserInventoryResource",
    retry="safe",
    pages=Pages(),
)

GRANT_USER_ENTITLEMENT: Operation[None] = Operation(
    "grant_user_entitlement",
    "POST",
    "/users/{user_id}/entitlements",
    (
        Parameter("user_id", "path", "int32", required=True),
        Parameter("grant_request", "body", "EntitlementGrantRequest", required=True),
    ),
    retry="once",
)

UPDATE_ENTITLEMENT_ITEM: Operation[None] = Operation(
    "update_entitlement_item",
    "PUT",
    "/entitlements/{entitlement_id}",
    (
        Parameter("entitlement_id", "path", "int32", required=True),
        Parameter("cascade", "query", "bool"),
        Parameter("entitlement_item", "body", "EntitlementItem"),
    ),
    retry="idempotent",
)

UPDATE_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource | None] = Operation(
    "update_entitlement_template",
    "PUT",
    "/entitlements/templates/{id}",
    (
        Parameter("id", "path", "str", required=True),
        Parameter("template", "body", "ItemTemplateResource"),
    ),
    returns="ItemTemplateResource",
    retry="idempotent",
    empty_result=True,
)

UPDATE_USER_INVENTORY_BEHAVIOR_DATA: Operation[None] = Operation(
    "update_user_inventory_behavior_data",
    "PUT",
    "/users/{user_id}/inventory/{id}/behavior-data",
    (
        Parameter("user_id", "path", "int32", required=True),
        Parameter("id", "path", "int32", required=True),
        Parameter("data", "body", "dict[str, object]"),
    ),
    retry="idempotent",
)

UPDATE_USER_INVENTORY_EXPIRES: Operation[None] = Operation(
    "update_user_inventory_expires",
    "PUT",
    "/users/{user_id}/inventory/{id}/expires",
    (
        Parameter("user_id", "path", "int32", required=True),
        Parameter("id", "path", "int32", required=True),
        Parameter("timestamp", "body", "epoch"),
    ),
    retry="idempotent",
)

UPDATE_USER_INVENTORY_STATUS: Operation[None] = Operation(
    "update_user_inventory_status",
    "PUT",
    "/users/{user_id}/inventory/{id}/status",
    (
        Parameter("user_id", "path", "int32", required=True),
        Parameter("id", "path", "int32", required=True),
        Parameter("inventory_status", "body", "str"),
    ),
    retry="idempotent",
)

USE_USER_ENTITLEMENT_ITEM: Operation[None] = Operation(
    "use_user_entitlement_item",
    "POST",
    "/users/{user_id}/entitlements/{item_id}/use",
    (
        Parameter("user_id", "path", "int | str", required=True),
        Parameter("item_id", "path", "int32", required=True),
        Parameter("sku", "query", "str"),
        Parameter("info", "query", "str"),
    ),
    retry="once",
)
