"""The memory, file descriptors and threads of a process, as Linux reports them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20


def resident(process: int | str = "self") -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def descriptors() -> int:
    """Count the open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def threads() -> int:
    """Count the threads of this process."""
    return len(os.listdir("/proc/self/task"))


def environment(bytecode: str) -> dict[str, str]:
    """Return the environment of a child process that imports this tree, with its bytecode in a folder.

    Installed libraries come with their bytecode; the tree may be without, or be told to write none.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]]),
        "PYTHONPYCACHEPREFIX": bytecode,
    }
