"""The operations of the contract by id, each a function that runs one call inside its transaction."""

from __future__ import annotations

from knetik_cloud.sandbox.call import Handler
from knetik_cloud.sandbox.operations import entitlements, inventories, items, templates, tokens

HANDLERS: dict[str, Handler] = {
    handler.__name__: handler
    for handler in (
        tokens.get_o_auth_token,
        items.get_entitlement_items,
        items.create_entitlement_item,
        items.get_entitlement_item,
        items.update_entitlement_item,
        items.delete_entitlement_item,
        templates.get_entitlement_templates,
        templates.create_entitlement_template,
        templates.get_entitlement_template,
        templates.update_entitlement_template,
        templates.patch_entitlement_template,
        templates.delete_entitlement_template,
        entitlements.grant_user_entitlement,
        entitlements.check_user_entitlement_item,
        entitlements.use_user_entitlement_item,
        entitlements.add_item_to_user_inventory,
        inventories.get_users_inventory,
        inventories.get_user_inventories,
        inventories.get_user_inventory,
        inventories.get_user_inventory_log,
        inventories.update_user_inventory_behavior_data,
        inventories.update_user_inventory_expires,
        inventories.update_user_inventory_status,
    )
}
"""The functions of the operations by id. An operation without one responds with the contract's example."""
