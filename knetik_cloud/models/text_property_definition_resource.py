"""The schema `TextPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class TextPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="text"):
    """A property with plain text.

    The constructor sets `type` to `text`.
    """

    max_length: int | None = field("int32")
    """Maximum number of characters, or null for no limit."""
