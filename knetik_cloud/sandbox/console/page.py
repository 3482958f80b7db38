"""The input and the output of a page of the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from knetik_cloud.sandbox.console import PREFIX
from knetik_cloud.sandbox.console.security import TOKEN_FIELD
from knetik_cloud.sandbox.service import Service

MAX_ID: Final = 2**31 - 1
"""The largest id of a row, and the largest number of a request."""


class FragmentRenderer(Protocol):
    """Renders parts of pages."""

    def fragment(self, template: str, values: Mapping[str, Any]) -> str:
        """Render a part of a page."""


@dataclass(slots=True)
class Visit:
    """A request for a page: the parameters of its path, query and form. `pairs` are the form's fields."""

    request: Request
    path: Mapping[str, Any]
    query: Mapping[str, str]
    form: dict[str, str]
    pairs: list[tuple[str, str]]

    def number(self, name: str, default: int = 1, most: int = MAX_ID) -> int:
        """Return a positive number of the query, or the default if it isn't one."""
        number = read_number(self.query.get(name, ""))
        return min(number, most) if number else default

    def chosen(self, name: str) -> list[str]:
        """List the values of a form field that may be there several times."""
        return [value for key, value in self.pairs if key == name]


@dataclass(slots=True)
class Context:
    """The common part of all pages."""

    service: Service
    renderer: FragmentRenderer


@dataclass(frozen=True, slots=True)
class Page:
    """A template, the values for it, and the status of the response."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page to go to."""

    location: str


def question(visit: Visit, title: str, message: str, button: str, back: str) -> Page | None:
    """Return the page that asks before an action that Undo doesn't cover, or None if the user is sure."""
    if visit.form.get("sure") == "yes":
        return None
    return asking(visit, "sure.html", title=title, message=message, button=button, back=back)


def asking(visit: Visit, template: str, **values: Any) -> Page:
    """Return a page whose form sends the fields of a visit again, and the user's choice."""
    fields = [(name, value) for name, value in visit.pairs if name != TOKEN_FIELD]
    return Page(template, {**values, "fields": fields, "action": visit.request.url.path})


Outcome = Page | Redirect | Response
Action = Callable[[Context, Visit], Outcome | Awaitable[Outcome]]
"""Handles a visit. A coroutine runs in the event loop, and must not use the database there."""


def read_number(text: str) -> int | None:
    """Return the number that the digits of a text are, or None for other texts and numbers over MAX_ID."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))
    return int(text) if is_number and int(text) <= MAX_ID else None


def row_link(table: str, key: object) -> str:
    """Build the address of a row's page. `read_key` reads the key in it."""
    text = str(key)
    # Browsers remove "." and ".." from a path.
    is_escaped = text in (".", "..") or text.startswith("/")
    return link(f"/data/{table}/{quote(f'/{text}' if is_escaped else text, safe='')}")


def read_key(text: str) -> str:
    """Return the key of a row that the decoded path of its page contains."""
    return text.removeprefix("/")


def link(path: str = "", query: Mapping[str, Any] | None = None, anchor: str = "") -> str:
    """Build the address of a page. Parameters that are None or empty are left out."""
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    address = f"{PREFIX}{path}?{urlencode(given)}" if given else f"{PREFIX}{path}"
    return f"{address}#{anchor}" if anchor else address
