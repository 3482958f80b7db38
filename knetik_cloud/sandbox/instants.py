"""Instants and durations, as callers pass them to the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from knetik_cloud.data.types import short_repr
from knetik_cloud.sandbox.arguments import wrong_type_error

MAX_INSTANT = 253_402_300_799
"""The end of the year 9999, in epoch seconds."""

EXPECTED = "epoch seconds, an aware datetime or ISO 8601 with a UTC offset, such as 2030-01-01T00:00:00Z"


def instant(value: object, where: str) -> float:
    """Convert a number, an aware datetime or an ISO 8601 string with its offset to epoch seconds.

    Raises:
        ValueError: If the value is not a time in range, or has no UTC offset. The message names `where`.
        TypeError: If the value has another type. The message names `where`.
    """
    given = value
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{where} must be {EXPECTED}, not {given!r}") from None
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            aware = f"'{value.isoformat()}Z'" if isinstance(given, str) else "tzinfo=datetime.UTC"
            raise ValueError(f"{where} must have a UTC offset, not {given!r}: write {aware} for UTC")
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type_error(where, EXPECTED, given)
    if not 0 <= value <= MAX_INSTANT:
        raise ValueError(
            f"{where} must be from 1970 to 9999, {MAX_INSTANT} in epoch seconds, not {short_repr(given)}"
        )
    return float(value)


def duration(
    *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0, weeks: float = 0
) -> float:
    """Return the seconds of a duration, which may be negative.

    Raises:
        TypeError: If a value is not a number.
        ValueError: If the duration is too long or not finite.
    """
    parts = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days, "weeks": weeks}
    for name, number in parts.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise wrong_type_error(name, "a number", number)
        if number - number != 0:
            raise ValueError(f"{name} must be a finite number, not {number!r}")
    try:
        return timedelta(**parts).total_seconds()
    except OverflowError as error:
        given = ", ".join(f"{name}={short_repr(number)}" for name, number in parts.items() if number)
        raise ValueError(f"{given} is too long: the clock can only be from 1970 to 9999") from error
