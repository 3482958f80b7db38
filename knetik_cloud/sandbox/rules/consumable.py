"""`consumable`: an entry can be used `max_use` times; the last use makes it inactive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from knetik_cloud.sandbox.rules.check import Check
from knetik_cloud.sandbox.rules.entry import INACTIVE, Entry

NAME = "consumable"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    max_use = behavior.get("max_use")
    if max_use is not None and max_use < 1:
        return [("max_use", f"must be 1 or more, not {max_use}; leave it out for no limit")]
    return []


def deny_use(behavior: Mapping[str, Any], entry: Entry, now: float) -> str | None:
    """Deny a use if none is left."""
    max_use = behavior.get("max_use")
    used = entry.counter(NAME, "use_count")
    if max_use is not None and used >= max_use:
        return f"it has been used {used} times, and max_use is {max_use}"
    return None


def check_use(behavior: Mapping[str, Any], entry: Entry, now: float) -> Check:
    """Return the verdict of `deny_use` with the numbers behind it."""
    return Check(
        rule=NAME,
        denial=deny_use(behavior, entry, now),
        numbers={"use_count": entry.counter(NAME, "use_count"), "max_use": behavior.get("max_use")},
        inventory_id=entry.id,
    )


def use(behavior: Mapping[str, Any], entry: Entry, now: float) -> Entry:
    """Count a use. The last one makes the entry inactive."""
    max_use = behavior.get("max_use")
    used = entry.counter(NAME, "use_count") + 1
    counted = entry.with_data(NAME, use_count=used)
    return replace(counted, status=INACTIVE) if max_use is not None and used >= max_use else counted
