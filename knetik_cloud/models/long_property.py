"""The schema `LongProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class LongProperty(Property, discriminator_value="long"):
    """An integer of at most 64 bits.

    The constructor sets `type` to `long`.
    """

    value: int | None = field("int64")
    """The number."""
