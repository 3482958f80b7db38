"""The schema `AudioProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.file_property import FileProperty


class AudioProperty(FileProperty, discriminator_value="audio"):
    """A sound file.

    The constructor sets `type` to `audio`.
    """
