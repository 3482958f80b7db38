"""The schema `FilePropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FilePropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="file"):
    """A property that holds a file.

    The constructor sets `type` to `file`.
    """

    file_type: str | None = field("str")
    """File type that the value must have. Null accepts every type."""

    max_file_size: int | None = field("int64")
    """Largest file that is accepted, in bytes. Null sets no limit."""
