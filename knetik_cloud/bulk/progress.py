"""Progress of a bulk run: a bar on a terminal, one line of JSON every ten seconds otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from knetik_cloud.core.clock import monotonic
from knetik_cloud.terminals import has_color, is_terminal

LINE_SECONDS = 10.0

Progress = bool | None | Callable[[Mapping[str, Any]], object]
"""False shows nothing, None decides by the terminal, and a function is called with each state."""


class Display(Protocol):
    """Shows how far a run is."""

    def update(self, state: Mapping[str, Any]) -> None:
        """Show a state: `done`, `total`, `per_second`, `eta_seconds`, `in_flight` and the counts."""

    def close(self) -> None:
        """End the display."""


class Meter:
    """Turns counts into rates, and passes them to a display.

    Args:
        total: The number of rows, or None if unknown.
        done: The number of rows that were done before.
        progress: The way to show the progress.
        title: The text before a bar.
    """

    def __init__(self, total: int | None, done: int, progress: Progress, title: str) -> None:
        self.total = total
        self._first = done
        self._started = monotonic()
        self._display = _display(progress, total, title)

    def update(self, done: int, in_flight: int, counts: Mapping[str, int]) -> None:
        """Show how many rows are done, in total."""
        seconds = monotonic() - self._started
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        left = None if self.total is None or not rate else round((self.total - done) / rate)
        state = {
            "done": done,
            "total": self.total,
            "per_second": round(rate, 1),
            "eta_seconds": left,
            "in_flight": in_flight,
            **counts,
        }
        self._display.update(state)

    def close(self) -> None:
        """End the display."""
        self._display.close()


def _display(progress: Progress, total: int | None, title: str) -> Display:
    if progress is False:
        return _Silent()
    if callable(progress):
        return _Function(progress)
    if is_terminal(sys.stderr):
        try:
            return _Bar(total, title)
        except ImportError:
            pass
    return _Lines()


class _Silent:
    def update(self, state: Mapping[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


class _Function(_Silent):
    def __init__(self, function: Callable[[Mapping[str, Any]], object]) -> None:
        self._function = function

    def update(self, state: Mapping[str, Any]) -> None:
        self._function(state)


class _Lines(_Silent):
    def __init__(self) -> None:
        self._next = monotonic() + LINE_SECONDS

    def update(self, state: Mapping[str, Any]) -> None:
        if monotonic() >= self._next and sys.stderr is not None:
            self._next += LINE_SECONDS
            with suppress(OSError, ValueError):  # a run goes on, even if stderr is closed or has no reader
                sys.stderr.write(f"{json.dumps(state)}\n")
                sys.stderr.flush()


class _Bar(_Silent):
    def __init__(self, total: int | None, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[per_second]}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True, no_color=not has_color(sys.stderr)),
        )
        self._task = self._bar.add_task(title, total=total, per_second=0, note="")
        self._bar.start()

    def update(self, state: Mapping[str, Any]) -> None:
        noted = ("in_flight", "denied", "absent", "unknown")
        note = ", ".join(f"{state[name]:,} {name.replace('_', ' ')}" for name in noted if state.get(name))
        self._bar.update(
            self._task,
            completed=state["done"],
            total=state["total"],
            per_second=state["per_second"],
            note=note,
        )

    def close(self) -> None:
        self._bar.stop()
