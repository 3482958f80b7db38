"""The contract's extensions that the engine reads at run time. Importing this module is cheap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Retry = Literal["safe", "idempotent", "once"]
Place = Literal["path", "query", "header", "form", "body"]


class Pages(NamedTuple):
    """The parameters and the response fields of a list operation that control paging."""

    page: str = "page"
    size: str = "size"
    items: str = "content"
    total: str = "total_elements"
    pages: str = "total_pages"
    order: str | None = None


class ReadBack(NamedTuple):
    """A list that shows whether a write was applied.

    A string that starts with `$` stands for a value: `$user_id` for an argument of the write, `$body.field`
    for a field of its body, `$item.field` for a field of an item of the previous list, `$marker` for the
    value of the marker, and `$since` for a filter for items created since the write.

    Attributes:
        list: The id of the list operation.
        arguments: The arguments of the list operation.
        match: The fields that an item must have, with their values.
        since: The field that holds the service's time of creation, in epoch seconds.
        null_if: The fields that are null if their value is true, and not null if it is false.
        doubtful: The fields, with their values, of an item that may show something else than the write.
    """

    list: str
    arguments: Mapping[str, Any] = {}
    match: Mapping[str, Any] = {}
    since: str | None = None
    null_if: Mapping[str, str] = {}
    doubtful: Mapping[str, Any] = {}


class Waiter(NamedTuple):
    """A state that an item reaches later.

    Attributes:
        name: The name of the waiter; the name of its method is `wait_until_` and this.
        field: The field that holds the state. Unknown values mean that the state is not reached yet.
        success: The values that end the wait.
        failure: The values that can't become one of `success` anymore.
        list: The id of the list operation that reads many items at the same time.
        arguments: The arguments of the list operation, with `$name` as in `ReadBack`.
        find: Fields by which an item can be found in the list if its id is not known.
        since: The field that holds the service's time of creation, in epoch seconds.
    """

    name: str
    field: str
    success: tuple[str, ...]
    failure: tuple[str, ...] = ()
    list: str | None = None
    arguments: Mapping[str, Any] = {}
    find: tuple[str, ...] = ()
    since: str | None = None
