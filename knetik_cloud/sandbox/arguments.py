"""The checks of the values that Python programs pass to a sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from knetik_cloud.data.types import short_repr


def wrong_type_error(name: str, expected: str, value: object) -> TypeError:
    """Build the error for a value of a wrong type."""
    return TypeError(f"{name} must be {expected}, not {short_repr(value)}")


def check_integer(name: str, value: Any, expected: str, low: int, high: int | None = None) -> None:
    """Check that a value is an integer in a range, which `expected` describes. Booleans are rejected.

    Raises:
        TypeError: If the value is not an integer.
        ValueError: If the value is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type_error(name, f"a whole number, {expected}", value)
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {expected}, not {short_repr(value)}")


def check_text(name: str, value: Any, expected: str) -> None:
    """Check that a value is a string. `expected` describes what it stands for.

    Raises:
        TypeError: If the value is not a string.
    """
    if not isinstance(value, str):
        raise wrong_type_error(name, f"a str, {expected}", value)


def check_path(name: str, value: str | os.PathLike[str]) -> None:
    """Check that a file can have a path.

    Raises:
        ValueError: If it holds a NUL, or a character that can't be encoded.
    """
    try:
        unusable = "\0" if b"\0" in os.fsencode(value) else ""
    except UnicodeEncodeError as error:
        unusable = error.object[error.start]
    if unusable:
        raise ValueError(f"{name} must not hold the character U+{ord(unusable):04X}")


def check_seed(name: str, value: Any) -> None:
    """Check that a value is a seed or the path of one.

    Raises:
        TypeError: If the value is neither a path nor a map.
        ValueError: If no file can have the path.
    """
    expected = "the path of a seed file, or a map of sections such as 'users'"
    if not isinstance(value, str | os.PathLike | Mapping):
        raise wrong_type_error(name, expected, value)
    if value == "":
        raise ValueError(f"{name} must be {expected}, not ''")
    if not isinstance(value, Mapping):
        check_path(name, value)
