"""The JSON encoder and decoder: exact, strict, and with `ApiException` as the only error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiResponseError, ApiValueError

STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
SPACE = re.compile(r"[ \t\r\n]+")
MIN_MSGSPEC_BYTES = 4096
"""Bytes from which msgspec is used. Below, it saves microseconds, while its import takes milliseconds."""


def to_json(value: Any) -> Any:
    """Return the JSON value that a model, a mapping, a member of an enum or a value of a library stands for.

    Raises:
        TypeError: If there is none.
    """
    try:
        return value._json
    except Exception:  # an AttributeError, unless the value's own code raises another one
        plain = dict(value) if isinstance(value, Mapping) else types.value_of(value)
    if plain is not value:
        return plain
    number = bool(value) if types.is_boolean(value) else types.to_float(value)
    if number is None:
        raise TypeError(f"{type(value).__name__} is not a JSON value")
    return number


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise ValueError(f"{digits[:20]} is out of range for a float")
    return number


_encode = json.JSONEncoder(default=to_json, separators=(",", ":"), allow_nan=False).encode
_decoder = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite)


def encode(value: Any, where: str = "the value") -> str:
    """Format a value as JSON, with models as the objects that they view. Integers are exact.

    Raises:
        ApiValueError: If JSON can't represent the value (NaN, bytes, a set, a cycle). The message names the
            place below `where`.
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as cause:
        reason = "nested too deeply" if isinstance(cause, RecursionError) else str(cause)
    with suppress(RecursionError):  # of a cycle, or of a value that is too deep to copy
        where = _place(plain(value), where)
    raise ApiValueError(f"{where} can't be formatted as JSON: {reason}")


def _place(value: Any, where: str) -> str:
    """Return the place of the first value inside that JSON can't represent."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        with suppress(TypeError, ValueError):
            _encode(part)
            continue
        return _place(part, f"{where}[{key!r}]")  # not in a handler, as errors keep their contexts
    return where


@cache
def fast_decoder() -> Callable[[bytes | str], Any] | None:
    """Return msgspec's decoder if the extra `fast` is installed, otherwise None."""
    try:
        from msgspec.json import decode
    except ImportError:
        return None
    return decode


def check_count(data: bytes | str, limit: int) -> None:
    """Check the number of JSON values in data, which take far more memory than their text.

    Raises:
        ApiResponseError: If there are more than `limit`.
    """
    if _count(data) > limit:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        if _count(SPACE.sub("", STRING.sub("0", text))) > limit:
            excess = f"more than {limit} JSON values, the limit of Configuration.max_json_values"
            raise ApiResponseError(reason=f"the response has {excess}")


def _count(data: bytes | str) -> int:
    """Return the number of JSON values, or more if there are commas or brackets in strings, or spaces."""
    marks = (b",", b"[", b"{", b"[]", b"{}") if isinstance(data, bytes) else (",", "[", "{", "[]", "{}")
    commas, lists, objects, empty_lists, empty_objects = (data.count(mark) for mark in marks)  # type: ignore[arg-type]
    return 1 + commas + lists + objects - empty_lists - empty_objects


def decode(data: bytes | str, what: str = "the response") -> Any:
    """Decode JSON. Bytes must be UTF-8; a byte order mark is skipped. Integers of any size are exact.

    Raises:
        ApiResponseError: If the data is not JSON. The message names `what`.
    """
    return _decode_exactly(data, what) if len(data) < MIN_MSGSPEC_BYTES else decode_fast(data, what)


def decode_fast(data: bytes | str, what: str = "the response") -> Any:
    """Decode JSON as `decode` does, of any length with msgspec if it is installed.

    Raises:
        ApiResponseError: If the data is not JSON. The message names `what`.
    """
    if fast := fast_decoder():
        try:
            return fast(data)
        except Exception:  # noqa: S110  # the standard library decides, so that results and errors are equal
            pass
    return _decode_exactly(data, what)


def _decode_exactly(data: bytes | str, what: str = "the response") -> Any:
    try:
        text = (data.decode() if isinstance(data, bytes) else data).removeprefix("\ufeff").rstrip(" \t\r\n")
        start = len(text) - len(text.lstrip(" \t\r\n")) if text[:1] in " \t\r\n" else 0
        value, end = _decoder.raw_decode(text, start)  # `decode` would search for space around it
        return value if end == len(text) else _decoder.decode(text)
    except (ValueError, RecursionError) as cause:
        reason = "nested too deeply" if isinstance(cause, RecursionError) else str(cause)
    raise ApiResponseError(reason=f"{what} isn't JSON: {reason}")


def text(data: bytes, charset: str) -> str:
    """Decode bytes in their declared character set.

    Raises:
        ApiResponseError: If they are not in that character set, or it is unknown.
    """
    try:
        return data.decode(charset)
    except (LookupError, ValueError) as cause:
        reason = str(cause)
    raise ApiResponseError(reason=f"the response isn't text in the character set {charset!r}: {reason}")


def plain(value: Any, convert: Callable[[Any], Any] = lambda model: plain(model._json)) -> Any:
    """Return a copy of a value in which models are converted, by default to the dicts that they view."""
    if isinstance(value, (str, int, float, types.NoneType)):  # as most are
        return value
    if isinstance(value, (list, tuple)):
        return [plain(row, convert) for row in value]
    if isinstance(value, Mapping):
        return {name: plain(row, convert) for name, row in value.items()}
    return value if types.attribute(value, "_json") is None else convert(value)
