"""The schema `DoublePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class DoublePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="double"):
    """A property with a number.

    The constructor sets `type` to `double`.
    """

    max: float | None = field("float")
    """Maximum value, or null for no limit."""

    min: float | None = field("float")
    """Minimum value, or null for no limit."""
