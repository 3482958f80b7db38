"""The form that shows whether a user could use or get an item at some time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from knetik_cloud.sandbox.console import why
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Visit, read_number
from knetik_cloud.sandbox.instants import instant
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import items, users

MAX_SUGGESTIONS = 200
"""Users and items that the form suggests."""


def why_page(context: Context, visit: Visit) -> Outcome:
    """Show the form, and the verdict if it is filled in."""
    service = context.service
    now = service.controls.current_clock().now()
    form = {name: visit.query.get(name, "").strip() for name in ("user", "item", "action", "at")}
    values: dict[str, Any] = {"form": form, "problem": None, "verdict": None, "now": now}
    if form["user"] and form["item"]:
        try:
            values["verdict"] = _verdict(service, form, now)
        except (TypeError, ValueError) as error:
            values["problem"] = str(error)
    with service.database.transaction(reads_only=True) as db:
        people = db.execute(select(users.c.id, users.c.username).order_by(users.c.id).limit(MAX_SUGGESTIONS))
        values["users"] = [(row.id, row.username) for row in people]
        name = items.c.document["name"].as_string()
        things = db.execute(select(items.c.id, name).order_by(items.c.id).limit(MAX_SUGGESTIONS))
        values["items"] = [(row[0], row[1]) for row in things]
    return Page("why.html", values)


def _verdict(service: Service, form: dict[str, str], now: float) -> why.Verdict:
    """Evaluate what the form asks.

    Raises:
        ValueError: If a field is wrong, or if the user or the item does not exist.
    """
    at = now
    if form["at"]:
        at = read_instant(form["at"], "The time")
    result = why.evaluate(
        service,
        _id(form["user"], "The user"),
        _id(form["item"], "The item"),
        form["action"] or why.USE,
        at,
    )
    if isinstance(result, str):
        raise ValueError(result)
    return result


def read_instant(text: str, where: str) -> float:
    """Read an instant from a form: epoch seconds, or ISO 8601. Without an offset, it is this machine's time.

    The console's script adds the offset of the browser.

    Raises:
        ValueError: If it is neither.
    """
    from datetime import datetime

    stripped = text.strip()
    try:
        return instant(float(stripped), where)
    except ValueError as error:
        if "from 1970" in str(error):
            raise
    try:
        given = datetime.fromisoformat(stripped)
    except ValueError:
        raise ValueError(
            f"{where} must be epoch seconds or ISO 8601, such as 2030-01-01 12:00, not {text!r}"
        ) from None
    return instant(given if given.tzinfo else given.astimezone(), where)


def _id(text: str, where: str) -> int:
    number = read_number(text.split()[0])
    if number is None:
        raise ValueError(f"{where} must be an id, not {text!r}")
    return number
