"""The cost of a call over bare urllib3 and `json.loads`, with three fields of each row read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

from benchmarks import baseline, payloads
from benchmarks.comparison import Ratio, compare
from benchmarks.server import Server
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
from knetik_cloud.data import codec

NAMES = {1: "one entry", 25: "a page of 25", 1000: "a page of 1000"}


def measure(rounds: int) -> list[Ratio]:
    """Compare one entry and two pages, with the standard library's JSON and with msgspec's."""
    ratios = []
    with Server() as server, ApiClient(configuration(server.url)) as client:
        api = UsersInventoryApi(client)
        for size in payloads.SIZES:
            bare = baseline.caller(server.port, size)
            with without_msgspec():
                ratios.append(compare(f"call: {NAMES[size]}", caller(api, size), bare, rounds=rounds))
            if codec.fast_decoder() is not None:
                name = f"call: {NAMES[size]}, msgspec"
                ratios.append(compare(name, caller(api, size), bare, rounds=rounds))
    return ratios


def configuration(url: str) -> Configuration:
    """Return a configuration with every protection on: a token, a deadline, retries, a size limit."""
    return Configuration(url, access_token="token-of-the-benchmark")


def caller(api: UsersInventoryApi, size: int) -> Callable[[], object]:
    """Return a function that makes a call and reads three fields of each row."""
    if size == 1:

        def call() -> object:
            entry = api.get_user_inventory(56, 56)
            return entry.id, entry.status, entry.item_name

        return call

    def call_for_page() -> object:
        for entry in api.get_users_inventory(size=size).content or ():
            _ = entry.id, entry.status, entry.item_name
        return None

    return call_for_page


def without_msgspec() -> AbstractContextManager[object]:
    """Read JSON with the standard library, also where the extra `fast` is installed."""
    return mock.patch.object(codec, "fast_decoder", lambda: None)  # noqa: PT008  # a mock's call is slow
