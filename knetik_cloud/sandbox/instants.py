"""Instants and durations as callers give them to the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LAST = 253_402_300_799
"""The end of the year 9999, in epoch seconds."""


def instant(value: object) -> float:
    """Give epoch seconds for a number, a datetime (naive ones are UTC) or an ISO 8601 text.

    Raises ValueError and TypeError, worded as the end of a sentence.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"must be epoch seconds, a datetime or an ISO 8601 text, not {value!r}")
    if not 0 <= value <= LAST:
        raise ValueError(f"must be from 0 to {LAST}, not {value}")
    return float(value)


def duration(
    *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0, weeks: float = 0
) -> float:
    """Give the seconds of a duration; a negative one goes back. Raises TypeError and ValueError."""
    try:
        return timedelta(
            seconds=seconds, minutes=minutes, hours=hours, days=days, weeks=weeks
        ).total_seconds()
    except OverflowError as error:
        raise ValueError("the duration is too long") from error
