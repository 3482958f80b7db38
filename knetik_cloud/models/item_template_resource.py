"""The schema `ItemTemplateResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field


class ItemTemplateResource(Model):
    """A template that items are checked against: their properties, and the behaviors they start with."""

    behaviors: list[models.ItemBehaviorDefinitionResource] | None = field(
        "list[ItemBehaviorDefinitionResource]"
    )
    """Default or required behaviors of the template's items."""

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of creation in epoch seconds. The service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    id: str | None = field("str", read_only=True)
    """Template id, a string that the service assigns."""

    name: str | None = field("str", required=True)
    """Name of the template."""

    properties: list[models.PropertyDefinitionResource] | None = field("list[PropertyDefinitionResource]")
    """Definitions of the properties of the template's items."""

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the last change in epoch seconds. The service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""
