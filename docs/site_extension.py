"""The extension of the documentation site: links out of this folder, tabs, search and Markdown twins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from docutils.nodes import paragraph
from sphinx.addnodes import toctree
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

ROOT = Path(__file__).resolve().parents[1]
TABS = re.compile(r"^<!-- tabs -->\n(.*?)^<!-- end tabs -->$", re.MULTILINE | re.DOTALL)
TAB = re.compile(r"^\*\*(.+?)\*\*\n+(.*?)(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)
ROOT_LINK = re.compile(r"\]\((?:\.\./)+(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md")
BACK = re.compile(r"^\[\[Back to .*\n?", re.MULTILINE)
LINK = re.compile(r"^(```+).*?^\1|(?<=\]\()(?!\w+:)[^)\s#]+", re.MULTILINE | re.DOTALL)
"""A block of code, or the path of a relative link."""
SENTENCE = re.compile(r"(?<=[^.]\.)\s")
DIRECTIVE = re.compile(r"^<!-- (\{\w+\}.*?)^-->$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
TITLE = re.compile(r"<h[12]>.*?</h[12]>", re.DOTALL)
TEXT = re.compile(r">[^<]{16,}<")
HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
PAGES = {
    "README": "reference",
    "CHANGELOG": "changelog",
    "CONTRIBUTING": "contributing",
    "SECURITY": "security",
}
"""The pages of the site that stand for the Markdown files in the root of the repository."""
FILES = {page: f"{name}.md" for name, page in PAGES.items() if name != "README"}
"""The files whose text these pages show."""


class Search(SearchEnglish):
    """English that also finds the names of the package that are stop words, and numbers such as a status."""

    stopwords = SearchEnglish.stopwords - {"after", "at", "before", "between", "me", "once", "then", "until"}
    # The browser's search skips each term that `match` finds to consist of digits.
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\p{Letter}\p{Number}_]+/gu) || []).map((term) =>
    Object.assign(new String(term), { match: () => null }),
  );
"""

    def word_filter(self, word: str) -> bool:
        """Return whether the index contains a word."""
        return word not in self.stopwords


def read_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Turn a page into the site's Markdown: marked examples become tabs, and directives in comments apply."""
    text = DIRECTIVE.sub(r"```\1```", site_text(name, source[0]))
    if name.endswith("Api"):
        text = f"---\ntocdepth: 2\n---\n{text}"  # the same headings follow each method
    source[0] = TABS.sub(lambda tabs: TAB.sub(r"````{tab} \1\n\2````\n\n", tabs[1]), text)


def site_text(name: str, text: str) -> str:
    """Return the Markdown of a page: the file that it shows, or its own text.

    Links to the repository's root lead to pages, and the links back are left to the site's navigation.
    """
    if name in FILES:
        text = ROOT.joinpath(FILES[name]).read_text(encoding="utf-8")
        text = re.sub(r"\]\((?!\w+:|#)(?!docs/)", "](../", text).replace("](docs/", "](")
    up = "../" * name.count("/")
    return ROOT_LINK.sub(lambda link: f"]({up}{PAGES[link[1]]}.md", BACK.sub("", text))


def write_twins(app: Sphinx, error: Exception | None) -> None:
    """Write each page's Markdown beside its HTML, `llms.txt`, which lists them, and `llms-full.txt`."""
    if error is not None or app.builder.name != "html":
        return
    index, whole = [f"# {app.config.project}\n\n> {DESCRIPTION}\n"], []
    root = app.config.root_doc
    for caption, names in (("Start", [root]), *sections(app, root)):
        index.append(f"## {caption}\n")
        for name in names:
            source = Path(app.env.doc2path(name)).read_text(encoding="utf-8")
            text = DIRECTIVE.sub("", site_text(name, source))
            twin = Path(app.outdir, f"{name}.md")
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.write_text(relinked(app, name, text, twin.parent), encoding="utf-8")
            whole.append(f"<!-- {name}.md -->\n{relinked(app, name, text, Path(app.outdir))}")
            title, summary = app.env.titles[name].astext(), first_sentence(app, name)
            index.append(f"- [{title}]({name}.md): {summary}")
        index.append("")
    Path(app.outdir, "llms.txt").write_text("\n".join(index), encoding="utf-8")
    Path(app.outdir, "llms-full.txt").write_text("\n".join(whole), encoding="utf-8")


def sections(app: Sphinx, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the captions of the navigation below a page, in its order, with the names of their pages."""
    trees = list(app.env.get_doctree(name).findall(toctree))
    for tree in trees:
        yield tree["caption"], tree["includefiles"]
    for tree in trees:
        for each in tree["includefiles"]:
            yield from sections(app, each)


def relinked(app: Sphinx, name: str, text: str, folder: Path) -> str:
    """Return a page's Markdown with links from a folder of the site to twins, images and downloads."""
    copies = {
        str(path): f"{copied}/{copy}"
        for copied, files in (("_images", app.env.images), ("_downloads", app.env.dlfiles))
        for path, (_, copy) in files.items()
    }

    def target(link: re.Match[str]) -> str:
        if link[1]:
            return link[0]
        path = os.path.normpath(PurePosixPath(name).parent / link[0])
        return os.path.relpath(Path(app.outdir, copies.get(path, path)), folder)

    return LINK.sub(target, text)


def first_sentence(app: Sphinx, name: str) -> str:
    """Return the first sentence of a page."""
    return SENTENCE.split(next(app.env.get_doctree(name).findall(paragraph)).astext())[0].replace("\n", " ")


def label_cells(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Store the column's name in each cell of a table, which a narrow page shows in place of the header.

    Text of 16 characters or more in tables and titles may break after underscores, dots and slashes.
    """
    if "body" in context:
        body = TABLE.sub(lambda table: _breakable(_labeled(table[0])), context["body"])
        context["body"] = TITLE.sub(lambda title: _breakable(title[0]), body)


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Describe a page by its first sentence, which search engines show below its title."""
    if doctree is not None:
        text = escape(first_sentence(app, page))
        context["metatags"] += f'<meta name="description" content="{text}">'


def _breakable(text: str) -> str:
    return TEXT.sub(lambda found: re.sub(r"(?<=\w)([_./])(?=[A-Za-z{])", r"\1<wbr>", found[0]), text)


def repair(app: Sphinx, error: Exception | None) -> None:
    """Complete the theme's HTML for screen readers and keyboards, and leave out marks without a style.

    Landmarks get names, captions get a level, and code and tables that scroll can be focused.
    """
    if error is not None or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for before, after in REPAIRS.items():
            text = text.replace(before, after)
        text = PLAIN.sub(r"\1", text)
        page.write_text(text, encoding="utf-8")


PLAIN = re.compile(r'<span class="[npw]">([^<]*)</span>')
"""A name, a punctuation mark or blanks in code, which have the color of the text around them."""
REPAIRS = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="Page">',
    'class="caption" role="heading">': 'class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<div id="search-results">': '<h1>Search</h1><div id="search-results">',
}


def _labeled(table: str) -> str:
    labels = [re.sub(r"<[^>]+>", "", head).strip() for head in HEAD.findall(table)]

    def row(found: re.Match[str]) -> str:
        cells = iter(labels)
        next(cells, None)  # the first cell is the row's own name
        first, *others = found[0].split("<td")
        return "<td".join(
            [first, *others[:1], *(f' data-label="{next(cells, "")}"{each}' for each in others[1:])]
        )

    return ROW.sub(row, table)


DESCRIPTION = "The Python SDK for the inventory and entitlement API of the Knetik game platform."


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect this extension to a build."""
    app.add_search_language(Search)
    app.connect("source-read", read_source)
    app.connect("html-page-context", label_cells)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_twins)
    app.connect("build-finished", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
