"""The rules for well-defined behaviors of an item, in addition to the contract's schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knetik_cloud.sandbox.errors import Problem
from knetik_cloud.sandbox.rules import (
    consumable,
    expirable,
    fulfillable,
    groups,
    guest_playable,
    limited_gettable,
    pre_req_entitlement,
    price_overridable,
    spendable,
    time_period_gettable,
    time_period_usable,
)

RULES = {
    rule.NAME: rule
    for rule in (
        consumable,
        expirable,
        fulfillable,
        guest_playable,
        limited_gettable,
        pre_req_entitlement,
        price_overridable,
        spendable,
        time_period_gettable,
        time_period_usable,
    )
}
"""The ten behaviors by type_hint."""

MAX_KEY_LENGTH = 500
"""The maximum length of a key, in characters. PostgreSQL's indexes hold up to 2,704 bytes."""


def behavior_problems(behaviors: Sequence[Mapping[str, Any]], prefix: str = "behaviors[{}]") -> list[Problem]:
    """List the problems of an item's behaviors. Each kind may occur once."""
    found = []
    seen: set[str] = set()
    for number, behavior in enumerate(behaviors):
        path, kind = prefix.format(number), behavior["type_hint"]
        if kind in seen:
            message = f"{path}.type_hint: {kind}occurs twice; an item has each behavior once"
            found.append(Problem(message, f"{path}.type_hint"))
        seen.add(kind)
        for field, message in RULES[kind].problems(behavior):
            found.append(Problem(f"{path}.{field} {message}", f"{path}.{field}"))
    return found


def name_problems(resource: Mapping[str, Any]) -> list[Problem]:
    """List the problems of the name of an item or a template."""
    return [] if resource["name"].strip() else [Problem("name must not be blank", "name")]


def key_problems(item: Mapping[str, Any]) -> list[Problem]:
    """List the keys of an item that are too long: its unique key, its template, the names of its groups."""
    keys = [(field, item.get(field) or "") for field in ("unique_key", "template")]
    keys += [(use.field, use.name) for use in groups.uses(item.get("behaviors") or ())]
    return [
        Problem(f"{field} must have at most {MAX_KEY_LENGTH} characters, not {len(key)}", field)
        for field, key in keys
        if len(key) > MAX_KEY_LENGTH
    ]
