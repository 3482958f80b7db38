"""Compares what was generated with what is on disk, and writes it there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, NamedTuple

from knetik_cloud.contract import ContractError

MARK = "Generated from the contract by `python -m codegen`: edit the contract, not this file."
"""The mark in every generated file. A file that has it and is no longer generated is stale."""


class MarkerError(ContractError):
    """README.md has no place for a generated table."""


class Difference(NamedTuple):
    """A file that is not as it was generated: missing, changed, or stale (no longer generated)."""

    path: str
    how: Literal["missing", "changed", "stale"]

    def __str__(self) -> str:
        return f"{self.path}: {self.how}"


def differences(root: Path, files: dict[str, str]) -> list[Difference]:
    """List the files below `root` that are not what was generated."""
    found = []
    for name, text in sorted(files.items()):
        path = root / name
        if not path.exists():
            found.append(Difference(name, "missing"))
        elif path.read_text(encoding="utf-8") != text:
            found.append(Difference(name, "changed"))
    return found + [Difference(str(path.relative_to(root)), "stale") for path in _stale(root, files)]


def write(root: Path, files: dict[str, str]) -> list[Difference]:
    """Write missing and changed files, remove stale ones, and return the differences."""
    found = differences(root, files)
    for difference in found:
        path = root / difference.path
        if difference.how == "stale":
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[difference.path], encoding="utf-8")
    return found


def finish(root: Path, files: dict[str, str], *, check: bool) -> int:
    """Write the files, or list those that differ; return the exit status: 1 for differences."""
    if not check:
        for difference in write(root, files):
            print("removed" if difference.how == "stale" else "wrote", difference.path)
        return 0
    found = differences(root, files)
    for difference in found:
        print(difference)
    if found:
        print("Run `python -m codegen` and commit what it writes.", file=sys.stderr)
    return 1 if found else 0


def fill_in(text: str, sections: dict[str, str]) -> str:
    """Replace what stands between the markers `<!-- generated: NAME -->` and `<!-- end generated -->`.

    Raises:
        MarkerError: there is no such pair of markers for one of the sections.
    """
    for name, section in sections.items():
        opening, closing = f"<!-- generated: {name} -->\n", "<!-- end generated -->"
        before, found, rest = text.partition(opening)
        _, ended, after = rest.partition(closing)
        if not (found and ended):
            raise MarkerError(
                f"README.md has no place for {name!r}: no lines {opening.strip()} and {closing}"
            )
        text = f"{before}{opening}{section}{closing}{after}"
    return text


def _stale(root: Path, files: dict[str, str]) -> list[Path]:
    """List the generated files that no longer come from the contract."""
    folders = {(root / name).parent for name in files if name != "README.md"}
    beside = (
        path
        for folder in sorted(folders)
        for path in sorted(folder.glob("*"))
        if path.suffix in (".py", ".md")
    )
    current = {root / name for name in files}
    return [path for path in beside if path not in current and MARK in path.read_text(encoding="utf-8")]
