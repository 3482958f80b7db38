"""The reference pages and the guides name what the package has: settings, classes, codes, messages, pages."""

from __future__ import annotations

import json
import pickle
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from codegen.objects import PAGES as PAGES_OF_OBJECTS
from codegen.reference import APPLIED
from knetik_cloud import Configuration, exceptions
from knetik_cloud.cli.errors import details
from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.cli.explain import CODES, topics
from knetik_cloud.sandbox import Sandbox, errors

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)
INDEX = re.compile(r"pip install [^`\n]*\bknetik_cloud\b|knetik_cloud\[")
"""An installation of the package from an index, which doesn't have it."""
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def headings(name: str) -> list[str]:
    """Return the headings of a page below its title."""
    return HEADING.findall((DOCS / name).read_text(encoding="utf-8"))


PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("examples/**/*.md")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_package_is_installed_from_a_clone(page: Path) -> None:
    assert INDEX.findall(page.read_text(encoding="utf-8")) == []


def test_every_setting_has_a_section() -> None:
    assert headings("reference/settings.md") == list(Configuration._settings)


def fields(kind: type) -> Iterator[str]:
    """Yield the public fields of a class that has named ones."""
    yield from getattr(kind, "_fields", ())
    yield from getattr(kind, "__dataclass_fields__", ())
    for each in kind.__mro__:
        yield from (name for name in vars(each).get("__slots__", ()) if not name.startswith("_"))


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page in PAGES_OF_OBJECTS for name in PAGES_OF_OBJECTS[page].names]
)
def test_every_field_of_a_class_is_in_its_section(page: str, name: str) -> None:
    module, _, last = f"knetik_cloud.{name}".rpartition(".")
    kind = getattr(pkgutil.resolve_name(module), last)
    if isinstance(kind, type):
        _, _, rest = (
            (DOCS / f"reference/{page}.md").read_text(encoding="utf-8").partition(f"\n## class {name}\n")
        )
        text = rest.partition("\n## ")[0]
        assert [field for field in fields(kind) if not re.search(rf"\b{field}\b", text)] == []


def test_every_exception_has_a_section_on_when_a_write_may_have_been_applied() -> None:
    classes = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, exceptions.ApiException)
    }
    assert set(headings("reference/exceptions.md")) == set(APPLIED) == classes


def test_every_code_has_a_section() -> None:
    used = {str(value) for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert {each.topic for each in CODES} == used == set(headings("reference/result-codes.md"))
    assert headings("reference/exit-codes.md") == [str(int(code)) for code in Exit]


@pytest.mark.parametrize(
    "name",
    [
        "cli/index.md",
        "guides/cli.md",
        "guides/testing-your-program.md",
        "guides/troubleshooting.md",
        "reference/exit-codes.md",
        "reference/result-codes.md",
    ],
)
def test_a_page_that_uses_codes_states_that_the_hosted_service_documents_none(name: str) -> None:
    text = " ".join((DOCS / name).read_text(encoding="utf-8").split())
    assert "1007" in text
    assert re.search(r"hosted service \[?doesn't document", text)


def section(place: str) -> tuple[str, str]:
    """Return the page and the heading of a place such as `docs/reference/exit-codes.md#7`, which exists."""
    path, _, anchor = place.partition("#")
    assert (ROOT / path).parent == DOCS / "reference"
    found = {each.lower(): each for each in HEADING.findall((ROOT / path).read_text(encoding="utf-8"))}
    assert anchor in found, place
    return Path(path).stem, found[anchor]


@pytest.mark.parametrize("name", APPLIED)
def test_every_exception_names_its_section(name: str) -> None:
    kind = getattr(exceptions, name)
    own = type("Own", (kind,), {})
    arguments = ("it failed",) if issubclass(kind, exceptions.ApiValueError) else (None, "it failed")
    for error in (kind(*arguments), own(*arguments)):
        assert section(error.docs) == ("exceptions", name)
        assert str(error).endswith(f"\nSee: {error.docs}") == (name != "ApiValueError")
        assert section(details(error)["docs"]) == ("exceptions", name)
        assert pickle.loads(pickle.dumps(kind(*arguments))).docs == error.docs


@pytest.mark.parametrize("name", Configuration._settings)
def test_every_rejected_setting_names_its_section(name: str) -> None:
    with pytest.raises(exceptions.ApiValueError) as caught:
        Configuration(**{name: 3 + 4j})
    assert section(caught.value.docs) == ("settings", name)
    assert str(caught.value).endswith(f"\nSee: docs/reference/settings.md#{name}")


def test_every_code_names_its_section() -> None:
    assert {str(code) for code in exceptions.EXPLAINED_CODES} == {each.topic for each in CODES}
    for code in (*sorted(exceptions.EXPLAINED_CODES), 4711):
        error = exceptions.NotFoundException(404, "Not Found")
        error._load_response(json.dumps({"code": code}), exceptions.Headers())
        known = code in exceptions.EXPLAINED_CODES
        assert section(error.docs) == (
            ("result-codes", str(code)) if known else ("exceptions", type(error).__name__)
        )
        assert f"\nSee: {error.docs}\n" in str(error)


def test_every_topic_and_exit_code_names_its_section() -> None:
    for topic in topics():
        section(topic.docs)
    for code in Exit:
        assert section(details(CommandError("it failed", code))["docs"]) == ("exit-codes", str(int(code)))


def test_every_example_of_the_control_api_runs() -> None:
    lines = SHELL.findall((DOCS / "reference" / "control-api.md").read_text(encoding="utf-8"))
    assert len(lines) == 20
    with Sandbox() as sandbox:
        for line in lines:
            words = shlex.split(line.replace("http://127.0.0.1:8080", sandbox.url))
            method = words[words.index("-X") + 1] if "-X" in words else "GET"
            body = words[words.index("-d") + 1].encode() if "-d" in words else None
            url = next(word for word in words if word.startswith("http"))
            request = Request(url, body, {"Content-Type": "application/json"}, method=method)
            if url.endswith("/stop"):  # it is part of this program
                with pytest.raises(HTTPError) as caught:
                    urlopen(request)
                caught.value.close()
                continue
            with urlopen(request) as response:
                assert response.status in (200, 204)
                content = response.read()
                assert not content or json.loads(content) is not None
