"""The verdict of one item rule as data: what it looked at, and since when and until when it denies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

HELD = "held"
"""The rule that a user must hold an entry in order to use it."""

STATUS = "status"
"""The rule that an entry must be active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The verdict of one rule about one entry, or about getting an item.

    `rule` is the `type_hint` of a behavior, `held` or `status`. `denial` is the reason, or None if the rule
    allows it. `numbers` are the values compared. `since` and `until` bound the denial in epoch seconds: None
    means that the bound is unknown, or that time alone does not end the denial. `inventory_id` is the entry,
    None for getting an item.
    """

    rule: str
    denial: str | None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    since: float | None = None
    until: float | None = None
    inventory_id: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)
