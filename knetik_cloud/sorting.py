"""Builds `order`, the keys that a list is sorted by.

from knetik_cloud.sorting import ascending, descending

api.get_entitlement_items(order=descending("created_date").then(ascending("id")))
"""

from __future__ import annotations

import re

from knetik_cloud.data import types

__all__ = ["SortOrder", "ascending", "descending"]

FIELD = re.compile(r"[^:,\s]+")


class SortOrder(str):
    """The keys to sort by in the format of `order`, most significant first, such as `id:ASC`."""

    __slots__ = ()

    def then(self, weaker: SortOrder) -> SortOrder:
        """Return an order that sorts equal items by further keys.

        Raises:
            ApiValueError: If `weaker` is not an order.
        """
        if not types.is_text(weaker):
            raise types.invalid_value_error("the weaker order", "one such as descending('id')", weaker)
        return SortOrder(f"{self},{str.__str__(weaker)}")


def ascending(field: str) -> SortOrder:
    """Return the ascending order by a field, which has its name in the JSON.

    Raises:
        ApiValueError: If `field` can't be the name of a field.
    """
    return _format(field, "ASC")


def descending(field: str) -> SortOrder:
    """Return the descending order by a field, which has its name in the JSON.

    Raises:
        ApiValueError: If `field` can't be the name of a field.
    """
    return _format(field, "DESC")


def _format(field: str, direction: str) -> SortOrder:
    if not types.is_text(field) or not FIELD.fullmatch(field):
        raise types.invalid_value_error(
            "the field to sort by", "a field's name as in the JSON, such as 'id'", field
        )
    return SortOrder(f"{str.__str__(field)}:{direction}")  # the value of a member of an enum
