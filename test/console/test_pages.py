"""The console's pages as plain requests see them: what they show, and what their forms do."""

from __future__ import annotations

from typing import Any

from test.console.conftest import Pages


def test_page_of_an_item_links_to_the_items_that_share_its_limits(pages: Pages) -> None:
    limited: dict[str, Any] = {"type_hint": "limited_gettable", "group": {"name": "hats", "owned_limit": 1}}
    limited["group"]["active_only"] = False
    periodic = {"type_hint": "time_period_gettable", "group_name": "hats", "get_limit": 1}
    periodic |= {"time_length": 1, "unit_of_time": "day"}
    first, second = (pages.create_item(behaviors=[limited, periodic]) for _ in range(2))

    page = pages.page(f"/console/data/items/{first}")

    assert page.count(f'href="/console/data/items/{second}"') == 1
