"""Run the tests of the last release against this version, and compare the failures with a reviewed list.

    python -m test.previous [ARGUMENTS OF PYTEST]

Git exports the last release, without its package, into a temporary folder, and its tests run there against
this package. Only public behavior counts: a test is skipped when it uses a module that isn't public or a
private attribute that is gone, and tests of the project's own tools are left out. All others must pass,
except those that `test/previous_release.toml` lists, each with its reason. Those must fail.

It needs git with the commit of the last release. In a shallow clone, run `git fetch --unshallow` first.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import knetik_cloud
from scripts.surface import LAST_RELEASE, export

LIST = Path(__file__).with_name("previous_release.toml")
PUBLIC = (
    "aio",
    "aio.api_client",
    "aio.apis",
    "aio.paging",
    "aio.rest",
    "api_client",
    "apis",
    "bulk",
    "cli.command",
    "configuration",
    "contrib.arrow",
    "contrib.opentelemetry",
    "exceptions",
    "filters",
    "hooks",
    "models",
    "paging",
    "recovery",
    "rest",
    "sandbox",
    "sorting",
    "version",
    "waiting",
)
"""The modules that programs import, and that of the command, which tests run in their own process."""

PRIVATE = '''
"""Skips tests that use what isn't public: names of private modules, and private attributes that are gone."""

import traceback
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "test"


class Private:
    """Skip whatever uses this."""

    def __init__(self, name):
        self.__dict__["name"] = name

    def _use(self, *args, **kwargs):
        pytest.skip(f"private: uses {self.__dict__['name']}", allow_module_level=True)

    __getattr__ = __setattr__ = __call__ = __iter__ = __contains__ = __instancecheck__ = __eq__ = _use
    __lt__ = __gt__ = __le__ = __ge__ = __str__ = __repr__ = __bool__ = __add__ = __radd__ = _use
    __getitem__ = __mro_entries__ = __index__ = _use
    __hash__ = None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Skip a test that reads a private attribute which this version doesn't have."""
    try:
        return (yield)
    except AttributeError as error:
        name, place = error.name or "", Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        if name.startswith("_") and place.is_relative_to(TESTS):
            pytest.skip(f"private: uses {name}")
        raise
'''


def main(arguments: list[str]) -> int:
    """Run the tests, print the comparison with the list, and return 1 if they differ."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        export(LAST_RELEASE, folder)
        (folder / "knetik_cloud").rename(folder / "old_package")
        (folder / "knetik_cloud").symlink_to(Path(knetik_cloud.__file__).parent)
        left_out = listed["project"]["files"]
        tests = sorted(str(path.relative_to(folder)) for path in (folder / "test").rglob("test_*.py"))
        if missing := set(left_out) - set(tests):
            print(f"{LIST.name} leaves out files that don't exist: {sorted(missing)}", file=sys.stderr)
            return 2
        hide_private_modules(folder)
        print(
            f"{len(tests)} files of tests; {len(left_out)} test the project's tools or pages and are left out"
        )
        deviations = listed.get("deviations", [])
        expected = {name for each in deviations for name in each["tests"]}
        return compare(deviations, *run(folder, [*set(tests) - set(left_out)], arguments, expected))


def hide_private_modules(folder: Path) -> None:
    """Replace names that tests import from private modules, by public ones or by some that skip the test."""
    (folder / "private_name.py").write_text(PRIVATE, encoding="utf-8")
    for path in (folder / "test").rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        nodes = [n for n in ast.walk(ast.parse("".join(lines))) if isinstance(n, ast.ImportFrom)]
        for node in sorted(nodes, key=lambda each: -each.lineno):
            if (node.module or "").partition(".")[0] == "knetik_cloud" and node.level == 0:
                new = "\n".join(_imports(folder, node))
                assert node.end_lineno is not None
                lines[node.lineno - 1 : node.end_lineno] = [
                    textwrap.indent(new, " " * node.col_offset) + "\n"
                ]
        path.write_text("".join(lines), encoding="utf-8")


def _imports(folder: Path, node: ast.ImportFrom) -> Iterator[str]:
    assert node.module is not None
    for each in node.names:
        shown = each.asname or each.name
        file = folder / "old_package" / Path(*node.module.split(".")[1:], each.name)
        is_module = file.is_dir() or file.with_suffix(".py").exists()
        module = f"{node.module}.{each.name}" if is_module else node.module
        inner = module.partition(".")[2]
        is_special = each.name.startswith("__")
        is_public = (inner in PUBLIC or inner.startswith("models.")) and not each.name.startswith("_")
        if not inner or is_public or (inner in PUBLIC and is_special):
            yield f"from {node.module} import {each.name} as {shown}"
        elif each.name in knetik_cloud.__all__:
            yield f"from knetik_cloud import {each.name} as {shown}"
        else:
            yield f"from private_name import Private; {shown} = Private('{node.module}.{each.name}')"


def run(
    folder: Path, tests: list[str], arguments: list[str], expected: Set[str]
) -> tuple[set[str], Counter[str]]:
    """Run tests in the folder. Return the names of those that failed, and how many had each outcome.

    A failure that isn't expected counts if the test fails twice.
    """
    report, cache = folder / "report.xml", folder / "cache"
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-o", f"cache_dir={cache}"),
        *(
            "-p",
            "private_name",
            "-p",
            "no:unraisableexception",
        ),  # a failed test would let others fail by what it leaves open
    ]
    # The plugin of schemathesis loads slowly, and is not used.
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "-p no:schemathesis"}
    first = [*command, f"--junitxml={report}", *arguments, *sorted(tests)]
    subprocess.run(first, cwd=folder, env=environment, check=False)
    again = [name for name in failures(cache) if not {name, name.partition("[")[0]} & expected]
    if again:
        print("Run those that failed again, one by one: other programs on the machine can starve a test.")
        subprocess.run([*command, *again], cwd=folder, env=environment, check=False)
    outcomes: Counter[str] = Counter()
    for case in ET.parse(report).iter("testcase"):
        outcome = next((each for each in case if each.tag in ("failure", "error", "skipped")), None)
        message = "" if outcome is None else outcome.get("message", "")
        private = "private: uses" in message or "private: uses" in (
            outcome.text or "" if outcome is not None else ""
        )
        outcomes["private" if private else "passed" if outcome is None else outcome.tag] += 1
    return failures(cache), outcomes


def failures(cache: Path) -> set[str]:
    """Return the names of the tests that failed when they last ran."""
    failed = cache / "v" / "cache" / "lastfailed"
    return set(json.loads(failed.read_text()) if failed.exists() else ())


def compare(deviations: list[dict[str, Any]], failed: set[str], outcomes: Counter[str]) -> int:
    """Print which failures are listed, and return 1 if the list isn't exactly what failed."""
    by_name: dict[str, set[str]] = {}
    for name in failed:
        for key in (name, name.partition("[")[0]):
            by_name.setdefault(key, set()).add(name)
    unexpected, stale = set(failed), []
    for each in deviations:
        found = set().union(*(by_name.get(name, set()) for name in each["tests"]))
        stale += [name for name in each["tests"] if name not in by_name]
        unexpected -= found
        print(f"deviation ({len(found)} tests): {each['reason']}")
    for name in sorted(unexpected):
        print(f"UNLISTED: {name}")
    for name in stale:
        print(f"STALE: {name} passes or doesn't run")
    passed = outcomes.total() - outcomes["private"] - outcomes["skipped"] - len(failed)
    print(
        f"{passed} passed, {len(failed)} failed ({len(unexpected)} of them not listed), "
        f"{outcomes['private']} skipped because they use private names, {outcomes['skipped']} for other "
        "reasons"
    )
    if passed <= 0:
        print("no test passed, so nothing was compared")
    return 1 if unexpected or stale or passed <= 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
