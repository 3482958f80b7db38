"""The memory of a decoded row, over that of the plain dict."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable

from benchmarks import payloads
from benchmarks.calls import without_msgspec
from benchmarks.comparison import Ratio
from benchmarks.shapes import decoder, touch_all

ROWS = 1000


def measure(rounds: int) -> list[Ratio]:
    """Compare the bytes of a row, untouched and with all fields touched. They don't wobble: one is enough."""
    data = payloads.body(ROWS)
    read = decoder(data)

    def touched() -> object:
        page = read()
        touch_all(page)
        return page

    with without_msgspec():
        plain = row_size(lambda: json.loads(data))
        return [
            Ratio.of_pairs("memory of a row, untouched", [(row_size(read), plain)], "bytes"),
            Ratio.of_pairs("memory of a row, all fields touched", [(row_size(touched), plain)], "bytes"),
        ]


def row_size(build: Callable[[], object]) -> float:
    """Return the bytes of one row of the result of `build`."""
    build()
    gc.collect()
    tracemalloc.start()
    kept = build()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return held / ROWS
