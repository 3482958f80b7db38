"""The schema `FormattedTextPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FormattedTextPropertyDefinitionResource(
    PropertyDefinitionResource, discriminator_value="formatted_text"
):
    """A property with formatted text.

    The constructor sets `type` to `formatted_text`.
    """

    max_length: int | None = field("int32")
    """Maximum number of characters including markup, or null for no limit."""
