"""`pre_req_entitlement`: certain other items must be held before this one can be got."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

NAME = "pre_req_entitlement"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    return []


def deny_get(behavior: Mapping[str, Any], held: Collection[int]) -> str | None:
    """Refuse while any of the items is not among those that the user holds in a usable state."""
    missing = [item_id for item_id in behavior["item_ids"] if item_id not in held]
    if missing:
        return f"the user must first hold item {', '.join(map(str, missing))}"
    return None
