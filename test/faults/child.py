"""Runs one row in a separate process, and reports its peak memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from test.faults.table import Row, run

PROJECT = Path(__file__).resolve().parents[2]


def run_in_child(kind: str, row: Row, driver: str) -> None:
    """Run a row in a child process, which may not take more memory than the row allows."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "test.faults.child", kind, row.fault, driver],
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    peak = int(finished.stdout)
    assert row.peak is not None
    assert peak <= row.peak, f"it took {peak} MiB, more than {row.peak}"


def peak_memory() -> int:
    """Return the peak memory of this process in MiB. (`ru_maxrss` would include that of its parent.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    from test.faults.all_rows import row_named

    kind, fault, driver = sys.argv[1:]
    run(row_named(kind, fault), driver)
    print(peak_memory())
