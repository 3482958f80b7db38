"""Every page is accessible: axe finds nothing, light and dark, on narrow and wide screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knetik_cloud.sandbox import Sandbox
from test.console.conftest import Pages
from test.console.visits import ADDRESSES, fill

if TYPE_CHECKING:
    from test.console.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_has_violations(
    sandbox: Sandbox, pages: Pages, open_page: OpenPage, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    fill(sandbox, pages)
    page = open_page("/console", width=width, scheme=scheme)
    found = {}
    for address in ADDRESSES:
        page.goto(address)
        results = Axe().run(page)
        if results.violations_count:
            found[address] = results.generate_report()

    assert found == {}


@pytest.mark.parametrize("width", [320, 1280, 1920])
def test_no_page_scrolls_sideways(sandbox: Sandbox, pages: Pages, open_page: OpenPage, width: int) -> None:
    # 320 px is also what 1280 px are at a zoom of 400 %.
    fill(sandbox, pages)
    page = open_page("/console", width=width)
    wider = {}
    for address in ADDRESSES:
        page.goto(address)
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            wider[address] = needed

    assert wider == {}


def test_dialog_of_shortcuts_has_no_violations(open_page: OpenPage) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page("/console")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()

    assert Axe().run(page).violations_count == 0
