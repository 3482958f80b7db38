"""The schema `FormattedTextPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FormattedTextPropertyDefinitionResource(
    PropertyDefinitionResource, discriminator_value="formatted_text"
):
    """A property that holds a text with formatting.

    The constructor sets `type` to `formatted_text`.
    """

    max_length: int | None = field("int32")
    """Most characters that are accepted, markup included. Null sets no limit."""
