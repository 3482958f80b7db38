"""Every Python example of the reference pages, the guides and README runs as it was pasted, and succeeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud

from .conftest import RunScript

DOCS = Path(__file__).resolve().parents[1] / "docs"
API_PAGES = ("AccessTokenApi.md", "UsersInventoryApi.md")
MODEL_PAGES = sorted(page.name for page in DOCS.glob("[A-Z]*.md") if page.name not in API_PAGES)

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
METHOD = re.compile(r"^## \*\*(\w+)\*\*\n(.*?)(?=^## \*\*|\Z)", re.MULTILINE | re.DOTALL)


def snippets() -> Iterator[tuple[str, str]]:
    """Walk over the methods of the API pages, each with its example."""
    for page in API_PAGES:
        for method, section in METHOD.findall((DOCS / page).read_text(encoding="utf-8")):
            for snippet in PYTHON.findall(section):
                yield method, snippet


SNIPPETS = dict(snippets())


def test_every_method_has_an_example() -> None:
    methods = {
        name
        for api in (knetik_cloud.AccessTokenApi, knetik_cloud.UsersInventoryApi)
        for name, value in vars(api).items()
        if callable(value)
        and not name.startswith(("_", "iter_", "wait_until_"))
        and not name.endswith("_with_http_info")
    }
    assert set(SNIPPETS) == methods
    assert len(list(snippets())) == len(methods)


@pytest.mark.parametrize("method", sorted(SNIPPETS))
def test_the_example_of_a_method_succeeds_as_pasted(method: str, run_script: RunScript) -> None:
    done = run_script(SNIPPETS[method])
    assert done.stderr == ""
    assert done.returncode == 0
    assert "Exception when calling" not in done.stdout
    assert bool(done.stdout) == ("pprint(" in SNIPPETS[method])


@pytest.mark.parametrize("page", MODEL_PAGES)
def test_the_example_of_a_model_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for snippet in PYTHON.findall((DOCS / page).read_text(encoding="utf-8")):
        exec(compile(snippet, page, "exec"), {})
        assert capsys.readouterr().out.startswith("{")


def blocks() -> Iterator[Any]:
    """Walk over the Python blocks of README and the guides; each stands for itself.

    The sandbox guide's speak of a sandbox that runs: `test/sandbox/test_guide.py` gives them one.
    """
    guides = set((DOCS / "guides").rglob("*.md")) - {DOCS / "guides" / "sandbox.md"}
    for page in (DOCS.parent / "README.md", *sorted(guides)):
        for number, block in enumerate(PYTHON.findall(page.read_text(encoding="utf-8")), 1):
            yield pytest.param(block, id=f"{page.name}-{number}")


@pytest.mark.parametrize("block", list(blocks()))
def test_the_block_of_a_guide_runs_as_pasted(block: str, run_script: RunScript) -> None:
    done = run_script(block)
    assert re.sub(r".*: attempt \d failed .*\n", "", done.stderr) == ""  # a retry is logged as a warning
    assert done.returncode == 0
