"""Types of the contract, as operation definitions, signatures and reference pages write them."""

from __future__ import annotations

from dataclasses import dataclass

_ANNOTATIONS = {
    "int32": "int",
    "int64": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "object": "Any",
    "date": "datetime.date",
    "datetime": "datetime.datetime",
}
BUILDERS = {"DateFilter": "knetik_cloud.filters", "SortOrder": "knetik_cloud.sorting"}
"""Classes that format a parameter, which `x-python-type` may name, and their modules."""


@dataclass(frozen=True)
class Type:
    """One type: a scalar, `object` (any JSON), a list, a dict or a model.

    `name` is the scalar's name, `list`, `dict` or the model's class; `inner` is what a list or dict holds.
    `python` overrides the Python type (the contract's `x-python-type`).
    """

    name: str
    inner: Type | None = None
    is_model: bool = False
    python: str | None = None

    @property
    def expression(self) -> str:
        """The type expression in definitions: `int32`, `list[Behavior]`, `dict[str, Property]`."""
        if self.python:
            return self.python
        if self.inner is None:
            return self.name
        return self._around(self.inner.expression)

    @property
    def annotation(self) -> str:
        """The Python type of a value that was read: `int`, `list[Behavior]`, `datetime.date`."""
        if self.python:
            return self.python
        if self.inner is None:
            return _ANNOTATIONS.get(self.name, self.name)
        return self._around(self.inner._element.annotation)

    @property
    def code(self) -> str:
        """Return the annotation of a value in generated code, where names are found in their modules."""
        if self.python:
            kinds = self.python.split(" | ")
            return " | ".join(f"{BUILDERS[kind]}.{kind}" if kind in BUILDERS else kind for kind in kinds)
        if self.inner is None:
            return f"models.{self.name}" if self.is_model else self.annotation
        return self._around(self.inner._element.code)

    @property
    def argument_code(self) -> str:
        """Return the annotation of a parameter in generated code. Decimal text is accepted for integers."""
        if self.name == "list" and self.inner is not None and not self.python:
            return f"Sequence[{self.inner.code}]"
        return "int | str" if self.annotation == "int" else self.code

    @property
    def takes_numbers(self) -> bool:
        """True if the decimal text of a number in the contract can be a number in Python."""
        return self.python is not None and "int" in self.python.split(" | ")

    @property
    def is_literal(self) -> bool:
        """True if a value is a literal that a formatter doesn't break: a number, a string or a bool."""
        return not self.is_model and self.inner is None and self.name not in ("date", "datetime", "object")

    @property
    def model(self) -> str | None:
        """The name of the model in the type, or None."""
        if self.inner is not None:
            return self.inner.model
        return self.name if self.is_model else None

    @property
    def _element(self) -> Type:
        """The type of the value inside a list or a map, which is that of the JSON: a date is a string."""
        return Type("str") if self.name in ("date", "datetime") else self

    def _around(self, inner: str) -> str:
        return f"list[{inner}]" if self.name == "list" else f"dict[str, {inner}]"
