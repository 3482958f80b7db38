"""The schema `UserItemLogResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field


class UserItemLogResource(Model):
    """An event in the history of an inventory entry."""

    id: int | None = field("int32", read_only=True)
    """Log entry id. The service assigns it."""

    info: str | None = field("str")
    """Details of the event, depending on `type`, or null. For a use, this is the `info` that the caller
    sent.
    """

    item: models.SimpleReferenceResourceint | None = field("SimpleReferenceResourceint")
    """The item."""

    log_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the event in epoch seconds."""

    logged_at = instant("log_date")
    """`log_date` as an aware `datetime` in UTC; see `Instant`."""

    type: str | None = field("str")
    """Type of the event. The values are not documented."""

    user: models.SimpleUserResource | None = field("SimpleUserResource")
    """The user who acted."""

    user_inventory: int | None = field("int32")
    """Id of the inventory entry, or null if there is none."""
