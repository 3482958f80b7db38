"""Comparisons: a subject and its baseline, run by turns in one process, as a ratio with its spread."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

Work = Callable[[], object]

BATCH_SECONDS = 0.01
WARM_UPS = 3


class Ratio(NamedTuple):
    """How a subject compares with its baseline.

    Attributes:
        name: The name of what was measured.
        ratio: The median, over all rounds, of subject over baseline.
        low: The first quartile of the rounds' ratios.
        high: The third quartile.
        subject: The subject's median, in `unit`.
        baseline: The baseline's median, in `unit`.
        unit: The unit of both.
        rounds: The number of pairs that were measured.
    """

    name: str
    ratio: float
    low: float
    high: float
    subject: float
    baseline: float
    unit: str
    rounds: int

    @classmethod
    def of_pairs(cls, name: str, pairs: Sequence[tuple[float, float]], unit: str) -> Ratio:
        """Condense pairs of (subject, baseline), each measured within one round."""
        ratios = [subject / baseline for subject, baseline in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        subjects, baselines = zip(*pairs, strict=True)
        return cls(
            name,
            middle,
            low,
            high,
            statistics.median(subjects),
            statistics.median(baselines),
            unit,
            len(pairs),
        )


class Figure(NamedTuple):
    """Something measured by itself."""

    name: str
    value: float
    unit: str


Result = Ratio | Figure


def compare(name: str, subject: Work, baseline: Work, *, rounds: int) -> Ratio:
    """Measure the CPU time of two pieces of work, in microseconds for one run of each.

    The two take turns, and change which goes first, so that other load on the machine slows both. The
    collector stays on, as it does for a user; each batch starts from a collected heap.
    """
    loops = calibrate(baseline)
    for _ in range(WARM_UPS):
        cpu_time(subject, loops)
        cpu_time(baseline, loops)
    pairs = []
    for turn in range(rounds):
        if turn % 2:
            second = cpu_time(baseline, loops)
            first = cpu_time(subject, loops)
        else:
            first = cpu_time(subject, loops)
            second = cpu_time(baseline, loops)
        pairs.append((first / loops * 1e6, second / loops * 1e6))
    return Ratio.of_pairs(name, pairs, "us")


def calibrate(work: Work) -> int:
    """Find how many runs fill a batch that is long enough for the clock."""
    loops = 1
    while (spent := cpu_time(work, loops)) < BATCH_SECONDS:
        loops = max(loops * 2, int(loops * BATCH_SECONDS / max(spent, 1e-6)))
    return loops


def cpu_time(work: Work, loops: int) -> float:
    """Return the CPU seconds that all threads of this process spend on `loops` runs."""
    gc.collect()
    started = time.process_time()
    for _ in range(loops):
        work()
    return time.process_time() - started
