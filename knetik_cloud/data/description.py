"""The descriptions of models for `help()` and `inspect`, which are built when they are needed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any, Protocol


class Documented(Protocol):
    """An attribute with a string below it in its class."""

    name: str
    owner: type | None


class Field(Documented, Protocol):
    """A field, as far as its description needs it."""

    wire: str
    expression: str
    required: bool
    read_only: bool
    epoch: bool
    secret: bool
    enum: tuple[str, ...] | None


def signature(model: Any) -> inspect.Signature:
    """Return the signature of a model's constructor: its fields in their order, as keywords."""
    annotations: dict[str, object] = {}
    for ancestor in reversed(model.__mro__):
        with suppress(NameError):  # since Python 3.14, they may name what only type checkers import
            annotations |= inspect.get_annotations(ancestor)
    empty, keyword = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter(name, keyword, default=None, annotation=annotations.get(name, empty))
            for name in model._fields
        ]
    )


def of_field(field: Field) -> str:
    """Describe a field: its type, its traits, and the text in its class."""
    if field.owner is None:
        return ""
    traits = (
        field.expression,
        "" if field.wire == field.name else f"{field.wire!r} in the JSON",
        "required" if field.required else "",
        "read-only: the service assigns it" if field.read_only else "",
        "epoch seconds" if field.epoch else "",
        "secret" if field.secret else "",
        "" if field.enum is None else f"one of {', '.join(map(repr, field.enum))}",
    )
    described = "; ".join(filter(None, traits))
    text = attribute_docstring(field)
    return described if text is None else f"{described}.\n\n{text}"


def attribute_docstring(attribute: Documented) -> str | None:
    """Return the text below an attribute in the source of its class, or None if it has none."""
    return None if attribute.owner is None else _attribute_docstrings(attribute.owner).get(attribute.name)


@cache
def _attribute_docstrings(owner: type) -> dict[str, str]:
    """Read the strings below the attributes of a class from its source, if that is available."""
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = parsed.body[0].body if isinstance(parsed.body[0], ast.ClassDef) else []
    found = {}
    for pair in pairwise(body):
        match pair:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                found[name] = inspect.cleandoc(text)
    return found
