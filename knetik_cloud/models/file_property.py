"""The schema `FileProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class FileProperty(Property, discriminator_value="file"):
    """A file that is stored elsewhere and referred to by its URL.

    The constructor sets `type` to `file`.
    """

    crc: str | None = field("str")
    """Checksum of the file's content, for detecting changes."""

    description: str | None = field("str")
    """Caption of the file."""

    file_type: str | None = field("str")
    """Type of the file, such as `txt` or `mp3`."""

    url: str | None = field("str")
    """URL of the file."""
