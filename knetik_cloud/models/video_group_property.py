"""The schema `VideoGroupProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_group_property import FileGroupProperty


class VideoGroupProperty(FileGroupProperty, discriminator_value="video_group"):
    """Several videos under one name.

    The constructor sets `type` to `video_group`.
    """
