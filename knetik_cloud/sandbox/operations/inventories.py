"""Inventory entries: list, read, their log, and setting their state by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from knetik_cloud.sandbox.bodies import ABSENT
from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import invalid_error, not_found_error
from knetik_cloud.sandbox.operations.listing import date_filter, page_and_size
from knetik_cloud.sandbox.resources import entry_resource, log_resource, page_resource
from knetik_cloud.sandbox.rules.entry import STATUSES, Entry
from knetik_cloud.sandbox.storage import holdings, people
from knetik_cloud.sandbox.storage.people import User


def get_users_inventory(call: Call) -> Any:
    """List the entries of all users."""
    return _listed(call, None)


def get_user_inventories(call: Call) -> Any:
    """List the entries of one user."""
    return _listed(call, call.holder.id)


def get_user_inventory(call: Call) -> Any:
    """Read one entry."""
    return entry_resource(_existing(call), call.holder, call.now)


def get_user_inventory_log(call: Call) -> Any:
    """List what happened to an entry, oldest first."""
    entry = _existing(call)
    page, size = page_and_size(call)
    lines = holdings.list_log(call.db, call.bookmarks, entry.id, page, size)
    actors = _users(call, {line.user_id for line in lines.rows if line.user_id is not None})
    return page_resource(lines, page, size, lambda line: log_resource(line, actors))


def update_user_inventory_behavior_data(call: Call) -> None:
    """Replace the behavior data of an entry. Without a body, it becomes empty."""
    data = {} if call.body is ABSENT else call.checked_body()
    people.lock_user(call.db, call.holder.id)
    _save(call, replace(_existing(call), behavior_data=data), "behavior_data", None)


def update_user_inventory_expires(call: Call) -> None:
    """Set when an entry ends, in epoch seconds. Without a body, or with null, it never ends."""
    expires = None if call.body is ABSENT else call.checked_body()
    people.lock_user(call.db, call.holder.id)
    _save(
        call,
        replace(_existing(call), expires=expires),
        "expires",
        "never" if expires is None else str(expires),
    )


def update_user_inventory_status(call: Call) -> None:
    """Set an entry's status. Every change of status is allowed."""
    if call.body is ABSENT:
        raise invalid_error(
            f"a status is required: send one of {', '.join(STATUSES)} as a JSON string", "inventory_status"
        )
    status = call.checked_body()
    people.lock_user(call.db, call.holder.id)
    _save(call, replace(_existing(call), status=status), "status", status)


def _existing(call: Call) -> Entry:
    entry_id = call.parameters["id"]
    entry = holdings.entry(call.db, call.holder.id, entry_id)
    if entry is None:
        raise not_found_error(f"User {call.holder.id} has no inventory entry with the id {entry_id}", "id")
    return entry


def _save(call: Call, entry: Entry, event: str, info: str | None) -> None:
    holdings.save_entry(call.db, entry, call.today)
    actor = call.caller.user
    holdings.add_log(call.db, entry, event, call.today, info, actor.id if actor else None)


def _listed(call: Call, user_id: int | None) -> Any:
    given = call.parameters
    page, size = page_and_size(call)
    filters = holdings.Filters(
        user_id=user_id,
        inactive=given["inactive"],
        item_name=given["filter_item_name"],
        item_id=given["filter_item_id"],
        username=given["filter_username"],
        group=given["filter_group"],
        dates=date_filter(given["filter_date"]),
    )
    found = holdings.list_entries(call.db, call.bookmarks, filters, page, size, call.now)
    owners = _users(call, {entry.user_id for entry in found.rows})
    return page_resource(
        found, page, size, lambda entry: entry_resource(entry, owners[entry.user_id], call.now)
    )


def _users(call: Call, ids: set[int]) -> dict[int, User]:
    if call.owner is not None and ids <= {call.owner.id}:
        return {call.owner.id: call.owner}
    known = people.users_by_id(call.db, ids)
    return {user_id: known.get(user_id) or User(user_id, f"user-{user_id}") for user_id in ids}
