"""The browser that checks of pages use, and what is wrong with a page in any layout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright

NAMED = os.environ.get("KNETIK_TEST_CHROMIUM")
PROGRAMS = (NAMED,) if NAMED else ("chromium-headless-shell", "chromium")
"""In order of preference. The headless shell takes half the CPU time of Chromium."""

CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
"""The program of the browser, or None."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HEIGHT = 900

FINISH_TRANSITIONS = """() => document.getAnimations()
    .filter(each => each instanceof CSSTransition)
    .forEach(each => each.finish())"""
"""Gives elements their final colors at once instead of a moment after the color scheme changes."""


def launch(playwright: Playwright) -> Browser:
    """Start Chromium, which must be there."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))


def defects(page: Page, width: int) -> Iterator[str]:
    """Yield what axe finds on an open page of a width, light and dark, and whether it scrolls sideways."""
    yield from too_wide(page, width)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.evaluate(FINISH_TRANSITIONS)
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if scheme == "dark":  # which changes nothing else
            options["runOnly"] = ["color-contrast"]
        results = Axe().run(page, options=options)
        if results.violations_count:
            yield f"at {width} px, {scheme}: {results.generate_report()}"


def too_wide(page: Page, width: int) -> Iterator[str]:
    """Yield whether an open page scrolls sideways in a window of a width, which it keeps."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    needed = page.evaluate("document.documentElement.scrollWidth")
    if needed > width:
        yield f"at {width} px, it is {needed} px wide"
