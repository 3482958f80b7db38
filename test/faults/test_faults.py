"""Every fault of the table is met, and survived."""

from __future__ import annotations

import pytest

from test.faults.all_rows import TABLE
from test.faults.child import run_in_child
from test.faults.drivers import DRIVERS
from test.faults.table import Row, run

CASES = [
    pytest.param(kind, row, driver, id=f"{kind}: {row.fault} [{driver}]")
    for kind, rows in TABLE.items()
    for row in rows
    for driver in DRIVERS
    if driver in row.drivers
]


@pytest.mark.parametrize(("kind", "fault_row", "driver"), CASES)
def test_the_fault_is_survived(kind: str, fault_row: Row, driver: str) -> None:
    if fault_row.peak is None:
        run(fault_row, driver)
    else:
        run_in_child(kind, fault_row, driver)


def test_no_two_rows_have_one_name() -> None:
    names = [(kind, row.fault) for kind, rows in TABLE.items() for row in rows]
    assert len(names) == len(set(names))
