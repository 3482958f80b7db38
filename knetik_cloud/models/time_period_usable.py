"""The schema `TimePeriodUsable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class TimePeriodUsable(Behavior, discriminator_value="time_period_usable"):
    """A holder can use the item only so many times in each period.

    The constructor sets `type_hint` to `time_period_usable`.
    """

    max_use: int | None = field("int32")
    """Most uses in a period."""

    time_length: int | None = field("int32")
    """Length of the period, in `unit_of_time`."""

    unit_of_time: str | None = field("str")
    """Unit that `time_length` counts in. The service does not document the words it knows; the stand-in
    takes `second`, `minute`, `hour`, `day`, `week`, `month` and `year`.
    """
