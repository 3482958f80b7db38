"""The clock: freeze it, set it, step it, or move it to the next event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.console import undo
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Visit
from knetik_cloud.sandbox.console.rendering import duration
from knetik_cloud.sandbox.console.upcoming import upcoming
from knetik_cloud.sandbox.console.why_pages import read_instant
from knetik_cloud.sandbox.errors import invalid_error
from knetik_cloud.sandbox.instants import duration as read_duration
from knetik_cloud.sandbox.instants import instant

UNITS: Final = ("seconds", "minutes", "hours", "days", "weeks")
STEPS: Final = (("1 minute", 60), ("1 hour", 3600), ("1 day", 86_400), ("1 week", 604_800))


def clock(context: Context, visit: Visit) -> Outcome:
    """Show the clock and the upcoming events."""
    service = context.service
    now = service.controls.fulfill()
    until, problem = None, None
    if text := visit.query.get("until", "").strip():
        try:
            until = read_instant(text, "The time")
        except (TypeError, ValueError) as error:
            problem = str(error)
    return Page(
        "clock.html",
        {
            "upcoming": upcoming(service, now, until),
            "until": until,
            "until_text": text,
            "problem": problem,
            "units": UNITS,
            "steps": STEPS,
            "now": now,
        },
    )


def change(context: Context, visit: Visit) -> Outcome:
    """Change the clock as the form specifies."""
    try:
        label, move = _change(context, visit)
    except (TypeError, ValueError) as error:
        raise invalid_error(str(error)) from None
    return undo.act(context, visit, label, lambda: context.service.controls.change_clock(move), back="/clock")


def _change(context: Context, visit: Visit) -> tuple[str, Callable[[Clock], None]]:
    """Return what the form asks for, and the change that does it.

    Raises:
        ValueError: If a field is wrong.
    """
    form = visit.form
    match form.get("do"):
        case "freeze":
            return "Clock frozen", Clock.freeze
        case "resume":
            return "Clock resumed", Clock.resume
        case "real":
            return "Clock set to real time", lambda clock: clock.restore({})
        case "set":
            target = read_instant(form.get("when", ""), "The time")
            return f"Clock set to {form.get('when', '').strip()}", lambda clock: clock.set(target)
        case "to":
            target = instant(float(form.get("when", "")), "The time")
            return f"Clock moved to {form.get('what', target)}", lambda clock: clock.set(target)
        case "step":
            seconds = _length(form.get("amount", ""), form.get("unit", "seconds"))
            if form.get("way") == "back":
                seconds = -seconds
            now = context.service.controls.current_clock().now()
            instant(now + seconds, "The time")
            return f"Clock moved by {duration(seconds)}", lambda clock: clock.advance(seconds)
    raise ValueError(f"the clock can't {form.get('do')!r}: it can freeze, resume, be set and step")


def _length(amount: str, unit: str) -> float:
    if unit not in UNITS:
        raise ValueError(f"The unit must be one of {', '.join(UNITS)}, not {unit!r}")
    try:
        return read_duration(**{unit: float(amount)})
    except ValueError:
        raise ValueError(f"The amount must be a number, not {amount!r}") from None
