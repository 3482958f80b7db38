"""Open pages of the built documentation site in Chromium: `python -m scripts.check_site FOLDER`.

It fails if axe finds a violation, if a page scrolls sideways, is cut on paper or requests another host, if
the first view of any page loads more than `MAX_FIRST_VIEW` bytes, if the search misses a page, or if the
Markdown of a page is incomplete or has a dead link. KNETIK_TEST_CHROMIUM may name the program.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
import threading
from collections.abc import Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import CHROMIUM, HEIGHT, defects, launch

MAX_FIRST_VIEW = 45_000
"""The most bytes of HTML, styles and scripts that a page loads, compressed. The search's index is extra."""

PAGES = (
    "index.html",
    "guides/bulk.html",
    "guides/frameworks/fastapi.html",
    "guides/sharing.html",
    "reference/settings.html",
    "UsersInventoryApi.html",
    "EntitlementItem.html",
    "search.html?q=deadline",
)
"""A page of each layout."""

SEARCHES = {
    "once": "guides/was-it-applied.html",
    "before": "reference/filters.html",
    "after": "reference/filters.html",
    "at": "reference/filters.html",
    "between": "reference/filters.html",
    "then": "reference/filters.html",
    "me": "UsersInventoryApi.html",
    "until": "UsersInventoryApi.html",
    "401": "reference/exceptions.html",
    "403": "reference/exceptions.html",
    "404": "reference/exceptions.html",
    "429": "guides/errors-and-retries.html",
    "503": "guides/errors-and-retries.html",
    "429 retry": "guides/errors-and-retries.html",
    "1007": "reference/result-codes.html",
}
"""A page that each search must find: names of the package that are also common words, statuses and codes."""

FIRST = {
    "install": "index.html",
    "quickstart": "index.html",
    "retry": "guides/errors-and-retries.html",
    "rate limit": "guides/errors-and-retries.html",
    "proxy": "guides/proxies-and-tls.html",
    "csv export": "guides/export.html",
    "expired token": "guides/authentication.html",
    "sandbox port": "guides/sandbox.html",
    "ApiValueError": "reference/exceptions.html",
}
"""The page that each search must find first."""

WIDTHS = (390, 1280)
LINKED = re.compile(r'<(?:script|link)\b[^>]*?(?:src|href)="([^"?#]+\.(?:js|css))[^>]*>')
TITLE_SIZES = """() => ['h1', 'h2', 'h3', 'h4']
    .map(level => [level, document.querySelector(`article ${level}`)])
    .filter(([level, found]) => found !== null && found.checkVisibility())
    .map(([level, found]) => ({level, size: parseFloat(getComputedStyle(found).fontSize)}))"""
"""Returns the size of the first title of each level that a page shows."""
PAPER_WIDTH = 717
"""The width of a sheet of A4 in pixels, without the margins of Chromium."""
CUT = """() => [...document.querySelectorAll('pre')]
    .filter(each => each.scrollWidth > each.clientWidth).length"""
"""Returns the number of blocks of code that are wider than their place."""
SCROLLING = """() => [...document.querySelectorAll('body *')]
    .filter(each => each.closest('article') ?? each.querySelector('article'))
    .filter(each => /auto|scroll/.test(getComputedStyle(each).overflow) && each.checkVisibility()).length"""
"""Returns the number of elements of the content that could be scrolled."""
PRESS_RIGHT = """each => each.focus() ?? each.dispatchEvent(
    new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true, cancelable: true}))"""
"""Returns whether the browser may do what it does with the key."""
MAX_GROUP = 14
"""The most pages that one heading of the navigation stands over."""

CODE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)
DESCRIPTION = re.compile(r'<meta name="description" content="[^"]+')
MARKDOWN_LINK = re.compile(r"\]\((?!\w+:)([^)\s#]+)")


class Handler(SimpleHTTPRequestHandler):
    """Serves the site without a log."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Drop the line."""


def main(folder: Path) -> int:
    """Print the problems, and return 1 if there are any."""
    if CHROMIUM is None:
        sys.exit("Chromium is missing: install it, or name its program in KNETIK_TEST_CHROMIUM")
    problems = [*too_heavy(folder), *problems_of_twins(folder)]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = launch(playwright)
            url = f"http://127.0.0.1:{server.server_port}"
            problems += problems_of_pages(browser, url)
            problems += missed_by_search(browser, url)
            browser.close()
        server.shutdown()
    print("\n".join(problems) or f"{len(PAGES)} pages opened at {len(WIDTHS)} widths: no problem found")
    return 1 if problems else 0


def too_heavy(folder: Path) -> Iterator[str]:
    """Yield the pages whose first view is too large."""

    @cache
    def size(path: Path) -> int:
        return len(gzip.compress(path.read_bytes())) if path.is_file() else 0

    for page in sorted(folder.rglob("*.html")):
        linked = {*LINKED.findall(page.read_text(encoding="utf-8"))} - {"searchindex.js"}
        total = size(page) + sum(size((page.parent / name).resolve()) for name in linked)
        if total > MAX_FIRST_VIEW:
            yield f"{page.relative_to(folder)} loads {total} bytes, more than {MAX_FIRST_VIEW}"


def problems_of_twins(folder: Path) -> Iterator[str]:
    """Yield dead links in the Markdown of the site, and pages whose sections or descriptions are missing."""
    twins = sorted(folder.rglob("*.md"))
    for path in (*twins, folder / "llms.txt", folder / "llms-full.txt"):
        text = CODE.sub("", path.read_text(encoding="utf-8"))
        for link in MARKDOWN_LINK.findall(text):
            if not (path.parent / link).is_file():
                yield f"{path.relative_to(folder)} links to {link}, which is missing"
        if path.suffix == ".md":
            page = path.with_suffix(".html").read_text(encoding="utf-8")
            if not DESCRIPTION.search(page):
                yield f"{path.relative_to(folder)} has a page without a description"
            expected = page.count("<h2>")
            if len(re.findall("^## ", text, re.MULTILINE)) != expected:
                yield f"{path.relative_to(folder)} doesn't have the {expected} sections of its page"
    yield from (f"{each.name} is an index without entries" for each in folder.glob("genindex.html"))
    index = (folder / "llms.txt").read_text(encoding="utf-8")
    described = re.findall(r"^- \[.+\]\((.+)\): .+\.$", index, re.MULTILINE)
    missing = {str(twin.relative_to(folder)) for twin in twins} - {*described}
    yield from (f"llms.txt doesn't describe {each}" for each in sorted(missing))
    if index.find("](EntitlementItem.md)") < index.rfind("](guides/"):
        yield "llms.txt lists models before guides"


def problems_of_pages(browser: Browser, url: str) -> Iterator[str]:
    """Yield what axe and the browser find on the pages."""
    page = browser.new_page(base_url=url)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for name in PAGES:
        response = page.goto(f"/{name}")
        if response is None or not response.ok:
            yield f"{name} is missing"
            continue
        for width in WIDTHS:
            yield from (f"{name}: {defect}" for defect in defects(page, width))
            yield from (f"{name}: {defect}" for defect in titles_of_one_size(page, width))
        yield from (f"{name}: {defect}" for defect in cut_on_paper(page))
    yield from lost_by_keyboard(page)
    page.goto("/index.html")
    for group in page.locator(".sidebar-tree > ul").all():
        if (count := group.locator("> li").count()) > MAX_GROUP:
            yield f"a group of the navigation lists {count} pages, more than {MAX_GROUP}"
    page.goto("/search.html?q=deadline")
    page.locator(".search-summary:not(:empty)").wait_for()
    if (count := page.locator("article :is(h1, h2):visible").count()) != 1:
        yield f"the search shows {count} titles"
    page.close()
    yield from (f"{each} is on another host" for each in requested if not each.startswith((url, "data:")))


def lost_by_keyboard(page: Page) -> Iterator[str]:
    """Yield whether a user of the keyboard can't see which tab has the focus, or can't scroll code."""
    page.goto("/UsersInventoryApi.html")
    page.keyboard.press("Tab")
    page.locator(".tab-set > input").first.focus()
    label = page.locator(".tab-set > input:focus-visible + label")
    if label.evaluate("each => getComputedStyle(each).outlineStyle") == "none":
        yield "the tab that has the focus looks like the others"
    if not page.locator("pre:visible").first.evaluate(PRESS_RIGHT):
        yield "the key that scrolls code does something else"


def titles_of_one_size(page: Page, width: int) -> Iterator[str]:
    """Yield the levels of titles on an open page that are as large as the level above."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    sizes = page.evaluate(TITLE_SIZES)
    for above, below in pairwise(sizes):
        if below["size"] >= above["size"]:
            yield f"at {width} px, {below['level']} is as large as {above['level']}"


def cut_on_paper(page: Page) -> Iterator[str]:
    """Yield whether an open page loses lines, or their ends, when it is printed."""
    page.set_viewport_size({"width": PAPER_WIDTH, "height": HEIGHT})
    page.emulate_media(media="print")
    if cut := page.evaluate(CUT):
        yield f"{cut} blocks of code are cut when the page is printed"
    if scrolling := page.evaluate(SCROLLING):
        yield f"{scrolling} elements scroll when the page is printed, so Firefox cuts lines between pages"
    page.emulate_media(media="screen")


def missed_by_search(browser: Browser, url: str) -> Iterator[str]:
    """Yield the searches that don't find their page, or not before the others."""
    page = browser.new_page(base_url=url)
    for words, expected in (SEARCHES | FIRST).items():
        page.goto(f"/search.html?q={words}")
        page.locator(".search-summary:not(:empty)").wait_for()
        found = page.locator("ul.search > li > a").evaluate_all("all => all.map(each => each.pathname)")
        if f"/{expected}" not in found:
            yield f"a search for {words!r} doesn't find {expected}"
        elif words in FIRST and found[0] != f"/{expected}":
            yield f"a search for {words!r} finds {found[0]} before {expected}"
    page.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Open pages of the built documentation site in Chromium.")
    parser.add_argument("folder", type=Path, help="the folder of the site")
    sys.exit(main(parser.parse_args().folder))
