"""`guest_playable`: whether guests, users without a full account, may use the item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "guest_playable"


def problems(behavior: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what is wrong with a definition, as (field, message): `leaderboard` needs `allowed`."""
    if behavior.get("leaderboard") and not behavior.get("allowed"):
        return [("leaderboard", "must be false while allowed is: a guest who may not play has no score")]
    return []


def deny_use(behavior: Mapping[str, Any], guest: bool) -> str | None:
    """Deny a use by a guest unless guests are allowed."""
    return "guests may not use it" if guest and not behavior.get("allowed") else None
