"""The schema `ListPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class ListPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="list"):
    """A property with a list of values.

    The constructor sets `type` to `list`.
    """

    max_count: int | None = field("int32")
    """Maximum number of values, or null for no limit."""

    min_count: int | None = field("int32")
    """Minimum number of values, or null for no limit."""

    value_definition: models.PropertyDefinitionResource | None = field("PropertyDefinitionResource")
    """Definition that each value is checked against, or null for no checks."""
