"""Text of the SDK as the command shows it."""

from __future__ import annotations

import os

SECRET_VARIABLES = ("KNETIK_CLOUD_ACCESS_TOKEN", "KNETIK_CLOUD_CLIENT_SECRET", "KNETIK_CLOUD_PASSWORD")


def without_secrets(text: str) -> str:
    """Mask the secrets of the environment. The SDK has masked those that a request carried."""
    from knetik_cloud.secret import Secret, masked

    return masked(text, [Secret(os.environ[name]) for name in SECRET_VARIABLES if os.environ.get(name)])


def with_options_of_the_command(text: str) -> str:
    """Replace the options of a call, which messages of the SDK name as a remedy, by those of the command."""
    return text.replace("increase _request_timeout", "increase --timeout").replace(
        "increase _deadline", "increase --deadline"
    )
