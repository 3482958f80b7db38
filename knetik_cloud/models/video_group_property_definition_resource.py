"""The schema `VideoGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.file_group_property_definition_resource import FileGroupPropertyDefinitionResource


class VideoGroupPropertyDefinitionResource(
    FileGroupPropertyDefinitionResource, discriminator_value="video_group"
):
    """A property that holds several videos.

    The constructor sets `type` to `video_group`.
    """

    max_height: int | None = field("int32")
    """Tallest video that is accepted, in pixels. Null sets no upper limit."""

    max_length: int | None = field("int32")
    """Longest video that is accepted, in playing time; the unit is not documented. Null sets no upper
    limit.
    """

    max_width: int | None = field("int32")
    """Widest video that is accepted, in pixels. Null sets no upper limit."""

    min_height: int | None = field("int32")
    """Lowest height of video that is accepted, in pixels. Null sets no lower limit."""

    min_length: int | None = field("int32")
    """Shortest video that is accepted, in playing time; the unit is not documented. Null sets no lower
    limit.
    """

    min_width: int | None = field("int32")
    """Narrowest video that is accepted, in pixels. Null sets no lower limit."""
