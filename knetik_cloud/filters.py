"""Builds `filter_date`, the ranges of time that limit a list.

    from datetime import UTC, datetime

    from knetik_cloud.filters import after, between

    api.get_users_inventory(filter_date=after("2017-08-01T00:00:00Z"))
    api.get_users_inventory(filter_date=between(datetime(2017, 8, 1, tzinfo=UTC), 1504224000))

Each instant is an aware `datetime`, an ISO 8601 string with its offset, or epoch seconds. `&` intersects
ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.instant import epoch_seconds
from knetik_cloud.data.types import short_repr
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.lazy import LazyModule

if TYPE_CHECKING:
    import datetime as dt
else:
    dt = LazyModule("datetime")  # for `typing.get_type_hints`

__all__ = ["DateFilter", "after", "at", "at_or_after", "at_or_before", "before", "between"]


class DateFilter(str):
    """A range of time in the format of `filter_date`, such as `GOE,1500000000`."""

    __slots__ = ()

    def __and__(self, other: DateFilter) -> DateFilter:
        """Return the intersection of two ranges."""
        if not isinstance(other, DateFilter):
            return NotImplemented
        return DateFilter(f"{self},{other}")


def after(instant: dt.datetime | str | int) -> DateFilter:
    """Return the range after an instant, which it excludes.

    Raises:
        ApiValueError: If the value is naive, or not an instant.
    """
    return _format("GT", instant, "the instant of after()")


def before(instant: dt.datetime | str | int) -> DateFilter:
    """Return the range before an instant, which it excludes.

    Raises:
        ApiValueError: If the value is naive, or not an instant.
    """
    return _format("LT", instant, "the instant of before()")


def at_or_after(instant: dt.datetime | str | int) -> DateFilter:
    """Return the range from an instant, which it includes.

    Raises:
        ApiValueError: If the value is naive, or not an instant.
    """
    return _format("GOE", instant, "the instant of at_or_after()")


def at_or_before(instant: dt.datetime | str | int) -> DateFilter:
    """Return the range up to an instant, which it includes.

    Raises:
        ApiValueError: If the value is naive, or not an instant.
    """
    return _format("LOE", instant, "the instant of at_or_before()")


def at(instant: dt.datetime | str | int) -> DateFilter:
    """Return the range of one second.

    Raises:
        ApiValueError: If the value is naive, or not an instant.
    """
    return _format("EQ", instant, "the instant of at()")


def between(start: dt.datetime | str | int, end: dt.datetime | str | int) -> DateFilter:
    """Return the range from `start`, which it includes, to `end`, which it excludes.

    For example, a day is `between("2017-08-01T00:00:00Z", "2017-08-02T00:00:00Z")`.

    If both are the same second, nothing is in the range.

    Raises:
        ApiValueError: If a value is naive, or not an instant, or if `start` is after `end`.
    """
    first = epoch_seconds(start, "the start of between()")
    last = epoch_seconds(end, "the end of between()")
    if first > last:
        advice = f"swap {short_repr(start)} and {short_repr(end)}"
        raise ApiValueError(f"the start of between() must not be after its end: {advice}")
    return at_or_after(first) & before(last)


def _format(operator: str, instant: dt.datetime | str | int, where: str) -> DateFilter:
    return DateFilter(f"{operator},{epoch_seconds(instant, where)}")
