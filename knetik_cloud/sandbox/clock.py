"""The sandbox's clock: real time, shifted or frozen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from knetik_cloud.sandbox.instants import MAX_INSTANT


class Clock:
    """A clock that shows the real time plus an offset, or one frozen instant, in epoch seconds.

    It shows instants from 1970 to the end of the year 9999. `version` increases with every change that is
    kept, so that of two states the later one is known. `era` increases when all data is replaced.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._offset = 0.0
        self._frozen_at: float | None = None
        self.version: int = (state or {}).get("version", 0)
        self.era: int = (state or {}).get("era", 0)
        self.restore(state or {})

    def now(self) -> float:
        """Return the current instant in epoch seconds, fractions included."""
        if self._frozen_at is not None:
            return self._frozen_at
        return min(max(time.time() + self._offset, 0.0), float(MAX_INSTANT))

    @property
    def frozen(self) -> bool:
        """True while the clock is frozen."""
        return self._frozen_at is not None

    def advance(self, seconds: float) -> None:
        """Move the time by `seconds`, which may be negative. A frozen clock stays frozen.

        Raises:
            ValueError: If the clock can't show the resulting instant.
        """
        now = self.now()
        if not 0 <= now + seconds <= MAX_INSTANT:
            shown = datetime.fromtimestamp(int(now), UTC).isoformat()
            raise ValueError(
                f"the clock must be from 1970 to 9999: it can't move by {seconds} s from {shown}"
            )
        self.set(now + seconds)

    def set(self, instant: float) -> None:
        """Set the time, in epoch seconds. A running clock runs on from there.

        Raises:
            ValueError: If the clock can't show the instant.
        """
        if not 0 <= instant <= MAX_INSTANT:
            raise ValueError(
                f"the clock must be from 1970 to 9999, 0 to {MAX_INSTANT} in epoch seconds, not {instant!r}"
            )
        if self._frozen_at is None:
            self._offset = instant - time.time()
        else:
            self._frozen_at = float(instant)

    def freeze(self) -> None:
        """Stop the time where it is."""
        self._frozen_at = self.now()

    def resume(self) -> None:
        """Let a frozen clock run on from the instant that it shows."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time()
            self._frozen_at = None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Show what the clock shows whose `state()` this was, or real time if the state is empty."""
        self._offset = state.get("offset", 0.0)
        self._frozen_at = state.get("frozen_at")

    def state(self) -> dict[str, Any]:
        """Return the state that makes another clock like this one."""
        kept = {"version": self.version, "era": self.era}
        return {"offset": self._offset, "frozen_at": self._frozen_at, **kept}
