"""The reference pages of classes and functions list every public one, as it is called."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud
from codegen import objects
from knetik_cloud import aio, apis, bulk, exceptions, filters, models, sandbox, sorting, waiting
from knetik_cloud.path_call import RESULT_OPTIONS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {name: (REFERENCE / f"{name}.md").read_text(encoding="utf-8") for name in objects.PAGES}
"""As they were generated, which another test checks: to load the sources takes long."""

LISTED = {name for page in objects.PAGES.values() for name in page.names}
ELSEWHERE = {
    *apis.__all__,
    *models.__all__,
    *(name for name in dir(exceptions) if name in knetik_cloud.__all__),
    *("__version__", "Configuration"),
}
"""What the pages of methods, models, exceptions and settings list."""


def found(name: str) -> Any:
    """Return an object by the name that programs write, whose modules they may have to import."""
    module = name.rpartition(".")[0]
    with suppress(ImportError):
        importlib.import_module(f"knetik_cloud.{module}".rstrip("."))
    return reduce(getattr, name.split("."), knetik_cloud)


@pytest.mark.parametrize(
    ("prefix", "module"),
    [
        ("", knetik_cloud),
        ("bulk.", bulk),
        ("filters.", filters),
        ("sandbox.", sandbox),
        ("sorting.", sorting),
        ("waiting.", waiting),
    ],
)
def test_every_public_name_is_listed(prefix: str, module: Any) -> None:
    assert {f"{prefix}{name}" for name in module.__all__} - ELSEWHERE <= LISTED


def test_every_method_that_sends_several_requests_is_listed() -> None:
    several = {name for name in dir(apis.UsersInventoryApi) if name.startswith(("iter_", "wait_until_"))}
    assert {f"UsersInventoryApi.{name}" for name in several} == set(objects.PAGES["lists"].names)


def test_results_of_calls_and_their_errors_are_listed() -> None:
    returned = {"rest.RESTResponse", "aio.rest.RESTResponse", "api_client.AsyncResult"}
    assert returned | {"exceptions.Attempt", "exceptions.ErrorDetail"} <= LISTED
    assert {
        "contrib.opentelemetry.KnetikCloudInstrumentor",
        "contrib.opentelemetry.OpenTelemetryHook",
    } <= LISTED


def test_every_option_of_a_result_is_described() -> None:
    assert all(f"`{option}` | " in PAGES["clients"] for option in RESULT_OPTIONS)


def test_the_attributes_of_an_attempt_are_described() -> None:
    section = PAGES["clients"].partition("## class exceptions.Attempt\n")[2].partition("\n## ")[0]
    assert re.findall(r"^`(\w+)` \| ", section, re.MULTILINE) == [*exceptions.Attempt._fields, "seconds"]


def test_the_asyncio_client_has_the_same_names() -> None:
    own = {name for name in aio.__all__ if name not in ELSEWHERE}
    assert own <= LISTED


@pytest.mark.parametrize("name", sorted(LISTED))
def test_programs_reach_an_object_by_its_name(name: str) -> None:
    reached = found(name)
    assert f"{reached.__module__}.{reached.__qualname__}" == objects.find(name).canonical_path


def calls() -> Iterator[tuple[str, Any]]:
    """Yield the names of objects and members, with the signature that stands below their heading."""
    text = "\n".join(PAGES.values())
    owner = ""
    for marks, name, block in re.findall(
        r"^(##+) (?:class )?(\S+)\n(?:\n```python\n(.*?)\n```$)?", text, re.M | re.S
    ):
        owner = name if marks == "##" else owner
        if block:
            (node,) = ast.parse(block).body
            member = "" if marks == "##" else f".{name.rpartition('.')[2]}"
            yield f"{owner}{member}", node.body[0] if isinstance(node, ast.ClassDef) else node


@pytest.mark.parametrize(("name", "node"), [*calls()], ids=[name for name, _ in calls()])
def test_call_has_the_parameters_of_the_object(name: str, node: Any) -> None:
    called = (
        found(name) if name in LISTED else getattr(found(name.rpartition(".")[0]), name.rpartition(".")[2])
    )
    sent = node.args
    written = [*sent.posonlyargs, *sent.args, sent.vararg, *sent.kwonlyargs, sent.kwarg]
    names = [each.arg for each in written if each is not None and each.arg not in ("self", "cls")]
    expected = [name for name in inspect.signature(called).parameters if name not in ("self", "cls")]
    if name == "sandbox.Sandbox":
        expected = [field for field in sandbox.Settings.__annotations__ if not field.startswith("_")]
    assert names == expected


def test_page_shows_values_and_examples() -> None:
    assert " settle: float = 2.0, " in PAGES["outcomes"]
    assert "```python\noutcome = knetik_cloud.once(" in PAGES["outcomes"]
    assert "`key` | A string that identifies this write" in PAGES["outcomes"]
    assert "`TypeError` | If `method` is not" in PAGES["outcomes"]
    assert "Returns: The outcome." in PAGES["outcomes"]
