"""The types of values: the checks of what is assigned, sent and received."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeGuard

from knetik_cloud.exceptions import ApiResponseError, ApiValueError

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

NoneType = type(None)
INTEGERS = ("int", "int32", "int64")
"""The expressions of integers."""
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
YEARS = "epoch seconds of the years 1 to 9999"


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is a string, and not an object whose `__class__` claims that it is one."""
    return issubclass(type(value), str)


def short_repr(value: Any, limit: int = 80) -> str:
    """Return `repr(value)` on one line, shortened for an error message to `limit` characters."""
    if issubclass(type(value), int) and value.bit_length() > 256:
        return f"an int of {value.bit_length()} bits"  # Python may reject its decimal text as too long
    try:
        text = " ".join(line.strip() for line in repr(value).splitlines())
    except Exception as error:
        text = f"a {type(value).__name__} (its repr raises {type(error).__name__})"
    if text[:1] in ("'", '"') and not is_text(value):
        text = f"{type(value).__name__} {text}"  # it stands for a string, such as a proxy or a lazy one
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def invalid_value_error(where: str, expected: str, value: object) -> ApiValueError:
    """Build the error for a value that can't be sent."""
    return ApiValueError(f"{where} must be {expected}, not {short_repr(value)}")


def invalid_response_error(
    where: str, expected: str, value: object, what: str = "the response"
) -> ApiResponseError:
    """Build the error for a response (or another document) whose shape differs from the contract."""
    reason = f"{what} can't be read: {where} should be {expected}, not {short_repr(value)}"
    return ApiResponseError(reason=reason)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the hint for a misspelled name, or "" if no known name is similar."""
    from difflib import get_close_matches

    matches = get_close_matches(name, list(known), 1)
    return f": did you mean {matches[0]!r}?" if matches else ""


def with_article(name: str) -> str:
    """Return the name of a class with its indefinite article. `User...` begins with a consonant."""
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def to_int(value: Any) -> int | None:
    """Return the int that an integer of any library stands for, or None if the value is not an integer.

    Booleans are not integers, neither Python's nor numpy's.
    """
    if type(value) is int:
        return value
    value = value_of(value)
    if not is_boolean(value):
        with suppress(Exception):
            return operator.index(value)
    return None


def to_float(value: Any) -> float | None:
    """Return the int or float that a real number of any library stands for, or None if it is not one."""
    number = value if type(value) in (int, float) else to_int(value)
    if number is not None:
        return number
    value = value_of(value)
    # A time of numpy counts units that it doesn't show, and a complex number would lose a part.
    if not (is_boolean(value) or _kind(value) in tuple("mMcSU") or attribute(value, "ndim")):
        with suppress(Exception):  # a text has no `__float__`
            return float(value.__float__())
    return None


def is_boolean(value: Any) -> bool:
    """Return whether a value is a Boolean of Python or of numpy."""
    return isinstance(value, bool) or (_kind(value) == "b" and not attribute(value, "ndim"))


def attribute(value: Any, name: str) -> Any:
    """Return an attribute, or None if there is none, or if the value's own code raises an exception."""
    with suppress(Exception):
        return getattr(value, name)
    return None


def _kind(value: Any) -> str | None:
    """Return the code of a numpy value's type, such as `M` for a time, or None for any other value."""
    return attribute(attribute(value, "dtype"), "kind")  # type: ignore[no-any-return]


def value_of(value: Any) -> Any:
    """Return the value of a member of an enum, and any other value unchanged."""
    if type(value) in (int, float, str) or "enum" not in sys.modules:
        return value
    return value.value if isinstance(value, sys.modules["enum"].Enum) else value


class Type:
    """The base of all types, which accepts any JSON value.

    Attributes:
        container: The Python types that a response may contain for this type, or None for any.
        wraps: True if a view replaces plain JSON with models.
        parts: What may contain objects, lists or maps inside: fields, or the type of the elements.
        is_stable: True if a value that was viewed once can be returned unchanged by later reads.
        expected: The noun phrase for this type in error messages.
    """

    container: frozenset[type] | None = None
    parts: Sequence[Any] = ()
    wraps = False
    is_stable = True
    expected = "a JSON value"

    def convert(self, value: Any, where: str) -> Any:
        """Check a value that is assigned or sent, and convert it to JSON (or models over JSON).

        Raises:
            ApiValueError: If the type does not accept the value. The message names `where`.
        """
        return value

    def view(self, value: Any, where: str) -> Any:
        """Convert a value of a response to the value that the caller sees. Scalars are unchanged."""
        return value

    def check(self, values: Sequence[Any], where: str, depth: int) -> None:
        """Check a column of values of a response, down to `depth` levels of objects, without wrapping.

        Raises:
            ApiResponseError: If a value has the wrong shape. The message names the place.
        """
        if self.container is None:
            return
        if not self.container.issuperset(map(type, values)):
            wrong = next(value for value in values if type(value) not in self.container)
            raise invalid_response_error(where, self.expected, wrong)
        if depth and any(values) and self.parts:  # which may import a model
            full = values if all(values) else list(filter(None, values))
            self._check_contents(full, where, depth)

    def _check_contents(self, values: Sequence[Any], where: str, depth: int) -> None:
        """Check the columns inside objects, lists or maps of the right type."""

    def resolve(self) -> None:
        """Check that every model that this type refers to exists.

        Raises:
            ApiValueError: If a model does not exist.
        """

    def missing_fields(self, value: Any, where: str) -> list[str]:
        """List the paths of required fields that are absent from a value to be sent.

        Raises:
            ApiValueError: If the value is not the object, list or map that is expected.
        """
        return []


class Integer(Type):
    """An integer of at most `bits` bits. Booleans are rejected."""

    _noun = "an int"

    def __init__(self, bits: int = 64) -> None:
        self.bits = bits
        self.expected = f"an int of {bits} bits"

    def convert(self, value: Any, where: str) -> int:
        number = to_int(value)
        if number is None:
            raise invalid_value_error(where, self._noun, value)
        if number.bit_length() >= self.bits and number != -1 << self.bits - 1:
            raise invalid_value_error(where, self.expected, value)
        return number


class Float(Type):
    """A finite number. Booleans are rejected."""

    expected = "a finite number"

    def convert(self, value: Any, where: str) -> float:
        number = to_float(value)
        if number is None or not abs(number) <= sys.float_info.max:
            raise invalid_value_error(where, self.expected, value)
        return number


class Boolean(Type):
    """True or False."""

    expected = "True or False"

    def convert(self, value: Any, where: str) -> bool:
        value = value_of(value)
        if not is_boolean(value):
            raise invalid_value_error(where, self.expected, value)
        return bool(value)


class Text(Type):
    """A string."""

    def __init__(self, expected: str = "a str") -> None:
        self.expected = expected

    def convert(self, value: Any, where: str) -> str:
        value = value_of(value)
        if not is_text(value):
            raise invalid_value_error(where, self.expected, value)
        return value if type(value) is str else str.__str__(value)


class Date(Type):
    """A `date`, stored as an ISO 8601 string. Inside a list or a map it is returned as that string."""

    is_stable = False
    expected = "a date or its ISO 8601 text"

    def convert(self, value: Any, where: str) -> str:
        import datetime as dt

        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value.isoformat()
        if is_text(value) and self.parse(value) is not None:
            return value
        raise invalid_value_error(where, self.expected, value)

    def view(self, value: Any, where: str) -> Any:
        parsed = self.parse(value)
        if parsed is None and value is not None:
            raise invalid_response_error(where, self.expected, value)
        return parsed

    @staticmethod
    def parse(text: Any) -> Any:
        """Parse an ISO 8601 date. Return None if `text` is not one."""
        parsed = DateTime.parse(text)
        return parsed if parsed is None else parsed.date()


class DateTime(Date):
    """An aware `datetime`, stored as an ISO 8601 string. A naive one is rejected, as its zone is unknown."""

    expected = "an aware datetime (one with a tzinfo) or its ISO 8601 text"

    def convert(self, value: Any, where: str) -> str:
        import datetime as dt

        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            with suppress(Exception):  # the tzinfo is the caller's own code
                return value.isoformat()
        if is_text(value) and self.parse(value) is not None:
            return value
        raise invalid_value_error(where, self.expected, value)

    @staticmethod
    def parse(text: Any) -> Any:
        """Parse an ISO 8601 time. Return None if `text` is not one."""
        from dateutil import parser

        try:
            return parser.isoparse(text)
        except (ValueError, TypeError, OverflowError, AttributeError):
            return None


class Seconds(Integer):
    """Epoch seconds in the range of `datetime`. A number beyond it is most likely in milliseconds."""

    _noun = "an int of epoch seconds (its attribute that ends in _at takes a datetime)"

    def convert(self, value: Any, where: str) -> int:
        return check_years(super().convert(value, where), value, where)


def check_years(seconds: int, value: object, where: str) -> int:
    """Return epoch seconds if they are in the range of `datetime`. Messages show `value`.

    Raises:
        ApiValueError: If they are out of range.
    """
    if not EARLIEST <= seconds <= LATEST:
        raise ApiValueError(f"{where} must be {YEARS}, not {short_repr(value)}{milliseconds_hint(seconds)}")
    return seconds


class Epoch(Type):
    """An instant: epoch seconds (also as decimal text), an aware `datetime`, or an ISO 8601 string.

    A naive one is rejected, since its instant depends on where it is read. Fractions of a second are dropped.
    """

    expected = "whole epoch seconds, an aware datetime or an ISO 8601 text with its offset"

    def convert(self, value: Any, where: str) -> int:
        value = value_of(value)
        instant = self._read(value) if is_text(value) else value
        seconds = to_int(instant)
        return self._seconds(instant, value, where) if seconds is None else check_years(seconds, value, where)

    @staticmethod
    def _read(text: str) -> Any:
        digits = text[1:] if text[:1] == "-" else text
        if digits.isascii() and digits.isdigit() and len(digits) < 20:
            return int(text)
        return DateTime.parse(text)

    def _seconds(self, instant: Any, value: object, where: str) -> int:
        """Return the epoch seconds of a `datetime`. Messages show `value`, which the caller passed."""
        import datetime as dt

        if not isinstance(instant, dt.datetime):
            raise invalid_value_error(where, self.expected, value)
        seconds = None
        try:
            if instant.utcoffset() is not None:
                epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
                # Subclasses of other libraries, such as that of pendulum, subtract to types of their own.
                seconds = dt.datetime.__sub__(instant, epoch) // dt.timedelta(seconds=1)
        except Exception:  # pandas.NaT is a datetime without an offset; a tzinfo is the caller's own code
            raise invalid_value_error(where, self.expected, value) from None
        if seconds is None:
            reason = "without a UTC offset the time is ambiguous"
            raise ApiValueError(f"{invalid_value_error(where, self.expected, value)}: {reason}")
        if not EARLIEST <= seconds <= LATEST:  # by its offset
            raise invalid_value_error(where, YEARS, value)
        return seconds


def milliseconds_hint(seconds: Any) -> str:
    """Return a hint for a number out of range that is an instant in milliseconds, or ""."""
    if type(seconds) is int and EARLIEST <= seconds // 1000 <= LATEST:
        return ": these look like milliseconds, so divide them by 1000"
    return ""
