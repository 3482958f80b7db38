"""Spells `order`: the keys that a list is sorted by.

from knetik_cloud.sorting import ascending, descending

api.get_entitlement_items(order=descending("created_date").then(ascending("id")))
"""

from __future__ import annotations

import re

from knetik_cloud.data import types

__all__ = ["SortOrder", "ascending", "descending"]

FIELD = re.compile(r"[^:,\s]+")


class SortOrder(str):
    """Keys to sort by, strongest first, spelled as `order` takes them: it is that text, such as `id:ASC`."""

    __slots__ = ()

    def then(self, weaker: SortOrder) -> SortOrder:
        """Sort what is equal by these keys by further ones."""
        return SortOrder(f"{self},{weaker}")


def ascending(field: str) -> SortOrder:
    """Sort by a field, named as in the JSON, from the least to the greatest.

    Raises:
        ApiValueError: it can't be a field's name.
    """
    return _spell(field, "ASC")


def descending(field: str) -> SortOrder:
    """Sort by a field, named as in the JSON, from the greatest to the least.

    Raises:
        ApiValueError: it can't be a field's name.
    """
    return _spell(field, "DESC")


def _spell(field: str, direction: str) -> SortOrder:
    if not isinstance(field, str) or not FIELD.fullmatch(field):
        raise types.invalid_value_error(
            "the field to sort by", "a field's name as in the JSON, such as 'id'", field
        )
    return SortOrder(f"{field}:{direction}")
