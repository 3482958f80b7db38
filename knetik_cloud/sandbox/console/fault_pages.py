"""The faults: what is armed, how often each was applied, and a form to arm one."""

from __future__ import annotations

from typing import Any

from knetik_cloud.sandbox.console import undo
from knetik_cloud.sandbox.console.describing import describe
from knetik_cloud.sandbox.console.journal_pages import find_exchange
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Visit
from knetik_cloud.sandbox.control_api import read_fault
from knetik_cloud.sandbox.errors import invalid_error
from knetik_cloud.sandbox.faults import ANY

RESET, TRUNCATE, DELAY = "reset", "truncate", "delay"
HEADER = "header-"
"""Starts the names of the form fields that are headers of the fault that another one is like."""


def faults(context: Context, visit: Visit) -> Outcome:
    """Show the armed faults, and the form. With `from`, the form is filled in from an exchange."""
    service = context.service
    filled: dict[str, Any] = {
        "operation": visit.query.get("operation", ANY),
        "kind": "503",
        "applied": False,
        "delay": "",
        "times": "1",
        "retry_after": "",
        "headers": {},
    }
    source = None
    number = visit.number("from", default=0)
    if number:
        source = find_exchange(context, visit, number)
        filled["operation"] = source.operation or ANY
        if source.applied_fault:
            filled |= _like(source.applied_fault)
        elif source.status is not None and source.status >= 400:
            filled["kind"] = str(source.status)
    book = service.controls.journal
    return Page(
        "faults.html",
        {
            "faults": [
                (fault, describe(fault.to_dict())) for fault in reversed(service.controls.armed_faults())
            ],
            "operations": sorted(service.contract.operations),
            "any": ANY,
            "filled": filled,
            "source": source,
            "applied": book.newest(20, matches=lambda exchange: exchange.fault, whole=False),
        },
    )


def _like(fault: Any) -> dict[str, Any]:
    """Return the fields of the form that arm a fault again."""
    kind = RESET if fault["reset"] else TRUNCATE if fault["truncate"] else str(fault["status"] or DELAY)
    return {
        "kind": kind,
        "applied": fault["applied"],
        "delay": f"{fault['delay']:.15g}" if fault["delay"] else "",
        "retry_after": next(
            (text for name, text in fault["headers"].items() if name.lower() == "retry-after"), ""
        ),
        "headers": {name: text for name, text in fault["headers"].items() if name.lower() != "retry-after"},
    }


def arm(context: Context, visit: Visit) -> Outcome:
    """Arm the fault of the form."""
    form = visit.form
    kind = form.get("kind", "")
    wanted: dict[str, Any] = {"operation": form.get("operation", ""), "applied": form.get("applied") == "yes"}
    try:
        wanted["delay"] = float(form.get("delay") or 0)
        times = form.get("times", "").strip()
        wanted["times"] = int(times) if times else None
        if kind in (RESET, TRUNCATE):
            wanted[kind] = True
        elif kind != DELAY:
            wanted["status"] = int(kind)
    except ValueError:
        raise invalid_error("The status, the delay and the number of times must be numbers") from None
    headers = {name.removeprefix(HEADER): text for name, text in visit.pairs if name.startswith(HEADER)}
    headers["Retry-After"] = form.get("retry_after", "").strip()
    wanted["headers"] = {name: text for name, text in headers.items() if text}
    fault = read_fault(wanted)
    known = (*context.service.contract.operations, ANY)
    if fault.operation not in known:
        raise invalid_error(f"There is no operation {fault.operation!r}", "operation")
    label = f"Fault armed: {fault.operation} {describe(fault.to_dict())}"
    return undo.act(context, visit, label, lambda: context.service.controls.arm(fault), back="/faults")


def clear(context: Context, visit: Visit) -> Outcome:
    """Disarm all faults."""
    return undo.act(context, visit, "Faults cleared", context.service.controls.clear_faults, back="/faults")
