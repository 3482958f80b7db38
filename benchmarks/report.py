"""Results as a table for people, as JSON for programs, and put into the guide."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.budgets import BUDGETS
from benchmarks.comparison import Figure, Ratio, Result

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
_HEADINGS = ("measure", "ratio", "quartiles", "SDK", "baseline", "unit", "budget")
_LIBRARIES = ("urllib3", "msgspec", "openapi-generator-cli", "openapi-python-client")


def table(results: Iterable[Result]) -> str:
    """Draw the results as a Markdown table, its columns aligned."""
    rows = [_HEADINGS, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )


def _row(result: Result) -> tuple[str, ...]:
    budget = str(BUDGETS.get(result.name, ""))
    if isinstance(result, Figure):
        return result.name, "", "", _short(result.value), "", result.unit, budget
    spread = f"{result.low:.2f} to {result.high:.2f}" if result.rounds > 1 else "exact"
    numbers = _short(result.subject), _short(result.baseline)
    return result.name, f"{result.ratio:.2f}", spread, *numbers, result.unit, budget


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:.3g}"


def machine() -> dict[str, str]:
    """Describe the environment of the measurement."""
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cores = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    return {"python": python, "machine": cores, **libraries}


def to_json(results: Sequence[Result]) -> str:
    """Write the results, and what they were measured with, as JSON."""
    rows = [{"kind": type(result).__name__.lower(), **result._asdict()} for result in results]
    return json.dumps({"measured_with": machine(), "results": rows}, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> tuple[dict[str, str], list[Result]]:
    """Read what `to_json` wrote."""
    document: dict[str, Any] = json.loads(text)
    kinds: dict[str, type[Result]] = {"ratio": Ratio, "figure": Figure}
    return document["measured_with"], [kinds[row.pop("kind")](**row) for row in document["results"]]


def put_into(guide: Path, results: Sequence[Result], measured_with: dict[str, str]) -> None:
    """Replace the table of the guide, which stands between two comments."""
    with_what = ", ".join(
        value if name in ("python", "machine") else f"{name} {value}" for name, value in measured_with.items()
    )
    new = f"{BEGIN}\n{table(results)}\n\nMeasured with {with_what}.\n{END}"
    text = guide.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        sys.exit(f"{guide} has no place for the table: put {BEGIN} and {END} where it is to stand")
    guide.write_text(pattern.sub(lambda _: new, text), encoding="utf-8")
