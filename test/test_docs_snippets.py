"""Every Python example of the reference pages, the guides and README runs as it was pasted, and succeeds."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner

import knetik_cloud
from knetik_cloud import Hook, bulk
from knetik_cloud.cli.command import knetik
from knetik_cloud.hooks import Attempt, default_hooks
from knetik_cloud.sandbox import Exchange, Sandbox

from .conftest import RunScript

DOCS = Path(__file__).resolve().parents[1] / "docs"
API_PAGES = ("AccessTokenApi.md", "UsersInventoryApi.md")
MODEL_PAGES = sorted(
    page.name for page in DOCS.glob("*.md") if page.name[0].isupper() and page.name not in API_PAGES
)

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
TAB = re.compile(r"^\*\*([\w ]+)\*\*\n\n```(?:python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
METHOD = re.compile(r"^## \*\*(\w+)\*\*\n(.*?)(?=^## \*\*|\Z)", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the methods of the API pages, each with its examples: blocking, asyncio, command line."""
    for page in API_PAGES:
        for method, section in METHOD.findall((DOCS / page).read_text(encoding="utf-8")):
            yield method, tuple(TAB.findall(section))


EXAMPLES = dict(examples())


def test_every_method_has_an_example_in_three_tabs() -> None:
    methods = {
        name
        for api in (knetik_cloud.AccessTokenApi, knetik_cloud.UsersInventoryApi)
        for name, value in vars(api).items()
        if callable(value)
        and not name.startswith(("_", "iter_", "wait_until_"))
        and not name.endswith("_with_http_info")
    }
    assert set(EXAMPLES) == methods
    assert len(list(examples())) == len(methods)
    for tabs in EXAMPLES.values():
        assert [name for name, _ in tabs] == ["Blocking", "asyncio", "Command line"]


@pytest.mark.parametrize("method", sorted(EXAMPLES))
def test_the_example_of_a_method_succeeds_as_pasted(method: str, run_script: RunScript) -> None:
    snippet = EXAMPLES[method][0][1]
    result = run_script(snippet)
    assert result.stderr == ""
    assert result.returncode == 0
    assert "Exception when calling" not in result.stdout
    assert bool(result.stdout) == ("pprint(" in snippet)


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("method", sorted(EXAMPLES))
def test_the_three_examples_of_a_method_send_the_same_request(
    method: str,
    shared_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", shared_sandbox.url)
    monkeypatch.setenv("KNETIK_CLOUD_CONFIG", str(tmp_path / "none.toml"))
    sent = []
    for name, example in EXAMPLES[method]:
        shared_sandbox.reset()
        if name == "Command line":
            run_command(example)
        else:
            exec(compile(example, name, "exec"), {"__name__": "__main__"})
        request = shared_sandbox.journal()[-1]
        assert request.status in (200, 201, 202, 204)
        sent.append((request.operation, request.path, sorted(parse_qsl(request.query)), read_body(request)))
    assert "Exception when calling" not in capsys.readouterr().out
    assert sent[0] == sent[1] == sent[2]


def run_command(example: str) -> None:
    """Run a line of the command in this process, with a here-document as its stdin."""
    line, _, rest = example.partition(" << 'END'\n")
    words = shlex.split(line.replace("\\\n", " "))
    assert words.pop(0) == "knetik"
    result = CliRunner().invoke(knetik, words, input=rest.removesuffix("END\n"))
    assert result.exit_code == 0, result.output


def read_body(request: Exchange) -> Any:
    """Return the body of a request: JSON as values, a form as its sorted fields."""
    text = request.body or ""
    if request.operation == "get_o_auth_token":
        return sorted(parse_qsl(text))
    return json.loads(text) if text else None


@pytest.mark.parametrize("page", MODEL_PAGES)
def test_the_example_of_a_model_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for snippet in PYTHON.findall((DOCS / page).read_text(encoding="utf-8")):
        exec(compile(snippet, page, "exec"), {})
        assert capsys.readouterr().out.startswith("{")


def blocks() -> Iterator[Any]:
    """Walk over the Python blocks of README and the guides. Each is independent.

    Those of the sandbox guide need a running sandbox: `test/sandbox/test_guide.py` provides it.
    """
    guides = set((DOCS / "guides").rglob("*.md")) - {DOCS / "guides" / "sandbox.md"}
    for page in (DOCS.parent / "README.md", *sorted(guides)):
        for number, block in enumerate(PYTHON.findall(page.read_text(encoding="utf-8")), 1):
            yield pytest.param(block, id=f"{page.name}-{number}")


@pytest.mark.parametrize("block", list(blocks()))
def test_the_block_of_a_guide_runs_as_pasted(block: str, run_script: RunScript) -> None:
    is_test = re.search(r"^def test_", block, re.MULTILINE) is not None
    result = run_script(f"{block}{RUN_TESTS}" if is_test else block)
    assert re.sub(r".*: attempt \d failed .*\n", "", result.stderr) == ""  # a retry is logged as a warning
    assert result.returncode == 0, result.stdout


def test_cancelled_bulk_run_of_the_guide_ends_before_its_client_is_closed(
    shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cancel(Hook):
        """Cancels the program at the first request of the run, and waits until the run is asked to stop."""

        def on_attempt_start(self, attempt: Attempt) -> None:
            if not asked.is_set():
                loop.call_soon_threadsafe(task.cancel)
                assert asked.wait(20)

    def stop(journal: str) -> None:
        ask(journal)
        loop.call_soon(asked.set)  # after the program has closed its client, if it doesn't wait for the run

    asked, ask = threading.Event(), bulk.stop
    monkeypatch.setattr(bulk, "stop", stop)
    monkeypatch.setenv("KNETIK_CLOUD_HOST", shared_sandbox.url)
    monkeypatch.chdir(tmp_path)
    (block,) = (text for text in PYTHON.findall((DOCS / "guides/bulk.md").read_text()) if "Cancelled" in text)
    names: dict[str, Any] = {}
    exec(compile(block.replace("asyncio.run(main())", ""), "bulk.md", "exec"), names)
    default_hooks.append(Cancel())
    try:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            task = loop.create_task(names["main"]())
            runner.run(asyncio.wait({task}, timeout=30))
        assert task.cancelled()
    finally:
        default_hooks.clear()
    assert bulk.report("gifts.run").counts["absent"] == 0


RUN_TESTS = """

if __name__ == "__main__":
    import os

    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = ["-p", "knetik_cloud.sandbox.pytest_plugin", "-p", "no:cacheprovider"]
    raise SystemExit(pytest.main(["-q", *plugins, __file__]))
"""
"""Runs the tests in the file that it is added to, with the package's plugin alone: others load slowly."""
