"""Lays generated code out with the project's own formatter, the snippets in the pages included."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder whose `pyproject.toml` configures the format of code."""


def format_files(files: dict[str, str]) -> dict[str, str]:
    """Format files given by their relative paths: Python modules, and the Python in Markdown pages."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        command = ["format", "--quiet", "--no-cache", "--config", str(PROJECT / "pyproject.toml"), folder]
        subprocess.run([sys.executable, "-m", "ruff", *command], check=True)  # noqa: S603 - our own command
        return {name: Path(folder, name).read_text(encoding="utf-8") for name in files}
