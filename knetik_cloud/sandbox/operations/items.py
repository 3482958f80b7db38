"""Entitlement items: list, create, read, update, delete."""

from __future__ import annotations

from typing import Any

from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import (
    CONFLICT,
    INVALID,
    Problem,
    ServiceError,
    conflict_error,
    invalid_error,
    not_found_error,
)
from knetik_cloud.sandbox.operations.listing import page_and_size, sort_keys
from knetik_cloud.sandbox.resources import page_resource
from knetik_cloud.sandbox.rules import definitions, groups, pre_req_entitlement, template_check
from knetik_cloud.sandbox.storage import catalog
from knetik_cloud.sandbox.storage.catalog import Document, GroupMember
from knetik_cloud.sandbox.storage.database import lock_catalog

KINDS = ("entitlement", "entitlement_list")
"""The type_hints of items that these operations keep."""

DEFAULT_SORT = 500
MAX_LISTED = 20
"""The maximum number of ids that a message lists."""


def get_entitlement_items(call: Call) -> Any:
    """List the items, behaviors included."""
    page, size = page_and_size(call)
    sorts = sort_keys(call, "EntitlementItem")
    template, name_prefix = call.parameters["filter_template"], call.parameters["filter_name_search"]
    found = catalog.list_items(call.db, page, size, sorts, template, name_prefix)
    return page_resource(found, page, size, lambda item: item, sorts)


def get_entitlement_item(call: Call) -> Any:
    """Read one item."""
    return existing(call, call.parameters["entitlement_id"], "entitlement_id")


def create_entitlement_item(call: Call) -> Any:
    """Check and store a new item."""
    lock_catalog(call.db)
    document = _checked(call, None)
    item_id = catalog.insert_item(call.db, document, call.today)
    if _name_groups(document, item_id):
        catalog.save_item(call.db, item_id, document, call.today)
    _join_groups(call, item_id, document)
    return {"id": item_id, **document, "created_date": call.today, "updated_date": call.today}


def update_entitlement_item(call: Call) -> Any:
    """Check and store an item in place of the one that was."""
    lock_catalog(call.db)
    before = get_entitlement_item(call)
    document = _checked(call, before)
    _name_groups(document, before["id"])
    catalog.save_item(call.db, before["id"], document, call.today)
    _join_groups(call, before["id"], document)


def delete_entitlement_item(call: Call) -> Any:
    """Delete an item. Its entries stay in the inventories of users, but can't be used any longer."""
    lock_catalog(call.db)
    catalog.delete_item(call.db, get_entitlement_item(call)["id"])


def existing(call: Call, item_id: int, field: str) -> Document:
    """Find an item, or raise ServiceError (404) naming the field that holds its id."""
    item = catalog.item(call.db, item_id)
    if item is None:
        raise no_item_error(item_id, field)
    return item


def no_item_error(item_id: int, field: str) -> ServiceError:
    """Build the error (404) for the id of an item that does not exist."""
    return not_found_error(f"No entitlement item has the id {item_id}", field)


def _checked(call: Call, before: Document | None) -> Document:
    """Return the document to store for a body. Raises a ServiceError with its problems."""
    ignored = call.contract.read_only_fields("EntitlementItem")
    document = {key: value for key, value in call.checked_body().items() if key not in ignored}
    if document.get("sort") is None:
        document["sort"] = DEFAULT_SORT
    problems = [*_own_problems(document), *definitions.behavior_problems(document.get("behaviors") or ())]
    if problems:
        raise ServiceError(400, INVALID, problems)
    document["behaviors"] = groups.named(document.get("behaviors") or [], before)
    problems = definitions.key_problems(document)
    if problems:
        raise ServiceError(400, INVALID, problems)
    _check_unique_key(call, document, before)
    _check_prerequisites(call, document)
    _check_template(call, document)
    return document


def _own_problems(document: Document) -> list[Problem]:
    problems = definitions.name_problems(document)
    if document["type_hint"] not in KINDS:
        problems.append(
            Problem(
                f"type_hint must be {' or '.join(KINDS)} here, not {document['type_hint']!r}", "type_hint"
            )
        )
    return problems


def _check_unique_key(call: Call, document: Document, before: Document | None) -> None:
    key = document.get("unique_key")
    other = catalog.item_with_unique_key(call.db, key) if key is not None else None
    if other is not None and (before is None or other != before["id"]):
        raise conflict_error(f"unique_key {key!r} is taken by item {other}: choose another", "unique_key")


def _check_prerequisites(call: Call, document: Document) -> None:
    for number, behavior in enumerate(document["behaviors"]):
        if behavior["type_hint"] != pre_req_entitlement.NAME:
            # Unknown fields of other behaviors may have any name and value.
            continue
        missing = catalog.missing_items(call.db, behavior["item_ids"])
        if missing:
            listed = ", ".join(map(str, missing[:MAX_LISTED]))
            more = f" and {len(missing) - MAX_LISTED} more" if len(missing) > MAX_LISTED else ""
            raise invalid_error(
                f"behaviors[{number}].item_ids names items that do not exist: {listed}{more}",
                f"behaviors[{number}].item_ids",
            )


def _check_template(call: Call, document: Document) -> None:
    template_id = document.get("template")
    if template_id is None:
        return
    template = catalog.template(call.db, template_id)
    if template is None:
        raise invalid_error(
            f"template {template_id!r} does not exist: create it first, or leave it out", "template"
        )
    problems = template_check.problems(document, template)
    if problems:
        raise ServiceError(400, INVALID, problems)


def _name_groups(document: Document, item_id: int) -> bool:
    """Set names of the unnamed groups of an item, and return whether there were any."""
    before, document["behaviors"] = document["behaviors"], groups.with_names(document["behaviors"], item_id)
    return bool(document["behaviors"] != before)


def _join_groups(call: Call, item_id: int, document: Document) -> None:
    """Join an item to its groups, and carry their settings over to the others."""
    uses = groups.uses(document["behaviors"])
    for use in uses:
        member = GroupMember(use.kind, use.name)
        for other in catalog.group_items(call.db, member, but=item_id):
            _agree(call, use, other)
    catalog.join_groups(call.db, item_id, [GroupMember(use.kind, use.name) for use in uses])


def _agree(call: Call, use: groups.GroupUse, other: Document) -> None:
    """Apply this item's settings of a group to another item of the group, if `cascade` allows it."""
    changed = groups.with_settings(other["behaviors"], use)
    if changed == other["behaviors"]:
        return
    if not call.parameters["cascade"]:
        raise ServiceError(
            400,
            CONFLICT,
            [
                Problem(
                    f"group {use.name!r} is in use by item {other['id']} with other settings: use the same "
                    "ones, or send cascade=true to change them everywhere",
                    use.field,
                    {"item_id": other["id"]},
                )
            ],
        )
    ignored = call.contract.read_only_fields("EntitlementItem")
    document = {key: value for key, value in other.items() if key not in ignored}
    catalog.save_item(call.db, other["id"], {**document, "behaviors": changed}, call.today)
