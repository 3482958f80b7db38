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
    """One line of the history of an inventory entry."""

    id: int | None = field("int32", read_only=True)
    """Log entry id; the service assigns it."""

    info: str | None = field("str")
    """More about the event; its meaning depends on `type`. For a use it is the `info` that the caller
    gave. Null when there is none.
    """

    item: SimpleReferenceResourceint | None = field("SimpleReferenceResourceint")
    """The item concerned."""

    log_date: int | None = field("int64", read_only=True, epoch=True)
    """When it happened, in epoch seconds."""

    logged_at = instant("log_date")
    """`log_date` as an aware `datetime` in UTC; see `Instant`."""

    type: str | None = field("str")
    """What happened. The set of words is not documented."""

    user: SimpleUserResource | None = field("SimpleUserResource")
    """The user who acted."""

    user_inventory: int | None = field("int32")
    """Id of the inventory entry concerned; null when there is none."""
