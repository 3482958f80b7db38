"""The console's pages as plain requests see them: what they show, and what their forms do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.console.conftest import Pages


def test_page_of_an_item_links_to_the_items_that_share_its_limits(pages: Pages) -> None:
    limited: dict[str, Any] = {"type_hint": "limited_gettable", "group": {"name": "hats", "owned_limit": 1}}
    limited["group"]["active_only"] = False
    periodic = {"type_hint": "time_period_gettable", "group_name": "hats", "get_limit": 1}
    periodic |= {"time_length": 1, "unit_of_time": "day"}
    first, second = (pages.create_item(behaviors=[limited, periodic]) for _ in range(2))

    page = pages.page(f"/console/data/items/{first}")

    assert page.count(f'href="/console/data/items/{second}"') == 1


def buy(pages: Pages, user_id: int) -> None:
    """Buy a Potion of Speed, which lasts 30 days, by invoice."""
    body = {"sku": "sku_example", "note": "", "skip_invoice": False, "overrides": []}
    assert pages.post(f"/users/{user_id}/inventory", body).status == 201


@pytest.mark.parametrize("address", ["data/entries?user=1", "data/entries/{id}", "data/users/1"])
def test_page_shows_what_due_invoices_deliver(sandbox: Sandbox, pages: Pages, address: str) -> None:
    buy(pages, 1)
    (entry,) = pages.entries(1, 56)
    sandbox.advance(days=1)

    page = pages.page("/console/" + address.format(**entry))

    assert "active" in page
    assert "pending" not in page


def test_clock_lists_the_end_of_what_due_invoices_deliver(sandbox: Sandbox, pages: Pages) -> None:
    buy(pages, 1)
    sandbox.advance(days=1)

    assert "Potion of Speed of user 1 expires" in pages.page("/console/clock")


def test_later_verdict_counts_the_lifetime_from_the_fulfillment(sandbox: Sandbox, pages: Pages) -> None:
    sandbox.freeze()
    buy(pages, 1)

    for days, verdict in ((29, "could use"), (31, "could not use")):
        at = sandbox.now() + days * 86_400
        page = pages.page(f"/console/why?user=1&item=56&action=use&at={at}")
        assert re.sub(r"\s+", " ", page).count(f"</a> {verdict} <a") == 1
