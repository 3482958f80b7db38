"""The asyncio client: the same calls as in `knetik_cloud`, awaited.

    from knetik_cloud import aio

    async with aio.UsersInventoryApi() as api:
        entry = await api.get_user_inventory(56, 56)

Models, exceptions and `Configuration` are those of `knetik_cloud`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from knetik_cloud.aio import apis
from knetik_cloud.aio.api_client import ApiClient as ApiClient
from knetik_cloud.aio.paging import Pager as Pager
from knetik_cloud.aio.recovery import once as once

if TYPE_CHECKING:
    from knetik_cloud.aio.apis import *  # noqa: F403

if not TYPE_CHECKING:  # a checker can't evaluate __all__, and would take any name for one of ours
    __all__ = ["ApiClient", "Pager", "once", *apis.__all__]

    def __getattr__(name: str) -> object:
        if name == "waiting":
            return import_module("knetik_cloud.aio.waiting")
        if name not in apis.__all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(apis, name)

    def __dir__() -> list[str]:
        return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
