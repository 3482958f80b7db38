"""The schema `DoubleProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class DoubleProperty(Property, discriminator_value="double"):
    """A number in double precision.

    The constructor sets `type` to `double`.
    """

    value: float | None = field("float")
    """The number."""
