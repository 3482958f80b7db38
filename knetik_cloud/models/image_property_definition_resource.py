"""The schema `ImagePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class ImagePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="image"):
    """A property with an image.

    The constructor sets `type` to `image`.
    """

    file_type: str | None = field("str")
    """Required file type, or null for any type."""

    max_height: int | None = field("int32")
    """Maximum height in pixels, or null for no limit."""

    max_width: int | None = field("int32")
    """Maximum width in pixels, or null for no limit."""

    min_height: int | None = field("int32")
    """Minimum height in pixels, or null for no limit."""

    min_width: int | None = field("int32")
    """Minimum width in pixels, or null for no limit."""
