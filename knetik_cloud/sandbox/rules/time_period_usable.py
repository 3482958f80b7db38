"""`time_period_usable`: an entry has `max_use` uses per period; the first use of a period begins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knetik_cloud.sandbox.rules.check import Check
from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.rules.expirable import length_problems
from knetik_cloud.sandbox.rules.periods import later

NAME = "time_period_usable"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    found = length_problems(behavior)
    max_use = behavior.get("max_use")
    if max_use is not None and max_use < 1:
        found.append(("max_use", f"must be 1 or more, not {max_use}; leave it out for no limit"))
    return found


def period_end(behavior: Mapping[str, Any], entry: Entry) -> int | None:
    """Return the instant at which the entry's current period ends, or None if no use began one."""
    length, unit = behavior.get("time_length"), behavior.get("unit_of_time")
    start = entry.counter(NAME, "period_start")
    return later(start, length, unit) if start > 0 and length is not None and unit is not None else None


def deny_use(behavior: Mapping[str, Any], entry: Entry, now: float) -> str | None:
    """Deny a use if none is left in the current period."""
    max_use, end = behavior.get("max_use"), period_end(behavior, entry)
    used = entry.counter(NAME, "use_count")
    if max_use is None or end is None or end <= now or used < max_use:
        return None
    return f"it has been used {used} times in this period, max_use is {max_use}, and the period ends at {end}"


def check_use(behavior: Mapping[str, Any], entry: Entry, now: float) -> Check:
    """Return the verdict of `deny_use` with the numbers behind it."""
    denial, end = deny_use(behavior, entry, now), period_end(behavior, entry)
    is_running = end is not None and end > now
    return Check(
        rule=NAME,
        denial=denial,
        numbers={
            "use_count": entry.counter(NAME, "use_count") if is_running else 0,
            "max_use": behavior.get("max_use"),
            "period_start": entry.counter(NAME, "period_start") if is_running else None,
            "period_end": end if is_running else None,
        },
        until=end if denial else None,
        inventory_id=entry.id,
    )


def use(behavior: Mapping[str, Any], entry: Entry, now: float) -> Entry:
    """Count a use, in a new period if the last one is over."""
    end = period_end(behavior, entry)
    if end is None or end <= now:
        return entry.with_data(NAME, period_start=int(now), use_count=1)
    return entry.with_data(NAME, use_count=entry.counter(NAME, "use_count") + 1)
