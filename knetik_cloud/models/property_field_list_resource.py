"""The schema `PropertyFieldListResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class PropertyFieldListResource(Model):
    """The fields of a type of property, described for programs that build forms."""

    property_definition_fields: list[models.PropertyFieldResource] | None = field(
        "list[PropertyFieldResource]"
    )
    """Fields of the definition, which a template sets."""

    property_fields: list[models.PropertyFieldResource] | None = field("list[PropertyFieldResource]")
    """Fields of the value, which an item sets."""

    property_type: str | None = field("str")
    """Type of the described property."""
