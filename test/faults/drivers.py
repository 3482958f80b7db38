"""The clients that the fault table is run against, each with the same blocking calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from knetik_cloud import ApiClient, Configuration, UsersInventoryApi

TOKEN = "token-canary-4711-abcdef"


class Driver(Protocol):
    """A client whose methods are called by their names, and block."""

    name: str

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `UsersInventoryApi`."""

    def close(self) -> None:
        """Close the client."""


class SyncDriver:
    """The blocking client over urllib3."""

    name = "sync"

    def __init__(self, configuration: Configuration) -> None:
        self.client = ApiClient(configuration)
        self.api = UsersInventoryApi(self.client)

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `UsersInventoryApi`."""
        return getattr(self.api, method)(*arguments, **options)

    def close(self) -> None:
        """Close the client."""
        self.client.close()


DRIVERS: dict[str, Callable[[Configuration], Driver]] = {"sync": SyncDriver}
"""By name. A further transport joins by adding itself here: all rows then run over it too."""
