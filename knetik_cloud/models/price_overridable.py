"""The schema `PriceOverridable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class PriceOverridable(Behavior, discriminator_value="price_overridable"):
    """The price can be set at the time of sale, within limits.

    The constructor sets `type_hint` to `price_overridable`.
    """

    max_price: int | None = field("int32")
    """Highest price that may be set."""

    min_price: int | None = field("int32")
    """Lowest price that may be set."""
