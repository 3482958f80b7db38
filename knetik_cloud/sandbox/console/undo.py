"""Points to return to: a copy of the data, the clock and the faults before each control action."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Redirect, Visit, asking, link
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

    `undone` is True while the action is not in effect. `before` are the ids of the points that were in effect
    when this one was taken.
    """

    id: int
    label: str
    time: float
    kind: str
    undone: bool
    before: Sequence[int]


def points(service: Service) -> list[Point]:
    """List the points kept, newest first."""
    with service.database.transaction(reads_only=True) as db:
        return _points(db)


def find(service: Service, text: str) -> Point | None:
    """Return the point with an id, or None if it is no longer stored."""
    return next((point for point in points(service) if str(point.id) == text), None)


def take(service: Service, label: str, kind: str = ACTION) -> int:
    """Keep the present state, and return the id of the point. The oldest of more than MAX_POINTS goes."""
    current = service.controls.capture()
    info = {"label": label, "time": time.time(), "kind": kind, "undone": False}
    with service.database.transaction() as db:
        known = _points(db)
        info["before"] = [point.id for point in known if not point.undone]
        point_id = known[0].id + 1 if known else 1
        for old in known[MAX_POINTS - 1 :]:
            _discard(db, old.id)
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
    """Bring a point back, and return the id of a new point with the state before that.

    The actions that were in effect at the point are in effect again, and all others are undone.
    """
    document = copy(service, point.id)
    label = (
        f"Return to before no. {point.id}" if point.kind == RETURN else f"Return to before “{point.label}”"
    )
    kept = take(service, label, RETURN)
    service.controls.bring_back(document)
    with service.database.transaction() as db:
        for row in list(db.execute(select(state).where(state.c.name.like(f"{_INFO}%")))):
            is_undone = _id(row.name) not in (kept, *point.before)
            changed = {**row.document, "undone": is_undone}
            db.execute(update(state).where(state.c.name == row.name).values(document=changed))
    return kept


def last_action(service: Service) -> Point | None:
    """Return the newest point whose action is in effect, or None."""
    return next((point for point in points(service) if point.kind == ACTION and not point.undone), None)


def is_last(service: Service, point: Point) -> bool:
    """Return whether a return to a point undoes only its action: it is in effect, and no later action is."""
    last = last_action(service)
    return not point.undone and (last is None or last.id <= point.id)


def entry_count(service: Service) -> int:
    """Count the inventory entries."""
    with service.database.transaction(reads_only=True) as db:
        return db.scalar(select(func.count()).select_from(inventory)) or 0


def ask(service: Service, visit: Visit, label: str, back: str) -> Page | None:
    """Return the page that asks whether to keep a large state, or None if it is small or the user chose."""
    if visit.form.get("snapshot") in ("yes", "no") or (entries := entry_count(service)) <= MAX_ENTRIES:
        return None
    return asking(visit, "confirm.html", label=label, entries=entries, back=back, most=MAX_ENTRIES)


def act(context: Context, visit: Visit, label: str, change: Callable[[], object], back: str) -> Outcome:
    """Run a control action of the console. Store the state before it first, or ask if the state is large."""
    service = context.service
    if asked := ask(service, visit, label, back):
        return asked
    if visit.form.get("snapshot") == "no":
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


def _points(db: Connection) -> list[Point]:
    query = select(state).where(state.c.name.like(f"{_INFO}%")).order_by(state.c.name.desc())
    return [Point(_id(row.name), **row.document) for row in db.execute(query)]


def _id(name: str) -> int:
    return int(name.removeprefix(_INFO))
