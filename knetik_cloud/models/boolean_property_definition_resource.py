"""The schema `BooleanPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class BooleanPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="boolean"):
    """A property with a Boolean value.

    The constructor sets `type` to `boolean`.
    """
