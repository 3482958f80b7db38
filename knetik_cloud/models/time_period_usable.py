"""The schema `TimePeriodUsable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class TimePeriodUsable(Behavior, discriminator_value="time_period_usable"):
    """Limits how often a holder can use the item per period.

    The constructor sets `type_hint` to `time_period_usable`.
    """

    max_use: int | None = field("int32")
    """Maximum number of uses per period."""

    time_length: int | None = field("int32")
    """Length of the period, in units of `unit_of_time`."""

    unit_of_time: str | None = field("str")
    """Unit of `time_length`. The service does not document the accepted values. The sandbox accepts
    `millisecond`, `second`, `minute`, `hour`, `day`, `week`, `month` and `year`.
    """
