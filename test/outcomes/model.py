"""A model of the service in virtual time, for writes whose outcome is looked for.

Each write succeeds, is lost, or arrives later than its failure. Each read sees the service as it is at some
moment on its way, or fails. Calls are cancelled, the local clock is set, or the machine is suspended.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
import random
from collections.abc import Generator
from contextlib import suppress
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

import pytest

from knetik_cloud import (
    ApiException,
    ApiResponse,
    PageResourceUserInventoryResource,
    PageResourceUserItemLogResource,
    operations,
    recovery,
    writes,
)
from knetik_cloud.bulk import shard, siblings
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.outcome import Sleep

USER, ITEM = 56, 5
SERVICE = "http://model"
EPOCH = 1_800_000_000.0
SETTLE = 2.0
SCHEDULES = 200 * int(os.environ.get("KNETIK_TEST_SOAK", "1"))
GRANT = operations.GRANT_USER_ENTITLEMENT
USE = operations.USE_USER_ENTITLEMENT_ITEM
UPDATE = operations.UPDATE_USER_INVENTORY_STATUS
PATCH = operations.PATCH_ENTITLEMENT_TEMPLATE

T = TypeVar("T")
Actor = Generator[float, None, None]
"""Something that happens over time. It yields the seconds until it continues."""


class Fate(NamedTuple):
    """The fate of a write that is sent.

    Attributes:
        state: What the caller knows after the call: `applied`, `absent` or `unknown`.
        ends_after: Seconds from the start until the caller gets the response or the error.
        applied_after: Seconds from the start until it is applied; infinite if it never is.
    """

    state: str
    ends_after: float
    applied_after: float = math.inf


class World:
    """A service, the clocks, and the callers of one process."""

    def __init__(self, seed: int, operation: Operation[Any], failing: float) -> None:
        self.operation = operation
        self.failing = failing
        """The share of reads that fail."""
        self.random = random.Random(seed)
        self.now = 0.0
        self.local = EPOCH
        """The local clock at the beginning, which can be set."""
        self.service = EPOCH + self.random.uniform(-100, 100)
        self.traces: list[tuple[float, str, str | None]] = []
        """For each grant or use, the service's time, the writer, and its info."""
        self.story: list[str] = []
        self._queue: list[tuple[float, int, Actor]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        """Return epoch seconds of the local clock."""
        return self.local + self.now

    def monotonic(self) -> float:
        return self.now

    def start(self, actor: Actor, after: float) -> None:
        """Let something happen, or continue, after some seconds."""
        heapq.heappush(self._queue, (self.now + after, next(self._numbers), actor))

    def note(self, event: str) -> None:
        self.story.append(f"{self.now:8.3f} {event}")

    def run(self) -> None:
        """Let everything happen, in the order of time."""
        while self._queue:
            self.now, _, actor = heapq.heappop(self._queue)
            with suppress(StopIteration):
                self.start(actor, next(actor))

    def applied(self, writer: str) -> int:
        """Return how often a caller's writes have been applied."""
        return sum(each == writer for _, each, _ in self.traces)

    def page(self, listed: str, since: float) -> Any:
        """Return the page of entries since a moment, or of lines of the log."""
        kind: Any = PageResourceUserInventoryResource
        rows: list[dict[str, Any]] = [{"id": 56}]
        if listed == "get_user_inventory_log":
            kind = PageResourceUserItemLogResource
            rows = [
                {"id": number, "type": "use", "info": info, "log_date": math.floor(moment)}
                for number, (moment, _, info) in enumerate(self.traces, 1)
            ]
        elif self.operation is GRANT:
            rows = [
                {"id": number, "item_id": ITEM, "created_date": math.floor(moment)}
                for number, (moment, _, _) in enumerate(self.traces, 1)
                if math.floor(moment) >= since
            ]
        return kind.from_dict({"content": rows, "total_elements": len(rows), "total_pages": 1, "number": 1})

    def fate(self) -> Fate:
        """Choose the fate of a write."""
        uniform = self.random.uniform
        takes = uniform(0.01, self.random.choice((0.3, 0.3, 0.3, 4.0)))
        return self.random.choice(
            (
                Fate("applied", takes, uniform(0, takes)),
                Fate("applied", takes, uniform(0, takes)),
                Fate("absent", takes),
                Fate("unknown", takes),
                Fate("unknown", takes, uniform(0, takes)),
                Fate("unknown", takes, takes + uniform(0, SETTLE)),
            )
        )

    def write(self, writer: str, arguments: dict[str, Any]) -> Generator[float, None, Any]:
        """Send a write as the engine does, and return the response or the error."""
        fate = self.fate()
        write = None
        if self.operation.read_back:
            write = writes.LOG.add(self.operation, arguments, SERVICE)
        self.note(f"{writer} sends a write: {fate}")
        if fate.applied_after < math.inf:
            self.start(self.arrival(writer, arguments.get("info")), fate.applied_after)
        try:
            yield fate.ends_after
        except GeneratorExit:
            if write is not None:
                write.end_unknown(arguments)
            raise
        if fate.state == "applied":
            if write is not None:
                write.end("applied")
            return ApiResponse(None, 204, self.headers())
        error = ApiException(503, "lost", may_have_applied=fate.state == "unknown")
        error._write = write
        if write is not None and error.may_have_applied:
            write.end_unknown(arguments)
        elif write is not None:
            write.end("absent")
        return error

    def set_clock(self) -> Actor:
        """Set the local clock."""
        largest = self.random.choice((1.0, 5.0, 3600.0))
        self.local += self.random.uniform(-largest, largest)
        self.note(f"the local clock is set to {self.local - EPOCH:.3f}")
        yield from ()

    def suspend(self) -> Actor:
        """Suspend the machine, whose monotonic clock stops: what is on its way arrives meanwhile."""
        seconds = self.random.choice((1.0, 60.0, 3600.0))
        begun = self.service
        arriving = sorted(entry for entry in self._queue if _is_arrival(entry[2]))
        self._queue = [entry for entry in self._queue if entry not in arriving]
        heapq.heapify(self._queue)
        for moment, _, arrival in arriving:
            self.service = begun + min(seconds, moment - self.now)
            next(arrival, None)
        self.local, self.service = self.local + seconds, begun + seconds
        self.note(f"the machine was suspended until {self.local - EPOCH:.3f}")
        yield from ()

    def disturb(self, changes: int, within: float) -> None:
        """Let the clock be set, or the machine be suspended, up to some times within some seconds."""
        change = self.random.choice((self.set_clock, self.set_clock, self.suspend))
        for _ in range(self.random.randint(0, changes)):
            self.start(change(), self.random.uniform(0, within))

    def kill_process(self) -> None:
        """Kill the process: what it has sent arrives within SETTLE seconds, or never."""
        latest = self.now + SETTLE
        self._queue = [
            (min(moment, self.random.uniform(self.now, latest)), number, actor)
            if _is_arrival(actor)
            else (moment, number, actor)
            for moment, number, actor in self._queue
        ]
        heapq.heapify(self._queue)

    def arrival(self, writer: str, info: str | None) -> Actor:
        self.traces.append((self.service + self.now, writer, info))
        self.note(f"{writer} is applied")
        yield from ()

    def headers(self) -> dict[str, str]:
        return {"Date": formatdate(math.floor(self.service + self.now), usegmt=True)}

    def read(self, listed: str, arguments: dict[str, Any]) -> Generator[float, None, Any]:
        """Send a read, which sees the service at a moment between its request and its response."""
        since = float(str(arguments.get("filter_date") or "GOE,0").partition(",")[2])
        slowest = self.random.choice((0.2, 0.2, 0.2, 2.0))
        yield self.random.uniform(0, slowest)
        page, headers = self.page(listed, since), self.headers()
        yield self.random.uniform(0, slowest)
        if self.random.random() < self.failing:
            return ApiException(503, "no read")
        return ApiResponse(page, 200, headers)

    def drive(self, writer: str, steps: recovery.Steps[Any]) -> Generator[float, None, Any]:
        """Run an algorithm."""
        result: Any = None
        try:
            while True:
                command = steps.send(result)
                if isinstance(command, Sleep):
                    yield command.seconds
                    result = None
                elif command.operation is self.operation:
                    result = yield from self.write(writer, dict(command.arguments))
                else:
                    result = yield from self.read(command.operation.id, dict(command.arguments))
        except StopIteration as stop:
            return stop.value

    def cancelled(self, steps: Generator[float, None, T], within: float) -> Generator[float, None, T | None]:
        """Run something, and cancel it at a moment within some seconds, unless it has ended by then."""
        left = self.random.uniform(0, within)
        try:
            while (pause := next(steps)) < left:
                yield pause
                left -= pause
        except StopIteration as stop:
            value: T = stop.value
            return value
        yield left
        steps.close()
        self.note("the call is cancelled")
        return None


def _is_arrival(actor: Actor) -> bool:
    return actor.gi_code is World.arrival.__code__


def use_clocks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package see the world's clocks."""
    for module in (recovery, writes, siblings, shard):
        monkeypatch.setattr(module, "monotonic", world.monotonic)
    monkeypatch.setattr(writes, "time", SimpleNamespace(time=world.time))
    monkeypatch.setattr(random, "uniform", world.random.uniform)
    monkeypatch.setattr(writes, "LOG", writes.WriteLog())
