"""The console's view of the data: pages of each table with search and filters, for any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, String, cast, func, or_, select

from knetik_cloud.sandbox.console.page import read_number
from knetik_cloud.sandbox.storage import paging
from knetik_cloud.sandbox.storage.tables import (
    clients,
    inventory,
    inventory_log,
    invoices,
    items,
    skus,
    templates,
    user_groups,
    users,
    wallets,
)

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table: its kind (text, number, instant, status, code or link) and what it links to."""

    value: Any
    kind: str = "text"
    table: str = ""
    key: Any = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a listing. `kind` aligns it, `wide` columns are hidden on narrow screens."""

    title: str
    kind: str = "text"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """How a table is listed: its query, its columns, what the search looks at, and the filters it has."""

    title: str
    columns: Sequence[Column]
    query: Callable[[], Select[Any]]
    order: Sequence[ColumnElement[Any]]
    cells: Callable[[Connection, Sequence[Row[Any]], float], list[list[Cell]]]
    numbers: Sequence[ColumnElement[Any]] = ()
    texts: Sequence[ColumnElement[Any]] = ()
    filters: Mapping[str, ColumnElement[Any]] | None = None


def link_cell(table: str, key: Any, label: Any = None) -> Cell:
    """Return a cell that links to a row's page."""
    return Cell(key if label is None else label, "link", table, key)


def rows_of(
    db: Connection, listing: Listing, search: str, filters: Mapping[str, str], page: int, now: float
) -> tuple[list[list[Cell]], int]:
    """Fetch a page of a listing, and the number of rows of all pages."""
    query = listing.query()
    if search:
        query = query.where(_matches(listing, search))
    for name, column in (listing.filters or {}).items():
        if wanted := filters.get(name):
            query = query.where(_equals(column, wanted))
    found = paging.fetch(db, query.order_by(*listing.order), page, PAGE_SIZE, lambda row: row)
    return listing.cells(db, found.rows, now), found.total


def _matches(listing: Listing, search: str) -> ColumnElement[bool]:
    """Return the condition that a row holds the search: a whole number, or a part of a text."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    conditions: list[ColumnElement[bool]] = [
        column.ilike(f"%{escaped}%", escape="\\") for column in listing.texts
    ]
    if (number := read_number(search)) is not None:
        conditions += [column == number for column in listing.numbers]
    return or_(*conditions)


def _equals(column: ColumnElement[Any], wanted: str) -> ColumnElement[bool]:
    if isinstance(column.type, String):
        return column == wanted
    number = read_number(wanted)
    return column == (-1 if number is None else number)


def _names(db: Connection, table: Any, column: Any, keys: set[Any]) -> dict[Any, str]:
    key = next(iter(table.primary_key))
    return {each[0]: each[1] for each in db.execute(select(key, column).where(key.in_(keys)))} if keys else {}


def _counts(db: Connection, column: ColumnElement[Any], keys: Sequence[Any]) -> dict[Any, int]:
    """Count rows by key with one query each, which uses an index. GROUP BY would read all rows."""
    return {key: db.scalar(select(func.count()).where(column == key)) or 0 for key in keys}


def _users(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    entries = _counts(db, inventory.c.user_id, [row.id for row in rows])
    groups: dict[int, list[str]] = {}
    members = select(user_groups).where(user_groups.c.user_id.in_([row.id for row in rows]))
    for each in db.execute(members.order_by(user_groups.c.group_name)):
        groups.setdefault(each.user_id, []).append(each.group_name)
    return [
        [
            link_cell("users", row.id),
            Cell(row.username),
            Cell(row.display_name),
            Cell("guest" if row.guest else ""),
            Cell(", ".join(groups.get(row.id, ()))),
            Cell(", ".join(row.permissions or ())),
            Cell(entries[row.id], "number"),
        ]
        for row in rows
    ]


def _entries(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    owners = _names(db, users, users.c.username, {row.user_id for row in rows})
    return [
        [
            link_cell("entries", row.id),
            link_cell("users", row.user_id, f"{row.user_id} {owners.get(row.user_id, '')}"),
            link_cell("items", row.item_id, f"{row.item_id} {row.item_name or ''}"),
            Cell("expired" if row.expires is not None and row.expires <= now else row.status, "status"),
            Cell(row.expires, "instant"),
            link_cell("skus", row.sku) if row.sku else Cell(""),
            link_cell("invoices", row.invoice_id) if row.invoice_id else Cell(""),
            Cell(row.created_date, "instant"),
        ]
        for row in rows
    ]


def _items(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    entries = _counts(db, inventory.c.item_id, [row.id for row in rows])
    return [
        [
            link_cell("items", row.id),
            Cell(row.document.get("name")),
            Cell(row.document.get("type_hint")),
            Cell(row.document.get("category")),
            Cell(", ".join(each.get("type_hint", "") for each in row.document.get("behaviors") or ())),
            link_cell("templates", row.template) if row.template else Cell(""),
            Cell(entries[row.id], "number"),
        ]
        for row in rows
    ]


def _templates(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    used = _counts(db, items.c.template, [row.id for row in rows])
    return [
        [
            link_cell("templates", row.id),
            Cell(row.document.get("name")),
            Cell(", ".join(each.get("name", "") for each in row.document.get("properties") or ())),
            Cell(used[row.id], "number"),
            Cell(row.updated_date, "instant"),
        ]
        for row in rows
    ]


def _skus(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    documents = {
        each.id: each.document.get("name")
        for each in db.execute(select(items).where(items.c.id.in_({row.item_id for row in rows})))
    }
    return [
        [
            link_cell("skus", row.sku),
            link_cell("items", row.item_id, f"{row.item_id} {documents.get(row.item_id, '(deleted)')}"),
            Cell(row.price, "number"),
            Cell(row.currency_code),
            Cell(row.description),
        ]
        for row in rows
    ]


def _wallets(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    owners = _names(db, users, users.c.username, {row.user_id for row in rows})
    return [
        [
            link_cell("users", row.user_id, f"{row.user_id} {owners.get(row.user_id, '')}"),
            Cell(row.currency_code),
            Cell(row.balance, "number"),
        ]
        for row in rows
    ]


def _invoices(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    owners = _names(db, users, users.c.username, {row.user_id for row in rows})
    return [
        [
            link_cell("invoices", row.id),
            link_cell("users", row.user_id, f"{row.user_id} {owners.get(row.user_id, '')}"),
            Cell(row.fulfillment_status, "status"),
            Cell(row.fulfill_at, "instant"),
            Cell(row.document.get("grand_total"), "number"),
            Cell(row.document.get("currency")),
            Cell(", ".join(line.get("sku", "") for line in row.document.get("items") or ())),
            Cell(row.created_date, "instant"),
        ]
        for row in rows
    ]


def _logs(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    actors = _names(db, users, users.c.username, {row.user_id for row in rows if row.user_id is not None})
    return [
        [
            Cell(row.id, "number"),
            Cell(row.log_date, "instant"),
            Cell(row.type),
            link_cell("entries", row.inventory_id),
            link_cell("items", row.item_id, f"{row.item_id} {row.item_name or ''}"),
            link_cell("users", row.user_id, f"{row.user_id} {actors.get(row.user_id, '')}")
            if row.user_id is not None
            else Cell(""),
            Cell(row.info),
        ]
        for row in rows
    ]


def _clients(db: Connection, rows: Sequence[Row[Any]], now: float) -> list[list[Cell]]:
    return [
        [
            link_cell("clients", row.client_id),
            Cell(", ".join(row.permissions or ())),
            Cell(bool(row.client_secret)),
        ]
        for row in rows
    ]


def _document(table: Any, name: str) -> ColumnElement[Any]:
    return table.c.document[name].as_string()  # type: ignore[no-any-return]


_ID = Column("Id", "number")
LISTINGS: Final[Mapping[str, Listing]] = {
    "users": Listing(
        "Users",
        (
            _ID,
            Column("User name"),
            Column("Display name", wide=True),
            Column("Account", wide=True),
            Column("Groups", wide=True),
            Column("Permissions", wide=True),
            Column("Entries", "number"),
        ),
        lambda: select(users),
        [users.c.id],
        _users,
        numbers=[users.c.id],
        texts=[users.c.username, users.c.display_name],
    ),
    "entries": Listing(
        "Entries",
        (
            _ID,
            Column("User"),
            Column("Item"),
            Column("Status"),
            Column("Expires", "instant"),
            Column("SKU", wide=True),
            Column("Invoice", "number", wide=True),
            Column("Created", "instant", wide=True),
        ),
        lambda: select(inventory),
        [inventory.c.id.desc()],
        _entries,
        numbers=[inventory.c.id, inventory.c.user_id, inventory.c.item_id],
        texts=[inventory.c.item_name, inventory.c.sku],
        filters={
            "user": inventory.c.user_id,
            "item": inventory.c.item_id,
            "status": inventory.c.status,
            "invoice": inventory.c.invoice_id,
            "sku": inventory.c.sku,
        },
    ),
    "items": Listing(
        "Items",
        (
            _ID,
            Column("Name"),
            Column("Type", wide=True),
            Column("Category", wide=True),
            Column("Behaviors"),
            Column("Template", wide=True),
            Column("Entries", "number"),
        ),
        lambda: select(items),
        [items.c.id],
        _items,
        numbers=[items.c.id],
        texts=[_document(items, "name"), items.c.unique_key, _document(items, "category")],
        filters={"template": items.c.template},
    ),
    "templates": Listing(
        "Templates",
        (
            Column("Id"),
            Column("Name"),
            Column("Properties", wide=True),
            Column("Items", "number"),
            Column("Updated", "instant", wide=True),
        ),
        lambda: select(templates),
        [templates.c.number],
        _templates,
        texts=[templates.c.id, _document(templates, "name")],
    ),
    "skus": Listing(
        "SKUs",
        (
            Column("SKU"),
            Column("Item"),
            Column("Price", "number"),
            Column("Currency"),
            Column("Description", wide=True),
        ),
        lambda: select(skus),
        [skus.c.sku],
        _skus,
        numbers=[skus.c.item_id],
        texts=[skus.c.sku, skus.c.description],
        filters={"item": skus.c.item_id},
    ),
    "wallets": Listing(
        "Wallets",
        (Column("User"), Column("Currency"), Column("Balance", "number")),
        lambda: select(wallets),
        [wallets.c.user_id, wallets.c.currency_code],
        _wallets,
        numbers=[wallets.c.user_id],
        texts=[wallets.c.currency_code],
        filters={"user": wallets.c.user_id},
    ),
    "invoices": Listing(
        "Invoices",
        (
            _ID,
            Column("User"),
            Column("Fulfillment"),
            Column("Due", "instant"),
            Column("Total", "number"),
            Column("Currency", wide=True),
            Column("SKU", wide=True),
            Column("Created", "instant", wide=True),
        ),
        lambda: select(invoices),
        [invoices.c.id.desc()],
        _invoices,
        numbers=[invoices.c.id, invoices.c.user_id],
        texts=[invoices.c.fulfillment_status, cast(invoices.c.document, String)],
        filters={"user": invoices.c.user_id, "status": invoices.c.fulfillment_status},
    ),
    "logs": Listing(
        "Logs",
        (
            Column("No.", "number"),
            Column("Time", "instant"),
            Column("Event"),
            Column("Entry", "number"),
            Column("Item"),
            Column("By", wide=True),
            Column("Info", wide=True),
        ),
        lambda: select(inventory_log),
        [inventory_log.c.id.desc()],
        _logs,
        numbers=[inventory_log.c.inventory_id, inventory_log.c.item_id, inventory_log.c.user_id],
        texts=[inventory_log.c.type, inventory_log.c.info, inventory_log.c.item_name],
        filters={
            "entry": inventory_log.c.inventory_id,
            "item": inventory_log.c.item_id,
            "user": inventory_log.c.user_id,
            "type": inventory_log.c.type,
        },
    ),
    "clients": Listing(
        "Clients",
        (Column("Id"), Column("Permissions"), Column("Has a secret")),
        lambda: select(clients),
        [clients.c.client_id],
        _clients,
        texts=[clients.c.client_id],
    ),
}
"""The tables that the console lists, by the name in their addresses."""

TABLES: Final[Mapping[str, Any]] = {
    "users": users,
    "entries": inventory,
    "items": items,
    "templates": templates,
    "skus": skus,
    "wallets": wallets,
    "invoices": invoices,
    "logs": inventory_log,
    "clients": clients,
}

KEYS: Final[Mapping[str, ColumnElement[Any]]] = {
    "users": users.c.id,
    "entries": inventory.c.id,
    "items": items.c.id,
    "templates": templates.c.id,
    "skus": skus.c.sku,
    "invoices": invoices.c.id,
    "clients": clients.c.client_id,
}
"""The column that identifies a row in the address of its page."""


def row(db: Connection, table: str, key: str) -> Row[Any] | None:
    """Find a row by the key in its address."""
    return db.execute(select(TABLES[table]).where(_equals(KEYS[table], key))).first()


def counts(db: Connection) -> dict[str, int]:
    """Count the rows of each table."""
    return {name: db.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}
