"""The schema `BooleanProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class BooleanProperty(Property, discriminator_value="boolean"):
    """A Boolean value.

    The constructor sets `type` to `boolean`.
    """

    value: bool | None = field("bool")
    """The value. Defaults to false."""
