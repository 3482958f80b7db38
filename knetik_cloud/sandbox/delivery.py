"""Delivery of items into inventories: by grant, by SKU, and by invoices that come due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Connection

from knetik_cloud.sandbox.resources import user_resource
from knetik_cloud.sandbox.rules import getting, price_overridable
from knetik_cloud.sandbox.rules.entry import ACTIVE, INACTIVE, PENDING, Entry
from knetik_cloud.sandbox.rules.spendable import Credit
from knetik_cloud.sandbox.rules.using import find
from knetik_cloud.sandbox.storage import catalog, holdings, invoices, people
from knetik_cloud.sandbox.storage.catalog import Document, Sku
from knetik_cloud.sandbox.storage.people import User

PAID = "paid"
PROCESSING = "processing"
FULFILLED = "fulfilled"
FAILED = "failed"


def deliver(
    db: Connection,
    item: Document,
    owner: User,
    now: float,
    *,
    actor: User | None,
    info: str | None = None,
    sku: str | None = None,
    overrides: Collection[str] = (),
) -> Entry:
    """Deliver an item to a user: an active entry, its log line, and the credit to a wallet."""
    credit = _credit(db, owner.id, item["behaviors"], overrides)
    entry = _new_entry(item, owner, sku)
    entry = getting.grant(item["behaviors"], entry, now, overrides)
    entry = holdings.insert_entry(db, entry, int(now))
    holdings.add_log(db, entry, "grant", int(now), info, actor.id if actor else None)
    _log_credit(db, entry, credit, now)
    return entry


def sell(
    db: Connection,
    sku: Sku,
    item: Document,
    owner: User,
    now: float,
    note: str,
    overrides: Sequence[str],
    delay: float,
) -> Document:
    """Create an invoice for a SKU, and a pending entry that is fulfilled after `delay` seconds."""
    today = int(now)
    document = _invoice_document(sku, item, owner, note, overrides)
    invoice_id = invoices.insert_invoice(db, owner.id, document, PROCESSING, now + delay, today)
    document = _numbered(document, invoice_id, overrides)
    invoices.save_document(db, invoice_id, document)
    entry = replace(_new_entry(item, owner, sku.sku), status=PENDING, invoice_id=invoice_id)
    entry = holdings.insert_entry(db, entry, today)
    holdings.add_log(db, entry, "invoice", today, document["invoice_number"], None)
    return invoice_resource(document, invoice_id, owner, PROCESSING, today, today)


def fulfill_due(db: Connection, now: float) -> None:
    """Fulfill every due invoice: its pending entries become active, as if granted when it became due."""
    for invoice in invoices.take_due(db, now):
        due = invoice.fulfill_at
        fulfilled = [
            _fulfill(db, user_id, entry_id, invoice.document.get("overrides", ()), due)
            for user_id, entry_id in invoices.entry_ids(db, invoice.id)
        ]
        status = FULFILLED if all(fulfilled) else FAILED
        invoices.record_fulfillment(db, invoice.id, invoice.document, status, int(due))


def invoice_resource(
    document: Document, invoice_id: int, owner: User, status: str, created: int, updated: int
) -> Document:
    """Return an invoice as JSON, with its current fulfillment status."""
    shown = {key: value for key, value in document.items() if key != "overrides"}
    lines = [{**line, "current_fulfillment_status": status} for line in shown["items"]]
    return {
        "id": invoice_id,
        **shown,
        "user": user_resource(owner),
        "items": lines,
        "current_fulfillment_status": status,
        "created_date": created,
        "updated_date": updated,
    }


def _new_entry(item: Document, owner: User, sku: str | None) -> Entry:
    return Entry(
        id=0,
        user_id=owner.id,
        item_id=item["id"],
        item_name=item["name"],
        item_type_hint=item["type_hint"],
        status=ACTIVE,
        behavior_data={},
        sku=sku,
    )


def _fulfill(db: Connection, user_id: int, entry_id: int, overrides: Collection[str], now: float) -> bool:
    """Fulfill one entry of an invoice. Return False if that fails: the entry becomes inactive."""
    people.lock_user(db, user_id)
    entry = holdings.entry(db, user_id, entry_id)
    if entry is None or entry.status != PENDING:
        return True
    item = catalog.shared_item(db, entry.item_id)
    if item is None:
        return _fail(db, entry, "the item was deleted", now)
    try:
        credit = _credit(db, user_id, item["behaviors"], overrides)
    except OverflowError as error:
        return _fail(db, entry, str(error), now)
    entry = getting.grant(item["behaviors"], replace(entry, status=ACTIVE), now, overrides)
    holdings.save_entry(db, entry, int(now))
    holdings.add_log(db, entry, "fulfill", int(now), None, None)
    _log_credit(db, entry, credit, now)
    return True


def _fail(db: Connection, entry: Entry, reason: str, now: float) -> bool:
    holdings.save_entry(db, replace(entry, status=INACTIVE), int(now))
    holdings.add_log(db, entry, "fulfill", int(now), f"failed: {reason}", None)
    return False


def _credit(
    db: Connection, user_id: int, behaviors: Sequence[Document], overrides: Collection[str]
) -> Credit | None:
    credit = getting.credit(behaviors, overrides)
    if credit is not None:
        people.credit_wallet(db, user_id, credit.currency_code, credit.amount)
    return credit


def _log_credit(db: Connection, entry: Entry, credit: Credit | None, now: float) -> None:
    if credit is not None:
        holdings.add_log(db, entry, "wallet", int(now), f"{credit.amount} {credit.currency_code}", None)


def _invoice_document(
    sku: Sku, item: Document, owner: User, note: str, overrides: Collection[str]
) -> Document:
    price, bounds = sku.price, find(item["behaviors"], price_overridable.NAME)
    if bounds is not None and price_overridable.NAME not in overrides:
        price = price_overridable.price(bounds, price)
    line = {
        "item_id": item["id"],
        "item_name": item["name"],
        "type_hint": item["type_hint"],
        "sku": sku.sku,
        "sku_description": sku.description or item["name"],
        "qty": 1,
        "original_unit_price": sku.price,
        "original_total_price": sku.price,
        "unit_price": price,
        "total_price": price,
        "system_price": price,
    }
    totals: dict[str, Any] = {
        "subtotal": price,
        "discount": 0.0,
        "shipping": 0.0,
        "state_tax": 0.0,
        "fed_tax": 0.0,
    }
    return {
        "order_notes": note,
        "items": [line],
        "currency": sku.currency_code,
        **totals,
        "grand_total": price,
        "current_payment_status": PAID,
        "billing_full_name": owner.display_name or owner.username,
        "shipping_full_name": owner.display_name or owner.username,
        "sort": 500,
    }


def _numbered(document: Document, invoice_id: int, overrides: Sequence[str]) -> Document:
    """Add the fields that follow from the invoice's id. It has one line, whose id is the same."""
    return {
        "invoice_number": f"INV-{invoice_id}",
        "cart_id": str(uuid5(NAMESPACE_URL, f"knetik-sandbox-cart-{invoice_id}")),
        **document,
        "items": [{"id": invoice_id, "invoice_id": invoice_id, **line} for line in document["items"]],
        "overrides": list(overrides),
    }
