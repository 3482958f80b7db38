"""The `knetik` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the given arguments, by default the process's, and end the process."""
    from knetik_cloud.sandbox.requirements import MissingExtra, explain_missing

    try:
        with explain_missing():
            from knetik_cloud.cli.command import knetik

            knetik.main(args=None if arguments is None else list(arguments), prog_name="knetik")
    except MissingExtra as error:
        sys.exit(f"knetik: {error}")
