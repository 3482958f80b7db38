"""The asyncio client, pagers, instants and builders as users write them: mypy must see these types."""

import datetime as dt
from typing import assert_type

from knetik_cloud import (
    Pager,
    PageResourceUserInventoryResource,
    UserInventoryResource,
    UsersInventoryApi,
    aio,
    filters,
    sorting,
)

api = UsersInventoryApi()
pager = api.iter_user_inventories(56, filter_date=filters.after(0), limit=5, prefetch=2, _retries=1)
assert_type(pager, Pager[UserInventoryResource, PageResourceUserInventoryResource])
assert_type(pager.total, int | None)
for entry in pager:
    assert_type(entry, UserInventoryResource)
    assert_type(entry.expires, int | None)
    assert_type(entry.expires_at, dt.datetime | None)
    entry.expires_at = dt.datetime.now(dt.UTC)
    entry.expires_at = "2017-08-15T00:00:00Z"
    entry.expires_at = None
for page in pager.pages():
    assert_type(page, PageResourceUserInventoryResource)
api.get_entitlement_items(order=sorting.descending("id").then(sorting.ascending("name")))
api.update_user_inventory_expires(56, 56, timestamp=dt.datetime.now(dt.UTC))


async def main() -> None:
    async with aio.ApiClient() as client:
        awaited = aio.UsersInventoryApi(client).with_options(_deadline=5)
        assert_type(await awaited.get_user_inventory(56, 56), UserInventoryResource)
        async for entry in awaited.iter_users_inventory(page_size=10):
            assert_type(entry, UserInventoryResource)
        assert_type((await awaited.iter_users_inventory()).total, int | None)
        assert_type(await client.submit(awaited.get_user_inventory, 56, 56), UserInventoryResource)
        async with await client.raw(awaited.get_user_inventory, 56, 56) as response:
            assert_type(await response.read(), bytes)
