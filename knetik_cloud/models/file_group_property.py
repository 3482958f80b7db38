"""The schema `FileGroupProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class FileGroupProperty(Property, discriminator_value="file_group"):
    """Several files under one name.

    The constructor sets `type` to `file_group`.
    """

    files: list[models.FileProperty] | None = field("list[FileProperty]")
    """The files, in order."""
