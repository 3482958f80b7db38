"""A hook costs little, and spans cost less than those of urllib3's own instrumentation."""

from __future__ import annotations

import pytest

from benchmarks import observability


@pytest.mark.performance
def test_cost_of_a_hook_and_of_spans() -> None:
    # The least of several ratios, since a machine that does something else makes them waver.
    measured = [observability.measure(15) for _ in range(4)]
    hook, spans = (min(ratio.ratio for ratio in ratios) for ratios in zip(*measured, strict=True))
    assert hook <= 1.08
    assert spans < 1.0
