"""The schema `LongPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class LongPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="long"):
    """A property with an integer of at most 64 bits.

    The constructor sets `type` to `long`.
    """

    max: int | None = field("int64")
    """Maximum value, or null for no limit."""

    min: int | None = field("int64")
    """Minimum value, or null for no limit."""
