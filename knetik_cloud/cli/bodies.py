"""The bodies of requests: JSON, a file or stdin, with single fields set in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.options import claim_stdin, read_all_of

if TYPE_CHECKING:
    from knetik_cloud.core.operation import Operation, Parameter
    from knetik_cloud.data.model import Field

SCALARS = ("epoch", "str", "int32", "int64", "int", "float", "bool")
"""The types of bodies that are one plain value."""


def dashed(name: str) -> str:
    """Return a Python name as it is written in options."""
    return name.strip("_").replace("_", "-")  # a keyword of Python has an underscore in front


def argument_name(body: Parameter) -> str:
    """Return the name of the argument for a body: a plain value has the body's own name."""
    return body.name if body.type in SCALARS else "body"


def fields_of(operation: Operation[Any]) -> Mapping[str, Field]:
    """Return the fields of an operation's body that can be set, by their Python names."""
    body = calls.body_of(operation)
    has_fields = body is not None and body.type.isidentifier() and body.type not in SCALARS
    model = calls.model_in(body.type, operation) if has_fields else None
    return {} if model is None else {name: each for name, each in model._fields.items() if not each.read_only}


def takes_json(field: Field) -> bool:
    """Return whether a field takes JSON: an object, a map, or a list of anything but texts."""
    return field.expression not in (*SCALARS, "int | str", "date", "datetime", "list[str]")


def read(operation: Operation[Any], body: Parameter, whole: str | None, chosen: Mapping[str, Any]) -> Any:
    """Return the body of a request, or None if nothing was given for it.

    Args:
        operation: The operation.
        body: Its body.
        whole: The body as a whole: JSON, `@FILE`, or `-` for stdin.
        chosen: The values of single fields, which replace those in `whole`.

    Raises:
        click.UsageError: If the body can't be read.
    """
    from knetik_cloud.documents import parse_json

    if body.type in SCALARS:
        if whole is not None and (whole == "-" or whole.startswith("@")):
            whole = _text(whole, "the body")[0].strip()
        if whole is not None:
            with suppress(ValueError):  # A text needs no quotes. Anything else is left for the check.
                value = parse_json(whole)
                if body.type != "str" or isinstance(value, str):
                    return value
        return whole
    content = None if whole is None else _json(whole, "the body")
    if not chosen:
        return content
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise click.UsageError("the body must be a JSON object, since --options set fields in it")
    model = calls.model_in(body.type, operation)
    if model is not None and model._discriminator is not None and model._discriminator_value is not None:
        content.setdefault(model._discriminator, model._discriminator_value)
    fields = fields_of(operation)
    for name, value in chosen.items():
        if takes_json(fields[name]):
            value = _json(value, f"--{dashed(name)}")
        content[fields[name].wire] = list(value) if isinstance(value, tuple) else value
    return content


def _text(source: str, what: str) -> tuple[str, str]:
    """Return the text that `@FILE` or `-` stands for, and where it comes from."""
    path = source.removeprefix("@") or "-"
    if path == "-":
        claim_stdin(what)
    return read_all_of(path), "stdin" if path == "-" else path


def _json(text: str, what: str) -> Any:
    from knetik_cloud.documents import RepeatedNameError, parse_json

    if text == "-" or text.startswith("@"):
        text, source = _text(text, what)
        what = f"{what} in {source}"
    try:
        return parse_json(text)
    except RepeatedNameError as error:
        raise click.UsageError(f"{what} can't be sent: {error}; keep one of them") from None
    except ValueError as error:
        raise click.UsageError(f"{what} isn't JSON: {error}; write JSON, @FILE, or - for stdin") from None
