"""The schema `AudioGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.file_group_property_definition_resource import FileGroupPropertyDefinitionResource


class AudioGroupPropertyDefinitionResource(
    FileGroupPropertyDefinitionResource, discriminator_value="audio_group"
):
    """A property with several sound files.

    The constructor sets `type` to `audio_group`.
    """

    max_length: int | None = field("int32")
    """Maximum playing time, or null for no limit. The unit is not documented."""

    min_length: int | None = field("int32")
    """Minimum playing time, or null for no limit. The unit is not documented."""
