"""Type expressions, such as `list[Behavior]`, and the types that are composed of others.

An expression is `int32`, `int64`, `int`, `float`, `bool`, `str`, `object` (any JSON), `date`, `datetime`,
`epoch` (an instant, in whole seconds), `DateFilter` or `SortOrder` (a text that a module formats), `list[T]`,
`dict[str, T]`, `A | B`, or the name of a model.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from knetik_cloud.data.types import (
    Boolean,
    Date,
    DateTime,
    Epoch,
    Float,
    Integer,
    NoneType,
    Text,
    Type,
    attribute,
    invalid_response_error,
    invalid_value_error,
    with_article,
)
from knetik_cloud.exceptions import ApiValueError

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source


class Either(Type):
    """A value of one of several types. The first type that accepts the value converts it."""

    def __init__(self, choices: Sequence[Type]) -> None:
        self.choices = choices
        self.expected = " or ".join(choice.expected for choice in choices)

    def convert(self, value: Any, where: str) -> Any:
        for choice in self.choices:
            try:
                return choice.convert(value, where)
            except ApiValueError:
                continue
        raise invalid_value_error(where, self.expected, value)


class Reference(Type):
    """A model, by name. The class is loaded from `package` when it is first needed."""

    container = frozenset((dict, NoneType))
    wraps = True
    expected = "an object"

    def __init__(self, package: str, name: str) -> None:
        self._package = package
        self._name = name

    @cached_property
    def model(self) -> Any:
        """The class, a subclass of `Model`."""
        return getattr(importlib.import_module(self._package), self._name)

    @cached_property
    def parts(self) -> list[Any]:  # type: ignore[override]
        """The fields of objects and lists, whose shape is checked in responses."""
        return [field for field in self.model._fields.values() if field.type.container is not None]

    def resolve(self) -> None:
        models = importlib.import_module(self._package)
        if self._name not in models.__all__:
            raise ApiValueError(f"{self._package} has no model {self._name!r}")

    def convert(self, value: Any, where: str) -> Any:
        if isinstance(value, self.model) and attribute(value, "_json") is not None:  # unlike a mock of one
            return value
        if isinstance(value, dict):
            return self.model.from_dict(value)
        raise invalid_value_error(where, f"{with_article(self._name)} or a dict", value)

    def view(self, value: Any, where: str) -> Any:
        if type(value) is dict:
            return self.model._wrap(value)
        if value is None or isinstance(value, self.model):
            return value
        raise invalid_response_error(where, self.expected, value)

    def _check_contents(self, values: Sequence[Any], where: str, depth: int) -> None:
        for field in self.parts:
            wire = field.wire
            field.type.check([value.get(wire) for value in values], f"{where}.{wire}", depth - 1)

    def missing_fields(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if type(value) is dict:
            value = self.model._wrap(value)
        if not isinstance(value, self.model):
            raise invalid_value_error(where, f"{with_article(self._name)} or a dict", value)
        missing: list[str] = value._missing_fields(where)
        return missing


class Container(Type):
    """A list or a map, returned as the very list or dict in the JSON. Its objects are wrapped in place."""

    wraps = True
    _python: type
    _noun: str

    def __init__(self, element: Type) -> None:
        self.element = element
        self.parts = () if element.container is None else (element,)
        self.is_stable = not element.wraps

    def _entries(self, value: Any) -> Iterator[tuple[int | str, Any]]:
        """Iterate over the elements with their positions or names."""
        raise NotImplementedError

    def resolve(self) -> None:
        self.element.resolve()

    def _converted(self, value: Any, where: str) -> Iterator[tuple[int | str, Any]]:
        convert = self.element.convert
        for key, row in self._entries(value):
            yield key, None if row is None else convert(row, f"{where}[{key!r}]")

    def view(self, value: Any, where: str) -> Any:
        if type(value) is self._python:
            if self.element.wraps:
                self._wrap_elements(value, where)
        elif value is not None:
            raise invalid_response_error(where, self.expected, value)
        return value

    def _wrap_elements(self, value: Any, where: str) -> None:
        for key, row in self._entries(value):
            value[key] = self.element.view(row, f"{where}[{key!r}]")

    def _check_contents(self, values: Sequence[Any], where: str, depth: int) -> None:
        self.element.check(self._flattened(values), f"{where}[]", depth)

    def _flattened(self, containers: Sequence[Any]) -> list[Any]:
        return [row for value in containers for _, row in self._entries(value)]

    def missing_fields(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if type(value) is not self._python:
            raise invalid_value_error(where, self._noun, value)
        missing_fields = self.element.missing_fields
        return [
            path for key, row in self._entries(value) for path in missing_fields(row, f"{where}[{key!r}]")
        ]


class ListOf(Container):
    """A list of elements of one type."""

    container = frozenset((list, NoneType))
    expected = _noun = "a list"
    _python = list

    def __init__(self, element: Type) -> None:
        super().__init__(element)
        self._wrapped: set[type] = {NoneType}

    def _entries(self, value: Any) -> Iterator[tuple[int | str, Any]]:
        return enumerate(value)

    def convert(self, value: Any, where: str) -> list[Any]:
        is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
        if not is_list or attribute(value, "ndim") not in (None, 1):  # an array of 2 dimensions, a DataFrame
            raise invalid_value_error(where, self.expected, value)
        return [row for _, row in self._converted(value, where)]

    def _wrap_elements(self, value: Any, where: str) -> None:
        rows, element = value.copy(), self.element  # a copy, since another thread may do the same
        kinds = set(map(type, rows))
        if kinds <= self._wrapped:
            return
        if kinds == {dict} and isinstance(element, Reference) and not element.model._mapping:
            value[:] = element.model._wrap_all(rows)
            self._wrapped.add(element.model)
        else:
            value[:] = rows = [element.view(row, f"{where}[{i}]") for i, row in enumerate(rows)]
            if isinstance(element, Reference):
                self._wrapped.update(map(type, rows))  # at most as many as the model has subclasses

    def _flattened(self, containers: Sequence[Any]) -> list[Any]:
        return containers[0] if len(containers) == 1 else list(chain.from_iterable(containers))


class MapOf(Container):
    """A map of names to elements of one type."""

    container = frozenset((dict, NoneType))
    expected, _noun = "an object", "a dict"
    _python = dict

    def _entries(self, value: Any) -> Iterator[tuple[int | str, Any]]:
        return iter(value.items())

    def convert(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise invalid_value_error(where, self._noun, value)
        named = Text().convert
        return {named(name, f"a name in {where}"): row for name, row in self._converted(value, where)}


_SCALARS: dict[str, Type] = {
    "int": Integer(64),
    "int32": Integer(32),
    "int64": Integer(64),
    "float": Float(),
    "bool": Boolean(),
    "str": Text(),
    "DateFilter": Text("one of knetik_cloud.filters, such as after(instant)"),
    "SortOrder": Text("one of knetik_cloud.sorting, such as descending('id')"),
    "object": Type(),
    "date": Date(),
    "datetime": DateTime(),
    "epoch": Epoch(),
}


@lru_cache(maxsize=1024)
def parse(expression: str, package: str) -> Type:
    """Parse a type expression. The models that it names are in `package`.

    Raises:
        ApiValueError: If the expression is malformed.
    """
    scalar = _SCALARS.get(expression)
    if scalar is not None:
        return scalar
    if expression.startswith("list[") and expression.endswith("]"):
        return ListOf(parse(expression[5:-1], package))
    if expression.startswith("dict[str, ") and expression.endswith("]"):
        return MapOf(parse(expression[10:-1], package))
    if " | " in expression:
        return Either([parse(choice, package) for choice in expression.split(" | ")])
    if expression.isidentifier():
        return Reference(package, expression)
    raise ApiValueError(
        f"{expression!r} is not a type: use the name of a model, 'list[T]', 'dict[str, T]' or 'object'"
    )
