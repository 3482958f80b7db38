"""Why something is denied: the checks of the item rules, now, at another time, or when a request was made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from knetik_cloud.sandbox import delivery
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.rules import consumable, getting, time_period_usable, using
from knetik_cloud.sandbox.rules.check import HELD, STATUS, Check
from knetik_cloud.sandbox.rules.entry import PENDING, Entry
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage import catalog, holdings, people
from knetik_cloud.sandbox.storage.people import User
from knetik_cloud.sandbox.storage.tables import inventory, inventory_log, invoices

USE, GET = "use", "get"
ACTIONS: Final = (USE, GET)

_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    consumable.NAME: ("use", "behavior_data"),
    time_period_usable.NAME: ("use", "behavior_data"),
    STATUS: ("use", "status", "invoice", "fulfill"),
}
"""The events in an entry's log after which a rule may deny."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a user could use or get an item at an instant (epoch seconds), and the checks behind it."""

    allowed: bool
    user: User
    item: dict[str, Any]
    at: float
    entry_id: int | None
    checks: list[dict[str, Any]]


class _RollBack(Exception):
    """Leaves a transaction without keeping what was done in it."""


def evaluate(service: Service, user_id: int, item_id: int, action: str, at: float) -> Verdict | str:
    """Return whether a user could use or get an item at an instant, or a text with what does not exist.

    It is evaluated on the current data, as if all invoices due by then were fulfilled.
    """
    with _trial(service) as db:
        user = people.user_by_id(db, user_id)
        if user is None:
            return f"There is no user {user_id}"
        item = catalog.item(db, item_id)
        if item is None:
            return f"There is no item {item_id}"
        delivery.fulfill_due(db, at)
        if action == GET:
            owned = holdings.UserHoldings(db, user_id, at)
            checks = [check.to_dict() for check in getting.check_get(item["behaviors"], owned, at)]
            return Verdict(not any(check["denial"] for check in checks), user, item, at, None, checks)
        return _use(db, user, item, at)


@contextmanager
def _trial(service: Service) -> Iterator[Connection]:
    """Open a transaction that is rolled back at its end."""
    with suppress(_RollBack), service.database.transaction() as db:
        yield db
        raise _RollBack


def _use(db: Connection, user: User, item: dict[str, Any], at: float) -> Verdict:
    entries = sorted(holdings.entries_of_item(db, user.id, item["id"]), key=using.preference)
    for entry in entries:
        if using.deny_use(item["behaviors"], entry, user.guest, at) is None:
            return Verdict(True, user, item, at, entry.id, _checks(db, item, entry, user, at))
    if not entries:
        nothing = Check(rule=HELD, denial="the user does not hold it", numbers={"entries": 0})
        return Verdict(False, user, item, at, None, [nothing.to_dict()])
    newest = sorted(entries, key=lambda entry: -entry.id)[: holdings.MAX_ENTRIES_TRACED]
    checks = [check for entry in newest for check in _checks(db, item, entry, user, at)]
    return Verdict(False, user, item, at, None, checks)


def of_entry(db: Connection, entry_id: int, now: float) -> list[dict[str, Any]]:
    """Return the checks of using an entry at an instant, or none if its item was deleted."""
    row = db.execute(select(inventory).where(inventory.c.id == entry_id)).one()
    item = catalog.item(db, row.item_id)
    entry = holdings.entry(db, row.user_id, entry_id)
    user = people.user_by_id(db, row.user_id) or User(row.user_id, f"user-{row.user_id}")
    return _checks(db, item, entry, user, now) if item and entry else []


def of_exchange(service: Service, exchange: Exchange) -> list[dict[str, Any]]:
    """Return the checks that were recorded with a denied request, with what the log adds to them."""
    if not exchange.checks:
        return []
    with service.database.transaction(reads_only=True) as db:
        return [_with_bounds(db, dict(check), exchange.time) for check in exchange.checks]


def permissions(exchange: Exchange) -> str | None:
    """Return why a request without a valid token or permission was rejected, or None for other requests."""
    if exchange.status not in (401, 403) or exchange.checks or not exchange.answer:
        return None
    try:
        body = json.loads(exchange.answer)
    except ValueError:
        return None
    if "error_description" in body:
        return f"The request has no valid token: {body['error_description']}"
    messages = [each.get("message", "") for each in body.get("result", ()) if isinstance(each, dict)]
    return f"The caller is missing a permission: {'; '.join(messages)}" if messages else None


def _checks(
    db: Connection, item: dict[str, Any], entry: Entry, user: User, at: float
) -> list[dict[str, Any]]:
    found = using.check_use(item["behaviors"], entry, user.guest, at)
    return [_with_bounds(db, check.to_dict(), at) for check in found]


def _with_bounds(db: Connection, check: dict[str, Any], at: float) -> dict[str, Any]:
    """Fill in since when an entry's check denies, and until when if an invoice will end it."""
    entry_id = check["inventory_id"]
    if not check["denial"] or entry_id is None:
        return check
    if check["since"] is None and check["rule"] in _EVENTS:
        event = (
            select(inventory_log.c.log_date)
            .where(
                inventory_log.c.inventory_id == entry_id,
                inventory_log.c.type.in_(_EVENTS[check["rule"]]),
                inventory_log.c.log_date <= at,
            )
            .order_by(inventory_log.c.id.desc())
        )
        # A seed may lack the log; then the last change of the entry is the best that is known.
        check["since"] = db.scalar(event.limit(1)) or _changed(db, entry_id, at)
    if check["rule"] == STATUS and check["numbers"].get("status") == PENDING:
        due = (
            select(invoices.c.fulfill_at)
            .join(inventory, inventory.c.invoice_id == invoices.c.id)
            .where(inventory.c.id == entry_id)
        )
        check["until"] = db.scalar(due)
    return check


def _changed(db: Connection, entry_id: int, at: float) -> int | None:
    """Return when an entry was changed last, or None if that was after an instant."""
    changed = db.scalar(select(inventory.c.updated_date).where(inventory.c.id == entry_id))
    return changed if changed is not None and changed <= at else None
