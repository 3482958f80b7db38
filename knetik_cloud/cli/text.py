"""Text that is safe to show: on any terminal, in any encoding."""

from __future__ import annotations

import os

SECRET_VARIABLES = ("KNETIK_CLOUD_ACCESS_TOKEN", "KNETIK_CLOUD_CLIENT_SECRET", "KNETIK_CLOUD_PASSWORD")


def without_secrets(text: str) -> str:
    """Mask the secrets of the environment. The SDK has masked those that a request carried."""
    from knetik_cloud.secret import Secret, masked

    return masked(text, [Secret(os.environ[name]) for name in SECRET_VARIABLES if os.environ.get(name)])
