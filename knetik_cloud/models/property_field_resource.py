"""The schema `PropertyFieldResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class PropertyFieldResource(Model):
    """One field of a property or of its definition."""

    description: str | None = field("str")
    """Purpose of the field."""

    inner_type: str | None = field(
        "str", enum=("integer", "number", "bool", "string", "enumeration", "list", "object")
    )
    """Type of the elements if `type` is `list`."""

    inner_type_fields: list[models.PropertyFieldResource] | None = field("list[PropertyFieldResource]")
    """Fields of the elements if `inner_type` is `object`, otherwise null or empty."""

    name: str | None = field("str")
    """Name of the field."""

    required: bool | None = field("bool")
    """Whether the field is required. Defaults to false."""

    type: str | None = field(
        "str", enum=("integer", "number", "bool", "string", "enumeration", "list", "object")
    )
    """Type of the field."""

    valid_values: list[str] | None = field("list[str]")
    """The choices if `type` is `enumeration`, otherwise null or empty."""
