"""How fast a bulk run goes: calls at the same time, calls per second, and when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from knetik_cloud.core.clock import monotonic

GROWTH_WINDOW = 20
"""Calls after which the number of calls at the same time is reconsidered, at least."""
SLOW = 2.0
"""Latency, in multiples of the best one, from which more calls at the same time only queue."""
LOOK_SECONDS = 1.0


class Pace:
    """Decides when a worker may send its next row. All workers of a process share one.

    The number of active workers starts at 2. It doubles with each window of calls until the latency has
    doubled without more throughput, or the service asks to wait with a 429 or a `Retry-After`. Then it is
    halved, and grows by one per window.

    Args:
        maximum: The maximum number of active workers.
        tps: The maximum number of rows per second, or None.
        look: A function that is called every second of a wait, and may call `stop`.
    """

    def __init__(
        self, maximum: int, tps: float | None = None, look: Callable[[], object] = lambda: None
    ) -> None:
        self.maximum = maximum
        self._look = look
        self.limit = min(2, maximum)
        self.active = 0
        self.stopped = False
        self._interval = None if tps is None else 1.0 / tps
        self._next = 0.0
        self._paused_until = 0.0
        self._changed = threading.Condition()
        self._is_starting = True
        self._calls = 0
        self._seconds = 0.0
        self._window_start = time.perf_counter()
        self._best_latency = float("inf")
        self._best_rate = 0.0

    def join(self) -> None:
        """Start as an active worker, once there is room for one."""
        with self._changed:
            self._wait_for_room()

    def skip_turn(self) -> None:
        """Let the next row wait for a turn, because the last row of another shard may just have been sent."""
        if self._interval is not None:
            self._next = monotonic() + self._interval

    def leave(self) -> None:
        """Stop being an active worker, and make room for another one."""
        with self._changed:
            self.active -= 1
            self._changed.notify_all()  # some wait for their turn, others for room

    def admit(self) -> bool:
        """Wait until the next row may be sent, and return whether it may be, or the run stops."""
        if self.active > self.limit and not self.stopped:
            with self._changed:
                if self.active > self.limit:
                    self.active -= 1
                    self._wait_for_room()
        if self._interval is not None or self._paused_until:
            self._wait_for_turn()
        return not self.stopped

    def _wait_for_room(self) -> None:
        while self.active >= self.limit and not self.stopped:
            self._changed.wait()
        self.active += 1

    def _wait_for_turn(self) -> None:
        with self._changed:
            turn = -1.0
            while self._paused_until > turn and not self.stopped:  # again if a pause begins during the wait
                turn = max(monotonic(), self._paused_until, self._next)
                if self._interval is not None:
                    self._next = turn + self._interval
                self._wait_until(turn)
            if self._paused_until <= turn:
                self._paused_until = 0.0

    def _wait_until(self, end: float) -> None:
        while not self.stopped and (left := end - monotonic()) > 0:
            self._changed.wait(min(left, LOOK_SECONDS))
            self._look()

    def stop(self) -> None:
        """End the run after the calls in flight."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def record(self, seconds: float) -> None:
        """Record the latency of a call. Without a lock: threads that race miscount by a call."""
        self._calls += 1
        self._seconds += seconds
        if self._calls >= GROWTH_WINDOW and self._calls >= 4 * self.limit:
            self._reconsider()

    def throttled(self, seconds: float) -> bool:
        """Halve the number of active workers after a 429 or a `Retry-After`, and pause all of them.

        Returns:
            False if the run stopped during the pause.
        """
        with self._changed:
            self._shrink()
            return self.rest(seconds)

    def rest(self, seconds: float) -> bool:
        """Pause all workers, also those that wait for their turn, until the end of the longest pause.

        Returns:
            False if the run stopped during the pause.
        """
        with self._changed:
            self._paused_until = max(self._paused_until, monotonic() + seconds)
            while self._paused_until > monotonic() and not self.stopped:  # others may prolong the pause
                self._wait_until(self._paused_until)
            return not self.stopped

    def _reconsider(self) -> None:
        with self._changed:
            if self._calls < GROWTH_WINDOW:  # another thread was faster
                return
            now = time.perf_counter()
            latency, rate = self._seconds / self._calls, self._calls / max(now - self._window_start, 1e-9)
            self._best_latency = min(self._best_latency * 1.02, latency)
            if latency > SLOW * self._best_latency and rate < 1.1 * self._best_rate:
                self._shrink()
            else:
                self.limit = min(self.maximum, self.limit * 2 if self._is_starting else self.limit + 1)
                self._changed.notify_all()
            self._best_rate = max(self._best_rate * 0.98, rate)
            self._calls, self._seconds, self._window_start = 0, 0.0, now

    def _shrink(self) -> None:
        self._is_starting = False
        self.limit = max(1, self.limit // 2)
        self._calls, self._seconds, self._window_start = 0, 0.0, time.perf_counter()
