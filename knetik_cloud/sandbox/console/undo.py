"""Points to return to: a copy of the data, the clock and the faults before each control action."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Redirect, Visit, link
from knetik_cloud.sandbox.console.security import TOKEN_FIELD
from knetik_cloud.sandbox.errors import not_found_error
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import inventory, state

MAX_POINTS: Final = 20
MAX_ENTRIES: Final = 20_000
"""Inventory entries up to which a copy is made without asking."""

ACTION: Final = "action"
RETURN: Final = "return"

_INFO = "undo:"
_COPY = "undo-copy:"


@dataclass(frozen=True, slots=True)
class Point:
    """A state before an action. `time` is real, in epoch seconds. `kind` tells actions from returns.

    `undone` is True once the action was undone.
    """

    id: int
    label: str
    time: float
    kind: str
    undone: bool


def points(service: Service) -> list[Point]:
    """List the points kept, newest first."""
    query = select(state).where(state.c.name.like(f"{_INFO}%")).order_by(state.c.name.desc())
    with service.database.transaction(reads_only=True) as db:
        return [_point(row.name, row.document) for row in db.execute(query)]


def find(service: Service, point_id: int) -> Point | None:
    """Return a point, or None if it is no longer stored."""
    name = f"{_INFO}{point_id:010d}"
    with service.database.transaction(reads_only=True) as db:
        document = db.scalar(select(state.c.document).where(state.c.name == name))
    return _point(name, document) if document else None


def take(service: Service, label: str, kind: str = ACTION) -> int:
    """Keep the present state, and return the id of the point. The oldest of more than MAX_POINTS goes."""
    current = service.controls.capture()
    info = {"label": label, "time": time.time(), "kind": kind, "undone": False}
    with service.database.transaction() as db:
        names = list(db.scalars(select(state.c.name).where(state.c.name.like(f"{_INFO}%"))))
        known = sorted(int(name.removeprefix(_INFO)) for name in names)
        point_id = known[-1] + 1 if known else 1
        for old in known[: max(0, len(known) + 1 - MAX_POINTS)]:
            _discard(db, old)
        db.execute(insert(state).values(name=f"{_INFO}{point_id:010d}", document=info))
        db.execute(insert(state).values(name=f"{_COPY}{point_id:010d}", document=current))
    return point_id


def discard(service: Service, point_id: int) -> None:
    """Remove a point, because its action did not happen."""
    with service.database.transaction() as db:
        _discard(db, point_id)


def copy(service: Service, point_id: int) -> dict[str, Any]:
    """Return the copy that a point keeps.

    Raises:
        ServiceError: If the point is no longer stored (404).
    """
    with service.database.transaction(reads_only=True) as db:
        document = db.scalar(select(state.c.document).where(state.c.name == f"{_COPY}{point_id:010d}"))
    if document is None:
        raise not_found_error(f"The sandbox no longer keeps point {point_id}: it keeps the last {MAX_POINTS}")
    return dict(document)


def return_to(service: Service, point: Point) -> int:
    """Bring a point back, and return the id of a new point with the state before that."""
    document = copy(service, point.id)
    kept = take(service, f"Return to before “{point.label}”", RETURN)
    service.controls.bring_back(document)
    with service.database.transaction() as db:
        name = f"{_INFO}{point.id:010d}"
        info = db.scalar(select(state.c.document).where(state.c.name == name))
        if info is not None:
            db.execute(update(state).where(state.c.name == name).values(document={**info, "undone": True}))
    return kept


def last_action(service: Service) -> Point | None:
    """Return the newest point whose action was not undone, or None."""
    return next((point for point in points(service) if point.kind == ACTION and not point.undone), None)


def entry_count(service: Service) -> int:
    """Count the inventory entries."""
    with service.database.transaction(reads_only=True) as db:
        return db.scalar(select(func.count()).select_from(inventory)) or 0


def act(context: Context, visit: Visit, label: str, change: Callable[[], object], back: str) -> Outcome:
    """Run a control action of the console. Store the state before it first, or ask if the state is large."""
    service = context.service
    choice = visit.form.get("snapshot")
    if choice not in ("yes", "no") and (entries := entry_count(service)) > MAX_ENTRIES:
        fields = [(name, value) for name, value in visit.pairs if name != TOKEN_FIELD]
        values = {"label": label, "entries": entries, "fields": fields, "action": visit.request.url.path}
        return Page("confirm.html", {**values, "back": back, "most": MAX_ENTRIES})
    if choice == "no":
        change()
        return Redirect(link(back))
    point_id = take(service, label)
    try:
        change()
    except BaseException:
        discard(service, point_id)
        raise
    return Redirect(link(back, {"did": point_id}))


def _discard(db: Connection, point_id: int) -> None:
    names = (f"{_INFO}{point_id:010d}", f"{_COPY}{point_id:010d}")
    db.execute(delete(state).where(state.c.name.in_(names)))


def _point(name: str, info: Mapping[str, Any]) -> Point:
    return Point(int(name.removeprefix(_INFO)), info["label"], info["time"], info["kind"], info["undone"])
