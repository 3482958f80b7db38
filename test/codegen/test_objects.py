"""The reference pages of classes and functions list every public one, as it is called."""

from __future__ import annotations

import importlib
import inspect
import re
from functools import reduce
from typing import Any

import pytest

import knetik_cloud
from codegen import objects
from knetik_cloud import aio, apis, bulk, exceptions, filters, models, sandbox, sorting, waiting

PAGES = objects.pages()
LISTED = {name: path for page in objects.PAGES.values() for name, path in page.objects.items()}
ELSEWHERE = {
    *apis.__all__,
    *models.__all__,
    *(name for name in dir(exceptions) if name in knetik_cloud.__all__),
    *("__version__", "Configuration"),
}
"""What the pages of methods, models, exceptions and settings list."""


def found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"knetik_cloud.{module}" if module else "knetik_cloud"), name)


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
    assert {f"{prefix}{name}" for name in module.__all__} - ELSEWHERE <= LISTED.keys()


def test_the_asyncio_client_has_the_same_names() -> None:
    own = {name for name in aio.__all__ if name not in ELSEWHERE}
    assert own <= LISTED.keys()


@pytest.mark.parametrize("name", LISTED)
def test_programs_reach_an_object_by_its_name(name: str) -> None:
    reached: Any = reduce(getattr, name.split("."), knetik_cloud) if name != "Fault" else found(LISTED[name])
    if name.startswith("recovery."):
        reached = found(name)
    assert reached is found(LISTED[name])


def calls() -> list[tuple[str, str]]:
    blocks = re.findall(
        r"^#+ (?:class )?(\S+)\n\n```python\n(.*?)\n```$", "\n".join(PAGES.values()), re.M | re.S
    )
    return [(name, text) for name, text in blocks]


@pytest.mark.parametrize(("name", "text"), calls(), ids=[name for name, _ in calls()])
def test_call_has_the_parameters_of_the_object(name: str, text: str) -> None:
    if name in LISTED:
        target = found(LISTED[name])
    else:
        owner, _, method = name.rpartition(".")
        path = next(path for listed, path in LISTED.items() if listed.rpartition(".")[2] == owner)
        target = getattr(found(path), method)
    written = [word.strip("* ") for word in re.findall(r"^    (\*{0,2}\w+)(?=[:,])", text, re.M)]
    expected = [name for name in inspect.signature(target).parameters if name not in ("self", "cls")]
    if name == "sandbox.Sandbox":
        expected = [field for field in sandbox.Settings.__annotations__ if not field.startswith("_")]
    assert written == expected


def test_page_shows_values_and_examples() -> None:
    assert "    settle: float = 2.0,\n" in PAGES["outcomes"]
    assert "```python\noutcome = knetik_cloud.once(" in PAGES["outcomes"]
    assert "`key` | Identifies this write" in PAGES["outcomes"]
    assert "`TypeError` | If `method` is not" in PAGES["outcomes"]
    assert "Returns: The outcome." in PAGES["outcomes"]
