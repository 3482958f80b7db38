"""Rows of a list as an Arrow table, over `json.loads` and `Table.from_pylist`, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from benchmarks import payloads
from benchmarks.comparison import Ratio, compare
from knetik_cloud import PageResourceUserInventoryResource
from knetik_cloud.contrib import arrow

PAGES = 10
ROWS = 1000


def measure(rounds: int) -> list[Ratio]:
    """Compare the tables of a list of several pages, from the bytes of the responses."""
    entries = payloads.page(PAGES * ROWS)["content"]
    bodies = [
        json.dumps({**payloads.page(0), "content": entries[start : start + ROWS]}).encode()
        for start in range(0, len(entries), ROWS)
    ]

    def pages() -> Iterator[PageResourceUserInventoryResource]:
        for body in bodies:
            yield PageResourceUserInventoryResource.from_json(body)

    def ours() -> object:
        return arrow.table(PageResourceUserInventoryResource, pages())

    def inferred() -> object:
        return pa.concat_tables(
            [pa.Table.from_pylist(json.loads(body)["content"]) for body in bodies],
            promote_options="permissive",
        )

    return [compare("table: 10,000 rows, over from_pylist", ours, inferred, rounds=rounds)]
