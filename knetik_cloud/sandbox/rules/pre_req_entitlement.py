"""`pre_req_entitlement`: a user must hold certain other items to get this one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

NAME = "pre_req_entitlement"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    return []


def deny_get(behavior: Mapping[str, Any], held: Collection[int]) -> str | None:
    """Deny the item while the user has no usable entry of one of the required items."""
    missing = [item_id for item_id in behavior["item_ids"] if item_id not in held]
    if missing:
        return f"the user must first hold item {', '.join(map(str, missing))}"
    return None
