"""The schema `Spendable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Spendable(Behavior, discriminator_value="spendable"):
    """The item represents an amount of a currency. With a Fulfillable of type `wallet`, a grant credits
    the player's wallet.

    The constructor sets `type_hint` to `spendable`.
    """

    currency_code: str | None = field("str")
    """Code of the currency."""

    value: int | None = field("int32")
    """Amount, in units of the currency."""
