"""The schema `Expirable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class Expirable(Behavior, discriminator_value="expirable"):
    """The item lasts for a limited time, counted from the moment it is granted.

    The constructor sets `type_hint` to `expirable`.
    """

    time_length: int | None = field("int32")
    """How long the item lasts, in units of `unit_of_time`."""

    unit_of_time: str | None = field("str")
    """Unit of `time_length`. The service does not document the accepted values. The sandbox accepts
    `millisecond`, `second`, `minute`, `hour`, `day`, `week`, `month` and `year`.
    """
