"""The configuration of clients of a sandbox that the SDK makes itself."""

from __future__ import annotations

from typing import Any

from knetik_cloud.configuration import Configuration


def without_credentials(host: str) -> Configuration:
    """Return a configuration for a sandbox, without the credentials and the proxies of the environment.

    They may be meant for the hosted service, or malformed.
    """
    unused: Any = dict.fromkeys(("access_token", "client_secret", "username", "password"), "unused")
    configuration = Configuration(host=host, client_id="knetik", proxy="", **unused)
    for name in unused:
        setattr(configuration, name, None)
    return configuration
