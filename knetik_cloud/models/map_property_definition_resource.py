"""The schema `MapPropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource


class MapPropertyDefinitionResource(PropertyDefinitionResource, discriminator_value="map"):
    """A property with named values.

    The constructor sets `type` to `map`.
    """

    allow_additional: bool | None = field("bool")
    """Whether names that `properties` does not define are allowed. Null means true."""

    properties: list[models.PropertyDefinitionResource] | None = field("list[PropertyDefinitionResource]")
    """Definitions of the named values, or null for no checks."""
