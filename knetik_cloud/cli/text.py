"""Text that is safe to show: on any terminal, in any encoding."""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, change colors, or change the order of the text around them."""


def printable(text: str) -> str:
    """Return text with control characters written as escapes, so that no data can steer a terminal."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
