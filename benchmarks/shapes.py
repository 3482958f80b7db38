"""The cost of decoding and encoding alone, over `json.loads` and `json.dumps`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from benchmarks import payloads
from benchmarks.calls import without_msgspec
from benchmarks.comparison import Ratio, compare
from knetik_cloud.data import codec, expressions
from knetik_cloud.models import EntitlementItem

PAGE = "PageResourceUserInventoryResource"


def measure(rounds: int) -> list[Ratio]:
    """Compare a page of 1000, untouched and with all fields touched, and an item of 14 fields."""
    with without_msgspec():
        ratios = _decoding(rounds, "")
    if codec.fast_decoder() is not None:
        ratios += _decoding(rounds, ", msgspec")
    plain = payloads.item()
    item = EntitlementItem.from_dict(plain)
    name = "encode: an item of 14 fields"
    return [*ratios, compare(name, lambda: codec.encode(item), lambda: json.dumps(plain), rounds=rounds)]


def _decoding(rounds: int, suffix: str) -> list[Ratio]:
    data = payloads.body(1000)
    read = decoder(data)

    def loads() -> object:
        return json.loads(data)

    def touched() -> None:
        touch_all(read())

    def touched_below() -> None:
        page = read()
        touch_all(page)
        touch_users(page)

    return [
        compare(f"decode: a page of 1000, shapes checked{suffix}", read, loads, rounds=rounds),
        compare(f"decode: the same, every field touched{suffix}", touched, loads, rounds=rounds),
        compare(f"decode: the same, the users' fields too{suffix}", touched_below, loads, rounds=rounds),
    ]


def decoder(data: bytes) -> Callable[[], Any]:
    """Return a function that decodes, checks and views the bytes of a response, as a call does."""
    page = expressions.parse(PAGE, "knetik_cloud.models")

    def read() -> Any:
        value = codec.decode(data)
        page.check([value], PAGE, 2)
        return page.view(value, PAGE)

    return read


def touch_all(page: Any) -> None:
    """Read each of the eleven fields of each row, as a caller writes it."""
    for row in page.content:
        _ = (
            row.behavior_data,
            row.created_date,
            row.expires,
            row.id,
            row.invoice_id,
            row.item_id,
            row.item_name,
            row.item_type_hint,
            row.status,
            row.updated_date,
            row.user,
        )


def touch_users(page: Any) -> None:
    """Read each of the four fields of each row's user."""
    for row in page.content:
        user = row.user
        _ = user.avatar_url, user.display_name, user.id, user.username
