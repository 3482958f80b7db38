"""The schema `UserItemLogResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.simple_reference_resourceint import SimpleReferenceResourceint
    from knetik_cloud.models.simple_user_resource import SimpleUserResource


class UserItemLogResource(Model):
    """An event in the history of an inventory entry."""

    id: int | None = field("int32", read_only=True)
    """Log entry id. The service assigns it."""

    info: str | None = field("str")
    """Details of the event, depending on `type`, or null. For a use, this is the `info` that the caller
    sent.
    """

    item: SimpleReferenceResourceint | None = field("SimpleReferenceResourceint")
    """The item."""

    log_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the event in epoch seconds."""

    logged_at = instant("log_date")
    """`log_date` as an aware `datetime` in UTC; see `Instant`."""

    type: str | None = field("str")
    """Type of the event. The values are not documented."""

    user: SimpleUserResource | None = field("SimpleUserResource")
    """The user who acted."""

    user_inventory: int | None = field("int32")
    """Id of the inventory entry, or null if there is none."""
