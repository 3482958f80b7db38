"""`fulfillable`: how a grant is delivered; type `wallet` also credits what `spendable` is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "fulfillable"
WALLET = "wallet"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message)."""
    if not behavior["type_name"].strip():
        return [("type_name", "must not be blank; inventory, wallet and amazon are the known types")]
    return []


def credits_wallet(behavior: Mapping[str, Any]) -> bool:
    """Return whether a grant credits the user's wallet."""
    return bool(behavior["type_name"] == WALLET)
