"""The description of a fault in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe(fault: Mapping[str, Any] | None) -> str:
    """Describe a fault, given as `Fault.to_dict` returns it."""
    if fault is None:
        return ""
    parts = []
    if fault["delay"]:
        parts.append(f"waits {fault['delay']:g} s")
    if fault["applied"]:
        parts.append("runs the operation")
    if fault["status"]:
        parts.append(f"responds {fault['status']}")
    if fault["reset"]:
        parts.append("resets the connection")
    if fault["truncate"]:
        parts.append("sends half of the body")
    return ", ".join(parts)
