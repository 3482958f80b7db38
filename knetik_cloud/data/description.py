"""What `help()` and `inspect` show of a model: made when they ask, so that importing models stays cheap."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knetik_cloud.data.model import Field, Model


def signature(model: type[Model]) -> inspect.Signature:
    """Give the signature of a model's constructor: its fields in their order, by keyword only."""
    annotations: dict[str, object] = {}
    for kind in reversed(model.__mro__):
        annotations |= inspect.get_annotations(kind)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                keyword,
                default=None,
                annotation=annotations.get(name, inspect.Parameter.empty),
            )
            for name in model._fields
        ]
    )


def of_field(field: Field, owner: type[Model] | None) -> str:
    """Describe a field: its type and what holds for it, then what its class says of it."""
    if owner is None:
        return ""
    traits = [field.expression]
    if field.wire != field.name:
        traits.append(f"{field.wire!r} in the JSON")
    traits += [
        trait
        for trait, holds in (
            ("required", field.required),
            ("read-only: the service assigns it", field.read_only),
            ("epoch seconds", field.epoch),
            ("secret", field.secret),
        )
        if holds
    ]
    if field.enum is not None:
        traits.append(f"one of {', '.join(map(repr, field.enum))}")
    said = attribute_docstring(field)
    return "; ".join(traits) if said is None else f"{'; '.join(traits)}.\n\n{said}"


def attribute_docstring(field: Field) -> str | None:
    """Return the text below a field in the source of its class, or None if it has none."""
    return None if field._owner is None else _attribute_docstrings(field._owner).get(field.name)


@cache
def _attribute_docstrings(owner: type) -> dict[str, str]:
    """Read the texts below a class's attributes from its source, where that is at hand."""
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = parsed.body[0].body if isinstance(parsed.body[0], ast.ClassDef) else []
    said = {}
    for statement, below in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            said[statement.target.id] = inspect.cleandoc(below.value.value)
    return said
