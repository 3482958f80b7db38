"""A program that imports every public name of the asyncio client, as type checkers see it."""
# ruff: noqa: F403, F405

from typing import assert_type

from knetik_cloud import UserInventoryResource
from knetik_cloud.aio import *


async def main() -> None:
    async with ApiClient() as client:
        assert_type(await UsersInventoryApi(client).get_user_inventory(56, 56), UserInventoryResource)
