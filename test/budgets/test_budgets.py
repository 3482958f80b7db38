"""The budgets that don't wobble: memory of a row, and what clients and calls leave behind."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest

from benchmarks import budgets, chart, growth, memory, report
from benchmarks.__main__ import CHART, GUIDE, RESULTS
from benchmarks.comparison import Figure, Ratio, compare

pytestmark = pytest.mark.usefixtures("frozen_heap")


def test_row_costs_no_more_memory_than_its_budget() -> None:
    assert budgets.outside(memory.measure(1)) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read as Linux tells it")
def test_clients_and_calls_leak_nothing() -> None:
    figures = growth.measure(1)
    assert budgets.outside(figures) == []
    assert {figure.name for figure in figures} > {
        name for name in budgets.BUDGETS if name.startswith("1,000")
    }


def test_ratio_is_the_median_of_its_rounds_with_the_quartiles() -> None:
    ratio = Ratio.of_pairs("x", [(1.0, 1.0), (3.0, 1.0), (2.0, 1.0)], "us")
    assert (ratio.ratio, ratio.low, ratio.high, ratio.rounds) == (2.0, 1.0, 3.0, 3)


def test_comparison_distinguishes_twice_the_work_from_once() -> None:
    def once() -> object:
        return sum(range(3000))

    def twice() -> object:
        return once(), once()

    assert 1.3 < compare("x", twice, once, rounds=5).ratio < 3.5


def test_ratio_counts_as_outside_only_beyond_the_noise() -> None:
    def at(value: float) -> Ratio:
        return Ratio("call: one entry", value, value, value, value, 1.0, "us", 3)

    assert budgets.outside([at(0.59)]) == []
    assert budgets.outside([at(0.61)]) == ["call: one entry: 0.610, budget ≤ 0.55"]
    assert budgets.outside([Figure("1,000 clients made and dropped: descriptors", 1, "more")]) != []
    assert budgets.outside([Figure("not budgeted", 1e9, "ms")]) == []
    slow = at(0.9)._replace(name="calls a second, 8 threads on one client")
    assert len(budgets.outside([slow])) == 1


def test_guide_shows_the_table_and_the_chart_of_its_results() -> None:
    measured_with, results = report.from_json(RESULTS.read_text(encoding="utf-8"))
    guide = GUIDE.read_text(encoding="utf-8")
    assert report.table(results) in guide
    assert measured_with["python"] in guide
    drawn = chart.draw(results)
    assert CHART.read_text(encoding="utf-8") == drawn
    ET.fromstring(drawn)


def test_published_results_keep_to_the_budgets() -> None:
    _, results = report.from_json(RESULTS.read_text(encoding="utf-8"))
    assert budgets.outside(results) == []
    assert {result.name for result in results} >= set(budgets.BUDGETS)
