"""The modules that the command loads and the CPU time it takes to start."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from knetik_cloud.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "urllib3",
    "rich",
    "yaml",
    "jmespath",
    "platformdirs",
    "tomlkit",
    "ssl",
    "asyncio",
}
HELP = "import knetik_cloud.cli as c; c.main(['--help'])"
CLICK = "import click"
RUNS = 15
MOST = 1.35
"""Times the CPU of a process that only imports click."""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["items", "--help"], ["completion", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = f"""
import json, sys
import knetik_cloud.cli as c
try:
    c.main({words!r})
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    loaded = set(json.loads(run(code).stderr))
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("knetik_cloud.models.")]


def cpu(code: str) -> float:
    """Run code in a fresh interpreter, and return the CPU seconds that its process took."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.performance
@pytest.mark.skipif(sys.platform == "win32", reason="CPU times of children are read as POSIX has them")
def test_help_costs_little_more_than_importing_click() -> None:
    run(HELP)  # so that everything is compiled
    taken: dict[str, list[float]] = {HELP: [], CLICK: []}
    for _ in range(RUNS):
        for code, seconds in taken.items():
            seconds.append(cpu(code))
    ratio = statistics.median(taken[HELP]) / statistics.median(taken[CLICK])
    assert ratio <= MOST, f"{ratio:.2f} times the CPU of importing click"


def test_a_list_in_a_pipe_loads_no_terminal_library() -> None:
    code = """
import json, sys
import knetik_cloud.cli as c
try:
    c.main(["items", "list", "-o", "jsonl", "--host", "http://127.0.0.1:1", "--retries", "0"])
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    loaded = set(json.loads(run(code).stderr.splitlines()[-1]))
    assert not loaded & {"rich", "yaml", "jmespath", "tomlkit"}


@pytest.mark.parametrize(
    ("library", "words", "extra"),
    [
        ("jmespath", ["items", "list", "--select", "x"], "cli"),
        ("rich.cells", ["items", "list", "-o", "table"], "cli"),
        ("platformdirs", ["items", "list"], "cli"),
        ("pyarrow", ["items", "list", "-o", "parquet"], "arrow"),
    ],
)
def test_a_missing_library_is_named_with_its_extra_before_anything_is_sent(
    library: str, words: list[str], extra: str, sandbox: Sandbox
) -> None:
    hidden = f"import sys; sys.modules[{library!r}] = None\nimport knetik_cloud.cli as c; c.main({words!r})"
    before = sandbox.journal()
    result = run(hidden)
    assert (result.returncode, sandbox.journal()) == (1, before)
    assert library.partition(".")[0] in result.stderr
    assert f"knetik_cloud[{extra}]" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_sandbox_is_started_and_stopped_with_its_extra_alone() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    own, others = ({each.partition(">")[0] for each in extras[name]} for name in ("sandbox", "cli"))
    hidden = f"import sys; sys.modules.update(dict.fromkeys({others - own!r}))\n"
    for words in (["start", "--port", "0"], ["status"], ["stop"]):
        result = run(f"{hidden}import knetik_cloud.cli as c; c.main(['sandbox', *{words!r}])")
        assert result.returncode == 0, result.stderr
