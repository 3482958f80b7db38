"""The schema `FilePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FilePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="file"):
    """A property with a file.

    The constructor sets `type` to `file`.
    """

    file_type: str | None = field("str")
    """Required file type, or null for any type."""

    max_file_size: int | None = field("int64")
    """Maximum file size in bytes, or null for no limit."""
