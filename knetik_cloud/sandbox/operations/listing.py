"""The parameters that lists share: pages, sort keys and filters."""

from __future__ import annotations

from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import invalid_error
from knetik_cloud.sandbox.schema import short_json
from knetik_cloud.sandbox.storage.paging import Sort

MAX_PAGE_SIZE = 1000
"""The maximum number of records in a page. A larger `size` is reduced to it."""

MAX_CONDITIONS = 20
"""The maximum number of conditions in a `filter_date`."""

MAX_DIGITS = 20
"""The length of the longest integer of 64 bits, with its sign."""

SORTABLE = ("string", "integer", "number", "boolean")


def page_and_size(call: Call) -> tuple[int, int]:
    """Return the requested page, counting from 1, and the effective size."""
    return call.parameters["page"], min(call.parameters["size"], MAX_PAGE_SIZE)


def sort_keys(call: Call, schema_name: str) -> list[Sort]:
    """Read the sort keys of `order`.

    Raises:
        ServiceError: If a field is not in the listed schema, or can't be sorted by.
    """
    fields = call.contract.fields(schema_name)
    sortable = [name for name, field in fields.items() if field.get("type") in SORTABLE]
    sorts: dict[str, Sort] = {}
    for key in call.parameters["order"].split(","):
        name, _, direction = key.partition(":")
        if name not in sortable:
            why = "cannot be sorted by" if name in fields else "does not exist"
            raise invalid_error(
                f"order names the field {name!r}, which {why}; use one of {', '.join(sorted(sortable))}",
                "order",
            )
        # Sorting by a field again changes nothing.
        sorts.setdefault(name, Sort(name, direction == "ASC"))
    return [*sorts.values()]


def date_filter(text: str | None) -> tuple[tuple[str, int], ...]:
    """Read `filter_date`, whose form the contract has checked, into (operator, epoch seconds)."""
    if text is None:
        return ()
    words = text.split(",")
    pairs = [*zip(words[::2], words[1::2], strict=True)]
    if len(pairs) > MAX_CONDITIONS:
        raise invalid_error(
            f"filter_date must have at most {MAX_CONDITIONS} conditions, not {len(pairs)}", "filter_date"
        )
    for _, instant in pairs:
        # Longer numbers don't fit, and int() rejects very long ones.
        if len(instant) > MAX_DIGITS or abs(int(instant)) >= 2**63:
            raise invalid_error(
                f"filter_date must contain integers of 64 bits, not {short_json(instant)}", "filter_date"
            )
    return tuple((operator, int(instant)) for operator, instant in pairs)
