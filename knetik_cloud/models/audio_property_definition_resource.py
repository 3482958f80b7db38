"""The schema `AudioPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class AudioPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="audio"):
    """A property that holds a sound file.

    The constructor sets `type` to `audio`.
    """

    file_type: str | None = field("str")
    """File type that the value must have. Null accepts every type."""

    max_length: int | None = field("int32")
    """Longest sound that is accepted, in playing time; the unit is not documented. Null sets no upper
    limit.
    """

    min_length: int | None = field("int32")
    """Shortest sound that is accepted, in playing time; the unit is not documented. Null sets no lower
    limit.
    """
