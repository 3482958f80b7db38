"""Using an entry, and asking whether it could be used: every rule that bears on it, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knetik_cloud.sandbox.rules import consumable, guest_playable, time_period_usable
from knetik_cloud.sandbox.rules.entry import INACTIVE, PENDING, Entry

Behaviors = Sequence[Mapping[str, Any]]

COUNTED = (consumable, time_period_usable)
"""The behaviors that count uses."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not: the behavior that says no (None for the entry's own state) and the reason."""

    behavior: str | None
    reason: str


def find(behaviors: Behaviors, type_hint: str) -> Mapping[str, Any] | None:
    """Give an item's behavior of a kind, None if it has none."""
    return next((behavior for behavior in behaviors if behavior.get("type_hint") == type_hint), None)


def deny_use(behaviors: Behaviors, entry: Entry, guest: bool, now: float) -> Denial | None:
    """Give the first reason why a user can't use an entry now, None if it can be used.

    What a behavior counts is asked before the status, since "used up" says more than "inactive".
    """
    if entry.expired(now):
        return Denial("expirable", f"it expired at {entry.expires}")
    for rule in COUNTED:
        behavior = find(behaviors, rule.NAME)
        if behavior is not None and (reason := rule.deny_use(behavior, entry, now)):
            return Denial(rule.NAME, reason)
    if entry.status == PENDING:
        return Denial(None, "it is pending: it waits for its invoice to be fulfilled or its status to be set")
    if entry.status == INACTIVE:
        return Denial(None, "it is inactive")
    playable = find(behaviors, guest_playable.NAME)
    if playable is not None and (reason := guest_playable.deny_use(playable, guest)):
        return Denial(guest_playable.NAME, reason)
    return None


def use(behaviors: Behaviors, entry: Entry, now: float) -> Entry:
    """Give the entry as a use leaves it."""
    for rule in COUNTED:
        behavior = find(behaviors, rule.NAME)
        if behavior is not None:
            entry = rule.use(behavior, entry, now)
    return entry


def preference(entry: Entry) -> tuple[bool, int, int]:
    """Sort entries of one item in the order to use them up: the one that ends first, then the oldest."""
    return (entry.expires is None, entry.expires or 0, entry.id)
