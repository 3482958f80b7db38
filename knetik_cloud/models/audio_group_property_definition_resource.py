"""The schema `AudioGroupPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.file_group_property_definition_resource import FileGroupPropertyDefinitionResource


class AudioGroupPropertyDefinitionResource(
    FileGroupPropertyDefinitionResource, discriminator_value="audio_group"
):
    """A property that holds several sound files.

    The constructor sets `type` to `audio_group`.
    """

    max_length: int | None = field("int32")
    """Longest sound that is accepted, in playing time; the unit is not documented. Null sets no upper
    limit.
    """

    min_length: int | None = field("int32")
    """Shortest sound that is accepted, in playing time; the unit is not documented. Null sets no lower
    limit.
    """
