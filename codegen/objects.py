"""Renders the reference pages of classes and functions that are not in the contract.

griffe reads signatures and docstrings from the sources, so that nothing of the package is imported.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import griffe

from codegen.formatting import PROJECT, format_files
from codegen.markdown import cell, page, table


class Page(NamedTuple):
    """A page of objects.

    Attributes:
        title: The title.
        text: The lines below it.
        names: The names of the objects in the package, as programs write them.
        end: The lines at the end of the page.
    """

    title: str
    text: str
    names: tuple[str, ...]
    end: str = ""


RESULT_OPTIONS: Final = (
    (
        "`async_req`",
        "True returns an [`AsyncResult`](#class-api_clientasyncresult). The asyncio client rejects it.",
        "[`client.submit`](#apiclientsubmit)",
    ),
    (
        "`_preload_content`",
        "False returns the raw response, a [`RESTResponse`](#class-restrestresponse), whose body streams.",
        "[`client.raw`](#apiclientraw)",
    ),
    (
        "`_return_http_data_only`",
        "False returns an [`ApiResponse`](#class-apiresponse): the data, the HTTP status and the headers.",
        "`..._with_http_info`",
    ),
)
"""The options that change the result of a call, which have no types."""

CALL_OPTIONS: Final = "\n".join(
    [
        "## Options of a call",
        "",
        "Every method accepts the options of [`with_options`](#apiclientwith_options): `_request_timeout`,",
        "`_deadline`, `_retries` and `_headers`. They apply to that call only.",
        "",
        "It also accepts these, whose names other SDKs of this family use. For type checkers, use the",
        "methods in the last column instead.",
        "",
        *table("Option", "Description", "Typed equivalent", rows=RESULT_OPTIONS),
    ]
)

PAGES: Final = {
    "clients": Page(
        "Clients",
        "The objects around the methods of the API. [Settings](settings.md) and\n"
        "[exceptions](exceptions.md) have pages of their own. `knetik_cloud.aio.ApiClient` has the same\n"
        "methods. Those that send a request are coroutines.",
        (
            *(
                "ApiClient",
                "Pager",
                "aio.Pager",
                "ApiResponse",
                "AccessToken",
                "Secret",
                "Health",
                "deadline",
            ),
            *("RowsMovedWarning", "TokenProvider", "AsyncTokenProvider"),
            *("rest.RESTResponse", "aio.rest.RESTResponse", "api_client.AsyncResult"),
            *("exceptions.Attempt", "exceptions.ErrorDetail"),
        ),
        CALL_OPTIONS,
    ),
    "lists": Page(
        "Lists and waiters",
        "The methods that send several requests. [Pagination](../guides/pagination.md) and\n"
        "[Waiting](../guides/waiting.md) show how to use them. `knetik_cloud.aio.UsersInventoryApi` has the\n"
        "same methods. Its `iter_...` methods return an [`aio.Pager`](clients.md#class-aiopager), and its\n"
        "`wait_until_...` methods are coroutines.",
        tuple(
            f"UsersInventoryApi.{name}"
            for name in (
                "iter_entitlement_items",
                "iter_entitlement_templates",
                "iter_user_inventories",
                "iter_user_inventory_log",
                "iter_users_inventory",
                "wait_until_user_inventory_active",
            )
        ),
    ),
    "filters": Page(
        "Filters and sort orders",
        "Ranges of time and sort orders for lists. [Pagination](../guides/pagination.md) shows how to use\n"
        "these.",
        (
            *("filters.after", "filters.before", "filters.at_or_after", "filters.at_or_before"),
            *("filters.at", "filters.between", "filters.DateFilter"),
            *("sorting.ascending", "sorting.descending", "sorting.SortOrder"),
        ),
    ),
    "hooks": Page(
        "Hooks",
        "Hooks observe calls, attempts and tokens. [Logging and\n"
        "tracing](../guides/logging-and-tracing.md) shows how to use them.",
        (
            *("Hook", "hooks.Call", "hooks.Attempt", "hooks.TokenEvent"),
            "contrib.opentelemetry.KnetikCloudInstrumentor",
            "contrib.opentelemetry.OpenTelemetryHook",
        ),
    ),
    "outcomes": Page(
        "Outcomes and waiters",
        "Functions that make sure that a write is applied, or wait until it takes effect.\n"
        "[Was it applied?](../guides/was-it-applied.md) and [Waiting](../guides/waiting.md) show how to\n"
        "use these. `knetik_cloud.aio.once` is the coroutine of `once`. To determine the outcome of a call\n"
        "that raised an error, use [`ApiClient.find_out`](clients.md#apiclientfind_out).",
        ("once", "recovery.keyed", "Outcome", "waiting.token", "waiting.resume"),
    ),
    "bulk": Page(
        "Bulk runs and exports",
        "Writes for many rows, and lists in files.\n"
        "[A million grants](../guides/bulk.md), [On a cluster](../guides/on-a-cluster.md) and\n"
        "[Export](../guides/export.md) show how to use these.",
        (
            *(
                "bulk.run",
                "bulk.resume",
                "bulk.status",
                "bulk.report",
                "bulk.plan",
                "bulk.stop",
                "bulk.export",
            ),
            *(
                "bulk.prepare",
                "bulk.run_shard",
                "bulk.shards_of",
                "bulk.Report",
                "bulk.RowReport",
                "bulk.Plan",
            ),
            *("bulk.Tally", "bulk.Exported", "bulk.BulkError", "bulk.InvalidRowsError"),
            "bulk.ChangedInputError",
        ),
    ),
    "sandbox": Page(
        "The sandbox in Python",
        "Sandboxes inside a program, and their controls. [The sandbox](../guides/sandbox.md) and\n"
        "[Testing your program](../guides/testing-your-program.md) show how to use these. The\n"
        "[control API](control-api.md) has the same for programs in other languages.",
        ("sandbox.Sandbox", "sandbox.Settings", "sandbox.Exchange", "sandbox.faults.Fault"),
    ),
}
"""The pages by their names, without a suffix."""


@cache
def load() -> Any:
    """Load the sources of the package."""
    return griffe.load(PROJECT / "knetik_cloud", allow_inspection=False, resolve_aliases=True)


def pages() -> dict[str, str]:
    """Return the pages by their names, without a suffix."""
    files = {f"{name}.md": _page(contents) for name, contents in PAGES.items()}
    return {name.removesuffix(".md"): text for name, text in format_files(files).items()}


def _page(contents: Page) -> str:
    found = {name: find(name) for name in contents.names}
    rows = (
        (f"[`{name}`](#{_anchor(_heading(name, each))})", cell(_summary(each)))
        for name, each in found.items()
    )
    lines = [contents.text, "", *table("Name", "Description", rows=rows)]
    for name, each in found.items():
        lines += _object(name, each, "##")
        if each.is_class:
            for member in _members(each):
                lines += _object(f"{name.rpartition('.')[2]}.{member.name}", member, "###")
    return page(contents.title, *lines, contents.end)


def find(name: str) -> Any:
    """Return an object by the name that programs write."""
    package = load()
    is_api = name.partition(".")[0] in package["apis"].exports
    return target(package[f"apis.{name}" if is_api else name])


def target(found: Any) -> Any:
    """Return the object that an alias stands for."""
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
        found = target(member)
        is_property = found.is_attribute and "property" in found.labels
        if not name.startswith("_") and found.docstring and (found.is_function or is_property):
            yield found


def _object(name: str, each: Any, marks: str) -> list[str]:
    lines = [f"{marks} {_heading(name, each)}", ""]
    options: list[Any] = []
    if each.is_function:
        options = _complete(each)
        lines += ["```python", f"def {each.signature()}: ...", "```", ""]
    elif each.is_class and "__init__" in each.all_members:
        function = target(each.all_members["__init__"])
        _complete(function)
        method = function.signature().replace("(", "(self, ", 1)
        lines += ["```python", f"class {each.name}:", f"    def {method}: ...", "```", ""]
    for section in each.docstring.parse("google", warnings=False) if each.docstring else ():
        lines += _section(section)
    if options:
        rows = ((f"`{option.name}`", cell(option.docstring.value)) for option in options)
        lines += table("Option", "Description", rows=rows)
    return lines


def _complete(function: Any) -> list[Any]:
    """Replace the constants of defaults by their values, and unpacked keywords by those of their TypedDict.

    Returns:
        The documented keywords.
    """
    written: list[Any] = []
    options: list[Any] = []
    for parameter in function.parameters:
        _, found, name = str(parameter.annotation).partition("Unpack[")
        if not found:
            constant = function.module.all_members.get(str(parameter.default))
            if constant is not None:
                parameter.default = target(constant).value
            written.append(parameter)
            continue
        for option in target(function.module.all_members[name.rstrip("]")]).attributes.values():
            kind = griffe.ParameterKind.keyword_only
            written.append(
                griffe.Parameter(option.name, annotation=option.annotation, kind=kind, default="...")
            )
            options += [option] if option.docstring else []
    function.parameters = griffe.Parameters(*written)
    return options


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
    rows = (
        (f"`{getattr(each, 'name', None) or each.annotation}`", cell(str(each.description)))
        for each in section.value
    )
    return table(heads.get(kind, "Raises"), "Description", rows=rows)
