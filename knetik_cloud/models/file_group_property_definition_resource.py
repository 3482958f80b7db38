"""The schema `FileGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FileGroupPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="file_group"):
    """A property with several files.

    The constructor sets `type` to `file_group`.
    """

    file_type: str | None = field("str")
    """Required file type of all files, or null for any type."""

    max_count: int | None = field("int32")
    """Maximum number of files, or null for no limit."""

    max_file_size: int | None = field("int64")
    """Maximum size of each file in bytes, or null for no limit."""

    min_count: int | None = field("int32")
    """Minimum number of files, or null for no limit."""
