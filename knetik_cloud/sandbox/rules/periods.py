"""Lengths of time in behaviors: an amount and a unit."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime

SECONDS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 1, "year": 12}
UNITS = (*SECONDS, *MONTHS)

END_OF_TIME = 253_402_300_799
"""The last second of the year 9999. Later instants are cut to it."""


def later(instant: float, length: int, unit: str) -> int:
    """Return the instant that is `length` units after another, in whole epoch seconds.

    A length in milliseconds is rounded up to whole seconds. Months and years are the calendar's, in UTC: a
    month after January 31 is the last day of February. A negative length is rounded likewise and goes back.
    """
    if unit in SECONDS:
        seconds = math.ceil(abs(length) * SECONDS[unit])
        return max(0, min(int(instant) + (seconds if length > 0 else -seconds), END_OF_TIME))
    start = datetime.fromtimestamp(min(max(instant, 0), END_OF_TIME), UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + length * MONTHS[unit], 12)
    if year > 9999:
        return END_OF_TIME
    if year < 1970:
        return 0
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())
