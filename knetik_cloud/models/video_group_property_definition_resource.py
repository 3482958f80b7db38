"""The schema `VideoGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.file_group_property_definition_resource import FileGroupPropertyDefinitionResource


class VideoGroupPropertyDefinitionResource(
    FileGroupPropertyDefinitionResource, discriminator_value="video_group"
):
    """A property with several videos.

    The constructor sets `type` to `video_group`.
    """

    max_height: int | None = field("int32")
    """Maximum height in pixels, or null for no limit."""

    max_length: int | None = field("int32")
    """Maximum playing time, or null for no limit. The unit is not documented."""

    max_width: int | None = field("int32")
    """Maximum width in pixels, or null for no limit."""

    min_height: int | None = field("int32")
    """Minimum height in pixels, or null for no limit."""

    min_length: int | None = field("int32")
    """Minimum playing time, or null for no limit. The unit is not documented."""

    min_width: int | None = field("int32")
    """Minimum width in pixels, or null for no limit."""
