"""Queries about invoices, and those that are due for fulfillment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from knetik_cloud.sandbox.storage.statements import Statement
from knetik_cloud.sandbox.storage.tables import inventory, invoices

FULFILLMENT_LOCK = 0x6675_6C66
"""Key of the advisory lock under which PostgreSQL serializes fulfillment."""

_DUE = Statement(select(invoices.c.id).where(invoices.c.fulfill_at <= bindparam("now")).limit(1))


def next_due(db: Connection, now: float) -> bool:
    """Tell whether an invoice waits for fulfillment whose time has come."""
    return _DUE.first(db, now=now) is not None


def take_due(db: Connection, now: float) -> list[Row[Any]]:
    """List the invoices that are due, holding off other transactions that would fulfill them."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(FULFILLMENT_LOCK)))
    return list(db.execute(select(invoices).where(invoices.c.fulfill_at <= now).order_by(invoices.c.id)))


def insert_invoice(
    db: Connection, user_id: int, document: dict[str, Any], status: str, fulfill_at: float, now: int
) -> int:
    """Store a new invoice that is to be fulfilled at an instant; give its id."""
    values = {
        "user_id": user_id,
        "document": document,
        "fulfillment_status": status,
        "fulfill_at": fulfill_at,
        "created_date": now,
        "updated_date": now,
    }
    return int(db.execute(insert(invoices).values(values).returning(invoices.c.id)).scalar_one())


def save_document(db: Connection, invoice_id: int, document: dict[str, Any]) -> None:
    """Write an invoice's document back."""
    db.execute(update(invoices).where(invoices.c.id == invoice_id).values(document=document))


def record_fulfillment(
    db: Connection, invoice_id: int, document: dict[str, Any], status: str, now: int
) -> None:
    """Record that an invoice's fulfillment has ended in a status."""
    db.execute(
        update(invoices)
        .where(invoices.c.id == invoice_id)
        .values(document=document, fulfillment_status=status, fulfill_at=None, updated_date=now)
    )


def entry_ids(db: Connection, invoice_id: int) -> list[tuple[int, int]]:
    """List the (user id, entry id) that an invoice produced."""
    query = select(inventory.c.user_id, inventory.c.id).where(inventory.c.invoice_id == invoice_id)
    return [(user_id, entry_id) for user_id, entry_id in db.execute(query.order_by(inventory.c.id))]
