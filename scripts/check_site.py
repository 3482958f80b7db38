"""Open pages of the built documentation site in Chromium: `python scripts/check_site.py FOLDER`.

It fails if axe finds a violation, if a page scrolls sideways or requests another host, or if the first view
of any page loads more than `MAX_FIRST_VIEW` bytes. Chromium is `chromium`, or the program that
KNETIK_TEST_CHROMIUM names.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

MAX_FIRST_VIEW = 45_000
"""The most bytes of HTML, styles and scripts that a page loads, compressed. The search's index is extra."""

PAGES = (
    "index.html",
    "guides/bulk.html",
    "guides/frameworks/fastapi.html",
    "reference/settings.html",
    "UsersInventoryApi.html",
    "EntitlementItem.html",
    "search.html?q=deadline",
)
"""A page of each layout."""

WIDTHS = (390, 1280)
LINKED = re.compile(r'<(?:script|link)\b[^>]*?(?:src|href)="([^"?#]+\.(?:js|css))[^>]*>')


class Handler(SimpleHTTPRequestHandler):
    """Serves the site without a log."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Drop the line."""


def main(folder: Path) -> int:
    """Print the problems, and return 1 if there are any."""
    chromium = shutil.which(os.environ.get("KNETIK_TEST_CHROMIUM", "chromium"))
    if chromium is None:
        sys.exit("Chromium is missing: install it, or name its program in KNETIK_TEST_CHROMIUM")
    problems = list(too_heavy(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    problems += defects(browser, f"http://127.0.0.1:{server.server_port}", width, scheme)
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


def defects(browser: Browser, url: str, width: int, scheme: str) -> Iterator[str]:
    """Yield what axe and the browser find on the pages."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=url,
    )
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for name in PAGES:
        where = f"{name} ({width} px, {scheme})"
        response = page.goto(f"/{name}")
        if response is None or not response.ok:
            yield f"{where} is missing"
            continue
        results = Axe().run(page)
        if results.violations_count:
            yield f"{where}: {results.generate_report()}"
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            yield f"{where} is {needed} px wide"
    context.close()
    yield from (f"{each} is on another host" for each in requested if not each.startswith((url, "data:")))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
