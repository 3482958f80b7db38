"""Every fault of the table is met, and survived."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from test.faults import table
from test.faults.all_rows import TABLE
from test.faults.child import run_in_child
from test.faults.drivers import DRIVERS
from test.faults.table import Lateness, Play, Row, run, seconds_waited

AT_ONCE = 4
"""Rows that run together: most of their time is spent on waiting for a server that doesn't respond."""
STARVED = 0.05
"""Seconds for which a thread or process that wanted to run didn't. The timeouts of the rows are 0.25 s."""
MAX_RUNS = 4


def survive(kind: str, row: Row, driver: str) -> None:
    """Run a row, in a process of its own if its memory is to be measured."""
    if row.peak is None:
        run(row, driver)
    else:
        run_in_child(kind, row, driver)


def survive_if_served(kind: str, row: Row, driver: str) -> None:
    """Run a row, and again if it failed while the machine kept it, or its processes, from running."""
    for _ in range(MAX_RUNS - 1):
        before = seconds_waited()
        with Lateness() as lateness:
            try:
                return survive(kind, row, driver)
            except Exception as error:
                failure = error
        if lateness.seconds + seconds_waited() - before < STARVED:
            raise failure
    return survive(kind, row, driver)


def stands_alone(row: Row) -> bool:
    """Return whether a row must have the process to itself: a play may change the environment."""
    return row.play is not None and row.peak is None


CASES = [
    pytest.param(kind, row, driver, id=f"{kind}: {row.fault} [{driver}]")
    for alone in (False, True)
    for kind, rows in TABLE.items()
    for row in rows
    for driver in DRIVERS
    if driver in row.drivers and stands_alone(row) is alone
]


class Others:
    """Runs rows that don't mind each other side by side: a row, and those that are likely to be next."""

    def __init__(self, pool: ThreadPoolExecutor, items: list[pytest.Item]) -> None:
        self._pool = pool
        self._items = items
        self._begun: dict[str, Future[None]] = {}

    def run(self, nodeid: str) -> Future[None]:
        """Begin a row and the next ones, and return the row's outcome."""
        place = next(place for place, item in enumerate(self._items) if item.nodeid == nodeid)
        for item in self._items[place : place + AT_ONCE]:
            if item.nodeid not in self._begun:
                self._begun[item.nodeid] = self._pool.submit(survive, *_arguments(item))
        return self._begun[nodeid]

    def wait(self) -> None:
        """Wait until none is running."""
        wait(self._begun.values())


@pytest.fixture(scope="module")
def others(request: pytest.FixtureRequest) -> Iterator[Others]:
    chosen = [item for item in request.session.items if "fault_row" in getattr(item, "fixturenames", ())]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Others(pool, [item for item in chosen if not stands_alone(_arguments(item)[1])])


def _arguments(item: pytest.Item) -> tuple[str, Row, str]:
    given = item.callspec.params  # type: ignore[attr-defined]
    return given["kind"], given["fault_row"], given["driver"]


# Rows run at once, so what the collector finds of one would be blamed on another: the tests of the life cycle
# look for connections that are left open, each in a process of its own.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("kind", "fault_row", "driver"), CASES)
def test_the_fault_is_survived(
    kind: str,
    fault_row: Row,
    driver: str,
    others: Others,
    request: pytest.FixtureRequest,
) -> None:
    if stands_alone(fault_row):
        others.wait()
    elif others.run(request.node.nodeid).exception() is None:
        return
    # A row that failed among others may have been starved by them; by itself it must pass.
    survive_if_served(kind, fault_row, driver)


def test_a_row_that_fails_while_the_machine_serves_it_fails() -> None:
    runs: list[str] = []

    def play(_: Play) -> None:
        runs.append("run")
        raise AssertionError("wrong")

    with pytest.raises(AssertionError, match="wrong"):
        survive_if_served("own", Row("fails", play=play), "sync")
    assert 1 <= len(runs) <= MAX_RUNS


def test_a_row_that_fails_because_it_was_starved_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []

    def play(_: Play) -> int:
        runs.append("run")
        assert len(runs) > 1
        return 1

    monkeypatch.setitem(globals(), "STARVED", -1.0)  # any wait counts
    survive_if_served("own", Row("fails once", play=play), "sync")
    assert len(runs) == 2


def test_a_row_that_fails_at_the_end_of_a_stall_runs_again() -> None:
    runs: list[str] = []

    def play(_: Play) -> int:
        runs.append("run")
        sum(range(20_000_000))  # no other thread runs meanwhile
        assert len(runs) > 1
        return 1

    survive_if_served("own", Row("fails once", play=play), "sync")
    assert len(runs) == 2


def test_no_two_rows_have_one_name() -> None:
    names = [(kind, row.fault) for kind, rows in TABLE.items() for row in rows]
    assert len(names) == len(set(names))


def test_the_guide_for_contributors_names_what_the_table_has() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition("`test/faults` is a table.")[2].partition("\n\nWhen")[0]
    names = set(re.findall(r"\w+", " ".join(re.findall(r"`(.+?)`", section))))
    assert "Row" in names
    known = {*vars(table), *table.CALLS, *inspect.signature(Row).parameters}
    assert names <= known | {*inspect.signature(table.fails).parameters}
