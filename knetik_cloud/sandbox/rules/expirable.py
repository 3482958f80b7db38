"""`expirable`: an entry ends so long after it was granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.rules.periods import UNITS, later

NAME = "expirable"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    return length_problems(behavior)


def length_problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the problems of the length of time in a definition, which is complete or absent."""
    found = []
    length, unit = behavior.get("time_length"), behavior.get("unit_of_time")
    if length is not None and length < 1:
        found.append(("time_length", f"must be 1 or more, not {length}"))
    if unit is not None and unit not in UNITS:
        found.append(("unit_of_time", f"must be one of {', '.join(UNITS)}, not {unit!r}"))
    if length is None and unit is not None:
        found.append(("time_length", f"is required with unit_of_time: the number of {unit}s"))
    if unit is None and length is not None:
        found.append(("unit_of_time", f"is required with time_length: one of {', '.join(UNITS)}"))
    return found


def grant(behavior: Mapping[str, Any], entry: Entry, now: float) -> Entry:
    """Set the end to the instant of the grant plus the length. Without a length, the entry never ends."""
    length, unit = behavior.get("time_length"), behavior.get("unit_of_time")
    if length is None or unit is None:
        return entry
    return replace(entry, expires=later(now, length, unit))
