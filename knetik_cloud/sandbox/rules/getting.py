"""Getting an item, by grant or by SKU: every rule that bears on it, in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from knetik_cloud.sandbox.rules import (
    expirable,
    fulfillable,
    limited_gettable,
    pre_req_entitlement,
    spendable,
    time_period_gettable,
)
from knetik_cloud.sandbox.rules.check import Check
from knetik_cloud.sandbox.rules.entry import Entry
from knetik_cloud.sandbox.rules.spendable import Credit
from knetik_cloud.sandbox.rules.using import Behaviors, Denial, find

LIMITS = (pre_req_entitlement.NAME, limited_gettable.NAME, time_period_gettable.NAME)
"""The behaviors that can deny a get. Callers with the permission can override each."""


class Holdings(Protocol):
    """The holdings of a user, as far as the rules need them."""

    def held(self, item_ids: Sequence[int]) -> Collection[int]:
        """Return the items of which the user has a usable entry."""

    def owned(self, group: str, active_only: bool) -> int:
        """Count the user's entries of a `limited_gettable` group: all, or those that are not inactive."""

    def got_since(self, group: str, instant: int) -> int:
        """Count the entries of a `time_period_gettable` group that the user got after an instant."""


def deny_get(
    behaviors: Behaviors, holdings: Holdings, now: float, overrides: Collection[str] = ()
) -> Denial | None:
    """Return the first reason why the user can't get the item now, or None if the user can.

    `overrides` names the behaviors to skip.
    """
    applicable = {name: find(behaviors, name) for name in LIMITS if name not in overrides}
    if (required := applicable.get(pre_req_entitlement.NAME)) is not None:
        held = holdings.held(required["item_ids"])
        if reason := pre_req_entitlement.deny_get(required, held):
            return Denial(pre_req_entitlement.NAME, reason)
    limited = applicable.get(limited_gettable.NAME)
    if limited is not None and limited_gettable.has_group(limited):
        group = limited_gettable.group_name(limited) or ""
        owned = holdings.owned(group, limited["group"]["active_only"])
        if reason := limited_gettable.deny_get(limited, owned):
            return Denial(limited_gettable.NAME, reason)
    if (periodic := applicable.get(time_period_gettable.NAME)) is not None:
        group = time_period_gettable.group_name(periodic) or ""
        got = holdings.got_since(group, time_period_gettable.window_start(periodic, now))
        if reason := time_period_gettable.deny_get(periodic, got):
            return Denial(time_period_gettable.NAME, reason)
    return None


class DetailedHoldings(Holdings, Protocol):
    """The details behind the numbers of `Holdings`, for `check_get`."""

    def lost_at(self, item_id: int) -> tuple[float | None, float | None]:
        """Return since when no entry of an item is usable, and when one will be. None means unknown."""

    def owned_spans(self, group: str, active_only: bool) -> list[tuple[int, int | None]]:
        """List when each entry that `owned` counts was created, and when it expires."""

    def got_instants(self, group: str, instant: int) -> list[int]:
        """List when each entry that `got_since` counts was created, in ascending order."""


def check_get(
    behaviors: Behaviors, holdings: DetailedHoldings, now: float, overrides: Collection[str] = ()
) -> list[Check]:
    """Return the verdict of every rule about getting an item, in the order in which `deny_get` asks them."""
    checks = []
    for name, check in _GET_CHECKS.items():
        behavior = find(behaviors, name)
        if behavior is None:
            continue
        if name in overrides:
            checks.append(Check(rule=name, denial=None, numbers={"overridden": True}))
        else:
            checks.append(check(behavior, holdings, now))
    return checks


def _check_required(behavior: Mapping[str, Any], holdings: DetailedHoldings, now: float) -> Check:
    required = list(behavior["item_ids"])
    held = holdings.held(required)
    denial = pre_req_entitlement.deny_get(behavior, held)
    missing = [item_id for item_id in required if item_id not in held]
    bounds = [holdings.lost_at(item_id) for item_id in missing]
    since = [start for start, _ in bounds if start is not None]
    until = [end for _, end in bounds if end is not None]
    return Check(
        rule=pre_req_entitlement.NAME,
        denial=denial,
        numbers={"item_ids": required, "held": sorted(held), "missing": missing},
        # It denies from the first loss on, until the last missing item is there.
        since=min(since) if since else None,
        until=max(until) if until and len(until) == len(missing) else None,
    )


def _check_limited(behavior: Mapping[str, Any], holdings: DetailedHoldings, now: float) -> Check:
    if not limited_gettable.has_group(behavior):
        return Check(rule=limited_gettable.NAME, denial=None)
    group, active_only = limited_gettable.group_name(behavior) or "", behavior["group"]["active_only"]
    spans = holdings.owned_spans(group, active_only)
    limit, owned = behavior["group"]["owned_limit"], len(spans)
    denial = limited_gettable.deny_get(behavior, owned)
    since = until = None
    if denial and limit > 0:
        since = sorted(created for created, _ in spans)[limit - 1]
        ends = sorted(math.inf if expires is None else expires for _, expires in spans)[owned - limit]
        until = ends if active_only and ends < math.inf else None
    numbers = {"group": group, "owned": owned, "owned_limit": limit, "active_only": active_only}
    return Check(rule=limited_gettable.NAME, denial=denial, numbers=numbers, since=since, until=until)


def _check_periodic(behavior: Mapping[str, Any], holdings: DetailedHoldings, now: float) -> Check:
    group = time_period_gettable.group_name(behavior) or ""
    start = time_period_gettable.window_start(behavior, now)
    gets = holdings.got_instants(group, start)
    limit = behavior["get_limit"]
    denial = time_period_gettable.deny_get(behavior, len(gets))
    since = until = None
    if denial and limit > 0:
        since = gets[limit - 1]
        until = time_period_gettable.window_end(behavior, gets[len(gets) - limit])
    numbers = {"group": group, "got": len(gets), "get_limit": limit, "window_start": start}
    return Check(rule=time_period_gettable.NAME, denial=denial, numbers=numbers, since=since, until=until)


_GET_CHECKS: Mapping[str, Callable[[Mapping[str, Any], DetailedHoldings, float], Check]] = {
    pre_req_entitlement.NAME: _check_required,
    limited_gettable.NAME: _check_limited,
    time_period_gettable.NAME: _check_periodic,
}


def grant(behaviors: Behaviors, entry: Entry, now: float, overrides: Collection[str] = ()) -> Entry:
    """Return a new entry with the values that its item's behaviors determine."""
    behavior = find(behaviors, expirable.NAME)
    if behavior is None or expirable.NAME in overrides:
        return entry
    return expirable.grant(behavior, entry, now)


def credit(behaviors: Behaviors, overrides: Collection[str] = ()) -> Credit | None:
    """Return the credit of a grant to the user's wallet, or None."""
    delivery = find(behaviors, fulfillable.NAME)
    money = find(behaviors, spendable.NAME)
    if delivery is None or money is None or {fulfillable.NAME, spendable.NAME} & set(overrides):
        return None
    return spendable.credit(money) if fulfillable.credits_wallet(delivery) else None
