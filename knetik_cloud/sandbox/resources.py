"""The JSON of responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.storage.holdings import LogLine
from knetik_cloud.sandbox.storage.paging import Page, Sort
from knetik_cloud.sandbox.storage.people import User

T = TypeVar("T")


def page_resource(
    page: Page[T], number: int, size: int, render: Callable[[T], Any], sorts: Sequence[Sort] | None = None
) -> dict[str, Any]:
    """Return a page in the envelope of lists. `number` counts from 1, as the `page` parameter does."""
    pages = -(-page.total // size)
    return {
        "content": [render(row) for row in page.rows],
        "first": number == 1,
        "last": number >= pages,
        "number": number,
        "number_of_elements": len(page.rows),
        "size": size,
        "sort": None if sorts is None else [order_resource(sort) for sort in sorts],
        "total_elements": page.total,
        "total_pages": pages,
    }


def order_resource(sort: Sort) -> dict[str, Any]:
    """Return a sort key as JSON."""
    return {
        "property": sort.field,
        "direction": "ASC" if sort.ascending else "DESC",
        "ascending": sort.ascending,
        "descending": not sort.ascending,
        "ignore_case": False,
        "null_handling": "NATIVE",
    }


def user_resource(user: User) -> dict[str, Any]:
    """Return a user as JSON, in the form in which other resources contain one."""
    return {
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name or user.username,
        "avatar_url": user.avatar_url or "",
    }


def entry_resource(entry: Entry, owner: User, now: float) -> dict[str, Any]:
    """Return an inventory entry as JSON, with its status at an instant."""
    return {
        "id": entry.id,
        "user": user_resource(owner),
        "item_id": entry.item_id,
        "item_name": entry.item_name,
        "item_type_hint": entry.item_type_hint,
        "status": entry.status_at(now),
        "expires": entry.expires,
        "invoice_id": entry.invoice_id,
        "behavior_data": entry.behavior_data,
        "created_date": entry.created_date,
        "updated_date": entry.updated_date,
    }


def log_resource(line: LogLine, users: Mapping[int, User]) -> dict[str, Any]:
    """Return a line of an entry's log as JSON. It has no user if no user caused it."""
    actor = users.get(line.user_id) if line.user_id is not None else None
    return {
        "id": line.id,
        "type": line.type,
        "info": line.info,
        "item": {"id": line.item_id, "name": line.item_name},
        **({"user": user_resource(actor)} if actor else {}),
        "user_inventory": line.inventory_id,
        "log_date": line.log_date,
    }
