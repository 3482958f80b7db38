"""`python -m codegen.commands`: writes the pages that follow from the package: commands, settings, errors."""

from __future__ import annotations

import sys

from codegen import output
from codegen.formatting import PROJECT


def render() -> dict[str, str]:
    """Render the manual page, and the reference pages, from the installed package."""
    from codegen import objects, reference
    from knetik_cloud.cli.manual import pages, roff

    texts = {f"docs/cli/{name}.md": text for name, text in pages().items()}
    texts |= {
        f"docs/reference/{name}.md": text for name, text in (reference.pages() | objects.pages()).items()
    }
    files = {name: f"<!-- {output.MARK} -->\n\n{text}" for name, text in texts.items()}
    return {**files, "docs/cli/knetik.1": f'.\\" {output.MARK}\n{roff()}'}


def main() -> int:
    """Write the pages, or with `--check` list those that differ; return the exit status."""
    return output.finish(PROJECT, render(), check="--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
