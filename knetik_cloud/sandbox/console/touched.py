"""The users, entries, items and more that a request touched, found from its path and bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from sqlalchemy import Row, select

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox.console.page import read_number, row_link
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import inventory, inventory_log

MAX_LINKS: Final = 30
"""The maximum number of links on a request's page. A list can contain 1000 resources."""

COLLECTIONS: Final = {
    "users": "users",
    "inventory": "entries",
    "entitlements": "items",
    "templates": "templates",
}
"""The data that the id after a segment of a path belongs to."""

FIELDS: Final = {
    "entitlement_id": "items",
    "inventory_id": "entries",
    "invoice_id": "invoices",
    "item_id": "items",
    "item_ids": "items",
    "sku": "skus",
    "template": "templates",
    "user_inventory": "entries",
}
"""The data that a field of a body refers to."""

NESTED: Final = {"user": "users", "item": "items"}
"""The data that an object in a field is a reference to."""

SCHEMAS: Final = {
    "EntitlementItem": "items",
    "InvoiceResource": "invoices",
    "ItemTemplateResource": "templates",
    "UserInventoryResource": "entries",
}
"""The data that a response's schema describes."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the page of a row: the name of its table, its key, and the address."""

    table: str
    key: str
    address: str


def links(service: Service, exchange: Exchange) -> list[Link]:
    """List what an exchange touched, what its path names first, each once."""
    found: dict[tuple[str, str], None] = {}
    for table, key in _touched(service, exchange):
        if len(found) == MAX_LINKS:
            break
        found.setdefault((table, str(key)))
    return [Link(table, key, row_link(table, key)) for table, key in found]


def path_keys(contract: Contract, exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield (table, key) of the ids in an exchange's path."""
    operation = contract.operations.get(exchange.operation or "")
    if operation is None:
        return
    collection = ""
    for segment, value in zip(operation.path.split("/"), exchange.path.split("/"), strict=False):
        if segment.startswith("{"):
            if collection == "users" and exchange.user_id is not None:
                yield "users", str(exchange.user_id)
            elif collection in COLLECTIONS:
                yield COLLECTIONS[collection], unquote(value)
        else:
            collection = segment


def _touched(service: Service, exchange: Exchange) -> Iterator[tuple[str, Any]]:
    yield from path_keys(service.contract, exchange)
    yield from _mentioned(_parsed(exchange.body))
    response = _parsed(exchange.answer)
    table = _table_of(service.contract, exchange.operation)
    if table and isinstance(response, dict):
        rows = response.get("content")
        for row in rows[:MAX_LINKS] if isinstance(rows, list) else [response]:
            if isinstance(row, dict) and isinstance(row.get("id"), int | str):
                yield table, row["id"]
    yield from _logged(service, exchange)
    yield from _mentioned(response)


def _table_of(contract: Contract, operation: str | None) -> str | None:
    """Return the table that an operation's response describes rows of."""
    known = contract.operations.get(operation or "")
    name = known.result.reference() if known and known.result else None
    # A page of a schema is named after it.
    return next((table for schema, table in SCHEMAS.items() if (name or "").endswith(schema)), None)


def _mentioned(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield (table, key) of the references in a body."""
    if depth > 6:
        return
    if isinstance(value, list):
        for each in value[:MAX_LINKS]:
            yield from _mentioned(each, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in FIELDS:
                for key in each if isinstance(each, list) else [each]:
                    if isinstance(key, int | str) and not isinstance(key, bool) and key != "":
                        yield FIELDS[name], key
            elif name in NESTED and isinstance(each, dict) and isinstance(each.get("id"), int):
                yield NESTED[name], each["id"]
            else:
                yield from _mentioned(each, depth + 1)


def _logged(service: Service, exchange: Exchange) -> Iterator[tuple[str, Any]]:
    """Yield the entries whose log has a line of the same second about what a write's path or body names."""
    if exchange.method == "GET" or exchange.user_id is None or (exchange.status or 500) >= 400:
        return
    items = {
        number
        for table, key in (*path_keys(service.contract, exchange), *_mentioned(_parsed(exchange.body)))
        if table == "items" and (number := read_number(str(key))) is not None
    }
    query = (
        select(inventory_log.c.inventory_id)
        .join(inventory, inventory.c.id == inventory_log.c.inventory_id)
        .where(inventory.c.user_id == exchange.user_id, inventory_log.c.log_date == int(exchange.time))
    )
    if items:
        query = query.where(inventory.c.item_id.in_(items))
    with service.database.transaction(reads_only=True) as db:
        for entry_id in db.scalars(query.distinct().limit(MAX_LINKS)):
            yield "entries", entry_id


def _parsed(body: str | None) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def matcher(service: Service, table: str, row: Row[Any]) -> Callable[[Exchange], bool]:
    """Return a function that finds the exchanges that touched a row."""
    key = str(row[0] if table != "templates" else row.id)
    instants: set[int] = set()
    if table == "entries":
        lines = select(inventory_log.c.log_date).where(inventory_log.c.inventory_id == row.id)
        with service.database.transaction(reads_only=True) as db:
            instants = set(db.scalars(lines.order_by(inventory_log.c.id.desc()).limit(1000)))

    def matches(exchange: Exchange) -> bool:
        if table == "entries" and int(exchange.time) in instants and exchange.user_id == row.user_id:
            # A use names the item, not the entry.
            return exchange.method != "GET" and (exchange.status or 500) < 400
        if table == "users" and exchange.user_id is not None:
            return str(exchange.user_id) == key
        if not any(key in part for part in (unquote(exchange.path), exchange.body, exchange.answer) if part):
            return False
        if any(each == (table, key) for each in path_keys(service.contract, exchange)):
            return True
        found = [*_mentioned(_parsed(exchange.body))]
        if exchange.method != "GET" or (exchange.status or 0) >= 400:
            found += _mentioned(_parsed(exchange.answer))
        return any(each == table and str(other) == key for each, other in found)

    return matches
