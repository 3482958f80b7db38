"""`price_overridable`: the bounds inside which the price of the item may be set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "price_overridable"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    low, high = behavior.get("min_price"), behavior.get("max_price")
    found = [
        (field, f"must be 0 or more, not {value}")
        for field, value in (("min_price", low), ("max_price", high))
        if value is not None and value < 0
    ]
    if low is not None and high is not None and low > high:
        found.append(("max_price", f"must not be below min_price: {high} is less than {low}"))
    return found


def price(behavior: Mapping[str, Any], requested: float) -> float:
    """Return the price to charge: the requested price, limited to the bounds."""
    low, high = behavior.get("min_price"), behavior.get("max_price")
    if low is not None and requested < low:
        return float(low)
    if high is not None and requested > high:
        return float(high)
    return requested
