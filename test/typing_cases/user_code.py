"""Code as users write it: mypy must see exactly these types."""

from concurrent.futures import Future
from typing import Any, assert_type

import knetik_cloud
from knetik_cloud import (
    AccessTokenApi,
    ApiClient,
    ApiException,
    ApiResponse,
    Behavior,
    Configuration,
    Consumable,
    EntitlementItem,
    InvoiceResource,
    OAuth2Resource,
    PageResourceUserInventoryResource,
    Property,
    Secret,
    SimpleUserResource,
    UserInventoryResource,
    UsersInventoryApi,
)
from knetik_cloud.rest import RESTResponse

client = ApiClient(Configuration(host="http://localhost", timeout=(1, 2.5), access_token="t"))
api = UsersInventoryApi(client)

# Constructors: every field is an optional keyword, checked.
item = EntitlementItem(name="Potion", behaviors=[Consumable(max_use=3)], tags=["a"])
assert_type(item, EntitlementItem)
assert_type(EntitlementItem(), EntitlementItem)

# Attributes
assert_type(item.id, int | None)
assert_type(item.name, str | None)
assert_type(item.behaviors, list[Behavior] | None)
assert_type(item.additional_properties, dict[str, Property] | None)
item.name = None
del item.name

# Returns
entry = api.get_user_inventory("me", 56)
assert_type(entry, UserInventoryResource)
assert_type(entry.user, SimpleUserResource | None)
assert_type(entry.behavior_data, dict[str, Any] | None)
page = api.get_user_inventories(56, inactive=True, size=100, _deadline=5, _headers={"X-A": "b"})
client.set_default_header("X-Gateway-Key", Secret("key"))
assert_type(page, PageResourceUserInventoryResource)
assert_type(page.content, list[UserInventoryResource] | None)
assert_type(api.add_item_to_user_inventory(56), InvoiceResource | None)
assert_type(api.get_user_inventory_with_http_info(56, 56), ApiResponse[UserInventoryResource])
assert_type(
    UsersInventoryApi.get_user_inventory_with_http_info(api, 56, 56), ApiResponse[UserInventoryResource]
)
data, status, headers = api.get_user_inventory_with_http_info(56, 56)
assert_type(data, UserInventoryResource)
assert_type(status, int)
assert_type(headers["Date"], str)
assert_type(AccessTokenApi(client).get_o_auth_token(client_secret="s"), OAuth2Resource)
api.grant_user_entitlement(56, knetik_cloud.EntitlementGrantRequest(entitlement_id=57))

# Ways to call
assert_type(client.submit(api.get_user_inventory, 56, 56), Future[UserInventoryResource])
assert_type(client.raw(api.get_user_inventory, 56, 56), RESTResponse)
assert_type(api.with_options(_retries=0), UsersInventoryApi)
assert_type(client.with_options(_deadline=3), ApiClient)

# Models
assert_type(EntitlementItem.from_json("{}"), EntitlementItem)
assert_type(EntitlementItem.from_dict({}), EntitlementItem)
assert_type(item.to_dict(), dict[str, Any])

# Errors and settings
try:
    api.get_entitlement_item(56)
except ApiException as error:
    assert_type(error.status, int | None)
    assert_type(error.reason, str | None)
    assert_type(error.may_have_applied, bool)
assert_type(Configuration().access_token, Secret | None)
