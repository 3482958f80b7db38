"""Every relative link of the documentation leads to a file, and every anchor to a heading in it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
    if page.is_file()
)

CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:name|id)=\"([^\"]+)\"")
NOT_IN_SLUGS = re.compile(r"[^\w\- ]")


def prose(page: Path) -> str:
    """Return a page's text without its code blocks."""
    return CODE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub derives them from its headings."""
    text = prose(page)
    found = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("*", "").replace("`", "")
        slug = NOT_IN_SLUGS.sub("", shown.strip().lower()).replace(" ", "-")
        copies = itertools.chain([slug], (f"{slug}-{number}" for number in itertools.count(1)))
        found.add(next(copy for copy in copies if copy not in found))
    return found


def broken_links(page: Path) -> list[str]:
    """List the links of a page that lead nowhere."""
    broken = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target) or target == "#":
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / unquote(path)).resolve() if path else page
        is_inside = linked.exists() and linked.is_relative_to(ROOT)
        if not is_inside or (anchor and (linked.suffix != ".md" or anchor not in anchors(linked))):
            broken.append(target)
    return broken


def linked_pages(page: Path) -> set[Path]:
    """Return the pages that a page links to where GitHub shows it, which hides comments."""
    shown = COMMENT.sub("", prose(page))
    return {(page.parent / unquote(target.partition("#")[0])).resolve() for target in LINK.findall(shown)} & {
        *PAGES
    }


def test_readme_leads_to_every_page() -> None:
    reached: set[Path] = set()
    found = {ROOT / "README.md"}
    while found:
        reached |= found
        found = set().union(*map(linked_pages, found)) - reached
    stubs = {page for page in PAGES if "which the documentation site shows here" in prose(page)}
    assert {*ROOT.glob("docs/**/*.md")} - reached == stubs


def test_the_first_page_links_to_every_guide() -> None:
    assert {*ROOT.glob("docs/guides/**/*.md")} - linked_pages(ROOT / "docs/index.md") == set()


def test_there_are_pages_to_look_at() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "UsersInventoryApi.md", "AccessTokenApi.md", "EntitlementItem.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# **Some** `heading`, here\n# twice\n# twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#some-heading-here) [b](other.md#twice-1) [![c](gone.png)](other.md)\n"
        "[d](other.md#none) [[e](../outside.md)] [f](#) [g](#none) [h](https://example.com/none)\n```\n[i](gone.md)\n```\n"
    )
    assert broken_links(page) == ["gone.png", "other.md#none", "../outside.md", "#none"]
