"""Queries about items, the groups that items share, templates and SKUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, delete, func, insert, select, update

from knetik_cloud.sandbox.storage.database import chunks
from knetik_cloud.sandbox.storage.paging import Page, Sort, fetch, ordered
from knetik_cloud.sandbox.storage.statements import Statement, Values
from knetik_cloud.sandbox.storage.tables import inventory, item_groups, items, skus, templates

Document = dict[str, Any]

_ITEM = Statement(select(items).where(items.c.id == bindparam("item_id")))
_SHARED_ITEM = Statement(select(items).where(items.c.id == bindparam("item_id")).with_for_update(read=True))
_ITEM_BY_KEY = Statement(select(items.c.id).where(items.c.unique_key == bindparam("unique_key")))
_SET_BY_CALLS = ("document", "template", "unique_key")
_INSERT_ITEM = Statement(
    insert(items).returning(items.c.id), [*_SET_BY_CALLS, "created_date", "updated_date"]
)
_SAVE_ITEM = Statement(
    update(items).where(items.c.id == bindparam("item_id")), [*_SET_BY_CALLS, "updated_date"]
)
_RENAME_ENTRIES = Statement(
    update(inventory)
    .where(
        inventory.c.item_id == bindparam("renamed"),
        inventory.c.item_name.is_distinct_from(bindparam("name", type_=Text)),
    )
    .values(item_name=bindparam("name", type_=Text))
)
_LEAVE_GROUPS = Statement(delete(item_groups).where(item_groups.c.item_id == bindparam("left_by")))
_JOIN_GROUP = Statement(insert(item_groups).inline())
_SKU = Statement(select(skus).where(skus.c.sku == bindparam("sku")))


@dataclass(frozen=True, slots=True)
class Sku:
    """The item that a SKU sells, with its price and currency."""

    sku: str
    item_id: int
    description: str | None
    price: float
    currency_code: str


@dataclass(frozen=True, slots=True)
class GroupMember:
    """An item's membership in a group of a kind (a behavior's type_hint), by the group's name."""

    kind: str
    name: str


# Items


def item(db: Connection, item_id: int) -> Document | None:
    """Find an item by id, as its whole resource."""
    row = _ITEM.first(db, item_id=item_id)
    return _item_of(row) if row else None


def shared_item(db: Connection, item_id: int) -> Document | None:
    """Find an item by id, and hold off changes of it until this transaction ends."""
    row = _SHARED_ITEM.first(db, item_id=item_id)
    return _item_of(row) if row else None


def list_items(
    db: Connection,
    page: int,
    size: int,
    sorts: Sequence[Sort],
    template: str | None = None,
    name_prefix: str | None = None,
) -> Page[Document]:
    """Fetch a page of the items of a template whose names start with a prefix. None means any."""
    query = select(items).order_by(*ordered(items, sorts, "id", db))
    if template is not None:
        query = query.where(items.c.template == template)
    if name_prefix is not None:
        name = items.c.document["name"].as_string()
        query = query.where(func.substr(name, 1, len(name_prefix)) == name_prefix)
    return fetch(db, query, page, size, _item)


def item_with_unique_key(db: Connection, unique_key: str) -> int | None:
    """Find the id of the item that has a unique key."""
    row = _ITEM_BY_KEY.first(db, unique_key=unique_key)
    return row[0] if row else None


def items_with_template(db: Connection, template_id: str) -> list[int]:
    """List the ids of the items that a template validates."""
    return list(db.scalars(select(items.c.id).where(items.c.template == template_id).order_by(items.c.id)))


def insert_item(db: Connection, document: Document, now: int) -> int:
    """Store a new item and return its id."""
    values = {**_item_columns(document), "created_date": now, "updated_date": now}
    (item_id,) = _INSERT_ITEM.one(db, **values)
    return int(item_id)


def save_item(db: Connection, item_id: int, document: Document, now: int) -> None:
    """Replace an item's document; and copy its name to its entries."""
    _SAVE_ITEM.run(db, item_id=item_id, **_item_columns(document), updated_date=now)
    _RENAME_ENTRIES.run(db, renamed=item_id, name=document["name"])


def delete_item(db: Connection, item_id: int) -> None:
    """Delete an item and its memberships. Its inventory entries stay."""
    db.execute(delete(items).where(items.c.id == item_id))
    db.execute(delete(item_groups).where(item_groups.c.item_id == item_id))


def missing_items(db: Connection, item_ids: Sequence[int]) -> list[int]:
    """Return those of the ids that no item has."""
    known: set[int] = set()
    for some in chunks(item_ids):
        known.update(db.scalars(select(items.c.id).where(items.c.id.in_(some))))
    return [item_id for item_id in item_ids if item_id not in known]


# Groups


def join_groups(db: Connection, item_id: int, members: Sequence[GroupMember]) -> None:
    """Record the groups that an item's behaviors name, in place of those before."""
    _LEAVE_GROUPS.run(db, left_by=item_id)
    for member in members:
        _JOIN_GROUP.run(db, item_id=item_id, kind=member.kind, name=member.name)


def group_items(db: Connection, member: GroupMember, but: int | None) -> list[Document]:
    """List the items of a group, but one."""
    query = (
        select(items)
        .join(item_groups, item_groups.c.item_id == items.c.id)
        .where(item_groups.c.kind == member.kind, item_groups.c.name == member.name)
        .order_by(items.c.id)
    )
    return [_item(row) for row in db.execute(query) if row.id != but]


# Templates


def template(db: Connection, template_id: str) -> Document | None:
    """Find a template by id, as its whole resource."""
    row = db.execute(select(templates).where(templates.c.id == template_id)).first()
    return _template(row) if row else None


def list_templates(db: Connection, page: int, size: int, sorts: Sequence[Sort]) -> Page[Document]:
    """Fetch a page of all templates."""
    query = select(templates).order_by(*ordered(templates, sorts, "number", db))
    return fetch(db, query, page, size, _template)


def insert_template(db: Connection, document: Document, now: int) -> str:
    """Store a new template and return its id, which is made from its number."""
    values = {"document": document, "created_date": now, "updated_date": now}
    number = db.execute(insert(templates).values(values).returning(templates.c.number)).scalar_one()
    template_id = sha256(f"template {number}".encode()).hexdigest()[:24]
    db.execute(update(templates).where(templates.c.number == number).values(id=template_id))
    return template_id


def save_template(db: Connection, template_id: str, document: Document, now: int) -> None:
    """Replace a template's document."""
    db.execute(
        update(templates).where(templates.c.id == template_id).values(document=document, updated_date=now)
    )


def delete_template(db: Connection, template_id: str) -> None:
    """Delete a template."""
    db.execute(delete(templates).where(templates.c.id == template_id))


# SKUs


def sku(db: Connection, code: str) -> Sku | None:
    """Find what a SKU sells."""
    row = _SKU.first(db, sku=code)
    return Sku(*row) if row else None


def _item(row: Row[Any]) -> Document:
    return {
        "id": row.id,
        **row.document,
        "created_date": row.created_date,
        "updated_date": row.updated_date,
    }


def _item_of(row: Values) -> Document:
    item_id, _, _, document, created, updated = row
    return {"id": item_id, **document, "created_date": created, "updated_date": updated}


def _template(row: Row[Any]) -> Document:
    return _item(row)


def _item_columns(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "document": document,
        "template": document.get("template"),
        "unique_key": document.get("unique_key"),
    }
