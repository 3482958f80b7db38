"""A ledger: what was asked for, compared with what the service has stored."""

from __future__ import annotations

import collections
import random
from collections.abc import Iterator
from typing import Any

import knetik_cloud
from knetik_cloud.sandbox import Sandbox

USE = "use_user_entitlement_item"
GRANT = "grant_user_entitlement"
ITEM = 700
USERS = range(7000, 7012)
ROWS = 96
READ_SECONDS = 0.5
"""The read timeout: shorter than the delay of the late writes."""
LATE_SECONDS = 1.0
SETTLE_SECONDS = 2.0

FAULTS: list[dict[str, Any]] = [
    {"reset": True},
    {"reset": True, "applied": True},
    {"status": 503},
    {"status": 503, "applied": True},
    {"status": 500, "applied": True},
    {"status": 429, "headers": {"Retry-After": "0.1"}},
    {"truncate": True},
    {"delay": LATE_SECONDS, "applied": True},
]
"""All types of faults. The last one applies the write after its caller has disconnected."""


def seed(sandbox: Sandbox) -> None:
    """Add an item that can be used and granted without end, users, and an entry for each of them."""
    behavior = {"type_hint": "consumable", "max_use": 1_000_000}
    sandbox.seed(
        {
            "items": [{"id": ITEM, "name": "Ledger", "type_hint": "entitlement", "behaviors": [behavior]}],
            "users": [{"id": user, "username": f"ledger-{user}"} for user in USERS],
            "inventory": [
                {"id": user, "user_id": user, "item_id": ITEM, "status": "active"} for user in USERS
            ],
        }
    )


def arm(sandbox: Sandbox, operation: str, choose: random.Random) -> None:
    """Arm a fault of each kind, in any order."""
    for fault in choose.sample(FAULTS, len(FAULTS)):
        sandbox.fail(operation, **fault)
    sandbox.fail("get_user_inventories", status=503, times=2)
    sandbox.fail("get_user_inventories", reset=True, times=1)


def rows(operation: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a run; `name` makes their keys unique."""
    for number in range(ROWS):
        user = USERS[number % len(USERS)]
        if operation == USE:
            yield {"user_id": user, "item_id": ITEM, "key": f"{name}-{number}"}
        else:
            yield {"user_id": user, "entitlement_id": ITEM}


def uses(sandbox: Sandbox, name: str) -> dict[str, int]:
    """Return how often the service has logged each key that begins with a name."""
    found: collections.Counter[str] = collections.Counter()
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        for entry in api.iter_users_inventory(filter_item_id=ITEM, inactive=True, page_size=1000):
            log = api.iter_user_inventory_log(entry.user.id, entry.id, page_size=1000)
            found.update(line.info[1:-1] for line in log if line.info and line.info.startswith(f"[{name}-"))
    return dict(found)


def grants(sandbox: Sandbox) -> dict[int, int]:
    """Return how many entries of the item each user holds, excluding that of the seed."""
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        entries = api.iter_users_inventory(filter_item_id=ITEM, inactive=True, page_size=1000)
        return dict(collections.Counter(e.user.id for e in entries if e.id != e.user.id))
