"""What the lists have in common: pages, sort keys and filters."""

from __future__ import annotations

from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import invalid_error
from knetik_cloud.sandbox.storage.paging import Sort

MAX_PAGE_SIZE = 1000
"""Records that a page may hold; a larger `size` is served as this one."""

SORTABLE = ("string", "integer", "number", "boolean")


def page_and_size(call: Call) -> tuple[int, int]:
    """Give the page asked for, counting from 1, and the size in effect."""
    return call.parameters["page"], min(call.parameters["size"], MAX_PAGE_SIZE)


def sort_keys(call: Call, schema_name: str) -> list[Sort]:
    """Read the sort keys of `order`.

    Raises:
        ServiceError: If a field is not in the listed schema, or can't be sorted by.
    """
    fields = call.contract.fields(schema_name)
    sortable = [name for name, field in fields.items() if field.get("type") in SORTABLE]
    sorts = []
    for key in call.parameters["order"].split(","):
        name, _, direction = key.partition(":")
        if name not in sortable:
            why = "cannot be sorted by" if name in fields else "does not exist"
            raise invalid_error(
                f"order names the field {name!r}, which {why}; use one of {', '.join(sorted(sortable))}",
                "order",
            )
        sorts.append(Sort(name, direction == "ASC"))
    return sorts


def date_filter(text: str | None) -> tuple[tuple[str, int], ...]:
    """Read `filter_date`, whose form the contract has checked, into (operator, epoch seconds)."""
    if text is None:
        return ()
    words = text.split(",")
    pairs = zip(words[::2], words[1::2], strict=True)
    dates = tuple((operator, int(instant)) for operator, instant in pairs)
    for _, instant in dates:
        if abs(instant) >= 2**63:
            raise invalid_error(f"filter_date must hold instants of 64 bits, not {instant}", "filter_date")
    return dates
