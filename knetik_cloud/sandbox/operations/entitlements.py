"""The entitlement operations: grant an item, check it, use it, add one by SKU."""

from __future__ import annotations

from knetik_cloud.sandbox import delivery
from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import DENIED, Problem, ServiceError, invalid_error
from knetik_cloud.sandbox.operations.items import existing, no_item_error
from knetik_cloud.sandbox.rules import getting, using
from knetik_cloud.sandbox.rules.check import HELD, Check
from knetik_cloud.sandbox.rules.definitions import RULES
from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.rules.using import Denial
from knetik_cloud.sandbox.storage import catalog, holdings, people
from knetik_cloud.sandbox.storage.catalog import Document

ENTITLEMENT_LIST = "entitlement_list"
"""The type of item whose entries are distinguished by the SKU that added them."""


def grant_user_entitlement(call: Call) -> None:
    """Grant an item to the user immediately."""
    item_id = call.checked_body()["entitlement_id"]
    people.lock_user(call.db, call.holder.id)
    item = catalog.shared_item(call.db, item_id)
    if item is None:
        raise no_item_error(item_id, "entitlement_id")
    _deny_get(call, item, "entitlement_id", ())
    delivery.deliver(call.db, item, call.holder, call.now, actor=call.caller.user)


def check_user_entitlement_item(call: Call) -> None:
    """Check whether a use would succeed, without changing anything."""
    _usable_entry(call)


def use_user_entitlement_item(call: Call) -> None:
    """Use the entry that expires first of those that can be used."""
    people.lock_user(call.db, call.holder.id)
    item, entry = _usable_entry(call)
    used = using.use(item["behaviors"], entry, call.now)
    holdings.save_entry(call.db, used, call.today)
    actor = call.caller.user or call.holder
    holdings.add_log(call.db, used, "use", call.today, call.parameters["info"], actor.id)


def add_item_to_user_inventory(call: Call) -> Document | None:
    """Add the item of a SKU to the user's inventory, through an invoice or immediately if it is skipped."""
    body = call.checked_body()
    people.lock_user(call.db, call.holder.id)
    sku = catalog.sku(call.db, body["sku"])
    if sku is None:
        raise invalid_error(f"sku {body['sku']!r} does not exist: add it to the sandbox's skus", "sku")
    item = catalog.shared_item(call.db, sku.item_id)
    if item is None:
        raise invalid_error(f"sku {sku.sku!r} sells item {sku.item_id}, which was deleted", "sku")
    overrides = _overrides(body.get("overrides") or [])
    _deny_get(call, item, "sku", overrides)
    if body["skip_invoice"]:
        delivery.deliver(
            call.db,
            item,
            call.holder,
            call.now,
            actor=call.caller.user,
            info=body["note"],
            sku=sku.sku,
            overrides=overrides,
        )
        return None
    delay = call.settings.fulfillment_delay
    return delivery.sell(call.db, sku, item, call.holder, call.now, body["note"], overrides, delay)


def _overrides(names: list[str]) -> list[str]:
    for number, name in enumerate(names):
        if name not in RULES:
            field = f"overrides[{number}]"
            raise invalid_error(
                f"{field} must be the type_hint of a behavior, one of {', '.join(RULES)}, not {name!r}", field
            )
    return names


def _deny_get(call: Call, item: Document, field: str, overrides: list[str] | tuple[()]) -> None:
    owned = holdings.UserHoldings(call.db, call.holder.id, call.now)
    denial = getting.deny_get(item["behaviors"], owned, call.now, overrides)
    if denial is not None:
        call.facts.checks = [
            check.to_dict() for check in getting.check_get(item["behaviors"], owned, call.now, overrides)
        ]
        raise _denial_error(400, f"Item {item['id']} can't be obtained", denial, field)


def _usable_entry(call: Call) -> tuple[Document, Entry]:
    """Return the item and the entry to use.

    Raises:
        ServiceError: If no entry can be used (403), with the reason.
    """
    item = existing(call, call.parameters["item_id"], "item_id")
    entries = [
        entry
        for entry in holdings.entries_of_item(call.db, call.holder.id, item["id"])
        if _matches_sku(call, item, entry)
    ]
    if not entries:
        nothing = Check(rule=HELD, denial="the user does not hold it", numbers={"entries": 0})
        call.facts.checks = [nothing.to_dict()]
        raise _denial_error(
            403, f"Item {item['id']} can't be used", Denial(None, "the user does not hold it"), "item_id"
        )
    denials = []
    for entry in sorted(entries, key=using.preference):
        denial = using.deny_use(item["behaviors"], entry, call.holder.guest, call.now)
        if denial is None:
            return item, entry
        denials.append((entry, denial))
    call.facts.checks = [
        check.to_dict()
        for entry in sorted((entry for entry, _ in denials), key=lambda entry: -entry.id)[
            : holdings.MAX_ENTRIES_TRACED
        ]
        for check in using.check_use(item["behaviors"], entry, call.holder.guest, call.now)
    ]
    # Of several entries, the newest best explains why none can be used.
    entry, denial = max(denials, key=lambda pair: pair[0].id)
    raise _denial_error(403, f"Item {item['id']} can't be used", denial, "item_id", entry)


def _matches_sku(call: Call, item: Document, entry: Entry) -> bool:
    """Return whether a `sku` parameter selects an entry. It applies to entitlement lists only."""
    sku = call.parameters["sku"]
    return sku is None or item["type_hint"] != ENTITLEMENT_LIST or entry.sku == sku


def _denial_error(
    status: int, what: str, denial: Denial, field: str, entry: Entry | None = None
) -> ServiceError:
    details = {"behavior": denial.behavior, "inventory_id": entry.id if entry else None}
    return ServiceError(status, DENIED, [Problem(f"{what}: {denial.reason}", field, details)])
