"""The configuration of the documentation site, which Sphinx builds from the Markdown in this folder."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from knetik_cloud.version import __version__  # noqa: E402

project = "knetik_cloud"
author = copyright = "The knetik_cloud authors"
version = release = __version__

extensions = ["myst_parser", "sphinx_inline_tabs", "site_extension"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"knetik_cloud {release}"
html_copy_source = False
html_use_index = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "search_order.js")
pygments_dark_style = "github-dark"
