"""The outcomes of `once` and `find_out` are true in any order of events, which `model` plays.

The callers of one process grant or use the same item at random moments. At the end, every outcome is compared
with what was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from knetik_cloud import (
    ApiException,
    recovery,
    writes,
)
from knetik_cloud.core.operation import Operation
from test.outcomes.model import GRANT, ITEM, SCHEDULES, SERVICE, SETTLE, USE, USER, Actor, World, use_clocks


def settings(retries: int) -> recovery.Settings:
    return recovery.Settings(retries, {}, SERVICE)


class Caller:
    """A caller of the process, and its outcome."""

    def __init__(self, world: World, name: str, cancelled: float) -> None:
        self.world = world
        self.name = name
        self.cancelled = cancelled
        """The share of calls of `once` that are cancelled."""
        self.state: str | None = None
        self.arguments: dict[str, Any] = {"user_id": USER, "grant_request": {"entitlement_id": ITEM}}
        if world.operation is USE:
            info = world.random.choice(("a", "b", None))
            self.arguments = {"user_id": USER, "item_id": ITEM, "info": info}

    def record(self, state: str) -> None:
        self.state = state
        self.world.note(f"{self.name} gets the outcome: {state}")

    def once(self) -> Actor:
        """Call `once`, and if its key is kept, perhaps again. A call may be cancelled."""
        retries = self.world.random.randrange(3)
        operation = self.world.operation
        for _ in range(1 if operation is GRANT else self.world.random.randint(1, 3)):
            settle = self.world.random.choice((SETTLE, 5.0))
            steps = recovery.once_steps(operation, self.arguments, {}, settings(retries), self.name, settle)
            drive = self.world.drive(self.name, steps)
            if self.world.random.random() < self.cancelled:
                outcome = yield from self.world.cancelled(drive, 3.0)
            else:
                outcome = yield from drive
            self.record("unknown" if outcome is None else outcome.state)
            yield self.world.random.choice((0.0, 1.0, 60.0))

    def find_out(self) -> Actor:
        """Call the method, and `find_out` some time after it failed."""
        error = yield from self.world.write(self.name, dict(self.arguments))
        if not isinstance(error, ApiException):
            self.record("applied")
            return
        yield self.world.random.choice((0.0, self.world.random.uniform(0, 5)))
        for _ in range(self.world.random.choice((1, 1, 2))):
            steps = recovery.find_out_steps(error, settings(0), self.world.random.choice((SETTLE, 5.0)))
            outcome = yield from self.world.drive(self.name, steps)
            self.record(outcome.state)
            if outcome.state != "unknown":
                break
            yield self.world.random.choice((0.0, 1.0, 60.0))

    def plain(self) -> Actor:
        """Call the method, and never look."""
        yield from self.world.write(self.name, dict(self.arguments))


def play(
    seed: int,
    operation: Operation[Any],
    kinds: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    most: int = 6,
    changes: int = 2,
    failing: float = 0.1,
    cancelled: float = 0.2,
) -> list[Caller]:
    """Run a schedule, and return its callers.

    Args:
        seed: Chooses everything that is random.
        operation: The operation that they call.
        kinds: The methods of `Caller` that they may run.
        monkeypatch: Replaces the clocks.
        most: How many callers there are at most.
        changes: How often the local clock is set, or the machine suspended, at most.
        failing: The share of reads that fail.
        cancelled: The share of calls of `once` that are cancelled.
    """
    world = World(seed, operation, failing)
    spread = world.random.choice((1.0, 3.0, 10.0, 20.0))
    use_clocks(world, monkeypatch)
    if most > 1:
        monkeypatch.setattr(writes, "MAX_WRITES", world.random.choice((4096, 4096, 2)))
    world.disturb(changes, spread + 3)
    callers = []
    for number in range(world.random.randint(1, most)):
        caller = Caller(world, f"caller {number}", cancelled)
        kind: Callable[[], Actor] = getattr(caller, world.random.choice(kinds))
        world.start(kind(), world.random.uniform(0, spread))
        callers.append(caller)
    world.run()
    return callers


def wrong(callers: list[Caller]) -> list[str]:
    """Return the outcomes that aren't true."""
    found = []
    for caller in callers:
        count = caller.world.applied(caller.name)
        if count > 1 or (caller.state, count) in (("applied", 0), ("found", 0), ("absent", 1)):
            found.append(f"{caller.name} got {caller.state!r}, and was applied {count} times")
    return found


@pytest.mark.parametrize("kinds", [("once",), ("find_out",), ("once", "find_out", "plain")], ids=" ".join)
@pytest.mark.parametrize("operation", [GRANT, USE], ids=lambda operation: operation.id)
def test_states_are_true_in_any_order_of_events(
    operation: Operation[Any], kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SCHEDULES):
        with monkeypatch.context() as patch:
            callers = play(seed, operation, kinds, patch)
        assert not wrong(callers), "\n".join((f"seed {seed}", *callers[0].world.story, *wrong(callers)))


@pytest.mark.parametrize("operation", [GRANT, USE], ids=lambda operation: operation.id)
def test_single_caller_gets_a_certain_outcome(
    operation: Operation[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An info that is left out can't be told from others."""
    for seed in range(SCHEDULES):
        with monkeypatch.context() as patch:
            (caller,) = play(
                seed, operation, ("once", "find_out"), patch, most=1, changes=0, failing=0.0, cancelled=0.0
            )
        assert not wrong([caller])
        is_known = caller.state != "unknown" or caller.arguments.get("info", "") is None
        assert is_known, "\n".join((f"seed {seed}", *caller.world.story))
