"""Renders the reference pages of classes and functions that are not in the contract.

griffe reads signatures and docstrings from the sources, so that nothing of the package is imported.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import griffe

from codegen.formatting import PROJECT
from codegen.markdown import cell


class Page(NamedTuple):
    """A page of objects.

    Attributes:
        title: The title.
        text: The lines below it.
        objects: The objects by the names that programs write, each with its path in the package.
    """

    title: str
    text: str
    objects: dict[str, str]


BULK: Final = (
    *("run", "resume", "status", "report", "plan", "stop", "export", "prepare", "run_shard", "shards_of"),
    *("Report", "RowReport", "Plan", "Tally", "Exported"),
    *("BulkError", "InvalidRowsError", "ChangedInputError"),
)
FILTERS: Final = ("after", "before", "at_or_after", "at_or_before", "at", "between", "DateFilter")

PAGES: Final = {
    "clients": Page(
        "Clients",
        "The objects around the methods of the API. [Settings](settings.md) and\n"
        "[exceptions](exceptions.md) have pages of their own. The clients of `knetik_cloud.aio` have the\n"
        "same methods, as coroutines.",
        {
            "ApiClient": "api_client.ApiClient",
            "Pager": "paging.Pager",
            "aio.Pager": "aio.paging.Pager",
            "ApiResponse": "core.operation.ApiResponse",
            "AccessToken": "core.auth.AccessToken",
            "Secret": "secret.Secret",
            "Health": "core.health.Health",
            "deadline": "core.deadline.deadline",
            "RowsMovedWarning": "core.paging.RowsMovedWarning",
            "TokenProvider": "core.auth.TokenProvider",
            "AsyncTokenProvider": "core.auth.AsyncTokenProvider",
        },
    ),
    "filters": Page(
        "Filters and sort orders",
        "[Pagination](../guides/pagination.md) shows how to use these.",
        {
            **{f"filters.{name}": f"filters.{name}" for name in FILTERS},
            **{f"sorting.{name}": f"sorting.{name}" for name in ("ascending", "descending", "SortOrder")},
        },
    ),
    "hooks": Page(
        "Hooks",
        "[Logging and tracing](../guides/logging-and-tracing.md) shows how to use these.",
        {
            "Hook": "hooks.Hook",
            **{f"hooks.{name}": f"hooks.{name}" for name in ("Call", "Attempt", "TokenEvent")},
        },
    ),
    "outcomes": Page(
        "Outcomes and waiters",
        "[Was it applied?](../guides/was-it-applied.md) and [Waiting](../guides/waiting.md) show how to\n"
        "use these. `knetik_cloud.aio.once` is the coroutine of `once`. To find out what became of a call\n"
        "that raised an error, use [`ApiClient.find_out`](clients.md#apiclientfind_out).",
        {
            "once": "recovery.once",
            "recovery.keyed": "recovery.keyed",
            "Outcome": "core.writes.Outcome",
            "waiting.token": "waiting.token",
            "waiting.resume": "waiting.resume",
        },
    ),
    "bulk": Page(
        "Bulk runs and exports",
        "[A million grants](../guides/bulk.md), [On a cluster](../guides/on-a-cluster.md) and\n"
        "[Export](../guides/export.md) show how to use these.",
        {f"bulk.{name}": f"bulk.{name}" for name in BULK},
    ),
    "sandbox": Page(
        "The sandbox in Python",
        "[The sandbox](../guides/sandbox.md) and\n"
        "[Testing your program](../guides/testing-your-program.md) show how to use these. The\n"
        "[control API](control-api.md) has the same for programs in other languages.",
        {
            "sandbox.Sandbox": "sandbox.server.Sandbox",
            "sandbox.Settings": "sandbox.settings.Settings",
            "sandbox.Exchange": "sandbox.journal.Exchange",
            "Fault": "sandbox.faults.Fault",
        },
    ),
}
"""The pages by their names, without a suffix."""


def pages() -> dict[str, str]:
    """Return the pages by their names, without a suffix."""
    package = griffe.load(PROJECT / "knetik_cloud", allow_inspection=False, resolve_aliases=True)
    return {name: _page(package, page) for name, page in PAGES.items()}


def _page(package: Any, page: Page) -> str:
    found = {name: _target(package[path]) for name, path in page.objects.items()}
    lines = [f"# {page.title}", "", page.text, "", "Name | Description", "--- | ---"]
    lines += [
        f"[`{name}`](#{_anchor(_heading(name, each))}) | {cell(_summary(each))}"
        for name, each in found.items()
    ]
    lines.append("")
    for name, each in found.items():
        lines += _object(name, each, "##")
        if each.is_class:
            for member in _members(each):
                lines += _object(f"{name.rpartition('.')[2]}.{member.name}", member, "###")
    return "\n".join(lines).rstrip() + "\n"


def _target(found: Any) -> Any:
    return found.final_target if found.is_alias else found


def _heading(name: str, each: Any) -> str:
    return f"class {name}" if each.is_class else name


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "").replace(" ", "-")


def _summary(each: Any) -> str:
    return str(each.docstring.value).split("\n\n")[0] if each.docstring else ""


def _members(each: Any) -> Iterator[Any]:
    """Yield the documented public methods and properties of a class, in the order of the source."""
    for name, member in each.all_members.items():
        found = _target(member)
        is_property = found.is_attribute and "property" in found.labels
        if not name.startswith("_") and found.docstring and (found.is_function or is_property):
            yield found


def _object(name: str, each: Any, marks: str) -> list[str]:
    lines = [f"{marks} {_heading(name, each)}", ""]
    sections = each.docstring.parse("google", warnings=False) if each.docstring else ()
    lines_below = [line for section in sections for line in _section(section)]
    if each.is_function or (each.is_class and "__init__" in each.all_members):
        lines += ["```python", f"{name}({_signature(each)}", "```", ""]
        options = {
            name: option for parameter in each.parameters for name, option in _options(parameter, each)
        }
        if any(option.docstring for option in options.values()):
            rows = [
                f"`{name}` | {cell(option.docstring.value)}"
                for name, option in options.items()
                if option.docstring
            ]
            lines_below += ["Option | Description", "--- | ---", *rows, ""]
    return lines + lines_below


def _signature(each: Any) -> str:
    """Return the parameters, one per line, and the result."""
    written: list[str] = []
    is_keyword_only = False
    for parameter in each.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(
            kind, ""
        )
        if kind is griffe.ParameterKind.keyword_only and not is_keyword_only:
            is_keyword_only = True
            if not any(word.startswith("*") for word in written):
                written.append("*")
        is_keyword_only = is_keyword_only or stars == "*"
        options = _options(parameter, each)
        if options:
            written += ["*"] * (not is_keyword_only)
            written += [f"{name}: {option.annotation} = ..." for name, option in options]
            continue
        type_ = f": {parameter.annotation}" if parameter.annotation is not None else ""
        default = "" if stars or parameter.default is None else f" = {_value(parameter.default, each)}"
        written.append(f"{stars}{parameter.name}{type_}{default}")
    returns = f" -> {each.returns}" if each.is_function and each.returns is not None else ""
    if not written:
        return f"){returns}"
    return "\n    " + ",\n    ".join(written) + f",\n){returns}"


def _options(parameter: Any, each: Any) -> list[tuple[str, Any]]:
    """List the fields of the TypedDict that keyword arguments are unpacked from."""
    _, found, name = str(parameter.annotation).partition("Unpack[")
    return [*_target(each.module.all_members[name.rstrip("]")]).attributes.items()] if found else []


def _value(default: Any, each: Any) -> str:
    """Return a default as it is written, or the value of the constant that it names."""
    constant = each.module.all_members.get(str(default))
    return str(default if constant is None else _target(constant).value)


def _text(text: str) -> list[str]:
    """Return a text with its indented lines as blocks of Python."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        if not paragraph.startswith("    "):
            lines += [*paragraph.split("\n"), ""]
        elif lines[-2:] == ["```", ""]:
            lines[-2:] = ["", *textwrap.dedent(paragraph).split("\n"), "```", ""]
        else:
            lines += ["```python", *textwrap.dedent(paragraph).split("\n"), "```", ""]
    return lines


def _section(section: Any) -> list[str]:
    kind = section.kind.value
    if kind == "text":
        return _text(str(section.value))
    if kind in ("returns", "yields"):
        text = " ".join(str(each.description) for each in section.value)
        return [f"{kind.title()}: {cell(text)}", ""]
    heads = {"parameters": "Parameter", "other parameters": "Parameter", "attributes": "Attribute"}
    head = heads.get(kind, "Raises")
    rows = [
        f"`{getattr(each, 'name', None) or each.annotation}` | {cell(str(each.description))}"
        for each in section.value
    ]
    return [f"{head} | Description", "--- | ---", *rows, ""]
