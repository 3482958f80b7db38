"""The schema `AudioPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class AudioPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="audio"):
    """A property with a sound file.

    The constructor sets `type` to `audio`.
    """

    file_type: str | None = field("str")
    """Required file type, or null for any type."""

    max_length: int | None = field("int32")
    """Maximum playing time, or null for no limit. The unit is not documented."""

    min_length: int | None = field("int32")
    """Minimum playing time, or null for no limit. The unit is not documented."""
