"""The schema `TimePeriodGettable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class TimePeriodGettable(Behavior, discriminator_value="time_period_gettable"):
    """Limits how many a player can obtain per period. Items with the same group share the limit.

    The constructor sets `type_hint` to `time_period_gettable`.
    """

    get_limit: int | None = field("int32", required=True)
    """Maximum number that one player can obtain per period."""

    group_name: str | None = field("str")
    """Name under which items share the limit. If null, the service chooses a unique name, so nothing is
    shared.
    """

    time_length: int | None = field("int32", required=True)
    """Length of the period, in units of `unit_of_time`."""

    unit_of_time: str | None = field("str", required=True)
    """Unit of `time_length`. The service does not document the accepted values. The sandbox accepts
    `millisecond`, `second`, `minute`, `hour`, `day`, `week`, `month` and `year`.
    """
