"""The schema `Fulfillable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Fulfillable(Behavior, discriminator_value="fulfillable"):
    """A mechanism of the platform delivers the item once its invoice is paid.

    The constructor sets `type_hint` to `fulfillable`.
    """

    type_name: str | None = field("str", required=True)
    """Name of the delivery mechanism: `inventory` adds an entry to the inventory, `wallet` credits a
    wallet (see Spendable), and `amazon` delivers through Amazon. Other values may be added. Known
    values (others may be added): `amazon`, `inventory`, `wallet`.
    """
