"""A program that imports every public name, as type checkers see it."""
# ruff: noqa: F403, F405

from typing import assert_type

from knetik_cloud import *
from knetik_cloud.bulk import *

with ApiClient(Configuration(retries=1)) as client:
    api = UsersInventoryApi(client)
    assert_type(api.get_user_inventory(56, 56), UserInventoryResource)
    assert_type(once(api.use_user_entitlement_item, 56, 56, key="order-17"), Outcome[None])
    assert_type(run("grants.csv", api.grant_user_entitlement, journal="grants.run"), Report)
