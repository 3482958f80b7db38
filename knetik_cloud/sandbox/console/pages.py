"""Every page of the console, by path and method."""

from __future__ import annotations

from collections.abc import Mapping

from knetik_cloud.sandbox.console import (
    clock_pages,
    code_pages,
    data_pages,
    fault_pages,
    journal_pages,
    try_pages,
    undo_pages,
    why_pages,
)
from knetik_cloud.sandbox.console.page import Action, Context, Outcome, Page, Visit


def keys(context: Context, visit: Visit) -> Outcome:
    """List the keyboard shortcuts."""
    return Page("keys.html")


PAGES: Mapping[str, Mapping[str, Action]] = {
    "": {"GET": journal_pages.journal},
    "/journal": {"GET": journal_pages.journal},
    "/journal/clear": {"POST": journal_pages.clear},
    "/journal/code": {"GET": code_pages.code},
    "/journal/stream": {"GET": journal_pages.stream},
    "/journal/{number:knetik_id}": {"GET": journal_pages.request},
    "/data": {"GET": data_pages.overview},
    "/data/seed": {"POST": data_pages.load},
    "/data/export": {"GET": data_pages.export},
    "/data/tokens/expire": {"POST": data_pages.expire_tokens},
    "/data/{table}": {"GET": data_pages.listing},
    "/data/{table}/{key:knetik_text}": {"GET": data_pages.row, "POST": data_pages.reveal},
    "/why": {"GET": why_pages.why_page},
    "/clock": {"GET": clock_pages.clock, "POST": clock_pages.change},
    "/faults": {"GET": fault_pages.faults, "POST": fault_pages.arm},
    "/faults/clear": {"POST": fault_pages.clear},
    "/undo": {"GET": undo_pages.history},
    "/undo/last": {"POST": undo_pages.undo_last},
    "/undo/reset": {"POST": undo_pages.reset},
    "/undo/difference": {"GET": undo_pages.compare},
    "/undo/snapshots": {"POST": undo_pages.save},
    "/undo/snapshots/restore": {"POST": undo_pages.restore},
    "/undo/snapshots/delete": {"POST": undo_pages.remove},
    "/undo/{number:knetik_id}": {"POST": undo_pages.undo_point},
    "/try": {"GET": try_pages.operations},
    "/try/{operation}": {"GET": try_pages.form, "POST": try_pages.submit},
    "/keys": {"GET": keys},
}
"""The handler of each method by path. The types of path parameters are registered for the whole process."""
