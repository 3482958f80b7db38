"""The reference pages, the manual page and the guide: generated, complete, and with examples that run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knetik_cloud.cli import calls, tree
from knetik_cloud.cli.command import OWN
from knetik_cloud.cli.manual import pages, roff
from knetik_cloud.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
GUIDE = ROOT / "docs" / "guides" / "cli.md"
in_bash = pytest.mark.skipif(os.name == "nt", reason="the examples are for the shells of Unix")


def test_every_command_and_every_option_is_on_its_page() -> None:
    found = pages()
    for leaf in tree.walk():
        if not leaf.words:
            continue
        page = found[leaf.words[0]]
        assert f"# {leaf.name}\n" in page
        for option in leaf.own_options():
            assert option.opts[-1] in page or option.opts[-1] == "--help"
    assert all(f"`{name}" in found["index"] for name in ("-o, --output", "--profile", "--dry-run", "--curl"))


def test_every_command_is_described() -> None:
    for leaf in tree.walk():
        assert leaf.command.get_short_help_str(), leaf.name
        for option in leaf.options():
            assert option.help, (leaf.name, option.opts)
    assert all(text.endswith(".") for text, *_ in OWN.values())


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_the_manual_page_is_readable_without_a_warning(tmp_path: Path) -> None:
    page = tmp_path / "knetik.1"
    page.write_text(roff())
    result = subprocess.run(
        ["man", "--warnings", "-l", str(page)],
        capture_output=True,
        text=True,
        env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert result.stderr == ""
    assert (
        "knetik inventory list [OPTIONS] USER_ID" in result.stdout or "knetik inventory list" in result.stdout
    )
    assert "EXIT STATUS" in result.stdout


EXAMPLES = [
    pytest.param(block.strip(), id=block.split("|")[0].strip())
    for page in sorted((ROOT / "docs" / "cli").glob("*.md"))
    for block in BLOCK.findall(page.read_text(encoding="utf-8"))
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which `knetik` is this command, with a credential of the sandbox."""
    commands = tmp_path / "bin"
    commands.mkdir()
    knetik = commands / "knetik"
    knetik.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m knetik_cloud.cli "$@"\n')
    knetik.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "KNETIK_CLOUD_CLIENT_SECRET": "client_secret_example",
    }


def test_every_operation_has_an_example() -> None:
    shown = " ".join(str(example.values[0]) for example in EXAMPLES)
    assert all(f"knetik {words} " in f"{shown} " for words in calls.operations())


@in_bash
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_reference_runs(
    example: str, sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]
) -> None:
    result = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", example],
        capture_output=True,
        text=True,
        env={**environment, "KNETIK_CLOUD_HOST": sandbox.url},
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@in_bash
def test_the_examples_of_the_guide_run_one_after_the_other(
    sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["KNETIK_CLOUD_HOST"] = sandbox.url
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) > 6
    first = {name: value for name, value in environment.items() if name != "KNETIK_CLOUD_HOST"}
    for number, block in enumerate(blocks):
        script = block.replace("knetik sandbox start", "knetik sandbox start --port 0")
        if "sandbox start" in block:
            url = '"$(knetik sandbox status --fields url -o csv | tail -1)"'
            script = script.replace("http://127.0.0.1:8080", url)
        sandbox.reset()
        result = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            env=environment if number else first,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, f"{block}\n{result.stderr}"
