"""Run the benchmarks: `python -m benchmarks [GROUP ...]`, a table to stdout and JSON to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import (
    budgets,
    calls,
    chart,
    growth,
    imports,
    memory,
    observability,
    peers,
    report,
    sandbox_requests,
    sandbox_server,
    shapes,
    tables,
    tasks,
    threads,
)
from benchmarks.comparison import Result
from benchmarks.process import ROOT

Group = Callable[[int], Sequence[Result]]

GROUPS: dict[str, Group] = {
    "calls": calls.measure,
    "shapes": shapes.measure,
    "imports": imports.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "threads": threads.measure,
    "tasks": tasks.measure,
    "observability": observability.measure,
    "tables": tables.measure,
    "many": growth.measure_many,
    "requests": sandbox_requests.measure,
    "server": sandbox_server.measure,
    "peers": peers.measure,
}
BUDGETED = ("calls", "shapes", "imports", "memory", "growth", "threads", "tasks")
GUIDE = ROOT / "docs" / "guides" / "performance.md"
RESULTS = GUIDE.with_suffix(".json")
CHART = GUIDE.with_suffix(".svg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the selected groups. Return 1 if a ratio exceeds its budget and budgets are checked, else 0."""
    options = _parser().parse_args(arguments)
    if options.read is None:
        names = options.groups or (BUDGETED if options.budgets else GROUPS)
        text = report.to_json(measure(names, options.rounds))
        options.json.write_text(text, encoding="utf-8")
    else:
        text = options.read.read_text(encoding="utf-8")
    measured_with, results = report.from_json(text)
    print(report.table(results))
    if options.guide:
        RESULTS.write_text(text, encoding="utf-8")
        CHART.write_text(chart.draw(results), encoding="utf-8")
        report.put_into(GUIDE, results, measured_with)
    late = budgets.outside(results)
    for line in late:
        print(f"outside its budget: {line}", file=sys.stderr)
    return 1 if late and options.budgets else 0


def measure(names: Iterable[str], rounds: int) -> list[Result]:
    """Run groups one after the other, because parallel groups would disturb each other."""
    results: list[Result] = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr)
        results += GROUPS[name](rounds)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"any of {', '.join(GROUPS)}; all of them")
    parser.add_argument(
        "--rounds", type=int, default=101, help="pairs of batches that a ratio is made of (101)"
    )
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), help="where the JSON goes")
    parser.add_argument("--read", type=Path, help="show what an earlier run wrote, instead of measuring")
    parser.add_argument("--budgets", action="store_true", help="fail when a measure is outside its budget")
    parser.add_argument("--guide", action="store_true", help="renew the guide's table, JSON and chart")
    return parser


if __name__ == "__main__":
    sys.exit(main())
