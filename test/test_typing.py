"""User code type-checks under mypy --strict, and mistakes in it are refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from mypy import api as mypy

CASES = Path(__file__).parent / "typing_cases"


def check(name: str, cache: Path) -> str:
    """Run mypy over one file as a user would, with the package seen as installed."""
    arguments = [
        "--strict",
        "--python-executable",
        sys.executable,
        "--cache-dir",
        str(cache),
        "--no-error-summary",
    ]
    output, errors, _ = mypy.run([*arguments, str(CASES / name)])
    assert errors == ""
    return output


@pytest.mark.parametrize("case", ["user_code.py", "asyncio_lists_and_instants.py"])
def test_user_code_has_exactly_these_types(case: str, tmp_path: Path) -> None:
    assert check(case, tmp_path) == ""


def test_mistakes_are_refused(tmp_path: Path) -> None:
    lines = (CASES / "mistakes.py").read_text().splitlines()
    expected = {
        (number, line.split("# expect: ")[1]) for number, line in enumerate(lines, 1) if "# expect: " in line
    }

    output = check("mistakes.py", tmp_path)

    found = {(int(number), code) for number, code in re.findall(r":(\d+): error: .*\[([a-z-]+)\]", output)}
    assert expected <= found
    assert {number for number, _ in found} == {number for number, _ in expected}
