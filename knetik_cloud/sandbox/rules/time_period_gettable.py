"""`time_period_gettable`: limits how many items of a group a user may get in any period of a length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knetik_cloud.sandbox.rules.expirable import length_problems
from knetik_cloud.sandbox.rules.periods import later

NAME = "time_period_gettable"
MARGIN_SECONDS = 4 * 86_400
"""Longest difference between a calendar period counted forward and one counted back."""

SHARED = ("get_limit", "time_length", "unit_of_time")
"""The settings that every item of a group has in common."""


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    found = length_problems(behavior)
    if behavior["get_limit"] < 0:
        found.append(("get_limit", f"must be 0 or more, not {behavior['get_limit']}"))
    return found


def group_name(behavior: Mapping[str, Any]) -> str | None:
    """Return the name of the group, or None before the service has made one."""
    return behavior.get("group_name")


def has_group(behavior: Mapping[str, Any]) -> bool:
    """Return whether there is a limit, which is always true since its fields are required."""
    return True


def with_group_name(behavior: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Copy it with the group's name set."""
    return {**behavior, "group_name": name}


def settings(behavior: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that its group shares."""
    return {key: behavior[key] for key in SHARED}


def with_settings(behavior: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Copy it with the group's settings replaced."""
    return {**behavior, **shared}


def window_start(behavior: Mapping[str, Any], now: float) -> int:
    """Return the instant from which gets count, one period before now, in epoch seconds."""
    return later(now, -behavior["time_length"], behavior["unit_of_time"])


def window_end(behavior: Mapping[str, Any], got: int) -> int:
    """Return the first instant whose window no longer counts a get, in epoch seconds."""
    length, unit = behavior["time_length"], behavior["unit_of_time"]
    low, high = got, later(got, length, unit) + MARGIN_SECONDS
    # By search, because months differ in length: counting forward may not be the inverse of counting back.
    while low < high:
        middle = (low + high) // 2
        if later(middle, -length, unit) >= got:
            high = middle
        else:
            low = middle + 1
    return low


def deny_get(behavior: Mapping[str, Any], got: int) -> str | None:
    """Deny the item if the user got as many of the group since `window_start` as the limit allows."""
    limit = behavior["get_limit"]
    if got >= limit:
        return (
            f"the user got {got} of group {group_name(behavior)!r} in the last {behavior['time_length']} "
            f"{behavior['unit_of_time']}(s), and its get_limit is {limit}"
        )
    return None
