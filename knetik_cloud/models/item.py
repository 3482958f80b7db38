"""The schema `Item` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.behavior import Behavior
    from knetik_cloud.models.property import Property


class Item(
    Model,
    discriminator="type_hint",
    mapping={
        "entitlement": "EntitlementItem",
    },
):
    """Something that a player can hold: what every kind of item has in common. `type_hint` says which kind
    it is; a kind unknown to the reader is still read as an Item, with all its data.

    `type_hint` tells the subclasses apart; an object with a value that none of them has is read as
    Item, with all its data.
    """

    additional_properties: dict[str, Property] | None = field("dict[str, Property]")
    """Values of your own, by name. With a `template` they are checked against its property definitions,
    and names that it does not define are allowed.
    """

    behaviors: list[Behavior] | None = field("list[Behavior]")
    """Rules for getting, using and losing the item. Lists may leave them out; reading the single item
    gives them.
    """

    category: str | None = field("str")
    """Label to filter items by."""

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """When it was created, in epoch seconds; the service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    id: int | None = field("int32", read_only=True)
    """Item id; the service assigns it."""

    long_description: str | None = field("str")
    """Description of any length."""

    name: str | None = field("str", required=True)
    """Name of the item, as players see it."""

    short_description: str | None = field("str")
    """Description of at most 255 characters."""

    sort: int | None = field("int32")
    """Weight for ordering items in a shop window or list; 500 when it is left out."""

    tags: list[str] | None = field("list[str]")
    """Labels to search and filter by."""

    template: str | None = field("str")
    """Id of the template that the item is checked against; null means that it is not checked."""

    type_hint: str | None = field("str", required=True)
    """Kind of item; selects the schema. Known values, others may come: `bundle_item`, `coupon_item`,
    `entitlement`, `item`, `shipping_item`, `subscription`.
    """

    unique_key: str | None = field("str")
    """Key of your choice that no other item has, to find the item by a name that never changes."""

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """When it was last changed, in epoch seconds; the service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""
