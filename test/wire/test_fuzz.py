"""A bounded run of the differential fuzzer. `tox -e fuzz` runs 200,000 responses."""

from __future__ import annotations

from .fuzzing import REVIEWED, fuzz


def test_generated_responses_are_judged_alike_or_differently_on_purpose() -> None:
    applied, unexplained = fuzz(2500, 20_261_125)
    assert unexplained == []
    assert sum(applied.values()) > 100


def test_every_reviewed_difference_has_a_reason() -> None:
    assert all(entry.reason and entry.ours and entry.theirs for entry in REVIEWED)
