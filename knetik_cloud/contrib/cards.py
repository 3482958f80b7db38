"""Cards for notebooks: models, pages and pagers as HTML, escaped, with secrets masked and nothing fetched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from knetik_cloud.data.model import readable
from knetik_cloud.data.types import EARLIEST, LATEST
from knetik_cloud.secret import MASK

if TYPE_CHECKING:
    from knetik_cloud.data.model import Field, Model
    from knetik_cloud.data.page import Page

MAX_ROWS = 20
MAX_TEXT = 120


def model_card(model: Model) -> str:
    """Return a table of the fields that are present."""
    shown = [(name, _text(declared, value)) for name, declared, value in _present(model)]
    return _table(type(model).__name__, ("field", "value"), shown)


def page_card(page: Page) -> str:
    """Return a table of a page's items, with a column for each field that is present."""
    items = page._json.get(page._items)
    if not isinstance(items, list):
        return model_card(page)
    page_items = readable(page, _items_field(page))
    rows = [dict(_cells(item)) for item in page_items[:MAX_ROWS]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    total = page._json.get("total_elements")
    title = f"{type(page).__name__}: {len(items)} items"
    if isinstance(total, int):
        title += f" of {total}"
    table = _table(title, columns, [[row.get(name, "") for name in columns] for row in rows])
    more = len(items) - len(rows)
    return table + (f"<div>... and {more} more</div>" if more else "")


def pager_card(described: str, total: int | None) -> str:
    """Return what a pager lists, and the total number of items if a page was read."""
    count = "not read yet" if total is None else f"{total} items in the full list"
    return f"<div><strong>Pager</strong> of <code>{escape(described)}</code>: {count}</div>"


def _items_field(page: Page) -> Field:
    return next(declared for declared in page._fields.values() if declared.wire == page._items)


def _cells(item: Any) -> Iterator[tuple[str, str]]:
    if not hasattr(item, "_json"):
        yield "value", _text(None, item)
        return
    for name, declared, value in _present(item):
        yield name, _text(declared, value)


def _present(model: Model) -> Iterator[tuple[str, Field | None, Any]]:
    """Yield the names, declarations and values of what a model holds, in its order."""
    by_wire = {declared.wire: declared for declared in model._fields.values()}
    for wire, value in list(model._json.items()):
        declared = by_wire.get(wire)
        if declared is None:
            yield wire, None, value
        elif declared.secret and value is not None:
            yield declared.name, None, MASK
        else:
            yield declared.name, declared, readable(model, declared)


def _text(declared: Field | None, value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else " ".join(repr(value).split())
    if declared is not None and declared.epoch and type(value) is int and EARLIEST <= value <= LATEST:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=value)
        text = f"{value} ({moment.isoformat(' ')} UTC)"
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    head = f"<caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"
