"""Getting an item, by grant or by SKU: every rule that bears on it, in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from knetik_cloud.sandbox.rules import (
    expirable,
    fulfillable,
    limited_gettable,
    pre_req_entitlement,
    spendable,
    time_period_gettable,
)
from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.rules.spendable import Credit
from knetik_cloud.sandbox.rules.using import Behaviors, Denial, find

LIMITS = (pre_req_entitlement.NAME, limited_gettable.NAME, time_period_gettable.NAME)
"""The behaviors that can refuse a get; each can be overridden where the caller may."""


class Holdings(Protocol):
    """What a user holds, as far as the rules ask."""

    def held(self, item_ids: Sequence[int]) -> Collection[int]:
        """Give those of the items of which the user has a usable entry."""

    def owned(self, group: str, usable_only: bool) -> int:
        """Count the user's entries of a `limited_gettable` group."""

    def got_since(self, group: str, instant: int) -> int:
        """Count the entries of a `time_period_gettable` group that the user got after an instant."""


def deny_get(
    behaviors: Behaviors, holdings: Holdings, now: float, overrides: Collection[str] = ()
) -> Denial | None:
    """Give the first reason why the user can't get the item now, None if nothing stands against it.

    `overrides` names the behaviors to skip.
    """
    asked = {name: find(behaviors, name) for name in LIMITS if name not in overrides}
    if (required := asked.get(pre_req_entitlement.NAME)) is not None:
        held = holdings.held(required["item_ids"])
        if reason := pre_req_entitlement.deny_get(required, held):
            return Denial(pre_req_entitlement.NAME, reason)
    limited = asked.get(limited_gettable.NAME)
    if limited is not None and limited_gettable.has_group(limited):
        group = limited_gettable.group_name(limited) or ""
        owned = holdings.owned(group, limited["group"]["active_only"])
        if reason := limited_gettable.deny_get(limited, owned):
            return Denial(limited_gettable.NAME, reason)
    if (periodic := asked.get(time_period_gettable.NAME)) is not None:
        group = time_period_gettable.group_name(periodic) or ""
        got = holdings.got_since(group, time_period_gettable.window_start(periodic, now))
        if reason := time_period_gettable.deny_get(periodic, got):
            return Denial(time_period_gettable.NAME, reason)
    return None


def grant(behaviors: Behaviors, entry: Entry, now: float, overrides: Collection[str] = ()) -> Entry:
    """Give a new entry as its item's behaviors shape it."""
    behavior = find(behaviors, expirable.NAME)
    if behavior is None or expirable.NAME in overrides:
        return entry
    return expirable.grant(behavior, entry, now)


def credit(behaviors: Behaviors, overrides: Collection[str] = ()) -> Credit | None:
    """Give what a grant adds to the user's wallet, None if nothing."""
    delivery = find(behaviors, fulfillable.NAME)
    money = find(behaviors, spendable.NAME)
    if delivery is None or money is None or {fulfillable.NAME, spendable.NAME} & set(overrides):
        return None
    return spendable.credit(money) if fulfillable.credits_wallet(delivery) else None
