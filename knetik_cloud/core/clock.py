"""The monotonic clock that deadlines are measured with, even while a test freezes or moves time."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType


def _copy_of_time() -> ModuleType:
    """Return a second instance of the `time` module.

    Tools such as freezegun replace the functions of the first one, which would stop the deadlines, and
    replace them wherever they were imported to. They don't find those of a copy.
    """
    spec = time.__spec__
    assert spec is not None
    assert spec.loader is not None
    copy = spec.loader.create_module(spec) or time
    spec.loader.exec_module(copy)
    return copy


# Elsewhere, `time.monotonic` is the same clock. On Windows, its ticks are 15.6 ms long before Python 3.13.
monotonic: Callable[[], float] = _copy_of_time().perf_counter


def is_replaced() -> bool:
    """Return whether a tool has replaced the clock that event loops and other libraries use."""
    return type(time.monotonic) is not type(monotonic)
