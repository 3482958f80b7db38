"""Using an entry, and asking whether it could be used: every rule that bears on it, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knetik_cloud.sandbox.rules import consumable, guest_playable, time_period_usable
from knetik_cloud.sandbox.rules.check import STATUS, Check
from knetik_cloud.sandbox.rules.entry import INACTIVE, PENDING, Entry

Behaviors = Sequence[Mapping[str, Any]]

COUNTED = (consumable, time_period_usable)
"""The behaviors that count uses."""


_DENIED_STATUS = {
    PENDING: "it is pending: it waits for its invoice to be fulfilled or its status to be set",
    INACTIVE: "it is inactive",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """The behavior that denies a use (None for the entry's own state) and the reason."""

    behavior: str | None
    reason: str


def find(behaviors: Behaviors, type_hint: str) -> Mapping[str, Any] | None:
    """Return an item's behavior of a type, or None if it has none."""
    return next((behavior for behavior in behaviors if behavior.get("type_hint") == type_hint), None)


def deny_use(behaviors: Behaviors, entry: Entry, guest: bool, now: float) -> Denial | None:
    """Return the first reason why a user can't use an entry now, or None if the user can.

    The counters of behaviors are checked before the status, since "used up" explains more than "inactive".
    """
    if entry.expired(now):
        return Denial("expirable", _expired(entry))
    for rule in COUNTED:
        behavior = find(behaviors, rule.NAME)
        if behavior is not None and (reason := rule.deny_use(behavior, entry, now)):
            return Denial(rule.NAME, reason)
    if (reason := _DENIED_STATUS.get(entry.status)) is not None:
        return Denial(None, reason)
    playable = find(behaviors, guest_playable.NAME)
    if playable is not None and (reason := guest_playable.deny_use(playable, guest)):
        return Denial(guest_playable.NAME, reason)
    return None


def check_use(behaviors: Behaviors, entry: Entry, guest: bool, now: float) -> list[Check]:
    """Return the verdict of every rule about an entry, in the order in which `deny_use` asks them."""
    checks = []
    if entry.expires is not None or find(behaviors, "expirable") is not None:
        over = entry.expires if entry.expires is not None and entry.expired(now) else None
        checks.append(
            Check(
                rule="expirable",
                denial=_expired(entry) if over is not None else None,
                numbers={"expires": entry.expires},
                since=over,
                inventory_id=entry.id,
            )
        )
    for rule in COUNTED:
        behavior = find(behaviors, rule.NAME)
        if behavior is not None:
            checks.append(rule.check_use(behavior, entry, now))
    reason = _DENIED_STATUS.get(entry.status)
    checks.append(Check(rule=STATUS, denial=reason, numbers={"status": entry.status}, inventory_id=entry.id))
    playable = find(behaviors, guest_playable.NAME)
    if playable is not None:
        checks.append(
            Check(
                rule=guest_playable.NAME,
                denial=guest_playable.deny_use(playable, guest),
                numbers={"guest": guest, "allowed": bool(playable.get("allowed"))},
                inventory_id=entry.id,
            )
        )
    return checks


def _expired(entry: Entry) -> str:
    return f"it expired at {entry.expires}"


def use(behaviors: Behaviors, entry: Entry, now: float) -> Entry:
    """Return the entry after a use."""
    for rule in COUNTED:
        behavior = find(behaviors, rule.NAME)
        if behavior is not None:
            entry = rule.use(behavior, entry, now)
    return entry


def preference(entry: Entry) -> tuple[bool, int, int]:
    """Sort entries of one item in the order to use them up: the one that ends first, then the oldest."""
    return (entry.expires is None, entry.expires or 0, entry.id)
