"""Counts the faults that were survived, and reports the number at the end of the run."""

from __future__ import annotations

import pytest

SURVIVED = pytest.StashKey[dict[str, bool]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[SURVIVED] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Note the outcome of each row."""
    report = yield
    if "fault_row" in getattr(item, "fixturenames", ()):
        counted = item.config.stash[SURVIVED]
        counted[item.nodeid] = counted.get(item.nodeid, True) and report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many faults were survived."""
    counted = config.stash[SURVIVED]
    if counted:
        terminalreporter.write_line(f"{sum(counted.values())}/{len(counted)} faults survived")
