"""Undo, named snapshots, and the difference between two states."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import delete, select

from knetik_cloud.sandbox.console import undo
from knetik_cloud.sandbox.console.difference import difference
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Redirect, Visit, link, question
from knetik_cloud.sandbox.errors import conflict_error, invalid_error, not_found_error
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import snapshots

NOW = "now"
LOST = "The copy that has this name is lost. Undo does not bring it back."
_POINT = re.compile(r"point-([0-9]{1,10})")


def history(context: Context, visit: Visit) -> Outcome:
    """List the points to return to and the snapshots."""
    service = context.service
    return Page(
        "undo.html",
        {
            "points": undo.points(service),
            "last": undo.last_action(service),
            "snapshots": service.controls.snapshots(),
            "most": undo.MAX_POINTS,
        },
    )


def undo_last(context: Context, visit: Visit) -> Outcome:
    """Undo the action that the button named, which must be the last one still."""
    point = _point(context, visit.form.get("point", ""))
    if not undo.is_last(context.service, point):
        raise conflict_error(f"“{point.label}” is not the last action anymore: see the Undo page")
    return _return(context, point)


def undo_point(context: Context, visit: Visit) -> Outcome:
    """Return to before an action, also one that is not the last."""
    return _return(context, _point(context, str(visit.path["number"])))


def _point(context: Context, text: str) -> undo.Point:
    point = undo.find(context.service, text)
    if point is None:
        raise not_found_error(f"The sandbox no longer keeps point {text[:20]}")
    return point


def _return(context: Context, point: undo.Point) -> Outcome:
    return Redirect(link("/undo", {"did": undo.return_to(context.service, point)}))


def save(context: Context, visit: Visit) -> Outcome:
    """Keep the data and the clock under a name, after asking if that replaces a snapshot."""
    name = visit.form.get("name", "").strip()
    if name in context.service.controls.snapshots():
        title = f"Replace snapshot “{name}”"
        if asked := question(visit, title, LOST, "Replace it", back="/undo"):
            return asked
    try:
        context.service.controls.snapshot(name)
    except ValueError as error:
        raise invalid_error(str(error), "name") from None
    return Redirect(link("/undo"))


def restore(context: Context, visit: Visit) -> Outcome:
    """Go back to a snapshot."""
    name = visit.form.get("name", "")
    if name not in context.service.controls.snapshots():
        raise not_found_error(f"There is no snapshot {name!r}")
    label = f"Snapshot “{name}” restored"
    return undo.act(context, visit, label, lambda: context.service.controls.restore(name), back="/undo")


def remove(context: Context, visit: Visit) -> Outcome:
    """Delete a snapshot, after asking."""
    name = visit.form.get("name", "")
    if asked := question(visit, f"Delete snapshot “{name}”", LOST, "Delete it", back="/undo"):
        return asked
    with context.service.database.transaction() as db:
        db.execute(delete(snapshots).where(snapshots.c.name == name))
    return Redirect(link("/undo"))


def compare(context: Context, visit: Visit) -> Outcome:
    """Show the difference between two states."""
    service = context.service
    choices = _choices(service)
    before, after = visit.query.get("before", ""), visit.query.get("after", NOW)
    values: dict[str, Any] = {"choices": choices, "before": before, "after": after, "changes": None}
    if before:
        values["changes"] = difference(_state(service, before), _state(service, after))
    return Page("difference.html", values)


def _choices(service: Service) -> list[tuple[str, str]]:
    """List the states that can be compared, as (value, label)."""
    named = [(f"snapshot-{name}", f"snapshot “{name}”") for name in service.controls.snapshots()]
    before = [(f"point-{point.id}", f"before “{point.label}” ({point.id})") for point in undo.points(service)]
    return [(NOW, "now"), *named, *before]


def _state(service: Service, chosen: str) -> dict[str, Any]:
    if chosen == NOW:
        return service.controls.capture()
    if match := _POINT.fullmatch(chosen):
        return undo.copy(service, int(match[1]))
    name = chosen.removeprefix("snapshot-")
    with service.database.transaction(reads_only=True) as db:
        document = db.scalar(select(snapshots.c.document).where(snapshots.c.name == name))
    if document is None:
        raise not_found_error(f"There is no state {chosen!r} to compare")
    return dict(document)


def reset(context: Context, visit: Visit) -> Outcome:
    """Go back to how the sandbox started."""
    return undo.act(context, visit, "Sandbox reset", context.service.controls.reset, back="/undo")
