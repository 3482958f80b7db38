"""The schema `AudioGroupProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_group_property import FileGroupProperty


class AudioGroupProperty(FileGroupProperty, discriminator_value="audio_group"):
    """Several sound files under one name.

    The constructor sets `type` to `audio_group`.
    """
