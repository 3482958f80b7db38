"""The schema `IntegerPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class IntegerPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="integer"):
    """A property that holds a whole number of at most 32 bits.

    The constructor sets `type` to `integer`.
    """

    max: int | None = field("int32")
    """Largest number that is accepted. Null sets no upper limit."""

    min: int | None = field("int32")
    """Smallest number that is accepted. Null sets no lower limit."""
