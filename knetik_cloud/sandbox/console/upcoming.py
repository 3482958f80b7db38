"""The events to come as time passes: expiring entries and tokens, fulfilled invoices, ending limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Text, cast, func, or_, select

from knetik_cloud.sandbox.rules import time_period_gettable, time_period_usable
from knetik_cloud.sandbox.rules.entry import INACTIVE, Entry
from knetik_cloud.sandbox.rules.using import find
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import inventory, invoices, item_groups, items, tokens

MAX_EVENTS: Final = 50
"""Events that are listed, in the order in which they happen."""

MAX_SCANNED: Final = 2000
"""Entries with a running period that are looked at."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at an instant (epoch seconds): what, and the row that it is about."""

    at: float
    what: str
    table: str | None = None
    key: Any = None


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next events, and how many happen up to the end of the list's span."""

    events: list[Event]
    total: int


def upcoming(service: Service, now: float, until: float | None = None) -> Upcoming:
    """List the next events after an instant, up to and including another one. None means no end."""
    with service.database.transaction(reads_only=True) as db:
        events = sorted(_events(db, now, until), key=lambda event: event.at)
        total = _total(db, now, until)
    within = [event for event in events if until is None or event.at <= until]
    return Upcoming(within[:MAX_EVENTS], max(total, len(within)))


def _events(db: Connection, now: float, until: float | None) -> Iterator[Event]:
    yield from _expiring(db, now, until)
    yield from _fulfilled(db, now, until)
    yield from _usable_again(db, now)
    yield from _gettable_again(db, now)
    yield from _tokens(db, now, until)


def _expiring(db: Connection, now: float, until: float | None) -> Iterator[Event]:
    query = select(inventory).where(inventory.c.expires > now, inventory.c.status != INACTIVE)
    if until is not None:
        query = query.where(inventory.c.expires <= until)
    for row in db.execute(query.order_by(inventory.c.expires, inventory.c.id).limit(MAX_EVENTS)):
        name = row.item_name or f"item {row.item_id}"
        yield Event(row.expires, f"{name} of user {row.user_id} expires", "entries", row.id)


def _fulfilled(db: Connection, now: float, until: float | None) -> Iterator[Event]:
    query = select(invoices).where(invoices.c.fulfill_at > now)
    if until is not None:
        query = query.where(invoices.c.fulfill_at <= until)
    for row in db.execute(query.order_by(invoices.c.fulfill_at).limit(MAX_EVENTS)):
        bought = ", ".join(str(line.get("item_name")) for line in row.document.get("items") or ())
        what = f"The invoice of user {row.user_id} is fulfilled: {bought} becomes active"
        yield Event(row.fulfill_at, what, "invoices", row.id)


def _total(db: Connection, now: float, until: float | None) -> int:
    total = 0
    for column, extra in (
        (inventory.c.expires, inventory.c.status != INACTIVE),
        (invoices.c.fulfill_at, invoices.c.id > 0),
        (tokens.c.expires, tokens.c.expires > now),
    ):
        query = select(func.count()).where(column > now, extra)
        total += db.scalar(query if until is None else query.where(column <= until)) or 0
    return total


def _usable_again(db: Connection, now: float) -> Iterator[Event]:
    """Yield the ends of periods whose uses are used up."""
    query = (
        select(inventory, items.c.document)
        .join(items, items.c.id == inventory.c.item_id)
        .where(
            cast(inventory.c.behavior_data, Text).contains(time_period_usable.NAME),  # no query for each item
            inventory.c.status != INACTIVE,
            or_(inventory.c.expires.is_(None), inventory.c.expires > now),
        )
        .order_by(inventory.c.updated_date.desc())
        .limit(MAX_SCANNED)
    )
    for *columns, item in db.execute(query):
        entry = Entry(*columns)
        behavior = find(item.get("behaviors") or (), time_period_usable.NAME) or {}
        end = time_period_usable.period_end(behavior, entry)
        if end is not None and time_period_usable.deny_use(behavior, entry, now):
            what = f"{item.get('name', '')} of user {entry.user_id} can be used again"
            yield Event(end, what, "entries", entry.id)


def _gettable_again(db: Connection, now: float) -> Iterator[Event]:
    """Yield when users at the limit of a period can get another item of its group."""
    first = (
        select(item_groups.c.name, func.min(item_groups.c.item_id).label("item_id"))
        .where(item_groups.c.kind == time_period_gettable.NAME)
        .group_by(item_groups.c.name)
        .subquery()
    )
    query = select(first.c.name, items.c.document).join(items, items.c.id == first.c.item_id)
    for group, item in list(db.execute(query.order_by(items.c.id))):
        behavior = find(item["behaviors"], time_period_gettable.NAME)
        assert behavior is not None  # the groups follow from the behaviors
        limit = behavior["get_limit"]
        if limit < 1:
            continue
        members = select(item_groups.c.item_id).where(
            item_groups.c.kind == time_period_gettable.NAME, item_groups.c.name == group
        )
        start = time_period_gettable.window_start(behavior, now)
        counted = (inventory.c.item_id.in_(members), inventory.c.created_date > start)
        at_limit = (
            select(inventory.c.user_id)
            .where(*counted)
            .group_by(inventory.c.user_id)
            .having(func.count() >= limit)
            .order_by(func.min(inventory.c.created_date))
            .limit(MAX_EVENTS)
        )
        of_users = (
            select(inventory.c.user_id, inventory.c.created_date)
            .where(*counted, inventory.c.user_id.in_(at_limit))
            .order_by(inventory.c.created_date)
        )
        gets: dict[int, list[int]] = {}
        for user_id, got in db.execute(of_users):
            gets.setdefault(user_id, []).append(got)
        for user_id, dates in gets.items():
            end = time_period_gettable.window_end(behavior, dates[-limit])
            what = f"User {user_id} can get {item.get('name', '')} again (group {group})"
            yield Event(end, what, "users", user_id)


def _tokens(db: Connection, now: float, until: float | None) -> Iterator[Event]:
    query = select(tokens.c.expires, tokens.c.user_id, tokens.c.client_id).where(tokens.c.expires > now)
    if until is not None:
        query = query.where(tokens.c.expires <= until)
    for row in db.execute(query.order_by(tokens.c.expires).limit(MAX_EVENTS)):
        if row.user_id is not None:
            yield Event(row.expires, f"An access token of user {row.user_id} expires", "users", row.user_id)
        else:
            what = f"An access token of client {row.client_id} expires"
            yield Event(row.expires, what, "clients", row.client_id)
