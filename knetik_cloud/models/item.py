"""The schema `Item` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field


class Item(
    Model,
    discriminator="type_hint",
    mapping={
        "entitlement": "EntitlementItem",
    },
):
    """Something that a player can hold: the fields that all types of items share. `type_hint` specifies
    the type. An unknown type is read as an Item with all its data.

    `type_hint` selects the subclass. An object with an unknown value is read as Item, with all its
    data.
    """

    additional_properties: dict[str, models.Property] | None = field("dict[str, Property]")
    """Custom values by name. With a `template`, they are checked against its property definitions. Names
    that it does not define are allowed.
    """

    behaviors: list[models.Behavior] | None = field("list[Behavior]")
    """Rules for getting, using and losing the item. Lists may omit them. Get the single item to see them."""

    category: str | None = field("str")
    """Label to filter items by."""

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of creation in epoch seconds. The service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    id: int | None = field("int32", read_only=True)
    """Item id. The service assigns it."""

    long_description: str | None = field("str")
    """Description of any length."""

    name: str | None = field("str", required=True)
    """Name of the item, as players see it."""

    short_description: str | None = field("str")
    """Description of at most 255 characters."""

    sort: int | None = field("int32")
    """Weight for ordering items in a shop or list. Defaults to 500."""

    tags: list[str] | None = field("list[str]")
    """Labels to search and filter by."""

    template: str | None = field("str")
    """Id of the template that the item is checked against, or null for no checks."""

    type_hint: str | None = field("str", required=True)
    """Type of item, which selects the schema. Known values (others may be added): `bundle_item`,
    `coupon_item`, `entitlement`, `item`, `shipping_item`, `subscription`.
    """

    unique_key: str | None = field("str")
    """A unique key of your choice, for finding the item by a name that never changes."""

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the last change in epoch seconds. The service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""
