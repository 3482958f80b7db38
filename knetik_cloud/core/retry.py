"""When a failed try is repeated, and after what wait."""

from __future__ import annotations

import math
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
"""Seconds that stand for all longer waits: hundreds of digits are a number too, and no float."""

SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", re.ASCII)

BUDGET = 500
COST = 14
COST_AFTER_TIMEOUT = 10
COST_AFTER_THROTTLING = 5


class Budget:
    """What a client may spend on repeats, so that a service in trouble isn't buried under them.

    Plain integer arithmetic without a lock: threads that race may miscount by one repeat, never run away.
    """

    __slots__ = ("_tokens",)

    def __init__(self, tokens: int = BUDGET) -> None:
        self._tokens = tokens

    def spend(self, cost: int) -> bool:
        """Pay for a repeat; False when there isn't enough left."""
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def earn(self) -> None:
        """Take one token back for a success."""
        if self._tokens < BUDGET:
            self._tokens += 1


def is_retryable_status(retry: Retry, status: int) -> bool:
    """Tell whether an answer of this status may be followed by another try."""
    return status == THROTTLED if retry == "once" else status in RETRYABLE_STATUSES


def is_ambiguous(retry: Retry, status: int) -> bool:
    """Tell whether a write that was answered with this status may have been applied all the same.

    A 4xx refuses it, and so do the redirects that ask for the same request elsewhere.
    """
    refused = (400 <= status < 500 and status != 408) or status in (307, 308)
    return retry != "safe" and not refused


def backoff(repeat: int, throttled: bool, random: Callable[[], float]) -> float:
    """Give the seconds to wait before repeat number `repeat` (0 is the first): full jitter, at most 8 s."""
    base = THROTTLED_BASE_SECONDS if throttled else BASE_SECONDS
    return random() * min(MAX_WAIT_SECONDS, base * 2.0 ** min(repeat, 16))


def retry_after(value: str | None, now: Callable[[], float]) -> float | None:
    """Read a `Retry-After` header: seconds (fractions too) or an HTTP date; garbage is None.

    Args:
        value: the header's value.
        now: gives epoch seconds, for a date.
    """
    if value is None:
        return None
    value = value.strip()
    if SECONDS.fullmatch(value):
        return min(float(value), FAR_AWAY)
    wait = _seconds_until(value, now)
    return wait if math.isfinite(wait) else None


def _seconds_until(date: str, now: Callable[[], float]) -> float:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:  # "-0000": in UTC, as all HTTP dates are
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now())
    except (TypeError, ValueError, OverflowError, IndexError):
        return math.nan
