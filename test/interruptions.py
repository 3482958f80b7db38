"""An error at a line of the package, as a signal handler raises it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interruption:
    """Raises an error at the n-th line that runs in the frames that are chosen.

    The collector waits: it would run finalizers of earlier objects, in which Python ignores errors.
    """

    def __init__(self, number: int, error: BaseException, is_chosen: Callable[[FrameType], bool]) -> None:
        self.left = number
        self._error = error
        self._is_chosen = is_chosen

    def __enter__(self) -> Interruption:
        gc.disable()
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self._before)
        gc.enable()

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if self._is_chosen(frame) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.left -= 1
            if not self.left:
                sys.settrace(None)
                raise self._error
        return self._line
