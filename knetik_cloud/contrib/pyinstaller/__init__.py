"""Tells PyInstaller what frozen programs need of this package: its data, and modules loaded by name."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Return the folder of the hooks. PyInstaller finds this function by its entry point."""
    return [str(Path(__file__).parent)]
