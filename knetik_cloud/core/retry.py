"""When a failed try is repeated, and after what wait."""

from __future__ import annotations

import math
from collections.abc import Callable

from knetik_cloud.core.operation import Retry

REPEATABLE_STATUSES = frozenset((408, 429, 500, 502, 503, 504))
THROTTLED = 429
BASE_SECONDS = 0.1
THROTTLED_BASE_SECONDS = 1.0
LONGEST_WAIT = 8.0
LONGEST_RETRY_AFTER = 60.0

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


def may_repeat_status(retry: Retry, status: int) -> bool:
    """Tell whether an answer of this status may be followed by another try."""
    return status == THROTTLED if retry == "once" else status in REPEATABLE_STATUSES


def is_ambiguous(retry: Retry, status: int) -> bool:
    """Tell whether a write that was answered with this status may have been applied all the same."""
    return retry != "safe" and (status >= 500 or status == 408)


def backoff(repeat: int, throttled: bool, random: Callable[[], float]) -> float:
    """Give the seconds to wait before repeat number `repeat` (0 is the first): full jitter, at most 8 s."""
    base = THROTTLED_BASE_SECONDS if throttled else BASE_SECONDS
    return random() * min(LONGEST_WAIT, base * 2.0 ** min(repeat, 16))


def retry_after(value: str | None, now: Callable[[], float]) -> float | None:
    """Read a `Retry-After` header: seconds (fractions too) or an HTTP date; garbage is None.

    Args:
        value: the header's value.
        now: gives epoch seconds, for a date.
    """
    if value is None:
        return None
    try:
        wait = float(value)
    except ValueError:
        wait = _seconds_until(value, now)
    return wait if wait >= 0 and math.isfinite(wait) else None


def _seconds_until(date: str, now: Callable[[], float]) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now())
    except (TypeError, ValueError, OverflowError, OSError):
        return math.nan
