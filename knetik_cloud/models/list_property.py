"""The schema `ListProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class ListProperty(Property, discriminator_value="list"):
    """A list of values.

    The constructor sets `type` to `list`.
    """

    values: list[models.Property] | None = field("list[Property]")
    """The values, in order."""
