"""Strategies for JSON of responses: any fields of a model, null or not, and unknown keys."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from knetik_cloud import models
from knetik_cloud.data.model import Model

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float": FLOATS,
    "bool": st.booleans(),
    "str": TEXTS,
    "object": JSON,
    "int | str": st.integers(0, 2**63 - 1) | TEXTS,
}
DEPTH = 3


def model_class(name: str) -> type[Model]:
    """Return a generated model by its name."""
    found: type[Model] = getattr(models, name)
    return found


@st.composite
def documents(draw: st.DrawFn, name: str, depth: int = DEPTH) -> dict[str, Any]:
    """Draw an object that a model may come from, its keys in any order."""
    kind = model_class(name)
    names = {declared.wire: declared.expression for declared in kind._fields.values()}
    wires = draw(st.lists(st.sampled_from(sorted(names)), unique=True)) if names else []
    document = {wire: draw(st.none() | values(names[wire], depth - 1)) for wire in wires}
    document |= draw(st.dictionaries(TEXTS.map("x-{}".format), JSON, max_size=2))
    if kind._mapping is not None and draw(st.booleans()):
        document[kind._discriminator or ""] = draw(st.sampled_from([*kind._mapping, "of_another_age"]))
    return document


def values(expression: str, depth: int) -> st.SearchStrategy[Any]:
    """Return the strategy for a type expression."""
    if expression in SCALARS:
        return SCALARS[expression]
    if depth <= 0:
        return st.just([] if expression.startswith("list[") else {})
    if expression.startswith("list["):
        return st.lists(st.none() | values(expression[5:-1], depth), max_size=2)
    if expression.startswith("dict[str, "):
        return st.dictionaries(TEXTS, st.none() | values(expression[10:-1], depth), max_size=2)
    return documents(expression, depth)
