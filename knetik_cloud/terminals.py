"""The terminal behind a stream, and whether to write colors to it."""

from __future__ import annotations

import os
from typing import Any


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal. CLICOLOR_FORCE and the like don't make it one."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def has_color(stream: Any) -> bool:
    """Return whether to use colors on a stream, according to NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(stream) and os.environ.get("CLICOLOR", "1") != "0" and os.environ.get("TERM") != "dumb"
