"""A program that imports every public name, as type checkers see it."""
# ruff: noqa: F403, F405

from typing import assert_type

from knetik_cloud import *

with ApiClient(Configuration(retries=1)) as client:
    api = UsersInventoryApi(client)
    assert_type(api.get_user_inventory(56, 56), UserInventoryResource)
    assert_type(once(api.use_user_entitlement_item, 56, 56, key="order-17"), Outcome[None])
