"""The commands of the exchange to a pipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from knetik_cloud.core import clock

if TYPE_CHECKING:
    import socket

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

T = TypeVar("T")
Listener = Callable[[], bool]
"""A function that receives what has arrived during an upload, and returns True to stop it."""
SEND_BYTES = RECEIVE_BYTES = 1 << 16


class Pipe(Protocol):
    """A connection that moves bytes within the time limits set by `begin`.

    Any method may raise an `OSError`, and one that waits also a `TimeoutError`. The coroutines of a blocking
    pipe never suspend.
    """

    _deadline: float = math.inf
    _wait: float = math.inf
    usable_until: float = math.inf
    """The moment of the monotonic clock at which an idle connection is too old for another request."""
    must_close: bool = False
    """Whether the connection must not carry another request."""

    def begin(self, deadline: float, wait: float) -> None:
        """Set the time limits: a moment of the monotonic clock, and seconds for each wait."""
        self._deadline = deadline
        self._wait = wait

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        """Send bytes, call the listener if some arrive meanwhile, and return whether all were sent."""

    async def receive(self) -> bytes:
        """Wait for bytes and return them, or b"" at the end."""

    def receive_now(self) -> bytes | None:
        """Return bytes that have arrived, b"" at the end, or None if nothing has."""

    def close(self) -> None:
        """Close the connection immediately."""


def remaining(deadline: float, wait: float = math.inf) -> float:
    """Return the seconds that a wait may take, possibly infinite.

    Raises:
        TimeoutError: If no time is left.
    """
    left = min(deadline - clock.monotonic(), wait)
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def readable_check(sock: socket.socket) -> Callable[[float], Sequence[object]]:
    """Return a function that waits up to some milliseconds, and returns nothing if a socket can't be read."""
    import select

    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return poll.poll
    return lambda limit: select.select([sock], [], [], limit / 1000)[0]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine over blocking pipes, which never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as result:
        return result.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a blocking pipe suspended its coroutine")
