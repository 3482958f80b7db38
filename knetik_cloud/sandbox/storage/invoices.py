"""Queries about invoices, and those that are due for fulfillment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from knetik_cloud.sandbox.storage.database import DATA_LOCK
from knetik_cloud.sandbox.storage.statements import Statement
from knetik_cloud.sandbox.storage.tables import inventory, invoices

FULFILLMENT_LOCK = 0x6675_6C66
"""Key of the advisory lock under which PostgreSQL serializes fulfillment."""

_DUE_ID = select(invoices.c.id).where(invoices.c.fulfill_at <= bindparam("now")).limit(1)
_DUE = Statement(_DUE_ID)
_LOCK_AND_DUE = Statement(select(func.pg_advisory_xact_lock_shared(DATA_LOCK), _DUE_ID.scalar_subquery()))


def lock_and_find_due(db: Connection, now: float) -> bool:
    """Hold off changes of all data until this transaction ends. Return whether an invoice is due.

    It is the first statement of a transaction. PostgreSQL may look before it has the lock, so an invoice may
    turn out to be gone.
    """
    if db.dialect.name == "postgresql":
        return _LOCK_AND_DUE.one(db, now=now)[1] is not None
    return _DUE.first(db, now=now) is not None


def take_due(db: Connection, now: float) -> list[Row[Any]]:
    """List the due invoices, the first due first, holding off other transactions that would fulfill them."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(FULFILLMENT_LOCK)))
    query = select(invoices).where(invoices.c.fulfill_at <= now)
    return list(db.execute(query.order_by(invoices.c.fulfill_at, invoices.c.id)))


def insert_invoice(
    db: Connection, user_id: int, document: dict[str, Any], status: str, fulfill_at: float, now: int
) -> int:
    """Store a new invoice that is fulfilled at an instant, and return its id."""
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
