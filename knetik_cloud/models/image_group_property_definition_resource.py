"""The schema `ImageGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.file_group_property_definition_resource import FileGroupPropertyDefinitionResource


class ImageGroupPropertyDefinitionResource(
    FileGroupPropertyDefinitionResource, discriminator_value="image_group"
):
    """A property that holds several images.

    The constructor sets `type` to `image_group`.
    """

    max_height: int | None = field("int32")
    """Tallest image that is accepted, in pixels. Null sets no upper limit."""

    max_width: int | None = field("int32")
    """Widest image that is accepted, in pixels. Null sets no upper limit."""

    min_height: int | None = field("int32")
    """Lowest height of image that is accepted, in pixels. Null sets no lower limit."""

    min_width: int | None = field("int32")
    """Narrowest image that is accepted, in pixels. Null sets no lower limit."""
