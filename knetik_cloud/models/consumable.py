"""The schema `Consumable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Consumable(Behavior, discriminator_value="consumable"):
    """The item can be used up. Every use counts, and the inventory entry becomes inactive at `max_use`.

    The constructor sets `type_hint` to `consumable`.
    """

    max_use: int | None = field("int32")
    """Number of uses until the item is used up."""
