"""Queries about inventory entries and their log, and about what a user holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from knetik_cloud.sandbox.rules import limited_gettable, time_period_gettable
from knetik_cloud.sandbox.rules.entry import ACTIVE, INACTIVE, PENDING, Entry
from knetik_cloud.sandbox.storage.paging import Page, fetch
from knetik_cloud.sandbox.storage.tables import (
    inventory,
    inventory_log,
    invoices,
    item_groups,
    user_groups,
    users,
)

# Built once: to build a query takes longer than SQLite takes to answer it.
_ENTRY = select(inventory).where(
    inventory.c.id == bindparam("entry_id"), inventory.c.user_id == bindparam("user_id")
)
_ENTRIES_OF_ITEM = (
    select(inventory)
    .where(inventory.c.user_id == bindparam("user_id"), inventory.c.item_id == bindparam("item_id"))
    .order_by(inventory.c.id)
)
_SAVE_ENTRY = update(inventory).where(inventory.c.id == bindparam("entry_id"))
_ADD_ENTRY = insert(inventory).returning(inventory)
_ADD_LOG = insert(inventory_log)

MAX_ENTRIES_TRACED = 20
"""Entries of an item that a trace of a denial looks at, newest first."""

DATE_OPERATORS = {"GT": gt, "LT": lt, "EQ": eq, "GOE": ge, "LOE": le}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of entries is narrowed to; None does not narrow. `dates` are (operator, epoch seconds)."""

    user_id: int | None = None
    inactive: bool = False
    item_name: str | None = None
    item_id: int | None = None
    username: str | None = None
    group: str | None = None
    dates: Sequence[tuple[str, int]] = ()


def entry(db: Connection, user_id: int, entry_id: int) -> Entry | None:
    """Find an entry of a user."""
    row = db.execute(_ENTRY, {"user_id": user_id, "entry_id": entry_id}).first()
    return _entry(row) if row else None


def entries_of_item(db: Connection, user_id: int, item_id: int) -> list[Entry]:
    """List a user's entries of an item, oldest first."""
    return [_entry(row) for row in db.execute(_ENTRIES_OF_ITEM, {"user_id": user_id, "item_id": item_id})]


def list_entries(db: Connection, filters: Filters, page: int, size: int, now: float) -> Page[Entry]:
    """Fetch a page of the entries that pass the filters, by id."""
    query = select(inventory).where(*_conditions(filters, now)).order_by(inventory.c.id)
    return fetch(db, query, page, size, _entry)


def insert_entry(db: Connection, new: Entry, now: int) -> Entry:
    """Store a new entry; give it with its id and dates."""
    values = {**_columns(new), "created_date": now, "updated_date": now}
    return _entry(db.execute(_ADD_ENTRY, values).one())


def save_entry(db: Connection, changed: Entry, now: int) -> None:
    """Write a changed entry back."""
    db.execute(_SAVE_ENTRY, {"entry_id": changed.id, **_columns(changed), "updated_date": now})


def add_log(db: Connection, about: Entry, type: str, now: int, info: str | None, actor: int | None) -> None:
    """Add a line to an entry's log; `actor` is the user who did it, None for a client or nobody."""
    line = {
        "inventory_id": about.id,
        "user_id": actor,
        "item_id": about.item_id,
        "item_name": about.item_name,
        "type": type,
        "info": info,
        "log_date": now,
    }
    db.execute(_ADD_LOG, line)


def list_log(db: Connection, entry_id: int, page: int, size: int) -> Page[Row[Any]]:
    """Fetch a page of an entry's log, oldest line first."""
    query = select(inventory_log).where(inventory_log.c.inventory_id == entry_id).order_by(inventory_log.c.id)
    return fetch(db, query, page, size, lambda row: row)


class UserHoldings:
    """What one user holds now, as the rules of getting ask it."""

    def __init__(self, db: Connection, user_id: int, now: float) -> None:
        self._db = db
        self._user_id = user_id
        self._now = now

    def held(self, item_ids: Sequence[int]) -> set[int]:
        """Give those of the items of which the user has a usable entry."""
        return set(
            self._db.scalars(
                select(inventory.c.item_id).where(
                    inventory.c.user_id == self._user_id,
                    inventory.c.item_id.in_(item_ids),
                    _usable(self._now),
                )
            )
        )

    def owned(self, group: str, usable_only: bool) -> int:
        """Count the user's entries of a `limited_gettable` group; pending ones are counted as usable."""
        counted = _shown(self._now) if usable_only else None
        return self._count(limited_gettable.NAME, group, counted)

    def got_since(self, group: str, instant: int) -> int:
        """Count the entries of a `time_period_gettable` group that the user got after an instant."""
        return self._count(time_period_gettable.NAME, group, inventory.c.created_date > instant)

    def lost_at(self, item_id: int) -> tuple[float | None, float | None]:
        """Return since when no entry of an item is usable, and when one will be. None means unknown."""
        since: float | None = None
        until: float | None = None
        query = (
            select(inventory, invoices.c.fulfill_at)
            .outerjoin(invoices, invoices.c.id == inventory.c.invoice_id)
            .where(inventory.c.user_id == self._user_id, inventory.c.item_id == item_id)
            .order_by(inventory.c.id.desc())
            .limit(MAX_ENTRIES_TRACED)
        )
        for row in self._db.execute(query):
            expires = row.expires if row.expires is not None and row.expires <= self._now else None
            if row.status == PENDING and expires is None:
                until = row.fulfill_at if until is None else min(until, row.fulfill_at or until)
                continue
            lost = expires if expires is not None else row.updated_date
            since = lost if since is None else max(since, lost)
        return since, until

    def owned_spans(self, group: str, usable_only: bool) -> list[tuple[int, int | None]]:
        """List when each entry that `owned` counts was created, and when it expires."""
        counted = _shown(self._now) if usable_only else None
        query = self._members(limited_gettable.NAME, group, counted)
        return [
            (row.created_date, row.expires)
            for row in self._db.execute(
                query.with_only_columns(inventory.c.created_date, inventory.c.expires)
            )
        ]

    def got_instants(self, group: str, instant: int) -> list[int]:
        """List when each entry that `got_since` counts was created, in ascending order."""
        query = self._members(time_period_gettable.NAME, group, inventory.c.created_date > instant)
        created = inventory.c.created_date
        return list(self._db.scalars(query.with_only_columns(created).order_by(created)))

    def _count(self, kind: str, group: str, condition: ColumnElement[bool] | None) -> int:
        query = self._members(kind, group, condition)
        return self._db.scalar(query.with_only_columns(func.count())) or 0

    def _members(self, kind: str, group: str, condition: ColumnElement[bool] | None) -> Select[Any]:
        members = select(item_groups.c.item_id).where(item_groups.c.kind == kind, item_groups.c.name == group)
        query = select(inventory).where(
            inventory.c.user_id == self._user_id, inventory.c.item_id.in_(members)
        )
        return query if condition is None else query.where(condition)


def _shown(now: float) -> ColumnElement[bool]:
    """The condition that an entry is not inactive: neither set so nor expired."""
    return and_(
        inventory.c.status != INACTIVE, or_(inventory.c.expires.is_(None), inventory.c.expires > int(now))
    )


def _usable(now: float) -> ColumnElement[bool]:
    return and_(inventory.c.status == ACTIVE, _shown(now))


def _conditions(filters: Filters, now: float) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if not filters.inactive:
        conditions.append(_shown(now))
    if filters.user_id is not None:
        conditions.append(inventory.c.user_id == filters.user_id)
    if filters.item_name is not None:
        prefix = func.substr(inventory.c.item_name, 1, len(filters.item_name))
        conditions.append(prefix == filters.item_name)
    if filters.item_id is not None:
        conditions.append(inventory.c.item_id == filters.item_id)
    if filters.username is not None:
        named = select(users.c.id).where(users.c.username == filters.username)
        conditions.append(inventory.c.user_id.in_(named))
    if filters.group is not None:
        members = select(user_groups.c.user_id).where(user_groups.c.group_name == filters.group)
        conditions.append(inventory.c.user_id.in_(members))
    for operator, instant in filters.dates:
        conditions.append(DATE_OPERATORS[operator](inventory.c.created_date, instant))
    return conditions


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)


def _columns(entry: Entry) -> dict[str, Any]:
    return {
        "user_id": entry.user_id,
        "item_id": entry.item_id,
        "item_name": entry.item_name,
        "item_type_hint": entry.item_type_hint,
        "status": entry.status,
        "expires": entry.expires,
        "behavior_data": entry.behavior_data,
        "invoice_id": entry.invoice_id,
        "sku": entry.sku,
    }
