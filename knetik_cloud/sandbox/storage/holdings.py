"""Queries about inventory entries and their log, and about what a user holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
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
from knetik_cloud.sandbox.storage.database import chunks
from knetik_cloud.sandbox.storage.paging import Bookmarks, Listing, Page
from knetik_cloud.sandbox.storage.statements import Statement
from knetik_cloud.sandbox.storage.tables import (
    inventory,
    inventory_log,
    invoices,
    item_groups,
    user_groups,
    users,
)

_ENTRY = Statement(
    select(inventory).where(
        inventory.c.id == bindparam("entry_id"), inventory.c.user_id == bindparam("user_id")
    )
)
_ENTRIES_OF_ITEM = Statement(
    select(inventory)
    .where(inventory.c.user_id == bindparam("user_id"), inventory.c.item_id == bindparam("item_id"))
    .order_by(inventory.c.id)
)
_SET_BY_CALLS = (
    "user_id",
    "item_id",
    "item_name",
    "item_type_hint",
    "status",
    "expires",
    "behavior_data",
    "invoice_id",
    "sku",
)
# Not the item's name, which a renamed item changes meanwhile.
_STATE = ("status", "expires", "behavior_data")
_SAVE_ENTRY = Statement(
    update(inventory).where(inventory.c.id == bindparam("entry_id")), [*_STATE, "updated_date"]
)
_ADD_ENTRY = Statement(
    insert(inventory).returning(inventory.c.id), [*_SET_BY_CALLS, "created_date", "updated_date"]
)
_ADD_LOG = Statement(
    insert(inventory_log).inline(), [each.name for each in inventory_log.c if each.name != "id"]
)

MAX_ENTRIES_TRACED = 20
"""Entries of an item that a trace of a denial looks at, newest first."""

DATE_OPERATORS = {"GT": gt, "LT": lt, "EQ": eq, "GOE": ge, "LOE": le}
NARROWING = ("user_id", "item_name", "item_id", "username", "group")
"""The filters that compare a column with one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a list of entries. None does not narrow it. `dates` are (operator, epoch seconds)."""

    user_id: int | None = None
    inactive: bool = False
    item_name: str | None = None
    item_id: int | None = None
    username: str | None = None
    group: str | None = None
    dates: tuple[tuple[str, int], ...] = ()


class LogLine(NamedTuple):
    """A line of an entry's log. `user_id` is the user who acted, or None for a client or no caller."""

    id: int
    inventory_id: int
    user_id: int | None
    item_id: int
    item_name: str | None
    type: str
    info: str | None
    log_date: int


def entry(db: Connection, user_id: int, entry_id: int) -> Entry | None:
    """Find an entry of a user."""
    row = _ENTRY.first(db, user_id=user_id, entry_id=entry_id)
    return Entry(*row) if row else None


def entries_of_item(db: Connection, user_id: int, item_id: int) -> list[Entry]:
    """List a user's entries of an item, oldest first."""
    return [Entry(*row) for row in _ENTRIES_OF_ITEM.all(db, user_id=user_id, item_id=item_id)]


def list_entries(
    db: Connection, bookmarks: Bookmarks, filters: Filters, page: int, size: int, now: float
) -> Page[Entry]:
    """Fetch a page of the entries that pass the filters, by id."""
    values: dict[str, Any] = {f"date_{number}": each for number, (_, each) in enumerate(filters.dates)}
    for name in NARROWING:
        if (value := getattr(filters, name)) is not None:
            values[name] = value
    if filters.item_name is not None:
        values["length"] = len(filters.item_name)
    listing = _listing(filters.inactive, frozenset(values), tuple(operator for operator, _ in filters.dates))
    if not filters.inactive:
        values["now"] = int(now)
    found = listing.page(db, bookmarks, filters, values, page, size, now)
    return Page([Entry(*row) for row in found.rows], found.total)


def insert_entry(db: Connection, new: Entry, now: int) -> Entry:
    """Store a new entry, and return it with its id and dates."""
    (entry_id,) = _ADD_ENTRY.one(db, **_columns(new), created_date=now, updated_date=now)
    return replace(new, id=entry_id, created_date=now, updated_date=now)


def save_entry(db: Connection, changed: Entry, now: int) -> None:
    """Store the changed state of an entry: its status, its expiry, and the data of its behaviors."""
    values = {name: getattr(changed, name) for name in _STATE}
    _SAVE_ENTRY.run(db, entry_id=changed.id, **values, updated_date=now)


def add_log(db: Connection, about: Entry, type: str, now: int, info: str | None, actor: int | None) -> None:
    """Add a line to an entry's log. `actor` is the user who acted, or None for a client or no caller."""
    _ADD_LOG.run(
        db,
        inventory_id=about.id,
        user_id=actor,
        item_id=about.item_id,
        item_name=about.item_name,
        type=type,
        info=info,
        log_date=now,
    )


def list_log(db: Connection, bookmarks: Bookmarks, entry_id: int, page: int, size: int) -> Page[LogLine]:
    """Fetch a page of an entry's log, oldest line first."""
    values = {"inventory_id": entry_id}
    found = _LOG.page(db, bookmarks, ("log", entry_id), values, page, size, now=0)
    return Page([LogLine(*row) for row in found.rows], found.total)


class UserHoldings:
    """The holdings of a user, for the rules of getting."""

    def __init__(self, db: Connection, user_id: int, now: float) -> None:
        self._db = db
        self._user_id = user_id
        self._now = now

    def held(self, item_ids: Sequence[int]) -> set[int]:
        """Return those of the items of which the user has a usable entry."""
        held: set[int] = set()
        for some in chunks(item_ids):
            query = select(inventory.c.item_id).where(
                inventory.c.user_id == self._user_id, inventory.c.item_id.in_(some), _usable(self._now)
            )
            held.update(self._db.scalars(query))
        return held

    def owned(self, group: str, active_only: bool) -> int:
        """Count the user's entries of a `limited_gettable` group: all, or those that are not inactive.

        Pending entries count, because they become active without another check of the limit.
        """
        counted = _shown(self._now) if active_only else None
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

    def owned_spans(self, group: str, active_only: bool) -> list[tuple[int, int | None]]:
        """List when each entry that `owned` counts was created, and when it expires."""
        counted = _shown(self._now) if active_only else None
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


def _shown(now: float | BindParameter[int]) -> ColumnElement[bool]:
    """Return the condition that an entry is not inactive: neither set so nor expired."""
    instant = now if isinstance(now, BindParameter) else int(now)
    return and_(
        inventory.c.status != INACTIVE, or_(inventory.c.expires.is_(None), inventory.c.expires > instant)
    )


def _usable(now: float) -> ColumnElement[bool]:
    return and_(inventory.c.status == ACTIVE, _shown(now))


@lru_cache(maxsize=256)
def _listing(inactive: bool, given: frozenset[str], operators: tuple[str, ...]) -> Listing:
    """Build the list for filters of a shape: the names of those given, and the operators of the dates."""
    possible: dict[str, ColumnElement[bool]] = {
        "user_id": inventory.c.user_id == bindparam("user_id"),
        "item_name": func.substr(inventory.c.item_name, 1, bindparam("length", type_=Integer))
        == bindparam("item_name", type_=Text),
        "item_id": inventory.c.item_id == bindparam("item_id"),
        "username": inventory.c.user_id.in_(
            select(users.c.id).where(users.c.username == bindparam("username"))
        ),
        "group": inventory.c.user_id.in_(
            select(user_groups.c.user_id).where(user_groups.c.group_name == bindparam("group"))
        ),
    }
    conditions = [condition for name, condition in possible.items() if name in given]
    for number, operator in enumerate(operators):
        instant = bindparam(f"date_{number}", type_=BigInteger)
        conditions.append(DATE_OPERATORS[operator](inventory.c.created_date, instant))
    if inactive:
        return Listing(inventory, conditions)
    return Listing(
        inventory, [_shown(bindparam("now", type_=BigInteger)), *conditions], ends=inventory.c.expires
    )


_LOG = Listing(inventory_log, [inventory_log.c.inventory_id == bindparam("inventory_id")])


def _columns(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _SET_BY_CALLS}
