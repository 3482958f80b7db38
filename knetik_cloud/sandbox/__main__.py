"""Runs the sandbox: `python -m knetik_cloud.sandbox` is the same as `knetik sandbox`."""

from __future__ import annotations

import sys

from knetik_cloud.cli import main

if __name__ == "__main__":
    main(["sandbox", *sys.argv[1:]])
