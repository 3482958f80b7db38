"""The schema `UserInventoryResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import Any

from knetik_cloud import models
from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field


class UserInventoryResource(Model):
    """An inventory entry: an item that a user holds, and its state."""

    behavior_data: dict[str, Any] | None = field("dict[str, object]")
    """State that the item's behaviors keep for this entry, such as the number of uses so far. Its keys are
    not documented.
    """

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of creation in epoch seconds. The service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    expires: int | None = field("int64", epoch=True)
    """Time of expiry in epoch seconds, or null for never. For a subscription, this is the end of the grace
    period.
    """

    expires_at = instant("expires")
    """`expires` as an aware `datetime` in UTC; see `Instant`."""

    id: int | None = field("int32", read_only=True)
    """Inventory entry id. The service assigns it."""

    invoice_id: int | None = field("int32")
    """Id of the invoice that created the entry, or null if there was none, as for a grant."""

    item_id: int | None = field("int32")
    """Id of the item."""

    item_name: str | None = field("str")
    """Name of the item."""

    item_type_hint: str | None = field("str")
    """Type of the item."""

    status: str | None = field("str", enum=("pending", "active", "inactive"))
    """`pending` entries can't be used yet, `active` ones can be used, and `inactive` ones are expired or
    used up.
    """

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the last change in epoch seconds. The service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""

    user: models.SimpleUserResource | None = field("SimpleUserResource")
    """The user who holds the item."""
