"""The schema `IntegerPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class IntegerPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="integer"):
    """A property with an integer of at most 32 bits.

    The constructor sets `type` to `integer`.
    """

    max: int | None = field("int32")
    """Maximum value, or null for no limit."""

    min: int | None = field("int32")
    """Minimum value, or null for no limit."""
