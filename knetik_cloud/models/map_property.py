"""The schema `MapProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class MapProperty(Property, discriminator_value="map"):
    """Named values.

    The constructor sets `type` to `map`.
    """

    map: dict[str, models.Property] | None = field("dict[str, Property]")
    """The values by name."""
