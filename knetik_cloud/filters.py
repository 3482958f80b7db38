"""Spells `filter_date`: the spans of time that a list can be narrowed to.

    from datetime import UTC, datetime

    from knetik_cloud.filters import after, between

    api.get_users_inventory(filter_date=after("2017-08-01T00:00:00Z"))
    api.get_users_inventory(filter_date=between(datetime(2017, 8, 1, tzinfo=UTC), 1504224000))

Each instant is an aware `datetime`, an ISO 8601 text with its offset, or epoch seconds. Spans are joined
with `&`; all of them must hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.instant import epoch_seconds

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["DateFilter", "after", "at", "at_or_after", "at_or_before", "before", "between"]


class DateFilter(str):
    """A span of time, spelled as `filter_date` takes it: it is that text, such as `GOE,1500000000`."""

    __slots__ = ()

    def __and__(self, other: DateFilter) -> DateFilter:
        """Join two spans: what is in both."""
        if not isinstance(other, DateFilter):
            return NotImplemented
        return DateFilter(f"{self},{other}")


def after(instant: dt.datetime | str | int) -> DateFilter:
    """Ask for what came after an instant, which is not in the span.

    Raises:
        ApiValueError: it is naive, or no instant.
    """
    return _spell("GT", instant, "after()")


def before(instant: dt.datetime | str | int) -> DateFilter:
    """Ask for what came before an instant, which is not in the span.

    Raises:
        ApiValueError: it is naive, or no instant.
    """
    return _spell("LT", instant, "before()")


def at_or_after(instant: dt.datetime | str | int) -> DateFilter:
    """Ask for what came at an instant or after it.

    Raises:
        ApiValueError: it is naive, or no instant.
    """
    return _spell("GOE", instant, "at_or_after()")


def at_or_before(instant: dt.datetime | str | int) -> DateFilter:
    """Ask for what came at an instant or before it.

    Raises:
        ApiValueError: it is naive, or no instant.
    """
    return _spell("LOE", instant, "at_or_before()")


def at(instant: dt.datetime | str | int) -> DateFilter:
    """Ask for what came in exactly that second.

    Raises:
        ApiValueError: it is naive, or no instant.
    """
    return _spell("EQ", instant, "at()")


def between(start: dt.datetime | str | int, end: dt.datetime | str | int) -> DateFilter:
    """Ask for what came from `start`, which is in the span, until `end`, which is not.

    So a day is `between("2017-08-01T00:00:00Z", "2017-08-02T00:00:00Z")`, and no second is in two days.

    Raises:
        ApiValueError: one is naive, or no instant.
    """
    return at_or_after(start) & before(end)


def _spell(operator: str, instant: dt.datetime | str | int, where: str) -> DateFilter:
    return DateFilter(f"{operator},{epoch_seconds(instant, where)}")
