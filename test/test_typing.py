"""User code type-checks under mypy --strict, and mistakes in it are refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api as mypy

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "typing_cases"


@pytest.fixture
def cache(request: pytest.FixtureRequest) -> Path:
    """Return where mypy keeps what it knows of the package until the next run."""
    assert request.config.cache is not None
    return request.config.cache.mkdir(f"mypy-of-{request.node.name}")


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


@pytest.mark.parametrize(
    "case", ["user_code.py", "asyncio_lists_and_instants.py", "star_import.py", "star_import_of_aio.py"]
)
def test_user_code_has_exactly_these_types(case: str, cache: Path) -> None:
    assert check(case, cache) == ""


def test_mistakes_are_rejected(cache: Path) -> None:
    lines = (CASES / "mistakes.py").read_text().splitlines()
    expected = {
        (number, line.split("# expect: ")[1]) for number, line in enumerate(lines, 1) if "# expect: " in line
    }

    output = check("mistakes.py", cache)

    found = {(int(number), code) for number, code in re.findall(r":(\d+): error: .*\[([a-z-]+)\]", output)}
    assert expected <= found
    assert {number for number, _ in found} == {number for number, _ in expected}


def pyright(name: str) -> str:
    """Run pyright over one file, and return what it prints."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(CASES / name)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100).stdout


@pytest.mark.parametrize("case", ["user_code.py", "asyncio_lists_and_instants.py"])
def test_pyright_sees_the_same_types(case: str) -> None:
    assert "0 errors, 0 warnings" in pyright(case)


def test_pyright_rejects_the_same_mistakes() -> None:
    lines = (CASES / "mistakes.py").read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if "# expect: " in line}
    assert {int(number) for number in re.findall(r":(\d+):\d+ - error", pyright("mistakes.py"))} == expected


@pytest.mark.parametrize("case", ["user_code.py", "asyncio_lists_and_instants.py"])
def test_pyrefly_sees_the_same_types(case: str) -> None:
    pytest.importorskip("pyrefly")
    root = str(CASES.parents[1])
    command = [sys.executable, "-m", "pyrefly", "check", "--python-interpreter-path", sys.executable]
    command += ["--search-path", root, str(CASES / case)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert checked.returncode == 0, checked.stdout
