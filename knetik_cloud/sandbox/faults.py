"""Faults on demand: make an operation fail, wait, or lose its answer, as often as wanted."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

ANY = "*"
"""Stands for every operation."""

MAX_DELAY_SECONDS = 3600.0


@dataclass(slots=True)
class Fault:
    """A fault armed for an operation.

    `status` answers so instead of carrying the operation out. `reset` drops the connection without an answer,
    `truncate` sends half of the answer's body; `applied` has the operation carried out before it is lost.
    `delay` waits so many seconds first; alone, it only slows the operation down. `times` is how often it
    strikes, None for ever; `met` how often it has.
    """

    operation: str
    status: int | None = None
    times: int | None = 1
    delay: float = 0.0
    reset: bool = False
    truncate: bool = False
    applied: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    met: int = 0

    def __post_init__(self) -> None:
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"status must be from 400 to 599, not {self.status}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, or None for ever, not {self.times}")
        if not 0 <= self.delay <= MAX_DELAY_SECONDS:
            raise ValueError(f"delay must be from 0 to {MAX_DELAY_SECONDS:.0f} seconds, not {self.delay}")
        if (self.status is not None) + self.reset + self.truncate > 1:
            raise ValueError("a fault has one of status, reset and truncate: arm several for several")
        if not (self.status or self.reset or self.truncate or self.delay):
            raise ValueError("a fault needs a status, a delay, reset or truncate")
        for name, value in self.headers.items():
            if not isinstance(value, str) or not (name + value).isprintable() or not (name + value).isascii():
                raise ValueError(f"headers must be printable ASCII, as {name!r} is not")

    @property
    def used_up(self) -> bool:
        """True once it has struck as often as it was to."""
        return self.times is not None and self.met >= self.times

    @property
    def executes(self) -> bool:
        """True if the operation happens in spite of the fault."""
        return self.applied or self.truncate or not (self.status or self.reset)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    resource = to_dict  # its name in 1.0.0


class Faults:
    """The faults that are armed, in the order in which they strike."""

    def __init__(self, operations: Collection[str]) -> None:
        self._operations = operations
        self._armed: list[Fault] = []
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> None:
        """Add a fault. Raises ValueError for an operation that doesn't exist."""
        if fault.operation != ANY and fault.operation not in self._operations:
            raise unknown_operation_error(fault.operation, self._operations, f"{ANY!r} for all")
        with self._lock:
            self._armed.append(fault)

    def take(self, operation: str) -> Fault | None:
        """Give the fault that strikes a call of an operation now, counting it; None for none."""
        if not self._armed:
            return None
        with self._lock:
            for fault in self._armed:
                if fault.operation in (operation, ANY) and not fault.used_up:
                    fault.met += 1
                    return fault
        return None

    def state(self) -> list[dict[str, Any]]:
        """Give what `restore` needs to arm another set alike."""
        return [fault.to_dict() for fault in self.all()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Arm the faults whose `state()` this was, in place of those here."""
        with self._lock:
            self._armed = [Fault(**fault) for fault in state]

    def all(self) -> list[Fault]:
        """List the faults armed so far, spent ones included, with how often each was met."""
        with self._lock:
            return list(self._armed)

    def clear(self) -> None:
        """Disarm and forget all of them."""
        with self._lock:
            self._armed.clear()


def unknown_operation_error(name: str, known: Collection[str], every: str) -> ValueError:
    """Build the error for an unknown operation, with the names that are similar, or all names.

    Args:
        name: The name.
        known: The names of the operations.
        every: The advice for those who mean all operations.
    """
    matches = get_close_matches(name, known)
    advice = (
        f"did you mean {' or '.join(matches)}?" if matches else f"use {', '.join(sorted(known))}, or {every}"
    )
    return ValueError(f"there is no operation {name!r}; {advice}")
