"""The schema `PageResourceEntitlementItem` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.model import field
from knetik_cloud.data.page import Page

if TYPE_CHECKING:
    from knetik_cloud.models.entitlement_item import EntitlementItem
    from knetik_cloud.models.order import Order


class PageResourceEntitlementItem(Page):
    """One page of a list of entitlement items, and where it stands in the whole list."""

    content: list[EntitlementItem] | None = field("list[EntitlementItem]")
    """The entitlement items on this page, in the order of the list; empty on a page past the end."""

    first: bool | None = field("bool")
    """True on the first page."""

    last: bool | None = field("bool")
    """True on the last page."""

    number: int | None = field("int32")
    """Index of this page. Whether it counts from 0 or from 1 is not documented: trust the `page` that was
    asked for.
    """

    number_of_elements: int | None = field("int32")
    """How many records this page holds; at most `size`."""

    size: int | None = field("int32")
    """Records per page that the service applied."""

    sort: list[Order] | None = field("list[Order]")
    """Keys that the list is sorted by, strongest first; null or empty when it is not sorted."""

    total_elements: int | None = field("int64")
    """How many records match, over all pages."""

    total_pages: int | None = field("int32")
    """How many pages the list has at this size."""
