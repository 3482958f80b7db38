"""The retry rules: which attempts are retried, after what wait, and within what budget."""

from __future__ import annotations

import re
from collections.abc import Callable

from knetik_cloud.extensions import Retry

RETRYABLE_STATUSES = frozenset((408, 429, 500, 502, 503, 504))
THROTTLED = 429
BASE_SECONDS = 0.1
THROTTLED_BASE_SECONDS = 1.0
MAX_WAIT_SECONDS = 8.0
MAX_RETRY_AFTER_SECONDS = 60.0
FAR_AWAY = 1e9
"""Seconds that stand for all longer waits. A number of hundreds of digits is out of range for a float."""

SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", re.ASCII)

BUDGET = 500
COST = 14
COST_AFTER_TIMEOUT = 10
COST_AFTER_THROTTLING = 5


class Budget:
    """The retry budget of a client. Retries spend it and successes refill it.

    It has no lock. Threads that race may miscount by one retry.
    """

    __slots__ = ("_tokens",)

    def __init__(self, tokens: int = BUDGET) -> None:
        self._tokens = tokens

    def spend(self, cost: int) -> bool:
        """Spend the cost of a retry. Return False if the budget is too low."""
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def earn(self) -> None:
        """Add one token for a success."""
        if self._tokens < BUDGET:
            self._tokens += 1


def is_retryable_status(retry: Retry, status: int) -> bool:
    """Return whether a response with this status may be retried."""
    return status == THROTTLED if retry == "once" else status in RETRYABLE_STATUSES


def is_ambiguous(retry: Retry, status: int) -> bool:
    """Return whether a write with this response status may have been applied.

    A 4xx rejects it, and so do the redirects that ask for the same request elsewhere.
    """
    rejected = (400 <= status < 500 and status != 408) or status in (307, 308)
    return retry != "safe" and not rejected


def backoff(retries: int, throttled: bool, random: Callable[[], float]) -> float:
    """Return the seconds to wait after `retries` retries: up to 8 s, with full jitter."""
    base = THROTTLED_BASE_SECONDS if throttled else BASE_SECONDS
    return random() * min(MAX_WAIT_SECONDS, base * 2.0 ** min(retries, 16))


def retry_after(value: str | None, now: Callable[[], float]) -> float | None:
    """Parse a `Retry-After` header: seconds, with or without a fraction, or an HTTP date.

    Args:
        value: The value of the header. Malformed data is None.
        now: Returns epoch seconds.
    """
    if value is None:
        return None
    value = value.strip()
    if SECONDS.fullmatch(value):
        return min(float(value), FAR_AWAY)
    moment = epoch_seconds(value)
    return None if moment is None else min(max(0.0, moment - now()), FAR_AWAY)


def epoch_seconds(date: str) -> float | None:
    """Parse an HTTP date, or return None if it is malformed."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:  # "-0000" means UTC, as in all HTTP dates
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
