"""The outcomes of writes, and the recent writes of this process.

A read-back needs the recent writes to distinguish the traces of a write from those of its siblings.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from knetik_cloud.core import request
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.data import codec, types
from knetik_cloud.exceptions import ApiException

T = TypeVar("T")
State = Literal["applied", "found", "absent", "denied", "unknown"]

MAX_WRITES = 4096
"""Writes that are remembered. A read-back whose window holds more of them ends in `unknown`."""


class Outcome(Generic[T]):
    """The outcome of a write.

    Attributes:
        state: `"applied"` (by this call), `"found"` (an earlier call with the same key had applied it),
            `"absent"` (certainly not applied, or not there after `settle` seconds), `"denied"` (the service
            rejected it) or `"unknown"` (the API can't show the outcome).
        value: The method's result if the service returned it to this call, otherwise None.
        evidence: The item that shows the write, such as the log line or the inventory entry, or None.
        candidates: All items that may show the write. If `state` is `"unknown"`, one of them may be it. If
            it is `"applied"` and there are several with the same key, the service applied the write that
            often, because an earlier attempt arrived later than `settle` seconds.
        error: The error of the last attempt, or of a read-back that failed, or None. If `state` is
            `"unknown"`, `client.find_out(error)` looks for the write again, if it was sent.
        key: The key of the write, or None.
    """

    __slots__ = ("candidates", "error", "evidence", "key", "state", "value")

    def __init__(
        self,
        state: State,
        *,
        value: T | None = None,
        evidence: Any = None,
        candidates: Sequence[Any] = (),
        error: ApiException | None = None,
        key: str | None = None,
    ) -> None:
        self.state: State = state
        self.value = value
        self.evidence = evidence
        self.candidates = tuple(candidates)
        self.error = error
        self.key = key

    @property
    def is_applied(self) -> bool:
        """Whether the write has been applied, by this call or an earlier one."""
        return self.state in ("applied", "found")

    def __repr__(self) -> str:
        details = [repr(self.state)]
        details += [f"key={self.key!r}"] if self.key is not None else []
        details += [f"candidates={len(self.candidates)}"] if self.candidates else []
        if self.error is not None:
            details.append(f"error={type(self.error).__name__}({types.short_repr(self.error.reason)})")
        return f"<Outcome {', '.join(details)}>"


class Moment(NamedTuple):
    """A moment by both clocks: the local one may be set, and the monotonic one may stop with the machine.

    Attributes:
        wall: Epoch seconds of the local clock as it was set then.
        monotonic: Seconds of the monotonic clock.
    """

    wall: float
    monotonic: float

    @classmethod
    def now(cls) -> Moment:
        """Return the present moment."""
        return cls(time.time(), monotonic())

    @classmethod
    def at(cls, wall: float) -> Moment:
        """Return the moment that another process saw on the local clock."""
        return cls(wall, monotonic() - (time.time() - wall))

    def ages(self) -> tuple[float, float]:
        """Return how many seconds ago the moment was, by both clocks."""
        now = Moment.now()
        return now.wall - self.wall, now.monotonic - self.monotonic


_NUMBERS = itertools.count()


class Write:
    """A write, and what identifies its traces.

    Attributes:
        operation: The operation.
        arguments: Its arguments as plain JSON, recorded only if its result is unknown.
        marks: What all of its traces have in common, by place. Writes with equal marks leave traces that
            can't be told apart. `""` is the base URL of the service.
        started: When the call started.
        ended: When it ended, or None while it is running.
        state: `"open"`, `"applied"`, `"absent"` (certainly not applied) or `"unknown"`.
    """

    __slots__ = ("arguments", "ended", "era", "id", "marks", "operation", "started", "state")

    def __init__(self, operation: Operation[Any], arguments: Mapping[str, Any], service: str) -> None:
        self.operation = operation
        self.arguments: dict[str, Any] = {}
        self.marks = {"": service, **marks(operation, arguments)}
        self.id = os.getpid(), next(_NUMBERS)
        self.started = Moment.now()
        self.ended: Moment | None = None
        self.state = "open"
        self.era = LOG.era

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in ("id", "arguments", "marks", "state")}
        now = time.time()
        state["started"] = now - max(self.started.ages())
        state["ended"] = None if self.ended is None else now - min(self.ended.ages())
        return _rebuild, (self.operation.models, self.operation.id, state)

    @property
    def ends_at(self) -> float:
        """When the call ended, by the monotonic clock; infinite while it is running."""
        return math.inf if self.ended is None else self.ended.monotonic

    def end(self, state: str) -> None:
        """Record the result of the call."""
        self.ended = Moment.now()
        self.state = state

    def end_unknown(self, arguments: Mapping[str, Any]) -> None:
        """Record that the result is unknown, and what was sent."""
        self.arguments = codec.plain(arguments)
        self.end("unknown")

    def resolve(self, state: State) -> None:
        """Record the outcome that a read-back has found by now, unless it is unknown."""
        if state in ("applied", "absent"):
            self.end(state)

    def is_sibling(self, other: Write) -> bool:
        """Return whether another write may leave traces that look like those of this one."""
        return other.id != self.id and are_alike(self.marks, other.marks)

    def tally(self, siblings: Iterable[Write], settled: Container[object]) -> tuple[int, int]:
        """Return how many siblings have left a trace that looks like this write's, and how many may have.

        Args:
            siblings: The siblings.
            settled: The ids of those that had certainly been applied before the traces were read.
        """
        certain = possible = 0
        for other in siblings:
            if other.id in settled and self.marks.items() <= other.marks.items():
                certain += 1
            elif other.state != "absent":
                possible += 1
        return certain, possible

    def lives(self, siblings: Iterable[Write]) -> list[tuple[float, float]]:
        """Return when this write and its siblings may have left their traces, by the monotonic clock."""
        return [
            (each.started.monotonic, each.ends_at if each.state == "applied" else math.inf)
            for each in (self, *siblings)
            if each.state != "absent"
        ]

    def may_come_after(self, moment: float, settle: float) -> bool:
        """Return whether the write may leave its trace after a moment.

        Args:
            moment: The moment, by the monotonic clock.
            settle: Seconds within which a write arrives whose call has failed.
        """
        return self.ends_at + (settle if self.state == "unknown" else 0.0) >= moment


class WriteLog:
    """The latest writes of this process, over all clients, and earlier ones that are still open."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may write while its thread holds it
        self.forget()

    def forget(self) -> None:
        """Forget all writes: the service's data or clock was set back."""
        self._writes: deque[Write] = deque()
        self._open: list[Write] = []
        self._forgotten: Write | None = None
        """The write that ended last among those that are forgotten."""
        self.era = object()
        """Changes when the data or clock of a sandbox was set back, so earlier writes don't count."""

    def reset_after_fork(self) -> None:
        """Replace the lock in a forked child, in which no thread ends the writes that are open."""
        self._lock = threading.RLock()
        for write in (*self._open, *self._writes):
            if write.ended is None:
                write.end("unknown")

    def add(self, operation: Operation[Any], arguments: Mapping[str, Any], service: str) -> Write:
        """Record a write that is about to be sent."""
        write = Write(operation, arguments, service)
        self._writes.append(write)
        if len(self._writes) > MAX_WRITES:
            with self._lock:
                self._retire(self._writes.popleft())
        return write

    def _retire(self, oldest: Write) -> None:
        """Forget a write that has ended, but not one that is still open."""
        still_open: list[Write] = []
        for other in (*self._open, oldest):
            if other.ends_at == math.inf:
                still_open.append(other)
            elif self._forgotten is None or other.ends_at > self._forgotten.ends_at:
                self._forgotten = other
        self._open = still_open

    def siblings(self, write: Write, since: float, settle: float) -> list[Write] | None:
        """Return the siblings of a write that may leave traces after a moment.

        Args:
            write: The write.
            since: The moment, by the monotonic clock.
            settle: Seconds within which a write arrives whose call has failed.

        Returns:
            The siblings, or None if some may be forgotten.
        """
        with self._lock:
            known, forgotten = [*self._open, *self._writes], self._forgotten
        if forgotten is not None and forgotten.may_come_after(since - settle, settle):
            return None
        return [other for other in known if other.may_come_after(since, settle) and write.is_sibling(other)]


LOG = WriteLog()


def _rebuild(models: str, operation: str, state: Mapping[str, Any]) -> Write:
    write = Write.__new__(Write)
    write.operation = getattr(
        import_module(f"{models.removesuffix('.models')}.operations"), operation.upper()
    )
    for name in ("id", "arguments", "marks", "state"):
        setattr(write, name, state[name])
    write.started = Moment.at(state["started"])
    write.ended = None if state["ended"] is None else Moment.at(state["ended"])
    write.era = LOG.era
    return write


class _Name(str):
    """The name of a user, or `me`: it may be anybody, whose id another write names."""

    __slots__ = ()


@lru_cache
def _port_and_path(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80), parts.path


def are_alike(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether no mark that two writes both have certainly differs."""
    return all(
        name not in second
        or second[name] == value
        or isinstance(value, _Name)
        or isinstance(second[name], _Name)
        # A service has many names, such as localhost and 127.0.0.1.
        or (name == "" and _port_and_path(value) == _port_and_path(second[name]))
        for name, value in first.items()
    )


def marks(operation: Operation[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the traces of a write have in common: what its read-back looks for."""
    found: dict[str, Any] = {"list": operation.read_back[-1].list}
    for name, expression, parameter in _places(operation):
        value = resolve(expression, arguments)
        if value is None:
            found[name] = None
        elif parameter is not None:
            found[name] = canonical(parameter, value)
        elif isinstance(value, str):
            found[name] = str.__str__(value)
        else:
            found[name] = str(int(value) if hasattr(value, "__index__") else codec.plain(value))
    for read_back in operation.read_back:
        for name, expression in read_back.null_if.items():
            is_null = resolve(expression, arguments)
            if isinstance(is_null, bool):
                found[f"{read_back.list}.{name}"] = None if is_null else "not null"
    if operation.marker is not None:
        found["marker"] = arguments.get(operation.marker)
    return found


@cache
def _places(operation: Operation[Any]) -> tuple[tuple[str, Any, Parameter | None], ...]:
    """Return the names of the marks, their expressions, and the arguments that these name."""
    parameters = {f"${parameter.name}": parameter for parameter in operation.parameters}
    return tuple(
        (f"{read_back.list}.{name}", value, parameters.get(value) if isinstance(value, str) else None)
        for read_back in operation.read_back
        for place in (read_back.arguments, read_back.match)
        for name, value in place.items()
        if not is_deferred(value)
    )


def canonical(parameter: Parameter, value: Any) -> str:
    """Return the canonical text of an argument, equal for all values that identify the same thing."""
    if type(value) is int:
        return str(value)
    text = str(request.convert(parameter, value))
    if parameter.type == "int | str":
        return (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else _Name(text)
    return text


def is_deferred(expression: Any) -> bool:
    """Return whether an expression of the contract refers to something that isn't known before a read."""
    return isinstance(expression, str) and expression.partition(".")[0] in ("$item", "$since", "$marker")


def resolve(expression: Any, arguments: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Any:
    """Return the value of an expression of the contract: `$name`, `$name.field` or a constant."""
    if not (isinstance(expression, str) and expression.startswith("$")):
        return expression
    name, _, field = expression[1:].partition(".")
    value = extra[name] if extra is not None and name in extra else arguments.get(name)
    if not field:
        return value
    json = getattr(value, "_json", value)
    return json.get(field) if isinstance(json, Mapping) else None
