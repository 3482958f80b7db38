"""The schema `VideoPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class VideoPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="video"):
    """A property that holds a video.

    The constructor sets `type` to `video`.
    """

    file_type: str | None = field("str")
    """File type that the value must have. Null accepts every type."""

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
