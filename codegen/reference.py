"""Renders the reference pages that follow from the package: settings, exceptions, codes, control API."""

from __future__ import annotations

import inspect
import typing
from typing import Any, Final

import griffe

from codegen.markdown import cell, page, table

APPLIED: Final = {
    "ApiException": "True if a write was sent and its effect is unknown.",
    "BadRequestException": "False, unless an earlier attempt of the call was lost.",
    "UnauthorizedException": "False, unless an earlier attempt of the call was lost.",
    "ForbiddenException": "False, unless an earlier attempt of the call was lost.",
    "NotFoundException": "False, unless an earlier attempt of the call was lost.",
    "ConflictException": "False, unless an earlier attempt of the call was lost.",
    "UnprocessableEntityException": "False, unless an earlier attempt of the call was lost.",
    "TooManyRequestsException": "False, unless an earlier attempt of the call was lost.",
    "ServiceException": "True for a write, because the service may have acted before it failed.",
    "ApiConnectionException": "True if any part of a write was sent.",
    "ApiTimeoutException": "True if any part of a write was sent.",
    "DeadlineExceeded": "True if any part of a write was sent.",
    "WaitFailed": "False, because a waiter only reads.",
    "ApiResponseError": "True for a write: it was applied, but its response can't be read.",
    "ApiValueError": "False, because nothing was sent.",
}
"""The condition under which `may_have_applied` is True, by the name of the class."""


def pages() -> dict[str, str]:
    """Return the pages by their names, without a suffix."""
    return {
        "settings": _settings(),
        "exceptions": _exceptions(),
        "result-codes": _result_codes(),
        "exit-codes": _exit_codes(),
        "control-api": _control_api(),
    }


def _settings() -> str:
    from knetik_cloud.configuration import USER_AGENT, Configuration
    from knetik_cloud.data.description import attribute_docstring

    hints = typing.get_type_hints(Configuration)
    rows, sections = [], []
    for name, setting in Configuration._settings.items():
        default = f"`{setting.default!r}`"
        if setting.default == USER_AGENT:
            default = "The versions of the SDK and of Python"
        elif setting.default in (None, ()):
            default = ""
        variable = f"`{setting.env}`" if setting.env else ""
        rows.append((f"[`{name}`](#{name})", variable, default))
        sections += [f"## {name}", "", cell(attribute_docstring(setting) or ""), ""]
        sections.append(f"- Type: `{_expression(typing.get_args(hints[name])[1])}`")
        sections += [f"- Default: {default or 'None'}"] if default or not setting.env else []
        sections += [f"- Environment variable: {variable}"] if variable else []
        sections.append("")
    return page(
        "Settings",
        "Pass these settings to `knetik_cloud.Configuration`, or assign them later.",
        "[Configuration](../guides/configuration.md) explains which value applies.",
        "",
        *table("Setting", "Environment variable", "Default", rows=rows),
        *sections,
    )


def _expression(type_: Any) -> str:
    """Return a type as it is written in annotations, with the public names of classes."""
    if isinstance(type_, type) and not typing.get_args(type_):
        return "None" if type_ is type(None) else type_.__name__
    if " | " in str(type_):
        return " | ".join(_expression(each) for each in typing.get_args(type_))
    inner = ", ".join(_expression(each) for each in typing.get_args(type_))
    return f"{typing.get_origin(type_).__name__}[{inner}]" if inner else str(type_)


def _exceptions() -> str:
    from knetik_cloud import exceptions

    classes = [
        each
        for each in vars(exceptions).values()
        if isinstance(each, type) and issubclass(each, exceptions.ApiException)
    ]
    lines = [
        "Each failed call raises an `ApiException` or one of its subclasses. Import them from `knetik_cloud`",
        "or from `knetik_cloud.exceptions`. [Errors and retries](../guides/errors-and-retries.md) shows how",
        "to handle them, and [Troubleshooting](../guides/troubleshooting.md) explains messages. An exception",
        "contains an [`Attempt`](clients.md#class-exceptionsattempt) for each attempt of the call, and an",
        "[`ErrorDetail`](clients.md#class-exceptionserrordetail) for each reason that the service reports.",
        "",
    ]
    rows = ((f"[`{each.__name__}`](#{each.__name__.lower()})", cell(_summary(each))) for each in classes)
    lines += table("Exception", "Meaning", rows=rows)
    for each in classes:
        bases = ", ".join(f"`{base.__name__}`" for base in each.__bases__)
        lines += [f"## {each.__name__}", "", cell(_summary(each)), "", f"- Base: {bases}"]
        lines += [f"- `may_have_applied`: {APPLIED[each.__name__]}", ""]
        for section in griffe.Docstring(inspect.getdoc(each) or "").parse("google", warnings=False):
            if section.kind is griffe.DocstringSectionKind.attributes:
                rows = ((f"`{found.name}`", cell(found.description)) for found in section.value)
                lines += table("Attribute", "Meaning", rows=rows)
    return page("Exceptions", *lines)


def _summary(each: type) -> str:
    return " ".join((inspect.getdoc(each) or "").split("\n\n")[0].split())


def _result_codes() -> str:
    from knetik_cloud.cli.explain import CODES

    lines = [
        "`error.code` is the number in the service's [`Result`](../Result.md), not the HTTP status. These",
        "are the codes of the sandbox. The hosted service doesn't document its own, so decide by the class",
        "of the exception and by `error.errors` where you can. `knetik explain 1007` shows the same text.",
        "",
    ]
    for each in CODES:
        lines += [f"## {each.topic}", "", cell(each.meaning), "", cell(each.next_step), ""]
    return page("Codes of a Result", *lines)


def _exit_codes() -> str:
    from knetik_cloud.cli.exits import MEANINGS

    lines = [
        "The `knetik` command ends with one of these codes. Scripts can rely on them, except that 3 depends",
        "on a code of the service. The hosted service [doesn't document its codes](result-codes.md), so",
        "allow for 4 as well. `knetik explain 7` shows the same text.",
        "",
    ]
    for code, each in MEANINGS.items():
        lines += [f"## {int(code)}", "", cell(each.meaning), "", cell(each.next_step), ""]
    return page("Exit codes", *lines)


def _control_api() -> str:
    from knetik_cloud.sandbox.control_api import contract

    document = contract()
    lines = [
        " ".join(document["info"]["description"].split()),
        "",
        "`GET /_sandbox/openapi.json` returns the contract of these calls.",
        "[The sandbox](../guides/sandbox.md) shows the same in Python.",
        "",
    ]
    calls = [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "operationId" in operation
    ]
    rows = (
        (f"[`{method.upper()} {path}`](#{operation['operationId']})", cell(f"{operation['summary']}."))
        for method, path, operation in calls
    )
    lines += table("Call", "Description", rows=rows)
    for method, path, operation in calls:
        lines += _control_call(document, method, path, operation)
    return page("Control API", *lines)


def _control_call(document: Any, method: str, path: str, operation: Any) -> list[str]:
    import json
    import shlex

    name = operation["operationId"]
    lines = [f"## {name}", "", f"`{method.upper()} {path}`", "", f"{operation['summary']}.", ""]
    rows = []
    for parameter in operation.get("parameters", ()):
        each = _resolved(document, parameter)
        rows.append(
            (
                f"`{each['name']}`",
                each["in"],
                _schema(document, each["schema"]),
                cell(each.get("description", "")),
            )
        )
        path = path.replace(f"{{{each['name']}}}", str(each.get("example", each["name"])))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = _resolved(document, content["schema"]) if content else {}
    for field, schema in body.get("properties", {}).items():
        about = schema.get("description", "")
        if "default" in schema:
            about = f"{about} (default: {schema['default']})".strip()
        rows.append((f"`{field}`", "body", _schema(document, schema), cell(about)))
    lines += table("Name", "In", "Type", "Description", rows=rows) if rows else []
    words = ["curl", "-sS", *([] if method == "get" else ["-X", method.upper()])]
    words.append(f"http://127.0.0.1:8080{path}")
    if content and "example" in content:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(content["example"])]
    return [*lines, "```sh", shlex.join(words), "```", ""]


def _resolved(document: Any, node: Any) -> Any:
    """Follow a reference within a document."""
    if "$ref" not in node:
        return node
    found = document
    for key in node["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


def _schema(document: Any, schema: Any) -> str:
    """Format the type of a schema, with its limits."""
    schema = _resolved(document, schema)
    types = schema.get("type", "any")
    text = cell(" | ".join(types) if isinstance(types, list) else types)
    limits = [
        f"{name} {schema[key]}"
        for key, name in (("minimum", "at least"), ("maximum", "at most"))
        if key in schema
    ]
    return ", ".join([text, *limits])
