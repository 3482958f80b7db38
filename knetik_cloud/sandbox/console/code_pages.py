"""The page that shows selected requests as code."""

from __future__ import annotations

from typing import Final

from knetik_cloud.sandbox.console import snippets
from knetik_cloud.sandbox.console.journal_pages import check_run, row_place
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Visit, read_number
from knetik_cloud.sandbox.console.replay import DEMO, EMPTY, Plan, plan
from knetik_cloud.sandbox.console.steps import read_steps
from knetik_cloud.sandbox.errors import invalid_error, not_found_error
from knetik_cloud.sandbox.journal import Exchange

MAX_SELECTED: Final = 200
"""Requests that are written as code together."""

FORMS: Final = {
    "pytest": "A pytest test",
    "python": "Python",
    "curl": "curl",
    "knetik": "knetik lines",
}


def code(context: Context, visit: Visit) -> Outcome:
    """Show the selected requests as code."""
    service = context.service
    form = visit.query.get("as", "pytest")
    if form not in FORMS:
        raise invalid_error(f"The console writes {', '.join(FORMS)}, not {form!r}", "as")
    chosen = visit.request.query_params.getlist("row")
    numbers = sorted({number for text in chosen if (number := read_number(text)) is not None})
    if not numbers:
        raise invalid_error("Select one or more requests of the journal first")
    if len(numbers) > MAX_SELECTED:
        raise invalid_error(f"Select up to {MAX_SELECTED} requests, not {len(numbers)}")
    check_run(context, visit)
    wanted = set(numbers)
    book = service.controls.journal
    found = book.newest(
        len(numbers), before=numbers[-1] + 1, after=numbers[0] - 1, matches=lambda each: each.number in wanted
    )
    if len(found) < len(numbers):
        raise not_found_error("The journal no longer holds all of the selected requests")
    steps = read_steps(service.contract, found)
    base = str(visit.request.base_url).rstrip("/")
    made = None
    if form == "pytest":
        earlier = book.newest(10_000, before=numbers[0], matches=_changed_something)
        made = plan(
            service, steps, [step for step in read_steps(service.contract, earlier) if not step.problem]
        )
        text = snippets.as_pytest(made, service.settings)
    else:
        write = {"python": snippets.as_python, "curl": snippets.as_curl, "knetik": snippets.as_knetik}[form]
        text = write(steps, base)
    return Page(
        "code.html",
        {
            "code": text,
            "form": form,
            "forms": FORMS,
            "numbers": numbers,
            "run": book.run,
            "up": row_place(context, numbers[-1]),
            "left_out": [step for step in steps if step.problem] if form != "curl" else [],
            "made": made,
            "start": _describe(made),
        },
    )


def _changed_something(exchange: Exchange) -> bool:
    """Return whether a request may have changed the data."""
    if exchange.method == "GET":
        return False
    fault = exchange.applied_fault
    if fault is not None and (fault["status"] or fault["reset"]):
        return bool(fault["applied"])
    return exchange.status is not None and exchange.status < 400


def _describe(made: Plan | None) -> str | None:
    """Describe what the test starts with."""
    if made is None:
        return None
    start = {DEMO: "the demo data", EMPTY: "an empty sandbox"}.get(made.start.kind, "a seed")
    lead = len(made.earlier)
    return f"{start} and runs {lead} earlier {'write' if lead == 1 else 'writes'}" if lead else start
