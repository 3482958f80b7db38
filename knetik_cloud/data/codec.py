"""JSON in and out: exact, strict, and never anything but `ApiException` on failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

from knetik_cloud.exceptions import ApiResponseError, ApiValueError

MIN_MSGSPEC_BYTES = 4096
"""Bytes from which on msgspec is asked: below it saves microseconds, and importing it takes milliseconds."""


def _of_model(value: Any) -> Any:
    try:
        return value._json
    except AttributeError:
        raise TypeError(f"{type(value).__name__} is no JSON value") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise ValueError(f"{digits[:20]} is beyond all floats")
    return number


_encode = json.JSONEncoder(default=_of_model, separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode


def encode(value: Any) -> str:
    """Write a value as JSON, models as the objects they view. Integers are exact.

    Raises:
        ApiValueError: a value that JSON can't hold (nan, bytes, a set, a cycle).
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as cause:
        reason = str(cause) or "nested too deeply"
    raise ApiValueError(f"the value can't be written as JSON: {reason}")


@cache
def fast_decoder() -> Callable[[bytes | str], Any] | None:
    """Give msgspec's decoder where the extra `fast` is installed; it is imported when it is first needed."""
    try:
        from msgspec.json import decode
    except ImportError:
        return None
    return decode


def decode(data: bytes | str, what: str = "the answer") -> Any:
    """Read JSON. Bytes must be UTF-8 (a byte order mark is skipped); integers of any size are exact.

    Raises:
        ApiResponseError: the data isn't JSON; the message says so of `what`.
    """
    return _decode_exactly(data, what) if len(data) < MIN_MSGSPEC_BYTES else _decode_fast(data, what)


def _decode_fast(data: bytes | str, what: str = "the answer") -> Any:
    """Read with msgspec where it is installed; what it refuses is read again, so that results are equal."""
    fast = fast_decoder()
    if fast is not None:
        try:
            return fast(data)
        except Exception:  # noqa: S110  # the standard library says whether it is wrong, and how
            pass
    return _decode_exactly(data, what)


def _decode_exactly(data: bytes | str, what: str = "the answer") -> Any:
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return _decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as cause:
        reason = "nested too deeply" if isinstance(cause, RecursionError) else str(cause)
    raise ApiResponseError(reason=f"{what} isn't JSON: {reason}")


def text(data: bytes, charset: str) -> str:
    """Decode bytes as the character set that they claim.

    Raises:
        ApiResponseError: they are something else, or it isn't known.
    """
    try:
        return data.decode(charset)
    except (LookupError, ValueError) as cause:
        reason = str(cause)
    raise ApiResponseError(reason=f"the answer isn't JSON in the character set {charset!r}: {reason}")


def plain(value: Any) -> Any:
    """Copy a value with all models in it turned into the dicts they view."""
    inner = getattr(value, "_json", value)
    if isinstance(inner, Mapping):
        return {name: plain(row) for name, row in inner.items()}
    if isinstance(inner, (list, tuple)):
        return [plain(row) for row in inner]
    return inner
