"""The schema `LimitedGettable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class LimitedGettable(Behavior, discriminator_value="limited_gettable"):
    """Limits how many a player can obtain. Items with the same group share one limit.

    The constructor sets `type_hint` to `limited_gettable`.
    """

    group: models.LimitedGettableGroup | None = field("LimitedGettableGroup")
    """The limit, and the name under which items share it."""
