"""The schema `DoublePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class DoublePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="double"):
    """A property that holds a number with a fraction.

    The constructor sets `type` to `double`.
    """

    max: float | None = field("float")
    """Largest number that is accepted. Null sets no upper limit."""

    min: float | None = field("float")
    """Smallest number that is accepted. Null sets no lower limit."""
