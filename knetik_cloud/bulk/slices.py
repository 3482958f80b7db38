"""The items of a page as slices of the response: byte-exact, and without making objects of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from knetik_cloud.core.operation import Pages
from knetik_cloud.exceptions import ApiResponseError

WHITESPACE = " \t\r\n"


class Slices(NamedTuple):
    """The items of a page.

    Attributes:
        items: The JSON of each item, as it came.
        ids: The id of each item, or None for an item without one.
        total: The number of items of the whole list, or None if the service doesn't report it.
        pages: The number of pages of the whole list, or None if the service doesn't report it.
    """

    items: Sequence[Any]
    ids: Sequence[int | str | None]
    total: int | None
    pages: int | None


def split(data: bytes, pages: Pages) -> Slices:
    """Split a page into its items.

    Raises:
        ApiResponseError: If the data is not a page.
    """
    fast = _fast_splitter(pages)
    if fast is not None:
        try:
            return fast(data)
        except Exception:  # noqa: S110 - what msgspec rejects is read again, so that results are equal
            pass
    try:
        return _split(data, pages)
    except (ValueError, IndexError, RecursionError) as error:
        reason = str(error)
    raise ApiResponseError(reason=f"the response is not a page of a list: {reason}")


@cache
def _fast_splitter(pages: Pages) -> Callable[[bytes], Slices] | None:
    try:
        import msgspec
    except ImportError:
        return None
    item = msgspec.defstruct("Item", [("id", int | str | None, None)])
    raw = msgspec.json.Decoder(
        msgspec.defstruct(
            "RawPage",
            [
                ("items", list[msgspec.Raw] | None, None),
                ("total", int | None, None),
                ("pages", int | None, None),
            ],
            rename={"items": pages.items, "total": pages.total, "pages": pages.pages},
        )
    )
    ids = msgspec.json.Decoder(
        msgspec.defstruct("IdPage", [("items", list[item] | None, None)], rename={"items": pages.items})  # type: ignore[valid-type]
    )

    def split(data: bytes) -> Slices:
        page: Any = raw.decode(data)
        known: Any = ids.decode(data)
        return Slices(page.items or [], [one.id for one in known.items or ()], page.total, page.pages)

    return split


def _split(data: bytes, pages: Pages) -> Slices:
    """Split a page with the scanner of the standard library."""
    text = data.decode()
    decode = json.JSONDecoder().raw_decode
    found: dict[str, Any] = {}
    items: list[bytes] = []
    ids: list[int | str | None] = []
    at = _expect(text, _skip(text, 1 if text.startswith("\ufeff") else 0), "{")
    while text[at] != "}":
        name, at = scanstring(text, _expect(text, at, '"'))
        at = _expect(text, _skip(text, at), ":")
        at = _skip(text, at)
        if name == pages.items and text[at] == "[":
            at = _skip(text, at + 1)
            while text[at] != "]":
                value, end = decode(text, at)
                items.append(text[at:end].encode())
                key = value.get("id") if isinstance(value, dict) else None
                ids.append(key if type(key) in (int, str) else None)
                at = _next(text, end, "]")
            at += 1
        else:
            found[name], at = decode(text, at)
        at = _next(text, at, "}")
    if text[at + 1 :].strip(WHITESPACE):
        raise ValueError(f"extra data at character {at + 1}")
    return Slices(items, ids, _count(found.get(pages.total)), _count(found.get(pages.pages)))


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in WHITESPACE and at < len(text):
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    if text[at] != mark:
        raise ValueError(f"expected {mark!r} at character {at}")
    return _skip(text, at + 1) if mark != '"' else at + 1


def _next(text: str, at: int, close: str) -> int:
    """Return where the next element begins, or where the container closes."""
    at = _skip(text, at)
    if text[at] == close:
        return at
    at = _expect(text, at, ",")
    if text[at] == close:
        raise ValueError(f"unexpected {close!r} at character {at}")
    return at


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def lines(slices: Slices, keep: Sequence[bool] | None, data: bytes) -> bytes:
    """Return the items as JSON lines. Only line breaks between the marks of an item are replaced.

    Args:
        slices: The items.
        keep: Which of them to take, or None for all.
        data: The page that they come from.
    """
    items: Sequence[Any] = slices.items
    if keep is not None:
        items = [item for item, is_kept in zip(items, keep, strict=True) if is_kept]
    if not items:
        return b""
    if b"\n" in data or b"\r" in data:
        items = [bytes(item).replace(b"\r", b" ").replace(b"\n", b" ") for item in items]
    return b"\n".join(items) + b"\n"
