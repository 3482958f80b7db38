"""The outcomes of a bulk run are true in any order of events, however often it is killed.

`model` plays the service. The rows of one shard grant or use the same item. The process is killed at random
moments, and another one continues. Other programs may have done the same before the run.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from knetik_cloud import ApiException, writes
from knetik_cloud.bulk.journal import ABSENT, APPLIED, DENIED, FOUND, NAMES, ShardJournal
from knetik_cloud.bulk.shard import NEXT, Job, Rest, Send, Shard, Throttled
from knetik_cloud.bulk.siblings import Beginning
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.recovery import ServiceTime, Settings
from knetik_cloud.writes import Moment
from test.outcomes.model import (
    GRANT,
    PATCH,
    SCHEDULES,
    SERVICE,
    SETTLE,
    UPDATE,
    USE,
    USER,
    Actor,
    World,
    use_clocks,
)

RESOURCES = 2
"""Resources that the rows of a PUT or PATCH overwrite in turn."""


class Bulk:
    """A run of one shard, and the processes that work on it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.rows = folder / "0000.rows"
        self.path = folder / "0000.journal"
        self.path.touch()
        self.count = world.random.randint(1, 6)
        self.states = bytearray(self.count)
        self._row = 0
        with self.rows.open("w") as file:
            for number in range(self.count):
                arguments: dict[str, Any] = {"user_id": USER, "item_id": 5, "info": None}
                if world.operation is GRANT:
                    arguments = {"user_id": USER, "grant_request": {"entitlement_id": 5}}
                elif world.operation is UPDATE:
                    arguments = {"user_id": USER, "id": number % RESOURCES, "inventory_status": "active"}
                elif world.operation is PATCH:
                    arguments = {"id": str(number % RESOURCES), "template_patch_resource": {}}
                print(json.dumps([number, None, arguments]), file=file)

    def work(self) -> Actor:
        """Run processes until one comes to its end."""
        chance = self.world.random
        for _ in range(chance.randrange(4)):
            until = self.world.now + chance.choice((0.5, 5.0, 20.0)) * chance.random()
            if (yield from self._process(until)):
                return
            self.world.note("the process is killed")
            self.world.kill_process()
            yield chance.choice((0.0, 1.0, 10.0))
        yield from self._process(None)

    def _process(self, until: float | None) -> Generator[float, None, bool]:
        """Run a process until a moment, and return whether it came to its end."""
        world = self.world
        writes.LOG.forget()
        self.path.with_suffix(".lease").unlink(missing_ok=True)
        with ShardJournal(self.path, self.count) as journal:
            self.states = journal.states
            clock = ServiceTime()
            settings = Settings(world.random.randrange(3), {}, SERVICE)
            beginning = Beginning(0.0)
            job = Job(world.operation, settings, SETTLE, "run", None, False, beginning, self._ended)
            actor = self._drive(Shard(job, self.rows, journal, clock), clock)
            for pause in actor:
                if until is not None and world.now + pause >= until:
                    yield max(0.0, until - world.now)
                    return False
                yield pause
        return True

    def _ended(self, state: int, error: ApiException | None) -> None:
        self.world.note(f"a row is {NAMES[state]}")

    def _drive(self, shard: Shard, clock: ServiceTime) -> Actor:
        """Do what a worker does for a shard."""
        intend = shard._journal.intend

        def intend_row(row: int, time: int) -> None:
            self._row = row
            intend(row, time)

        shard._journal.intend = intend_row  # type: ignore[method-assign]
        steps = shard.steps()
        result: Any = None
        while True:
            try:
                command = steps.send(result)
            except StopIteration:
                return
            result = True
            if isinstance(command, Send):
                result = yield from self.world.write(f"row {self._row}", dict(command.arguments))
            elif isinstance(command, (Sleep, Rest, Throttled)):
                yield command.seconds
            elif command is not NEXT:
                sent = Moment.now()
                result = yield from self.world.read(command.operation.id, dict(command.arguments))
                if not isinstance(result, ApiException):
                    clock.learn(result.headers, sent)


def play(
    seed: int, operation: Operation[Any], folder: Path, monkeypatch: pytest.MonkeyPatch, *, changes: int = 1
) -> Bulk:
    """Run a schedule, and return the run."""
    world = World(seed, operation, 0.1)
    use_clocks(world, monkeypatch)
    run = Bulk(world, folder)
    begins = world.random.uniform(0.0, 6.0)
    for number in range(world.random.choice((0, 0, 1, 3))):
        world.start(world.arrival(f"stranger {number}", None), world.random.uniform(0.0, begins))
    world.disturb(changes, 20.0)
    world.start(run.work(), begins)
    world.run()
    return run


def wrong(run: Bulk) -> list[str]:
    """Return the outcomes of rows that aren't true."""
    found = []
    for row, state in enumerate(run.states):
        count = run.world.applied(f"row {row}")
        is_false = (state in (APPLIED, FOUND) and count == 0) or (state in (DENIED, ABSENT) and count)
        if count > 1 or is_false:
            found.append(f"row {row} is {NAMES[state]}, and was applied {count} times")
    return found


@pytest.mark.parametrize("operation", [GRANT, USE], ids=lambda operation: operation.id)
def test_rows_are_applied_once_and_their_states_are_true(
    operation: Operation[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SCHEDULES):
        (folder := tmp_path / str(seed)).mkdir()
        with monkeypatch.context() as patch:
            run = play(seed, operation, folder, patch)
        assert not wrong(run), "\n".join((f"seed {seed}", *run.world.story, *wrong(run)))


def out_of_order(run: Bulk) -> list[str]:
    """Return the rows that took effect, once or again, after a later one of the same resource."""
    order = [int(writer.removeprefix("row ")) for _, writer, _ in run.world.traces if "row" in writer]
    return [
        f"row {row} was applied after row {later}"
        for place, row in enumerate(order)
        for later in order[:place]
        if later > row and later % RESOURCES == row % RESOURCES
    ]


@pytest.mark.parametrize("operation", [UPDATE, PATCH], ids=lambda operation: operation.id)
def test_rows_that_overwrite_each_other_take_effect_in_order(
    operation: Operation[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SCHEDULES):
        (folder := tmp_path / str(seed)).mkdir()
        with monkeypatch.context() as patch:
            run = play(seed, operation, folder, patch)
        found = out_of_order(run)
        for row, state in enumerate(run.states):
            is_applied = run.world.applied(f"row {row}") > 0
            if (state == APPLIED and not is_applied) or (state == ABSENT and is_applied):
                found.append(f"row {row} is {NAMES[state]}")
        assert not found, "\n".join((f"seed {seed}", *run.world.story, *found))
