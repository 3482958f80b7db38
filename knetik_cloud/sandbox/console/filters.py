"""The filters of the journal: which exchanges a page or a stream shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from knetik_cloud.sandbox.console.page import read_number
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage import people

STATUSES = ("2xx", "3xx", "4xx", "5xx", "none")
"""Choices for the status of a response: `none` is a connection that was dropped."""

UNKNOWN = "unknown"
"""The choice for requests that match no operation."""

FIELDS = ("operation", "status", "user", "fault", "q")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of exchanges. An empty value does not filter.

    `status` is a number, or one of STATUSES. `user_id` is the user named by the path, -1 for a user that
    does not exist. `fault` is "yes" or "no". `text` is searched for in the path, the query and the bodies.
    """

    operation: str = ""
    status: str = ""
    user_id: int | None = None
    fault: str = ""
    text: str = ""

    @classmethod
    def read(cls, service: Service, query: Mapping[str, str]) -> Filters:
        """Read the filters from the parameters of a page."""
        user = query.get("user", "").strip()
        return cls(
            operation=query.get("operation", ""),
            status=query.get("status", "").strip(),
            user_id=_user_id(service, user) if user else None,
            fault=query.get("fault", ""),
            text=query.get("q", "").strip().lower(),
        )

    def __bool__(self) -> bool:
        return self != Filters()

    @property
    def reads_bodies(self) -> bool:
        """Whether `matches` needs the bodies of an exchange."""
        return bool(self.text)

    def matches(self, exchange: Exchange) -> bool:
        """Return whether an exchange passes."""
        if self.operation and (exchange.operation or UNKNOWN) != self.operation:
            return False
        if self.status and not self._has_status(exchange.status):
            return False
        if self.user_id is not None and exchange.user_id != self.user_id:
            return False
        if self.fault and exchange.fault != (self.fault == "yes"):
            return False
        return not self.text or any(self.text in part.lower() for part in _texts(exchange))

    def _has_status(self, status: int | None) -> bool:
        if self.status == "none" or status is None:
            return self.status == "none" and status is None
        return str(status) == self.status or (self.status.endswith("xx") and str(status)[0] == self.status[0])


def _texts(exchange: Exchange) -> Iterator[str]:
    """Yield the texts that a search looks at. Those with escapes follow without them too."""
    for part in (exchange.path, exchange.query):
        yield part
        if "%" in part or "+" in part:
            yield unquote_plus(part)
    for body in filter(None, (exchange.body, exchange.answer)):
        yield body
        if "\\u" in body:
            with suppress(ValueError, RecursionError):
                yield json.dumps(json.loads(body), ensure_ascii=False)


def _user_id(service: Service, user: str) -> int:
    """Return the id of a user given by id or name, or -1."""
    if user.isascii() and user.isdigit():
        return read_number(user) or -1
    with service.database.transaction(reads_only=True) as db:
        found = people.user_by_name(db, user)
    return found.id if found else -1


def chosen(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of a page that are filters and not empty."""
    return {name: query[name] for name in FIELDS if query.get(name)}
