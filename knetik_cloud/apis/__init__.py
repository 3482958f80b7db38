"""The API classes, one for each tag of the contract, loaded on first use.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knetik_cloud.apis.access_token_api import AccessTokenApi
    from knetik_cloud.apis.users_inventory_api import UsersInventoryApi

__all__ = [
    "AccessTokenApi",
    "UsersInventoryApi",
]

_MODULES = {
    "AccessTokenApi": "access_token_api",
    "UsersInventoryApi": "users_inventory_api",
}

if not TYPE_CHECKING:  # a checker that saw __getattr__ would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
