"""Every page is accessible: axe finds nothing, light and dark, on narrow and wide screens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from knetik_cloud.sandbox import Sandbox
from test.console.conftest import Pages
from test.console.visits import ADDRESSES, fill

if TYPE_CHECKING:
    from test.console.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.timeout(600)
def test_no_page_has_violations_or_scrolls_sideways(
    sandbox: Sandbox, pages: Pages, open_page: OpenPage
) -> None:
    from scripts.browser import defects, too_wide

    fill(sandbox, pages)
    page = open_page("/console")
    found = []
    for address in ADDRESSES:
        page.goto(address)
        # 320 px is also what 1280 px are at a zoom of 400 %.
        of_page = [*too_wide(page, 1920), *defects(page, 1280), *defects(page, 320)]
        found += [f"{address}: {defect}" for defect in of_page]

    assert found == []


def test_dialog_of_shortcuts_has_no_violations(open_page: OpenPage) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page("/console")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()

    assert Axe().run(page).violations_count == 0


def test_paper_holds_the_whole_of_a_long_body(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/inventories?size=50")
    page = open_page("/console/journal/1")
    page.emulate_media(media="print")

    body = page.get_by_label("Response body")

    assert body.evaluate("each => each.scrollHeight <= each.clientHeight")
    assert body.evaluate("each => each.clientHeight") > 700
    assert page.locator("header, footer, button").locator("visible=true").count() == 0


def test_current_page_is_marked_in_forced_colors(open_page: OpenPage) -> None:
    page = open_page("/console/data")
    page.emulate_media(forced_colors="active")
    links = page.get_by_role("navigation").get_by_role("link")

    lines = links.evaluate_all("links => links.map(each => getComputedStyle(each).textDecorationLine)")

    assert lines == ["none", "underline", "none", "none", "none", "none", "none"]


def test_defects_of_a_page_are_found(open_page: OpenPage) -> None:
    from scripts.browser import defects

    source = """<html lang="en"><title>Defects</title><style>
        @media (prefers-color-scheme: dark) { h1 { color: #777; background: #888 } }
        main { min-width: 500px }
        </style><main><h1>Faint in the dark</h1></main>"""
    page = open_page(f"data:text/html,{quote(source)}")

    (faint,) = defects(page, 1280)
    assert faint.startswith("at 1280 px, dark: ")
    assert "color-contrast" in faint
    wide, faint = defects(page, 320)
    assert wide.startswith("at 320 px, it is 5")
    assert "color-contrast" in faint
