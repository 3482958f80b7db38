"""The `knetik` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the given arguments, by default the process's, and end the process."""
    from knetik_cloud.requirements import MissingExtra, explain_missing

    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with explain_missing(part_of(words)):
            from knetik_cloud.cli.command import knetik

            knetik.main(args=words, prog_name="knetik")
    except MissingExtra as error:
        sys.exit(f"knetik: {error}")


def part_of(words: Sequence[str]) -> Literal["cli", "sandbox"]:
    """Return the optional part of the SDK that a command line needs."""
    return "sandbox" if words[:1] == ["sandbox"] else "cli"
