"""`limited_gettable`: limits how many items of a group a user may hold. Items share the limit by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "limited_gettable"
SHARED = ("active_only", "owned_limit")
"""The settings that every item of a group has in common."""


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    group = behavior.get("group")
    if group is not None and group["owned_limit"] < 0:
        return [("group.owned_limit", f"must be 0 or more, not {group['owned_limit']}")]
    return []


def group_name(behavior: Mapping[str, Any]) -> str | None:
    """Return the name of the group, or None before the service has made one."""
    group = behavior.get("group")
    name: str | None = group.get("name") if group else None
    return name


def has_group(behavior: Mapping[str, Any]) -> bool:
    """Return whether there is a limit. The group may be missing."""
    return behavior.get("group") is not None


def with_group_name(behavior: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Copy it with the group's name set."""
    return {**behavior, "group": {**behavior["group"], "name": name}}


def settings(behavior: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that its group shares."""
    return {key: behavior["group"][key] for key in SHARED}


def with_settings(behavior: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Copy it with the group's settings replaced."""
    return {**behavior, "group": {**behavior["group"], **shared}}


def deny_get(behavior: Mapping[str, Any], owned: int) -> str | None:
    """Deny the item if the user holds as many of the group as the limit allows.

    `owned` counts entries of every item of the group: without the inactive ones, if it is `active_only`.
    """
    limit = behavior["group"]["owned_limit"]
    if owned >= limit:
        return f"the user holds {owned} of group {group_name(behavior)!r}, and its owned_limit is {limit}"
    return None
