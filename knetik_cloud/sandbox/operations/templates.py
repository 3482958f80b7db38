"""Entitlement templates: list, create, read, update, patch, delete."""

from __future__ import annotations

from typing import Any

from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import (
    INVALID,
    ServiceError,
    conflict_error,
    invalid_error,
    not_found_error,
)
from knetik_cloud.sandbox.operations.listing import page_and_size, sort_keys
from knetik_cloud.sandbox.resources import page_resource
from knetik_cloud.sandbox.rules import patch, template_check
from knetik_cloud.sandbox.storage import catalog
from knetik_cloud.sandbox.storage.catalog import Document
from knetik_cloud.sandbox.storage.database import lock_catalog

DETACH = "detach"


def get_entitlement_templates(call: Call) -> Any:
    """List the templates."""
    page, size = page_and_size(call)
    sorts = sort_keys(call, "ItemTemplateResource")
    found = catalog.list_templates(call.db, page, size, sorts)
    return page_resource(found, page, size, lambda template: template, sorts)


def get_entitlement_template(call: Call) -> Any:
    """Read one template."""
    template_id = call.parameters["id"]
    template = catalog.template(call.db, template_id)
    if template is None:
        raise not_found_error(f"No template has the id {template_id!r}", "id")
    return template


def create_entitlement_template(call: Call) -> Any:
    """Check and store a new template."""
    lock_catalog(call.db)
    template_id = catalog.insert_template(call.db, _checked(call, call.checked_body()), call.today)
    return catalog.template(call.db, template_id)


def update_entitlement_template(call: Call) -> Any:
    """Check a template and replace the stored one. Its items are checked at their next change."""
    lock_catalog(call.db)
    template_id = get_entitlement_template(call)["id"]
    catalog.save_template(call.db, template_id, _checked(call, call.checked_body()), call.today)
    return catalog.template(call.db, template_id)


def patch_entitlement_template(call: Call) -> Any:
    """Apply patch actions to a template and check the result. Store it unless `test_validation` is true."""
    lock_catalog(call.db)
    before = get_entitlement_template(call)
    read_only = call.contract.read_only_fields("ItemTemplateResource")
    document = {key: value for key, value in before.items() if key not in read_only}
    try:
        patched = patch.apply(document, call.checked_body()["patch_actions"])
    except patch.PatchError as error:
        raise invalid_error(str(error), str(error).partition(" ")[0]) from None
    problems = call.check.problems(call.contract.schemas["ItemTemplateResource"], patched, "template")
    if problems:
        raise ServiceError(400, INVALID, problems)
    checked = _checked(call, patched)
    if call.parameters["test_validation"]:
        return {**{key: value for key, value in before.items() if key in read_only}, **checked}
    catalog.save_template(call.db, before["id"], checked, call.today)
    return catalog.template(call.db, before["id"])


def delete_entitlement_template(call: Call) -> Any:
    """Delete a template that no item uses. With cascade=detach, remove it from its items first."""
    lock_catalog(call.db)
    template_id = get_entitlement_template(call)["id"]
    users = catalog.items_with_template(call.db, template_id)
    cascade = call.parameters["cascade"]
    if users and cascade is not None and cascade != DETACH:
        raise invalid_error(f"cascade must be {DETACH!r}, or left out, not {cascade!r}", "cascade")
    if users and cascade is None:
        raise conflict_error(
            f"template {template_id!r} is in use by item {', '.join(map(str, users[:10]))}: send "
            f"cascade={DETACH} to take it from its items",
            "cascade",
            {"item_ids": users},
        )
    for item_id in users:
        _detach(call, item_id)
    catalog.delete_template(call.db, template_id)


def _detach(call: Call, item_id: int) -> None:
    ignored = call.contract.read_only_fields("EntitlementItem")
    item = catalog.item(call.db, item_id) or {}
    document = {key: value for key, value in item.items() if key not in ignored}
    catalog.save_item(call.db, item_id, {**document, "template": None}, call.today)


def _checked(call: Call, body: Document) -> Document:
    """Return the document to store for a template.

    Raises:
        ServiceError: If the template breaks a rule that its schema can't express.
    """
    ignored = call.contract.read_only_fields("ItemTemplateResource")
    document = {key: value for key, value in body.items() if key not in ignored}
    problems = template_check.definition_problems(document)
    if problems:
        raise ServiceError(400, INVALID, problems)
    return document
