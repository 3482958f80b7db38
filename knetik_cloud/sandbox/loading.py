"""Writing the rows of seeds into the database, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox.errors import conflict_error
from knetik_cloud.sandbox.operations.items import DEFAULT_SORT
from knetik_cloud.sandbox.rules import groups
from knetik_cloud.sandbox.rules.entry import ACTIVE
from knetik_cloud.sandbox.storage import tables
from knetik_cloud.sandbox.storage.database import align_ids
from knetik_cloud.sandbox.storage.statements import Statement

Row = Mapping[str, Any]

BATCH: Final = 1000
"""The maximum number of rows that are written together."""

SECTIONS: Final = ("users", "clients", "templates", "items", "skus", "inventory", "wallets")
"""The sections of a seed, in the order in which they are loaded."""

_KEYS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "users": [("username",), ("id",)],
    "clients": [("client_id",)],
    "templates": [("id",)],
    "items": [("id",)],
    "skus": [("sku",)],
    "inventory": [("id",)],
    "wallets": [("user_id", "currency_code")],
}
"""The columns by which a row replaces earlier ones. A row without one of them replaces none by it."""

_TABLES: Mapping[str, Table] = {section: tables.metadata.tables[section] for section in SECTIONS}


class Loader:
    """Writes rows of seeds. A row replaces those that have one of its keys.

    Call `finish` at the end. `progress` is called with the number of rows so far.
    """

    def __init__(
        self,
        db: Connection,
        contract: Contract,
        now: float,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._db = db
        self._today = int(now)
        self._progress = progress
        self._ignored = {
            "templates": contract.read_only_fields("ItemTemplateResource"),
            "items": contract.read_only_fields("EntitlementItem"),
        }
        # Names and type hints of items by id.
        self._items: dict[int, tuple[str | None, str | None]] = {}
        self._precede_items = False  # whether any entry was written before its item
        self._filled = {section for section, table in _TABLES.items() if _has_rows(db, table)}
        self._kind = ("", False, False)
        self._rows: list[Row] = []
        self._first = 0  # the number of the first of them among those that were passed to `add`
        self._keys: set[Any] = set()
        self._has_own_ids = False
        self._count = 0

    def add(self, section: str, rows: Iterable[Row]) -> None:
        """Write rows of a section, which have been checked.

        Raises:
            ServiceError: If a row has the unique key of another item.
        """
        self._first = 0
        for number, row in enumerate(rows):
            has_id = row.get("id") is not None
            # An id that the database chooses must be known for the rows that belong to this one.
            alone = not has_id and bool(_parts(section, row))
            keys = _keys_of(section, row)
            if (
                (section, has_id, alone) != self._kind
                or alone
                or len(self._rows) >= BATCH
                or not self._keys.isdisjoint(keys)
            ):
                self._flush()
                self._kind, self._first = (section, has_id, alone), number
            self._rows.append(row)
            self._keys.update(keys)
        self._flush()

    def finish(self) -> None:
        """Complete entries that preceded their items, and make the next ids follow those of the rows."""
        if self._precede_items:
            for column, key in (
                (tables.inventory.c.item_name, "name"),
                (tables.inventory.c.item_type_hint, "type_hint"),
                (tables.inventory_log.c.item_name, "name"),
            ):
                item = tables.items.c.id == column.table.c.item_id
                value = select(tables.items.c.document[key].as_string()).where(item).scalar_subquery()
                self._db.execute(update(column.table).where(column.is_(None)).values({column: value}))
        align_ids(self._db)

    def _flush(self) -> None:
        rows, (section, has_id, alone) = self._rows, self._kind
        if not rows:
            return
        self._rows, self._keys = [], set()
        if not has_id and self._has_own_ids:
            # The ids that the database chooses follow those of earlier rows.
            align_ids(self._db)
        self._has_own_ids = has_id
        if section in self._filled:
            self._make_room(section, rows)
        if section == "items":
            self._check_unique_keys(rows)
            self._items.clear()
        self._filled.add(section)
        stored = [self._stored(section, row) for row in rows]
        table = _TABLES[section]
        if alone:
            key = next(iter(table.primary_key))
            ids = [_insertion(table, tuple(stored[0]), key.name).one(self._db, **stored[0])[0]]
            if section == "items":
                # The names of unnamed groups contain the id.
                rows = [{**rows[0], "id": ids[0]}]
                document = self._stored(section, rows[0])["document"]
                self._db.execute(update(table).where(key == ids[0]).values(document=document))
        else:
            _insertion(table, tuple(stored[0]), None).many(self._db, stored)
            ids = [values["id"] for values in stored] if has_id else []
        self._write_parts(section, rows, stored, ids)
        self._count += len(rows)
        if self._progress is not None:
            self._progress(self._count)

    def _make_room(self, section: str, rows: Sequence[Row]) -> None:
        """Delete the rows that new ones replace."""
        table = _TABLES[section]
        for columns in _KEYS[section]:
            keys = [tuple(row.get(name) for name in columns) for row in rows]
            self._delete(table, columns, [key for key in keys if None not in key])
        owners = [(row["id"],) for row in rows if row.get("id") is not None]
        if section in _PARTS:
            self._delete(*_PARTS[section], owners)

    def _check_unique_keys(self, rows: Sequence[Row]) -> None:
        keys = [row.get("unique_key") for row in rows]
        stored = tables.items.c.unique_key
        given = [key for key in keys if key is not None]
        taken = set(self._db.scalars(select(stored).where(stored.in_(given)))) if given else set()
        for number, key in enumerate(keys, self._first):
            if key in taken:
                path = f"items[{number}]"
                message = f"{path}: unique_key {key!r} is that of another item: choose another"
                raise conflict_error(message, f"{path}.unique_key")
            if key is not None:
                taken.add(key)

    def _delete(self, table: Table, columns: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> None:
        if len(columns) == 1 and keys:
            self._db.execute(delete(table).where(table.c[columns[0]].in_([key for (key,) in keys])))
            return
        for key in keys:
            conditions = (table.c[name] == value for name, value in zip(columns, key, strict=True))
            self._db.execute(delete(table).where(*conditions))

    def _stored(self, section: str, row: Row) -> dict[str, Any]:
        """Return the values of the columns for a row. Rows of a kind have the same columns."""
        match section:
            case "templates":
                return self._resource(section, row, {})
            case "items":
                behaviors = _behaviors(row)
                sort = DEFAULT_SORT if row.get("sort") is None else row["sort"]
                columns = {"template": row.get("template"), "unique_key": row.get("unique_key")}
                return self._resource(section, {**row, "sort": sort, "behaviors": behaviors}, columns)
            case "inventory":
                return self._entry(row)
            case _:
                return _with_defaults(section, row)

    def _resource(self, section: str, row: Row, columns: dict[str, Any]) -> dict[str, Any]:
        created = row.get("created_date", self._today)
        return {
            **({"id": row["id"]} if row.get("id") is not None else {}),
            **columns,
            "document": {key: value for key, value in row.items() if key not in self._ignored[section]},
            "created_date": created,
            "updated_date": row.get("updated_date", created),
        }

    def _entry(self, row: Row) -> dict[str, Any]:
        created = row.get("created_date", self._today)
        item_id = row["item_id"]
        name, type_hint = self._item(item_id)
        stored = {
            "user_id": row["user_id"],
            "item_id": item_id,
            "item_name": row.get("item_name", name),
            "item_type_hint": row.get("item_type_hint", type_hint),
            "status": row.get("status", ACTIVE),
            "expires": row.get("expires"),
            "behavior_data": row.get("behavior_data", {}),
            "sku": row.get("sku"),
            "created_date": created,
            "updated_date": row.get("updated_date", created),
        }
        return stored if row.get("id") is None else {"id": row["id"], **stored}

    def _item(self, item_id: int) -> tuple[str | None, str | None]:
        """Return the name and type hint of an item, or None for both if the item does not exist yet."""
        if item_id not in self._items:
            wanted = select(tables.items.c.document).where(tables.items.c.id == item_id)
            document = self._db.scalar(wanted)
            self._precede_items |= document is None
            self._items[item_id] = (document["name"], document["type_hint"]) if document else (None, None)
        return self._items[item_id]

    def _write_parts(
        self, section: str, rows: Sequence[Row], stored: Sequence[dict[str, Any]], ids: Sequence[int]
    ) -> None:
        """Write the rows that belong to others: users' groups, items' groups, entries' logs."""
        if section == "items":
            self._items.clear()
        parts = [
            self._part(section, part, values, id)
            for row, values, id in zip(rows, stored, ids, strict=False)
            for part in _parts(section, row)
        ]
        if parts:
            _insertion(_PARTS[section][0], tuple(parts[0]), None).many(self._db, parts)

    def _part(self, section: str, part: Any, owner: Mapping[str, Any], id: int) -> dict[str, Any]:
        match section:
            case "users":
                return {"user_id": id, "group_name": part}
            case "items":
                return {"item_id": id, "kind": part.kind, "name": part.name}
            case _:
                return {
                    "inventory_id": id,
                    "user_id": part.get("user_id"),
                    "item_id": owner["item_id"],
                    "item_name": owner["item_name"],
                    "type": part["type"],
                    "info": part.get("info"),
                    "log_date": part.get("log_date", owner["created_date"]),
                }


_PARTS: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "users": (tables.user_groups, ("user_id",)),
    "items": (tables.item_groups, ("item_id",)),
    "inventory": (tables.inventory_log, ("inventory_id",)),
}
"""The tables of the rows that belong to others, with the column that holds the owner's id."""

_DEFAULTS: Mapping[str, Row] = {
    "users": {
        "username": None,
        "display_name": None,
        "avatar_url": None,
        "password": None,
        "guest": False,
        "permissions": [],
    },
    "clients": {"client_id": None, "client_secret": None, "permissions": []},
    "skus": {"sku": None, "item_id": None, "description": None, "price": 0.0, "currency_code": "USD"},
    "wallets": {"user_id": None, "currency_code": None, "balance": None},
}
"""The columns of the other sections, with their defaults."""


def _has_rows(db: Connection, table: Table) -> bool:
    return db.execute(select(table).limit(1)).first() is not None


def _with_defaults(section: str, row: Row) -> dict[str, Any]:
    stored = {name: row.get(name, default) for name, default in _DEFAULTS[section].items()}
    return stored if row.get("id") is None else {"id": row["id"], **stored}


def _keys_of(section: str, row: Row) -> list[tuple[Any, ...]]:
    keys = [(columns, *(row.get(name) for name in columns)) for columns in _KEYS[section]]
    return [key for key in keys if None not in key]


def _parts(section: str, row: Row) -> Sequence[Any]:
    """Return what belongs to a row in tables of its own."""
    match section:
        case "users":
            return row.get("groups") or ()
        case "inventory":
            return row.get("log") or ()
        case "items":
            return groups.uses(_behaviors(row))
        case _:
            return ()


def _behaviors(item: Row) -> list[dict[str, Any]]:
    """Return the behaviors of an item with names for all groups, which are not final before it has an id."""
    return groups.with_names(item.get("behaviors") or (), item.get("id") or 0)


@cache
def _insertion(table: Table, columns: tuple[str, ...], returned: str | None) -> Statement:
    statement = insert(table).inline() if returned is None else insert(table).returning(table.c[returned])
    return Statement(statement, columns)
