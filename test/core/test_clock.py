"""The clock that calls are measured with."""

from __future__ import annotations

import time

from knetik_cloud.core import clock


def test_short_calls_are_measured_on_windows() -> None:
    # There, the ticks of `time.monotonic` are longer than many calls before Python 3.13.
    assert clock.monotonic.__name__ == "perf_counter"
    assert time.get_clock_info("perf_counter").resolution < 1e-5
