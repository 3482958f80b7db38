"""An inventory entry: that a user holds an item, in which state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

PENDING = "pending"
ACTIVE = "active"
INACTIVE = "inactive"
STATUSES = (PENDING, ACTIVE, INACTIVE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One inventory entry, its fields in the order of the table's columns.

    Dates are epoch seconds; `expires` None is never.
    """

    id: int
    user_id: int
    item_id: int
    item_name: str | None = None
    item_type_hint: str | None = None
    status: str = ACTIVE
    expires: int | None = None
    behavior_data: Mapping[str, Any] | None = None
    invoice_id: int | None = None
    sku: str | None = None
    created_date: int = 0
    updated_date: int = 0

    def expired(self, now: float) -> bool:
        """Return whether the entry has expired, which it has at the second of `expires`."""
        return self.expires is not None and self.expires <= now

    def status_at(self, now: float) -> str:
        """Return the visible status. An expired entry is inactive, regardless of its stored status."""
        return INACTIVE if self.expired(now) else self.status

    def counter(self, behavior: str, name: str) -> int:
        """Read an integer from a behavior's data. Values of other types, set by a caller, count as 0."""
        data = (self.behavior_data or {}).get(behavior)
        value = data.get(name) if isinstance(data, Mapping) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def with_data(self, behavior: str, **values: Any) -> Entry:
        """Copy it with values set in a behavior's data, keeping all else there."""
        whole = dict(self.behavior_data or {})
        data = whole.get(behavior)
        whole[behavior] = {**data, **values} if isinstance(data, Mapping) else values
        return replace(self, behavior_data=whole)
