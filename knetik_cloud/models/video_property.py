"""The schema `VideoProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_property import FileProperty


class VideoProperty(FileProperty, discriminator_value="video"):
    """A video file.

    The constructor sets `type` to `video`.
    """
