"""The schema `FileGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class FileGroupPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="file_group"):
    """A property that holds several files.

    The constructor sets `type` to `file_group`.
    """

    file_type: str | None = field("str")
    """File type that every member must have. Null accepts every type."""

    max_count: int | None = field("int32")
    """Most files that are accepted. Null sets no upper limit."""

    max_file_size: int | None = field("int64")
    """Largest single file that is accepted, in bytes. Null sets no limit."""

    min_count: int | None = field("int32")
    """Fewest files that are accepted. Null sets no lower limit."""
