"""The baselines: bare urllib3 with `json.loads`, the least that a call can cost a user of urllib3."""

from __future__ import annotations

import json
from collections.abc import Callable

import urllib3


def target(size: int) -> str:
    """Return the path of one entry, or of a page of `size` entries."""
    return "/users/56/inventory/56" if size == 1 else f"/inventories?size={size}"


def caller(port: int, size: int, connections: int = 1) -> Callable[[], object]:
    """Return a function that fetches and parses a response without reading its fields."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=connections)
    path = target(size)

    def call() -> object:
        return json.loads(pool.urlopen("GET", path).data)

    return call
