"""`deadline`: one time limit for several calls, in threads and tasks as well."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import NamedTuple

from knetik_cloud.core import clock, options
from knetik_cloud.exceptions import DeadlineExceeded


class Block(NamedTuple):
    """A `with deadline(...)` block: its limit, and when it ends, by the monotonic clock."""

    seconds: float
    end: float

    def reason(self, what: str) -> str:
        """Return the reason of an error that the deadline causes.

        Args:
            what: The verb phrase, such as `has passed`.
        """
        return f"the deadline of {self.seconds:.3g} s {what} (increase knetik_cloud.deadline)"


_block: ContextVar[Block | None] = ContextVar("knetik_cloud.deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the total time of all calls in a block, including their attempts and waits.

        with knetik_cloud.deadline(2.0):
            entry = api.get_user_inventory(56, 56)
            api.update_user_inventory_status(56, 56, inventory_status="inactive")

    The limit also applies to calls that the block starts with `submit`, `async_req=True`, `prefetch` or as
    tasks. If the deadline of a call, or of an inner block, comes first, it ends the call. When the time has
    passed, the current call and all later ones raise `DeadlineExceeded`, and so does a waiter, with its
    `wait_token`. `once` and `find_out` end as if the service couldn't be reached. A bulk run stops after the
    calls in flight. Other code isn't interrupted. Don't `yield` within the block: frameworks may run each
    step of a generator in a context of its own, in which the limit doesn't apply. Don't decorate an
    `async def` with it either: the block would end before the coroutine runs.

    Args:
        seconds: The limit, from the start of the block. `math.inf` means no limit.

    Raises:
        ApiValueError: If `seconds` is not a number above 0.
    """
    limit = options.time_limit("seconds", seconds)
    outer, block = _block.get(), Block(limit, clock.monotonic() + limit)
    with _replaced(block if outer is None or block.end < outer.end else outer):
        yield


@contextmanager
def _replaced(block: Block | None) -> Iterator[None]:
    token = _block.set(block)
    try:
        yield
    finally:
        with suppress(ValueError):  # frameworks run the steps of a generator in contexts of their own
            _block.reset(token)


def remaining() -> float:
    """Return the seconds until the current block ends, or infinity outside of a block."""
    block = _block.get()
    return math.inf if block is None else block.end - clock.monotonic()


def current() -> Block | None:
    """Return the current block, or None outside of a block."""
    return _block.get()


@contextmanager
def lifted() -> Iterator[None]:
    """Make calls that the deadline of the current block doesn't interrupt, because the caller keeps to it."""
    with _replaced(None):
        yield


def limit(seconds: float, operation: str) -> tuple[float, str | None]:
    """Return the time limit of a call: its own deadline, or the rest of the current block if that is less.

    Args:
        seconds: The call's own deadline.
        operation: The id of its operation, for the error.

    Returns:
        The limit in seconds, and the reason of the error that ends the call if the block does.

    Raises:
        DeadlineExceeded: If the current block has ended.
    """
    block = _block.get()
    if block is None:
        return seconds, None
    left, reason = block.end - clock.monotonic(), block.reason("has passed")
    if left <= 0:
        error = DeadlineExceeded(reason=f"{reason}: the call was not sent")
        error.operation = operation
        raise error
    return (left, reason) if left < seconds else (seconds, None)


def block_reason(what: str) -> str:
    """Return the reason of an error that the deadline of the current block causes."""
    block = _block.get()
    assert block is not None
    return block.reason(what)
