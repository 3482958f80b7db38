"""The schema `Consumable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Consumable(Behavior, discriminator_value="consumable"):
    """The item is used up: every use counts, and at `max_use` the inventory entry turns inactive.

    The constructor sets `type_hint` to `consumable`.
    """

    max_use: int | None = field("int32")
    """How many uses the holder has before the item is spent."""
