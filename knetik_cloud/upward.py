"""The modules above their callers: conveniences of a lower layer load them by name when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

MODULES = {
    "arrow": "knetik_cloud.contrib.arrow",
    "cards": "knetik_cloud.contrib.cards",
    "pydantic": "knetik_cloud.contrib.pydantic",
    "recorders": "knetik_cloud.contrib.recorders",
    "recovery": "knetik_cloud.recovery",
    "aio.recovery": "knetik_cloud.aio.recovery",
    "waiting": "knetik_cloud.waiting",
    "aio.waiting": "knetik_cloud.aio.waiting",
}


def load(name: str) -> Any:
    """Import a module of `MODULES`, and return it."""
    return import_module(MODULES[name])
