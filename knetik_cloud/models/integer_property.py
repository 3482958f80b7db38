"""The schema `IntegerProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class IntegerProperty(Property, discriminator_value="integer"):
    """An integer of at most 32 bits.

    The constructor sets `type` to `integer`.
    """

    value: int | None = field("int32")
    """The number."""
