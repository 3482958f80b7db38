"""The schema `DatePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class DatePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="date"):
    """A property with a point in time.

    The constructor sets `type` to `date`.
    """

    max: int | None = field("int64", epoch=True)
    """Latest accepted instant in epoch seconds, or null for no limit."""

    max_at = instant("max")
    """`max` as an aware `datetime` in UTC; see `Instant`."""

    min: int | None = field("int64", epoch=True)
    """Earliest accepted instant in epoch seconds, or null for no limit."""

    min_at = instant("min")
    """`min` as an aware `datetime` in UTC; see `Instant`."""
