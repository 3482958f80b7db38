"""Faults: responses that an operation is made to fail, delay, cut short or lose."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from knetik_cloud.sandbox.arguments import check_integer

ANY = "*"
"""The name that means every operation."""

MAX_DELAY_SECONDS = 3600.0
MAX_ARMED = 1000
"""The maximum number of faults that are armed at the same time."""

FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding"})
"""Headers that the server computes. With other values, a client could not read the response."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?")


@dataclass(slots=True)
class Fault:
    """A fault armed for an operation.

    `status` is returned without running the operation. `reset` drops the connection without a response, and
    `truncate` sends half of the response's body. With `applied`, the operation runs before its response is
    lost, even if the caller has disconnected. `delay` waits that many seconds first; alone, it only slows the
    operation down. If the data is replaced meanwhile, by a reset or a snapshot, the operation doesn't run.
    `headers` are added to the response. The fault is applied `times` times, or until it is cleared if `times`
    is None. `met` is how many times it has been applied.

    Raises:
        TypeError: If a value is of the wrong type.
        ValueError: If a value is out of range, or the values don't fit each other.
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
        if not isinstance(self.operation, str):
            raise TypeError(f"operation must be the name of an operation, or {ANY!r}, not {self.operation!r}")
        if self.status is not None:
            check_integer("status", self.status, "from 400 to 599", 400, 599)
        if self.times is not None:
            check_integer("times", self.times, "1 or more, or None for no limit", 1)
        if isinstance(self.delay, bool) or not isinstance(self.delay, int | float):
            raise TypeError(f"delay must be a number of seconds, not {self.delay!r}")
        if not 0 <= self.delay <= MAX_DELAY_SECONDS:
            raise ValueError(f"delay must be from 0 to {MAX_DELAY_SECONDS:.0f} seconds, not {self.delay}")
        for name in ("reset", "truncate", "applied"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if (self.status is not None) + self.reset + self.truncate > 1:
            raise ValueError("a fault has one of status, reset and truncate: arm several for several")
        if not (self.status or self.reset or self.truncate or self.delay):
            raise ValueError("a fault needs a status, a delay, reset or truncate")
        _check_headers(self.headers)

    @property
    def used_up(self) -> bool:
        """True once it has been applied `times` times."""
        return self.times is not None and self.met >= self.times

    @property
    def executes(self) -> bool:
        """True if the operation runs in spite of the fault."""
        return self.applied or self.truncate or not (self.status or self.reset)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def resource(self) -> dict[str, Any]:
        """Return it as a JSON object. Deprecated: use `to_dict`. Version 2.0.0 removes this name."""
        message = "Fault.resource() is deprecated: use to_dict(). Version 2.0.0 removes it"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.to_dict()


class Faults:
    """The armed faults, in the order in which they are applied."""

    def __init__(self, operations: Collection[str]) -> None:
        self._operations = operations
        self._armed: list[Fault] = []
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> None:
        """Add a fault.

        Raises:
            ValueError: If there is no such operation, or if too many faults are armed.
        """
        if fault.operation != ANY and fault.operation not in self._operations:
            raise unknown_operation_error(fault.operation, self._operations, f"{ANY!r} for all")
        with self._lock:
            if len(self._armed) >= MAX_ARMED:
                raise ValueError(f"{MAX_ARMED} faults are already armed: clear them first")
            self._armed.append(fault)

    def take(self, operation: str) -> Fault | None:
        """Return the fault to apply to this call and count it, or None. A used-up fault disappears."""
        if not self._armed:
            return None
        with self._lock:
            for fault in self._armed:
                if fault.operation in (operation, ANY):
                    fault.met += 1
                    if fault.used_up:
                        self._armed.remove(fault)
                    return fault
        return None

    def state(self) -> list[dict[str, Any]]:
        """Return the state that makes another set of faults like this one."""
        return [fault.to_dict() for fault in self.all()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Replace the faults with those whose `state()` this was, except used-up ones."""
        faults = [Fault(**fault) for fault in state]
        with self._lock:
            self._armed = [fault for fault in faults if not fault.used_up]

    def all(self) -> list[Fault]:
        """List the armed faults, each with how often it has been applied."""
        with self._lock:
            return list(self._armed)

    def clear(self) -> None:
        """Disarm and discard all faults."""
        with self._lock:
            self._armed.clear()


def _check_headers(headers: Any) -> None:
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a map of names to strings, not {headers!r}")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers must be a map of names to strings, not {name!r}: {value!r}")
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(
                f"headers must have names without spaces, such as Retry-After, not {name[:100]!r}"
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the header {name!r} must be printable ASCII without outer spaces")
        if name.lower() in FRAMING_HEADERS:
            raise ValueError(f"headers can't set {name}: the server computes it")


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
    return ValueError(f"there is no operation {name[:100]!r}; {advice}")
