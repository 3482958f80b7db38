"""The schema `TimePeriodGettable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class TimePeriodGettable(Behavior, discriminator_value="time_period_gettable"):
    """A player can obtain only so many in each period. Items that name the same group share the limit.

    The constructor sets `type_hint` to `time_period_gettable`.
    """

    get_limit: int | None = field("int32", required=True)
    """Most that one player can obtain in a period."""

    group_name: str | None = field("str")
    """Name under which items share the limit; null makes the service choose a unique one, so that nothing
    is shared.
    """

    time_length: int | None = field("int32", required=True)
    """Length of the period, in `unit_of_time`."""

    unit_of_time: str | None = field("str", required=True)
    """Unit that `time_length` counts in. The service does not document the words it knows; the stand-in
    takes `second`, `minute`, `hour`, `day`, `week`, `month` and `year`.
    """
