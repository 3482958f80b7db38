"""The data: an overview, a list for each table, and a page for each row with links in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import yaml
from sqlalchemy import Connection, Row, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from knetik_cloud.sandbox import seed
from knetik_cloud.sandbox.console import data, touched, undo, why
from knetik_cloud.sandbox.console.data import LISTINGS, PAGE_SIZE, Cell
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Visit, link, read_key
from knetik_cloud.sandbox.errors import invalid_error, not_found_error
from knetik_cloud.sandbox.masking import SECRET_NAMES
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage import people
from knetik_cloud.sandbox.storage.tables import item_groups, items

MAX_REQUESTS: Final = 20
"""Requests of the journal that a row's page lists."""

MAX_ROWS: Final = 10
"""Rows of another table that a row's page lists."""


def overview(context: Context, visit: Visit) -> Outcome:
    """Show how much there is of everything, and the ways to load and export it."""
    with context.service.database.transaction(reads_only=True) as db:
        counts = data.counts(db)
    tables = [(name, LISTINGS[name].title, counts[name]) for name in LISTINGS]
    return Page("data.html", {"tables": tables})


def listing(context: Context, visit: Visit) -> Outcome:
    """List a table."""
    name = visit.path["table"]
    known = LISTINGS.get(name)
    if known is None:
        raise not_found_error(f"The sandbox has no table {name!r}: it has {', '.join(LISTINGS)}")
    search = visit.query.get("q", "").strip()
    narrowed = {key: visit.query[key] for key in known.filters or () if visit.query.get(key)}
    page = visit.number("page", most=10**6)
    now = context.service.controls.fulfill()
    with context.service.database.transaction(reads_only=True) as db:
        rows, total = data.rows_of(db, known, search, narrowed, page, now)
    return Page(
        "listing.html",
        {
            "name": name,
            "listing": known,
            "rows": rows,
            "total": total,
            "page": page,
            "pages": max(1, -(-total // PAGE_SIZE)),
            "query": {**narrowed, "q": search},
            "search": search,
            "narrowed": narrowed,
        },
    )


def row(context: Context, visit: Visit) -> Outcome:
    """Show a row, and what it is linked to."""
    return _row(context, visit, revealed=False)


def reveal(context: Context, visit: Visit) -> Outcome:
    """Show a row with its secrets. A form asks for it, so that a link never shows them."""
    return _row(context, visit, revealed=True)


def _row(context: Context, visit: Visit, revealed: bool) -> Outcome:
    name, key = visit.path["table"], read_key(visit.path["key"])
    if name not in data.KEYS:
        raise not_found_error(f"The sandbox has no pages for rows of {name!r}")
    service = context.service
    now = service.controls.fulfill()
    with service.database.transaction(reads_only=True) as db:
        found = data.row(db, name, key)
        if found is None:
            raise not_found_error(f"There is no row {key!r} in {name}: it may have been deleted")
        values = _DETAILS[name](service, db, found, now)
    fields, document = _fields(found, revealed)
    matches = touched.matcher(service, name, found)
    return Page(
        "row.html",
        {
            "name": name,
            "title": LISTINGS[name].title,
            "singular": SINGULAR[name],
            "key": key,
            "fields": fields,
            "document": document,
            "has_secrets": any(each in SECRET_NAMES for each in found._mapping) and not revealed,
            "requests": service.controls.journal.newest(MAX_REQUESTS, matches=matches),
            "lists": [],
            "actions": [],
            "checks": [],
            "verdict": None,
            **values,
        },
    )


SINGULAR: Final = {
    "users": "User",
    "entries": "Entry",
    "items": "Item",
    "templates": "Template",
    "skus": "SKU",
    "invoices": "Invoice",
    "clients": "Client",
}

_LINKS: Final = {
    "user_id": "users",
    "item_id": "items",
    "invoice_id": "invoices",
    "sku": "skus",
    "template": "templates",
}
_INSTANTS: Final = frozenset({"expires", "created_date", "updated_date", "fulfill_at"})


def _fields(found: Row[Any], revealed: bool) -> tuple[list[tuple[str, Cell]], Any]:
    """Return a row's columns as cells, and the JSON document that it holds."""
    cells = []
    document = None
    for name, value in found._mapping.items():
        if name in ("document", "behavior_data"):
            document = value
        elif name in SECRET_NAMES:
            cells.append(
                (name, Cell(value if revealed else None, "text" if revealed and value else "secret"))
            )
        elif name in _LINKS and value is not None and not (name == "sku" and "price" in found._mapping):
            cells.append((name, data.link_cell(_LINKS[name], value)))
        elif name in _INSTANTS:
            cells.append((name, Cell(value, "instant")))
        else:
            cells.append((name, Cell(", ".join(value) if isinstance(value, list) else value)))
    return cells, document


def _list(
    db: Connection, name: str, now: float, **filters: Any
) -> tuple[str, str, data.Listing, list[list[Cell]], int]:
    """Fetch the first rows of another table that belong to a row: (title, address, listing, rows, total)."""
    narrowed = {key: str(value) for key, value in filters.items()}
    rows, total = data.rows_of(db, LISTINGS[name], "", narrowed, 1, now)
    return LISTINGS[name].title, link(f"/data/{name}", narrowed), LISTINGS[name], rows[:MAX_ROWS], total


def _try(label: str, operation: str, **values: Any) -> tuple[str, str]:
    return label, link(f"/try/{operation}", values)


def _user(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    groups = people.groups_of(db, found.id)
    return {
        "heading": found.username,
        "more": [("groups", Cell(", ".join(groups)))],
        "lists": [
            _list(db, "entries", now, user=found.id),
            _list(db, "wallets", now, user=found.id),
            _list(db, "invoices", now, user=found.id),
        ],
        "actions": [
            _try("Grant an item", "grant_user_entitlement", user_id=found.id),
            _try("Add an item by SKU", "add_item_to_user_inventory", id=found.id),
            _try("Use an item", "use_user_entitlement_item", user_id=found.id),
            ("Can they use or get an item?", link("/why", {"user": found.id})),
            ("Log of their entries", link("/data/logs", {"user": found.id})),
        ],
    }


def _entry(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    path = {"user_id": found.user_id, "id": found.id}
    checks = why.of_entry(db, found.id, now)
    denied = next((check["denial"] for check in checks if check["denial"]), None)
    return {
        "heading": found.item_name or f"item {found.item_id}",
        "more": [],
        "lists": [_list(db, "logs", now, entry=found.id)],
        "checks": checks,
        "verdict": f"It can't be used: {denied}" if denied else "It can be used now.",
        "actions": [
            _try("Use", "use_user_entitlement_item", user_id=found.user_id, item_id=found.item_id),
            _try("Set the status", "update_user_inventory_status", **path),
            _try("Set when it expires", "update_user_inventory_expires", **path),
            _try("Set the behavior data", "update_user_inventory_behavior_data", **path),
            (
                "Can it be used at another time?",
                link("/why", {"user": found.user_id, "item": found.item_id, "action": "use"}),
            ),
        ],
    }


def _item(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    shared = item_groups.alias("shared")
    sharing = (
        select(item_groups.c.item_id)
        .join(shared, (shared.c.kind == item_groups.c.kind) & (shared.c.name == item_groups.c.name))
        .where(shared.c.item_id == found.id)
    )
    # Not a join with DISTINCT, because PostgreSQL can't compare JSON documents.
    others = select(items).where(items.c.id.in_(sharing), items.c.id != found.id).order_by(items.c.id)
    linked = {row.id: row.document.get("name") for row in db.execute(others.limit(MAX_ROWS))}
    required = [
        item_id
        for behavior in found.document.get("behaviors") or ()
        for item_id in behavior.get("item_ids") or ()
    ]
    more = [
        (label, data.link_cell("items", item_id, f"{item_id} {name}" if name else item_id))
        for label, rows in (("shares limits with", linked), ("requires", dict.fromkeys(required, "")))
        for item_id, name in rows.items()
    ]
    return {
        "heading": found.document.get("name", ""),
        "more": more,
        "lists": [_list(db, "entries", now, item=found.id), _list(db, "skus", now, item=found.id)],
        "actions": [
            _try("Grant it to a user", "grant_user_entitlement", entitlement_id=found.id),
            _try("Change it", "update_entitlement_item", entitlement_id=found.id),
            _try("Delete it", "delete_entitlement_item", entitlement_id=found.id),
            ("Who can get it?", link("/why", {"item": found.id, "action": "get"})),
            ("Log of its entries", link("/data/logs", {"item": found.id})),
        ],
    }


def _template(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    return {
        "heading": found.document.get("name", ""),
        "more": [],
        "lists": [_list(db, "items", now, template=found.id)],
        "actions": [
            _try("Change it", "update_entitlement_template", id=found.id),
            _try("Delete it", "delete_entitlement_template", id=found.id),
        ],
    }


def _sku(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    return {
        "heading": found.description or "",
        "more": [],
        "lists": [_list(db, "entries", now, sku=found.sku)],
        "actions": [_try("Add it to an inventory", "add_item_to_user_inventory", sku=found.sku)],
    }


def _invoice(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    return {
        "heading": found.document.get("invoice_number", ""),
        "more": [],
        "lists": [_list(db, "entries", now, invoice=found.id)],
    }


def _client(service: Service, db: Connection, found: Row[Any], now: float) -> dict[str, Any]:
    return {"heading": "", "more": []}


_DETAILS: Final[Mapping[str, Callable[[Service, Connection, Row[Any], float], dict[str, Any]]]] = {
    "users": _user,
    "entries": _entry,
    "items": _item,
    "templates": _template,
    "skus": _sku,
    "invoices": _invoice,
    "clients": _client,
}


async def export(context: Context, visit: Visit) -> Outcome:
    """Download the data as a seed, of everything or of one user."""
    # Much data takes seconds, in which the sandbox serves other requests.
    return await run_in_threadpool(_export, context, visit)


def _export(context: Context, visit: Visit) -> Outcome:
    document = context.service.controls.export()
    if user := visit.query.get("user"):
        document = _of_user(document, user)
    # Written in Python, YAML loses the control character U+0085, and takes long.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    name = f"sandbox-user-{quote(user, safe='')}.yaml" if user else "sandbox.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, headers=headers, media_type="application/yaml")


def _of_user(document: Mapping[str, Any], user: str) -> dict[str, Any]:
    """Narrow a seed to a user, what the user holds, and the items that this is about."""
    held = [row for row in document["inventory"] if str(row["user_id"]) == user]
    wanted = {row["item_id"] for row in held}
    return {
        "users": [row for row in document["users"] if str(row["id"]) == user],
        "templates": [],
        "items": [
            {key: value for key, value in row.items() if key != "template"}
            for row in document["items"]
            if row["id"] in wanted
        ],
        "skus": [row for row in document["skus"] if row["item_id"] in wanted],
        "inventory": held,
        "wallets": [row for row in document["wallets"] if str(row["user_id"]) == user],
    }


def load(context: Context, visit: Visit) -> Outcome:
    """Add a seed to the data."""
    text = visit.form.get("seed", "")
    if not text.strip():
        raise invalid_error("Paste a seed as YAML or JSON", "seed")
    document = seed.parse(text)
    return undo.act(
        context, visit, "Seed loaded", lambda: context.service.controls.seed(document), back="/data"
    )


def expire_tokens(context: Context, visit: Visit) -> Outcome:
    """End all access tokens."""
    return undo.act(
        context, visit, "Access tokens expired", context.service.controls.expire_tokens, back="/data"
    )
