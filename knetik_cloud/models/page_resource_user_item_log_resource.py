"""The schema `PageResourceUserItemLogResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import field
from knetik_cloud.data.page import Page


class PageResourceUserItemLogResource(Page):
    """A page of a list of log entries, and its position in the list."""

    content: list[models.UserItemLogResource] | None = field("list[UserItemLogResource]")
    """The log entries on this page, in the order of the list. Empty on a page past the end."""

    first: bool | None = field("bool")
    """Whether this is the first page."""

    last: bool | None = field("bool")
    """Whether this is the last page."""

    number: int | None = field("int32")
    """Index of this page. Whether it starts at 0 or 1 is not documented, so rely on the `page` that you
    requested.
    """

    number_of_elements: int | None = field("int32")
    """Number of items on this page, at most `size`."""

    size: int | None = field("int32")
    """Number of items per page that the service applied."""

    sort: list[models.Order] | None = field("list[Order]")
    """Sort keys of the list in order of priority. Null or empty if it is not sorted."""

    total_elements: int | None = field("int64")
    """Total number of matching items on all pages."""

    total_pages: int | None = field("int32")
    """Total number of pages at this size."""
