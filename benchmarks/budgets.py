"""The budgets: what a measure may come to at most (or must at least), and which ones are outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.comparison import Ratio, Result

NOISE = 0.05
"""How far a ratio may be outside its budget before it counts: machines aren't quiet."""


class Budget(NamedTuple):
    """A limit; `at_least` for a measure that is to be high."""

    limit: float
    at_least: bool = False

    def holds(self, result: Result) -> bool:
        """Return whether a result is within this budget. Ratios have an allowance for noise."""
        value = value_of(result)
        allowance = NOISE if isinstance(result, Ratio) else 0.0
        return value >= self.limit - allowance if self.at_least else value <= self.limit + allowance

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BUDGETS = {
    "call: one entry": Budget(0.55),
    "call: a page of 25": Budget(0.77),
    "call: a page of 1000": Budget(1.20),
    "call: a page of 1000, msgspec": Budget(0.75),
    "decode: a page of 1000, shapes checked": Budget(1.10),
    "decode: the same, every field touched": Budget(2.0),
    "encode: an item of 14 fields": Budget(1.2),
    "import knetik_cloud": Budget(0.1),
    "import, client, first API object": Budget(0.51),
    "import, client, first call": Budget(0.7),
    "memory of a row, untouched": Budget(1.05),
    "memory of a row, all fields touched": Budget(1.15),
    "1,000 clients made and dropped: memory": Budget(4.0),
    "1,000 clients made and dropped: descriptors": Budget(0),
    "1,000 clients made and dropped: threads": Budget(0),
    "1,000 calls on one client: threads": Budget(0),
    "calls a second, 8 threads on one client": Budget(1.5, at_least=True),
    "calls a CPU second, 50 tasks on one client": Budget(1.18, at_least=True),
    "calls a CPU second, 50 tasks on one client, a page of 25": Budget(0.92, at_least=True),
    "calls a CPU second, 50 tasks on one client, a page of 25, msgspec": Budget(1.2, at_least=True),
}


def value_of(result: Result) -> float:
    """Return the quantity that a budget limits: a ratio or a value."""
    return result.ratio if isinstance(result, Ratio) else result.value


def outside(results: Iterable[Result]) -> list[str]:
    """List the results outside their budgets, with the excess."""
    return [
        f"{result.name}: {value_of(result):.3f}, budget {BUDGETS[result.name]}"
        for result in results
        if result.name in BUDGETS and not BUDGETS[result.name].holds(result)
    ]
