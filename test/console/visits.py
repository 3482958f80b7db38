"""A sandbox in which every page of the console has something to show, and the addresses of the pages."""

from __future__ import annotations

from knetik_cloud.sandbox import Sandbox
from test.console.conftest import Pages

ADDRESSES = [
    "/console",
    "/console/journal?operation=get_user_inventory&status=4xx&user=56&fault=no&q=inventory",
    "/console/journal?q=nothing-like-this",
    "/console/journal/1",
    "/console/journal/4",
    "/console/journal/6",
    "/console/journal/99999",
    "/console/journal/code?row=1&row=4&as=pytest",
    "/console/journal/code?row=1&as=curl",
    "/console/data",
    "/console/data/users",
    "/console/data/entries",
    "/console/data/entries?q=nothing-like-this",
    "/console/data/items",
    "/console/data/templates",
    "/console/data/skus",
    "/console/data/wallets",
    "/console/data/invoices",
    "/console/data/logs",
    "/console/data/clients",
    "/console/data/users/56",
    "/console/data/entries/56",
    "/console/data/entries/2",
    "/console/data/items/56",
    "/console/data/items/3",
    "/console/data/templates/id_example",
    "/console/data/skus/sku_example",
    "/console/data/invoices/1",
    "/console/data/clients/knetik",
    "/console/why",
    "/console/why?user=56&item=56&action=use",
    "/console/why?user=56&item=2&action=get",
    "/console/why?user=x&item=2",
    "/console/clock",
    "/console/clock?until=2200-01-01",
    "/console/faults",
    "/console/faults?from=6",
    "/console/undo",
    "/console/undo/difference",
    "/console/undo/difference?before=point-1",
    "/console/try",
    "/console/try/get_o_auth_token",
    "/console/try/use_user_entitlement_item",
    "/console/try/create_entitlement_item",
    "/console/try/get_user_inventories",
    "/console/keys",
    "/console/nope",
]
"""Every page of the console, in each of its forms."""


def fill(sandbox: Sandbox, pages: Pages) -> None:
    """Make requests, faults, snapshots and points to return to."""
    pages.use(3, 56)
    pages.get("/users/56/inventory", query={"inactive": "true", "filter_item_name": "Potion"})
    pages.grant(56, 2)
    pages.grant(56, 2)
    body = {"sku": "coins_100", "note": "a note", "skip_invoice": False, "overrides": []}
    pages.post("/users/56/inventory", body)
    sandbox.fail("get_entitlement_item", status=503, applied=True)
    sandbox.fail("*", delay=0.001, times=None)
    pages.get("/entitlements/56")
    pages.get("/users/56/inventory/404")
    pages.get("/nowhere")
    sandbox.snapshot("before the sale")
    pages.send("/console/clock", do="step", amount=1, unit="hours")
