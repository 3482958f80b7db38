"""The checks behind denials: they agree with the rules, and their bounds in time are true."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.rules import getting, time_period_gettable, using
from knetik_cloud.sandbox.rules.entry import STATUSES, Entry
from knetik_cloud.sandbox.rules.periods import UNITS
from test.sandbox.web import Web

NOW = 1_000_000_000.5
INSTANTS = st.integers(1_000_000_000 - 90_000, 1_000_000_000 + 90_000)
COUNTS = st.integers(0, 3)
LENGTHS = {"time_length": st.integers(1, 3), "unit_of_time": st.sampled_from(UNITS)}


def behavior(type_hint: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type_hint": st.just(type_hint), **fields})


LIMITS = st.one_of(st.none(), st.integers(1, 3))
USE_BEHAVIORS = st.tuples(
    behavior("consumable", max_use=LIMITS),
    behavior("time_period_usable", max_use=LIMITS, **LENGTHS),
    behavior("guest_playable", allowed=st.booleans()),
    behavior("expirable", **LENGTHS),
)
ENTRIES = st.builds(
    Entry,
    id=st.just(1),
    user_id=st.just(1),
    item_id=st.just(1),
    status=st.sampled_from(STATUSES),
    expires=st.none() | INSTANTS,
    behavior_data=st.fixed_dictionaries(
        {
            "consumable": st.fixed_dictionaries({"use_count": COUNTS}),
            "time_period_usable": st.fixed_dictionaries({"use_count": COUNTS, "period_start": INSTANTS}),
        }
    ),
)


@given(st.sets(st.integers(0, 3)), USE_BEHAVIORS, ENTRIES, st.booleans())
def test_first_denying_check_of_a_use_is_the_denial(
    chosen: set[int], every: tuple[dict[str, Any], ...], entry: Entry, guest: bool
) -> None:
    behaviors = [every[number] for number in chosen]

    denial = using.deny_use(behaviors, entry, guest, NOW)
    checks = using.check_use(behaviors, entry, guest, NOW)

    denying = [check for check in checks if check.denial]
    assert (denial.reason if denial else None) == (denying[0].denial if denying else None)
    if denial is not None and denial.behavior is not None:
        assert denying[0].rule == denial.behavior


@dataclass
class Held:
    """Holdings of one user as lists, to compare with what the rules conclude from them."""

    items: Sequence[int]
    spans: Sequence[tuple[int, int | None]]

    def held(self, item_ids: Sequence[int]) -> Collection[int]:
        return set(item_ids) & set(self.items)

    def owned(self, group: str, active_only: bool) -> int:
        return len(self.owned_spans(group, active_only))

    def got_since(self, group: str, instant: int) -> int:
        return len(self.got_instants(group, instant))

    def lost_at(self, item_id: int) -> tuple[float | None, float | None]:
        return None, None

    def owned_spans(self, group: str, active_only: bool) -> list[tuple[int, int | None]]:
        return [span for span in self.spans if not active_only or span[1] is None or span[1] > int(self.now)]

    def got_instants(self, group: str, instant: int) -> list[int]:
        return sorted(created for created, _ in self.spans if created > instant)

    now: float = NOW


GROUP = st.fixed_dictionaries(
    {"name": st.just("g"), "active_only": st.booleans(), "owned_limit": st.integers(0, 3)}
)
GET_BEHAVIORS = st.tuples(
    behavior("pre_req_entitlement", item_ids=st.lists(st.integers(1, 3), unique=True)),
    behavior("limited_gettable", group=GROUP),
    behavior("time_period_gettable", group_name=st.just("g"), get_limit=st.integers(0, 3), **LENGTHS),
)
HOLDINGS = st.builds(
    Held,
    items=st.lists(st.integers(1, 3)),
    spans=st.lists(st.tuples(st.integers(999_000_000, 1_000_000_000), st.none() | INSTANTS), max_size=5),
)


@given(st.sets(st.integers(0, 2)), GET_BEHAVIORS, HOLDINGS)
def test_first_denying_check_of_a_get_is_the_denial(
    chosen: set[int], every: tuple[dict[str, Any], ...], holdings: Held
) -> None:
    behaviors = [every[number] for number in chosen]

    denial = getting.deny_get(behaviors, holdings, NOW)
    checks = getting.check_get(behaviors, holdings, NOW)

    denying = [check for check in checks if check.denial]
    assert (denial and (denial.behavior, denial.reason)) == (
        (denying[0].rule, denying[0].denial) if denying else None
    )


@given(st.integers(0, 2), GET_BEHAVIORS, HOLDINGS)
def test_a_get_is_denied_until_the_bound_and_allowed_from_then_on(
    number: int, every: tuple[dict[str, Any], ...], holdings: Held
) -> None:
    rule = every[number]
    until = next((check.until for check in getting.check_get([rule], holdings, NOW) if check.denial), None)
    if until is None:
        return

    holdings.now = until - 1
    assert getting.deny_get([rule], holdings, until - 1) is not None
    holdings.now = until
    assert getting.deny_get([rule], holdings, until) is None


@given(st.integers(2_000_000_000, 4_000_000_000), st.integers(1, 40), st.sampled_from(UNITS))
def test_window_ends_at_the_first_instant_that_no_longer_counts_a_get(
    got: int, length: int, unit: str
) -> None:
    rule = {"time_length": length, "unit_of_time": unit}

    end = time_period_gettable.window_end(rule, got)

    assert not got > time_period_gettable.window_start(rule, end)
    assert got > time_period_gettable.window_start(rule, end - 1)


def denied(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the denying checks of the newest exchange by rule."""
    checks = sandbox.journal()[-1].checks or []
    return {check["rule"]: dict(check) for check in checks if check["denial"]}


def test_journal_records_the_checks_of_a_denied_use(sandbox: Sandbox, web: Web) -> None:
    response = web.post("/users/3/entitlements/56/use")

    assert response.status == 403
    check = denied(sandbox)["consumable"]
    assert check["numbers"] == {"use_count": 10, "max_use": 10}
    assert check["inventory_id"] == 2
    assert sandbox.journal()[-1].user_id == 3


def test_journal_records_when_a_daily_limit_ends(sandbox: Sandbox, web: Web) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    web.post("/users/56/entitlements", {"entitlement_id": 2})
    sandbox.advance(hours=1)

    assert web.post("/users/56/entitlements", {"entitlement_id": 2}).status == 400

    check = denied(sandbox)["time_period_gettable"]
    assert check["since"] == sandbox.now() - 3600
    assert check["until"] == sandbox.now() + 23 * 3600
    sandbox.set_time(check["until"] - 1)
    assert web.post("/users/56/entitlements", {"entitlement_id": 2}).status == 400
    sandbox.set_time(check["until"])
    assert web.post("/users/56/entitlements", {"entitlement_id": 2}).status == 202


def test_journal_records_when_a_limit_on_holdings_ends(sandbox: Sandbox, web: Web) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    web.post("/users/56/entitlements", {"entitlement_id": 1})

    assert web.post("/users/56/entitlements", {"entitlement_id": 1}).status == 400

    check = denied(sandbox)["limited_gettable"]
    assert check["numbers"]["owned"] == check["numbers"]["owned_limit"] == 1
    assert check["since"] == sandbox.now()
    sandbox.set_time(check["until"])
    assert web.post("/users/56/entitlements", {"entitlement_id": 1}).status == 202


@pytest.mark.parametrize("status", ["inactive", "pending"])
def test_journal_records_since_when_a_required_item_is_missing(
    sandbox: Sandbox, web: Web, status: str
) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    web.post("/users/56/entitlements", {"entitlement_id": 1})
    entry = web.get("/users/56/inventory?filter_item_id=1").json["content"][-1]["id"]
    sandbox.advance(hours=1)
    web.put(f"/users/56/inventory/{entry}/status", status)
    lost = sandbox.now()
    sandbox.advance(hours=1)

    assert web.post("/users/56/entitlements", {"entitlement_id": 3}).status == 400

    check = denied(sandbox)["pre_req_entitlement"]
    assert check["numbers"] == {"item_ids": [1], "held": [], "missing": [1]}
    assert check["since"] == (lost if status == "inactive" else None)


def test_journal_records_that_a_required_item_is_missing_since_it_expired(sandbox: Sandbox, web: Web) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    web.post("/users/56/entitlements", {"entitlement_id": 1})
    entry = web.get("/users/56/inventory?filter_item_id=1").json["content"][-1]["id"]
    web.put(f"/users/56/inventory/{entry}/expires", int(sandbox.now()) + 3600)
    sandbox.advance(hours=1)

    assert web.post("/users/56/entitlements", {"entitlement_id": 3}).status == 400

    assert denied(sandbox)["pre_req_entitlement"]["since"] == sandbox.now()


def test_journal_records_when_a_required_item_is_delivered(sandbox: Sandbox, web: Web) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    order = {"sku": "season_pass", "note": "", "skip_invoice": False}
    assert web.post("/users/56/inventory", order).status == 201
    delivered = sandbox.now() + 1

    assert web.post("/users/56/entitlements", {"entitlement_id": 3}).status == 400

    check = denied(sandbox)["pre_req_entitlement"]
    assert (check["since"], check["until"]) == (None, delivered)
    sandbox.set_time(delivered)
    assert web.post("/users/56/entitlements", {"entitlement_id": 3}).status == 202


def test_item_that_the_user_never_held_is_reported_as_not_held(sandbox: Sandbox, web: Web) -> None:
    web.get("/users/3/entitlements/3/check")

    assert list(denied(sandbox)) == ["held"]
