"""The stand-in's clock: real time, shifted or stopped at will."""

from __future__ import annotations

import time
from typing import Any


class Clock:
    """Tell the stand-in's time in epoch seconds: the real time plus an offset, or one frozen instant."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen_at: float | None = None

    def now(self) -> float:
        """Give the present instant in epoch seconds, fractions included."""
        return time.time() + self._offset if self._frozen_at is None else self._frozen_at

    @property
    def frozen(self) -> bool:
        """True while time stands still."""
        return self._frozen_at is not None

    def advance(self, seconds: float) -> None:
        """Move time by so many seconds; negative ones move it back. A frozen clock stays frozen."""
        self.set(self.now() + seconds)

    def set(self, instant: float) -> None:
        """Make it that instant, in epoch seconds. A running clock runs on from there."""
        if self._frozen_at is None:
            self._offset = instant - time.time()
        else:
            self._frozen_at = instant

    def freeze(self) -> None:
        """Stop time where it is."""
        self._frozen_at = self.now()

    def resume(self) -> None:
        """Let a frozen clock run on from the instant that it shows."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time()
            self._frozen_at = None

    def reset(self) -> None:
        """Go back to the real time, running."""
        self._offset = 0.0
        self._frozen_at = None

    def state(self) -> dict[str, Any]:
        """Give what `restore` needs to set another clock alike."""
        return {"offset": self._offset, "frozen_at": self._frozen_at}

    def restore(self, state: dict[str, Any]) -> None:
        """Set this clock as the one whose `state()` this was."""
        self._offset = state["offset"]
        self._frozen_at = state["frozen_at"]
