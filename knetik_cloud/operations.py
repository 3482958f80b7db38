"""The operations of the contract, a row each.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.core.operation import Operation, Pages, Parameter, ReadBack, Waiter

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
    summary="Add an item to a user's inventory by SKU",
    cli="inventory add",
    read_back=(
        ReadBack(
            "get_user_inventories",
            {"id": "$id", "filter_date": "$since", "inactive": True},
            since="created_date",
        ),
    ),
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
    summary="Check whether a user may use an item",
    cli="entitlements check",
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
    summary="Create an entitlement item",
    cli="items create",
    read_back=(
        ReadBack(
            "get_entitlement_items",
            {"order": "created_date:DESC"},
            match={"name": "$entitlement_item.name"},
            since="created_date",
        ),
    ),
)

CREATE_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource] = Operation(
    "create_entitlement_template",
    "POST",
    "/entitlements/templates",
    (Parameter("template", "body", "ItemTemplateResource"),),
    returns="ItemTemplateResource",
    retry="once",
    summary="Create an entitlement template",
    cli="templates create",
    read_back=(
        ReadBack(
            "get_entitlement_templates",
            {"order": "created_date:DESC"},
            match={"name": "$template.name"},
            since="created_date",
        ),
    ),
)

DELETE_ENTITLEMENT_ITEM: Operation[None] = Operation(
    "delete_entitlement_item",
    "DELETE",
    "/entitlements/{entitlement_id}",
    (Parameter("entitlement_id", "path", "int32", required=True),),
    retry="idempotent",
    summary="Delete an entitlement item",
    cli="items delete",
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
    summary="Delete an entitlement template",
    cli="templates delete",
)

GET_ENTITLEMENT_ITEM: Operation[EntitlementItem] = Operation(
    "get_entitlement_item",
    "GET",
    "/entitlements/{entitlement_id}",
    (Parameter("entitlement_id", "path", "int32", required=True),),
    returns="EntitlementItem",
    retry="safe",
    summary="Get an entitlement item",
    cli="items get",
)

GET_ENTITLEMENT_ITEMS: Operation[PageResourceEntitlementItem] = Operation(
    "get_entitlement_items",
    "GET",
    "/entitlements",
    (
        Parameter("size", "query", "int32"),
        Parameter("page", "query", "int32"),
        Parameter("order", "query", "str"),
        Parameter("filter_template", "query", "str"),
        Parameter("filter_name_search", "query", "str"),
    ),
    returns="PageResourceEntitlementItem",
    retry="safe",
    pages=Pages(order="order"),
    summary="List entitlement items",
    cli="items list",
)

GET_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource] = Operation(
    "get_entitlement_template",
    "GET",
    "/entitlements/templates/{id}",
    (Parameter("id", "path", "str", required=True),),
    returns="ItemTemplateResource",
    retry="safe",
    summary="Get an entitlement template",
    cli="templates get",
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
    summary="List entitlement templates",
    cli="templates list",
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
    summary="Get an access token",
    cli="token get",
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
    summary="List a user's inventory entries",
    cli="inventory list",
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
    summary="Get an inventory entry",
    cli="inventory get",
    waiters=(
        Waiter(
            "user_inventory_active",
            "status",
            ("active",),
            failure=("inactive",),
            list="get_user_inventories",
            arguments={"id": "$user_id", "filter_date": "$since", "inactive": True},
            find=("item_id", "invoice_id"),
            since="created_date",
        ),
    ),
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
    summary="List the log of an inventory entry",
    cli="inventory log",
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
    summary="List the inventory entries of all users",
    cli="inventory list-all",
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
    summary="Grant an entitlement to a user",
    cli="entitlements grant",
    read_back=(
        ReadBack(
            "get_user_inventories",
            {
                "id": "$user_id",
                "filter_item_id": "$grant_request.entitlement_id",
                "filter_date": "$since",
                "inactive": True,
            },
            match={"invoice_id": None},
            since="created_date",
        ),
    ),
)

PATCH_ENTITLEMENT_TEMPLATE: Operation[ItemTemplateResource] = Operation(
    "patch_entitlement_template",
    "PATCH",
    "/entitlements/templates/{id}",
    (
        Parameter("id", "path", "str", required=True),
        Parameter("test_validation", "query", "bool"),
        Parameter("template_patch_resource", "body", "PatchResource"),
    ),
    returns="ItemTemplateResource",
    retry="once",
    summary="Change parts of an entitlement template",
    cli="templates patch",
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
    summary="Update an entitlement item",
    cli="items update",
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
    summary="Update an entitlement template",
    cli="templates update",
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
    summary="Set the behavior data of an inventory entry",
    cli="inventory set-behavior-data",
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
    summary="Set when an inventory entry expires",
    cli="inventory set-expires",
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
    summary="Set the status of an inventory entry",
    cli="inventory set-status",
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
    summary="Use an item",
    cli="entitlements use",
    marker="info",
    read_back=(
        ReadBack("get_user_inventories", {"id": "$user_id", "filter_item_id": "$item_id", "inactive": True}),
        ReadBack(
            "get_user_inventory_log",
            {"user_id": "$user_id", "id": "$item.id"},
            match={"info": "$marker"},
            since="log_date",
        ),
    ),
)
