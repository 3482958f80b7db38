"""`spendable`: an amount of a currency, which a grant credits if the type of `fulfillable` is `wallet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME = "spendable"


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount to add to a wallet, in the currency's own units."""

    currency_code: str
    amount: int


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    value = behavior.get("value")
    if value is not None and value < 0:
        return [("value", f"must be 0 or more, not {value}")]
    return []


def credit(behavior: Mapping[str, Any]) -> Credit | None:
    """Return the credit of a grant, or None if the behavior has no currency or no amount."""
    code, value = behavior.get("currency_code"), behavior.get("value")
    return Credit(code, value) if code and value else None
