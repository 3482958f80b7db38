"""A client of a sandbox's control API, for a sandbox that anybody started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knetik_cloud.api_client import ApiClient

PREFIX = "/_sandbox"
MAX_SECONDS = 300.0
DEFAULT_URL = "http://127.0.0.1:8080"


class Control:
    """Calls the control API of the sandbox at a URL."""

    def __init__(self, url: str) -> None:
        from knetik_cloud.api_client import ApiClient
        from knetik_cloud.sandbox.clients import without_credentials

        configuration = without_credentials(url)
        # A sandbox may load, generate or export millions of rows before it responds.
        configuration.deadline, configuration.timeout = MAX_SECONDS, (5.0, MAX_SECONDS)
        configuration.max_response_size, configuration.max_json_values = 1 << 30, 1 << 30
        self._client: ApiClient = ApiClient(configuration)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return what is at a path below `/_sandbox`.

        Raises:
            ApiException: If the call fails.
        """
        return self._client.call_api(f"{PREFIX}{path}", "GET", query_params=query, response_type="object")

    def send(self, method: str, path: str, body: Any = None, *, returns: bool = False) -> Any:
        """Send a change to a path below `/_sandbox`, and return the response if it has one.

        Raises:
            ApiException: If the call fails.
        """
        kind = "object" if returns else None
        return self._client.call_api(f"{PREFIX}{path}", method, body=body, response_type=kind)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def chosen_url(given: str | None) -> str:
    """Return the URL of the sandbox to control.

    It is the given one, else KNETIK_CLOUD_HOST, else the sandbox that `knetik sandbox start` started last,
    else the usual port.

    Raises:
        ApiValueError: If it isn't a URL, or has a user or a password in it, which the SDK doesn't send.
    """
    from knetik_cloud.cli.sandboxes import running
    from knetik_cloud.configuration import check_host

    if given is not None:
        return check_host("--url", given)
    named = os.environ.get("KNETIK_CLOUD_HOST")
    if named:
        return check_host("KNETIK_CLOUD_HOST", named)
    begun = running()
    return begun[-1].url if begun else DEFAULT_URL
