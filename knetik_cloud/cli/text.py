"""Text that is safe to show: on any terminal, in any encoding."""

from __future__ import annotations

import os
import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, change colors, or change the order of the text around them."""


def printable(text: str) -> str:
    """Return text with control characters written as escapes, so that no data can steer a terminal."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


SECRET_VARIABLES = ("KNETIK_CLOUD_ACCESS_TOKEN", "KNETIK_CLOUD_CLIENT_SECRET", "KNETIK_CLOUD_PASSWORD")


def without_secrets(text: str) -> str:
    """Mask the secrets of the environment. The SDK has masked those that a request carried."""
    from knetik_cloud.secret import Secret, masked

    return masked(text, [Secret(os.environ[name]) for name in SECRET_VARIABLES if os.environ.get(name)])
