"""The schema `Fulfillable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Fulfillable(Behavior, discriminator_value="fulfillable"):
    """The item is delivered by a mechanism of the platform once its invoice is paid.

    The constructor sets `type_hint` to `fulfillable`.
    """

    type_name: str | None = field("str", required=True)
    """Name of the delivery mechanism: `inventory` puts an entry into the inventory, `wallet` credits a
    wallet (see Spendable), `amazon` hands over to Amazon. The set is open. Known values, others may
    come: `amazon`, `inventory`, `wallet`.
    """
