"""The schema `ImageProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_property import FileProperty


class ImageProperty(FileProperty, discriminator_value="image"):
    """An image file.

    The constructor sets `type` to `image`.
    """
