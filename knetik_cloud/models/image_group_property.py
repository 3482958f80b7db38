"""The schema `ImageGroupProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_group_property import FileGroupProperty


class ImageGroupProperty(FileGroupProperty, discriminator_value="image_group"):
    """Several images under one name.

    The constructor sets `type` to `image_group`.
    """
