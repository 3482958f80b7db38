"""Turns pages into HTML. Everything is escaped, because the journal shows what clients sent."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from knetik_cloud.sandbox.console import undo
from knetik_cloud.sandbox.console.assets import MIN_COMPRESSED_BYTES, accepts_gzip
from knetik_cloud.sandbox.console.describing import describe
from knetik_cloud.sandbox.console.page import Page, link, row_link
from knetik_cloud.sandbox.console.security import HEADERS, TOKEN_FIELD
from knetik_cloud.sandbox.masking import SECRET_NAMES
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage import UnusableDatabase

MAX_CELL_CHARACTERS: Final = 120
"""Characters of a value in a table."""

MAX_TEXT_CHARACTERS: Final = 20_000
"""Characters of a body or a header on a page of its own."""

MASKED: Final = "••••••••"

_HIDDEN = re.compile(r"[^\x20-\x7e]")


class Renderer:
    """Renders pages of one sandbox."""

    def __init__(self, service: Service, token: str, assets: Mapping[str, str]) -> None:
        self._service = service
        self._environment = Environment(
            loader=PackageLoader("knetik_cloud.sandbox.console"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
        )
        self._environment.globals |= {
            "asset": assets,
            "hidden": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, token),
            "link": link,
            "masked": MASKED,
            "row_link": row_link,
            "secret": SECRET_NAMES,
        }
        self._environment.filters |= {
            "count": count,
            "duration": duration,
            "fault": describe,
            "instant": instant,
            "json": as_json,
            "pretty": pretty,
            "prose": prose,
            "short": short,
            "text": text,
        }

    def fragment(self, template: str, values: Mapping[str, Any]) -> str:
        """Render a part of a page."""
        return self._environment.get_template(template).render(values)

    def response(self, request: Request, page: Page) -> Response:
        """Render a page, compressed if the browser takes it."""
        controls = self._service.controls
        try:
            clock, did = controls.current_clock(), self._did(request.query_params.get("did", ""))
        except UnusableDatabase:
            # The page that reports it needs neither.
            clock, did = controls.clock, None
        values = {
            "path": request.url.path,
            "clock": {
                "now": clock.now(),
                "frozen": clock.frozen,
                "real": not (clock.state()["offset"] or clock.frozen),
            },
            "did": did,
            **page.values,
        }
        body = self.fragment(page.template, values).encode("utf-8", "surrogatepass")
        headers = {**HEADERS, "Vary": "Accept-Encoding"}
        if len(body) >= MIN_COMPRESSED_BYTES and accepts_gzip(request):
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, 4, mtime=0)
        return Response(body, page.status, headers, "text/html; charset=utf-8")

    def _did(self, point_id: str) -> undo.Point | None:
        """Return the point that was kept before what was just done, or None if other actions followed."""
        point = undo.find(self._service, point_id) if point_id else None
        return point if point and undo.is_last(self._service, point) else None


def text(value: object, limit: int = MAX_TEXT_CHARACTERS) -> Markup:
    """Show a text with line breaks, and every other character that is invisible or moves others as a code."""
    shown = str(value)
    cut = shown[:limit]
    marked = Markup(_HIDDEN.sub(_visible, str(escape(cut))))  # noqa: S704 - escaped before it is marked
    if len(shown) > limit:
        marked += Markup('<span class="cut">… {} more characters</span>').format(count(len(shown) - limit))
    return marked


def prose(value: object) -> Markup:
    """Show a text of the contract, in which backquotes mark code."""
    escaped = str(text(value))  # of a Markup, `re.sub` would escape the tags
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704


def short(value: object, limit: int = MAX_CELL_CHARACTERS) -> Markup:
    """Show a text on one line, shortened."""
    shown = "" if value is None else str(value)
    cut = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return text(cut.replace("\r\n", "⏎").replace("\n", "⏎").replace("\t", " "))


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    # What isn't printable has no shape of its own, or changes the direction of what follows.
    if character in "\n\t" or character.isprintable():
        return character
    return f'<span class="code">\\u{ord(character):04x}</span>'


def pretty(value: object) -> Markup:
    """Show a body: JSON indented, anything else unchanged."""
    if value is None:
        return Markup("")
    shown = str(value)
    with suppress(ValueError, RecursionError):
        shown = json.dumps(json.loads(shown), ensure_ascii=False, indent=2)
    return text(shown)


def as_json(value: object) -> Markup:
    """Show a value as indented JSON."""
    return text(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def count(value: float) -> str:
    """Format a number with separators."""
    return f"{value:,}"


def instant(value: float | None, seconds: bool = True) -> Markup:
    """Show an instant as local time and as epoch seconds. None is shown as a dash."""
    if value is None:
        return Markup('<span class="none">\N{EN DASH}</span>')
    whole = math.floor(value)
    try:
        local = datetime.fromtimestamp(whole, UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return Markup('<span class="epoch">{}</span>').format(whole)
    epoch = Markup(' <span class="epoch">{}</span>').format(whole) if seconds else Markup("")
    return (
        Markup('<time datetime="{}">{}</time>').format(
            local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), local.strftime("%Y-%m-%d %H:%M:%S %z")
        )
        + epoch
    )


def duration(seconds: float) -> str:
    """Format a length of time with its two largest units."""
    sign, left = ("\N{MINUS SIGN}" if seconds < 0 else ""), abs(seconds)
    if left < 1:
        return f"{sign}{left:.1f} s" if left else "0 s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, left = divmod(left, size)
        if whole:
            parts.append(f"{count(int(whole))} {unit}")
    return sign + " ".join(parts[:2])
