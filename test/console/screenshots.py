"""Makes the screenshots of the guide to the console: `python -m test.console.screenshots`."""

from __future__ import annotations

from pathlib import Path

from knetik_cloud.sandbox import Sandbox
from scripts.browser import launch
from test.console.conftest import Pages

FOLDER = Path(__file__).parents[2] / "docs" / "guides" / "console"
START = "2026-01-05T09:00:00Z"

SHOTS = {
    "journal": "/console",
    "request": "/console/journal/3",
    "entry": "/console/data/entries/56",
    "clock": "/console/clock",
    "code": "/console/journal/code?row=3&as=pytest",
}
"""The address of the page on each screenshot."""


def fill(sandbox: Sandbox, pages: Pages) -> None:
    """Make the requests that the screenshots show, at fixed times."""
    sandbox.freeze(START)
    pages.use(56, 56, query={"info": "round 3"})
    pages.grant(56, 2)
    sandbox.advance(minutes=5)
    pages.grant(56, 2)
    sandbox.fail("get_user_inventories", status=503)
    pages.get("/users/56/inventory")
    pages.get("/users/56/inventory", query={"inactive": "true"})
    request = {"sku": "season_pass", "note": "A gift", "skip_invoice": False, "overrides": []}
    pages.post("/users/3/inventory", request)


def main() -> None:
    """Make all screenshots."""
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(exist_ok=True)
    with Sandbox() as sandbox, sync_playwright() as playwright:
        pages = Pages(sandbox.url)
        fill(sandbox, pages)
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1100, "height": 620}, timezone_id="UTC")
        for name, address in SHOTS.items():
            page.goto(sandbox.url + address)
            page.wait_for_load_state("load")
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()
        pages.close()


if __name__ == "__main__":
    main()
