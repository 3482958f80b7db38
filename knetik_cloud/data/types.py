"""The type expressions of the contract: what is assigned, sent and answered is checked against them.

An expression is `int32`, `int64`, `int`, `float`, `bool`, `str`, `object` (any JSON), `date`, `datetime`,
`epoch` (an instant, in whole seconds), `list[T]`, `dict[str, T]`, `A | B`, or the name of a model.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from knetik_cloud.exceptions import ApiResponseError, ApiValueError

if TYPE_CHECKING:
    from knetik_cloud.data.model import Model

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

NoneType = type(None)


def short_repr(value: object) -> str:
    """Give a value's repr, shortened for an error message."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an int of {value.bit_length()} bits"  # its decimal text may be too long for Python to make
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def invalid_value_error(where: str, expected: str, value: object) -> ApiValueError:
    """Build the error for a value that can't be sent."""
    return ApiValueError(f"{where} must be {expected}, not {short_repr(value)}")


def invalid_response_error(
    where: str, expected: str, value: object, what: str = "the answer"
) -> ApiResponseError:
    """Build the error for an answer (or another text) whose shape isn't the contract's."""
    return ApiResponseError(
        reason=f"{what} can't be read: {where} should be {expected}, not {short_repr(value)}"
    )


def with_article(name: str) -> str:
    """Give a class's name with the article that it is spoken with; `User...` begins with a consonant."""
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


class Type:
    """What a value may be.

    `container` is the set of Python types that an answer may hold where this type is due, None where any
    will do. A type that `wraps` replaces plain JSON by models when it is first touched. A value of a type
    that `is_stable` is viewed once: afterwards, values of the viewed Python type are read unchanged.
    """

    container: frozenset[type] | None = None
    wraps = False
    is_stable = True
    expected = "a JSON value"

    def convert(self, value: Any, where: str) -> Any:
        """Check a value that is assigned or sent, and turn it into JSON (or models over JSON).

        Raises:
            ApiValueError: names `where`, the value and what was expected.
        """
        return value

    def view(self, value: Any, where: str) -> Any:
        """Turn an answered value into what the caller sees; a scalar is given as it came."""
        return value

    def view_rows(self, rows: list[Any], where: str) -> list[Any]:
        """View the rows of a list."""
        return [self.view(row, f"{where}[{i}]") for i, row in enumerate(rows)]

    def check(self, values: Sequence[Any], where: str, depth: int) -> None:
        """Check a column of answered values, down to `depth` levels of objects, without wrapping any.

        Raises:
            ApiResponseError: names the place and the first value that doesn't fit.
        """
        self._check_column(values, where)

    def _check_column(self, values: Sequence[Any], where: str) -> Sequence[Any]:
        """Check the Python types of a column, all at once, and give those of its values that aren't None."""
        if self.container is None:
            return values
        kinds = set(map(type, values))
        if not kinds <= self.container:
            wrong = next(value for value in values if type(value) not in self.container)
            raise invalid_response_error(where, self.expected, wrong)
        return [value for value in values if value is not None] if NoneType in kinds else values

    def resolve(self) -> None:
        """Make sure that the models that the type names exist.

        Raises:
            ApiValueError: one doesn't.
        """

    def missing_fields(self, value: Any, where: str) -> list[str]:
        """List the required fields that are absent in a value about to be sent, as paths.

        Raises:
            ApiValueError: an object, a list or a map is due, and something else was put there.
        """
        return []


class Integer(Type):
    """An integer of so many bits; a bool is none."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self.expected = f"an int of {bits} bits"

    def convert(self, value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid_value_error(where, "an int", value)
        if value.bit_length() >= self._bits and value != -1 << self._bits - 1:
            raise invalid_value_error(where, self.expected, value)
        return value


class Float(Type):
    """A finite number."""

    expected = "a finite number"

    def convert(self, value: Any, where: str) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value - value != 0:
            raise invalid_value_error(where, self.expected, value)
        return value


class Boolean(Type):
    """True or False."""

    expected = "True or False"

    def convert(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise invalid_value_error(where, self.expected, value)
        return value


class Text(Type):
    """A text."""

    expected = "a str"

    def convert(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise invalid_value_error(where, self.expected, value)
        return value


class Either(Type):
    """A value of one of several types: the first one that takes it."""

    def __init__(self, choices: Sequence[Type]) -> None:
        self._choices = choices
        self.expected = " or ".join(choice.expected for choice in choices)

    def convert(self, value: Any, where: str) -> Any:
        for choice in self._choices:
            try:
                return choice.convert(value, where)
            except ApiValueError:
                continue
        raise invalid_value_error(where, self.expected, value)


class Date(Type):
    """A `date`, kept as its ISO 8601 text. (Inside a list or a map it is given as that text.)"""

    is_stable = False
    expected = "a date or its ISO 8601 text"

    def convert(self, value: Any, where: str) -> str:
        import datetime as dt

        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value.isoformat()
        if isinstance(value, str) and self.parse(value) is not None:
            return value
        raise invalid_value_error(where, self.expected, value)

    def view(self, value: Any, where: str) -> Any:
        moment = self.parse(value)
        if moment is None and value is not None:
            raise invalid_response_error(where, self.expected, value)
        return moment

    @staticmethod
    def parse(text: Any) -> Any:
        """Read an ISO 8601 date; None when it is none."""
        moment = DateTime.parse(text)
        return moment if moment is None else moment.date()


class DateTime(Date):
    """An aware `datetime`, kept as its ISO 8601 text; a naive one is refused, since its zone is unknown."""

    expected = "an aware datetime (one with a tzinfo) or its ISO 8601 text"

    def convert(self, value: Any, where: str) -> str:
        import datetime as dt

        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return value.isoformat()
        if isinstance(value, str) and self.parse(value) is not None:
            return value
        raise invalid_value_error(where, self.expected, value)

    @staticmethod
    def parse(text: Any) -> Any:
        """Read an ISO 8601 time; None when it is none."""
        from dateutil import parser

        try:
            return parser.isoparse(text)
        except (ValueError, TypeError, OverflowError, AttributeError):
            return None


class Reference(Type):
    """A model, by name; its class is loaded from `package` when it is first needed."""

    container = frozenset((dict, NoneType))
    wraps = True
    expected = "an object"

    def __init__(self, package: str, name: str) -> None:
        self._package = package
        self._name = name
        self._model: type[Model] | None = None

    @property
    def model(self) -> type[Model]:
        """The class."""
        if self._model is None:
            self._model = getattr(importlib.import_module(self._package), self._name)
        return self._model

    def resolve(self) -> None:
        models = importlib.import_module(self._package)
        if self._name not in models.__all__:
            raise ApiValueError(f"{self._package} has no model {self._name!r}")

    def convert(self, value: Any, where: str) -> Model:
        if isinstance(value, self.model):
            return value
        if isinstance(value, dict):
            return self.model.from_dict(value)
        raise invalid_value_error(where, f"{with_article(self._name)} or a dict", value)

    def view(self, value: Any, where: str) -> Any:
        if type(value) is dict:
            return (self._model or self.model)._wrap(value)
        if value is None or isinstance(value, self.model):
            return value
        raise invalid_response_error(where, self.expected, value)

    def view_rows(self, rows: list[Any], where: str) -> list[Any]:
        if set(map(type, rows)) == {dict}:
            return self.model._wrap_all(rows)
        return super().view_rows(rows, where)

    def check(self, values: Sequence[Any], where: str, depth: int) -> None:
        rows = self._check_column(values, where)
        if depth and rows:
            for field in self.model._container_fields():
                column = list(map(dict.get, rows, repeat(field.wire)))
                field.type.check(column, f"{where}.{field.wire}", depth - 1)

    def missing_fields(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if type(value) is dict:
            value = self.model._wrap(value)
        if not isinstance(value, self.model):
            raise invalid_value_error(where, f"{with_article(self._name)} or a dict", value)
        return value._missing_fields(where)


class ListOf(Type):
    """A list, given as the very list that the JSON holds; its objects are wrapped in place."""

    container = frozenset((list, NoneType))
    wraps = True
    expected = "a list"

    def __init__(self, element: Type) -> None:
        self._element = element
        self._wrapped: set[type] = {NoneType}
        self.is_stable = not element.wraps

    def resolve(self) -> None:
        self._element.resolve()

    def convert(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
            raise invalid_value_error(where, self.expected, value)
        convert = self._element.convert
        return [None if row is None else convert(row, f"{where}[{i}]") for i, row in enumerate(value)]

    def view(self, value: Any, where: str) -> Any:
        if type(value) is not list:
            if value is None:
                return None
            raise invalid_response_error(where, self.expected, value)
        if self._element.wraps and not self._wrapped.issuperset(map(type, value)):
            value[:] = rows = self._element.view_rows(value.copy(), where)  # another thread may be at it too
            if isinstance(self._element, Reference):
                self._wrapped.update(map(type, rows))  # at most as many as the model has subclasses
        return value

    def check(self, values: Sequence[Any], where: str, depth: int) -> None:
        lists = self._check_column(values, where)
        if depth and lists and self._element.container is not None:
            rows = lists[0] if len(lists) == 1 else list(chain.from_iterable(lists))
            self._element.check(rows, f"{where}[]", depth)

    def missing_fields(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if type(value) is not list:
            raise invalid_value_error(where, self.expected, value)
        missing_fields = self._element.missing_fields
        return [path for i, row in enumerate(value) for path in missing_fields(row, f"{where}[{i}]")]


class MapOf(Type):
    """A map of names to values, given as the dict that the JSON holds; its objects are wrapped in place."""

    container = frozenset((dict, NoneType))
    wraps = True
    expected = "an object"

    def __init__(self, element: Type) -> None:
        self._element = element
        self.is_stable = not element.wraps

    def resolve(self) -> None:
        self._element.resolve()

    def convert(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise invalid_value_error(where, "a dict", value)
        convert = self._element.convert
        return {
            Text().convert(name, f"a name in {where}"): None
            if row is None
            else convert(row, f"{where}[{name!r}]")
            for name, row in value.items()
        }

    def view(self, value: Any, where: str) -> Any:
        if type(value) is not dict:
            if value is None:
                return None
            raise invalid_response_error(where, self.expected, value)
        if self._element.wraps:
            for name, row in value.items():
                value[name] = self._element.view(row, f"{where}[{name!r}]")
        return value

    def check(self, values: Sequence[Any], where: str, depth: int) -> None:
        maps = self._check_column(values, where)
        if depth and maps and self._element.container is not None:
            rows = [row for value in maps for row in value.values()]
            self._element.check(rows, f"{where}[]", depth)

    def missing_fields(self, value: Any, where: str) -> list[str]:
        if value is None:
            return []
        if type(value) is not dict:
            raise invalid_value_error(where, "a dict", value)
        missing_fields = self._element.missing_fields
        return [path for name, row in value.items() for path in missing_fields(row, f"{where}[{name!r}]")]


_PLAIN: dict[str, Type] = {
    "int": Integer(64),
    "int32": Integer(32),
    "int64": Integer(64),
    "float": Float(),
    "bool": Boolean(),
    "str": Text(),
    "object": Type(),
    "date": Date(),
    "datetime": DateTime(),
}


@lru_cache(maxsize=1024)
def parse(expression: str, package: str) -> Type:
    """Read a type expression; the models that it names live in `package`.

    Raises:
        ApiValueError: the expression can't be read.
    """
    plain = _PLAIN.get(expression)
    if plain is not None:
        return plain
    if expression == "epoch":
        from knetik_cloud.data.instant import EPOCH

        return EPOCH
    if expression.startswith("list[") and expression.endswith("]"):
        return ListOf(parse(expression[5:-1], package))
    if expression.startswith("dict[str, ") and expression.endswith("]"):
        return MapOf(parse(expression[10:-1], package))
    if " | " in expression:
        return Either([parse(choice, package) for choice in expression.split(" | ")])
    if expression.isidentifier():
        return Reference(package, expression)
    raise ApiValueError(
        f"{expression!r} is no type: write a model's name, 'list[T]', 'dict[str, T]' or 'object'"
    )
