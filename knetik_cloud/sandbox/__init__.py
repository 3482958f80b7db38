"""A local sandbox server for the inventory and entitlement API, with real HTTP, storage and rules.

    from knetik_cloud import Configuration
    from knetik_cloud.sandbox import Sandbox

    with Sandbox() as sandbox:
        configuration = Configuration(host=sandbox.url)

Importing this package is cheap. The server and its libraries are loaded when `Sandbox` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knetik_cloud.sandbox.journal import Exchange
    from knetik_cloud.sandbox.server import Sandbox
    from knetik_cloud.sandbox.settings import Settings

__all__ = ["Exchange", "Sandbox", "Settings"]

_HOMES = {"Exchange": "journal", "Sandbox": "server", "Settings": "settings"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from knetik_cloud.requirements import explain_missing

    with explain_missing("sandbox"):
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
