"""Run the `knetik` command as `python -m knetik_cloud.cli`."""

from __future__ import annotations

from knetik_cloud.cli import main

if __name__ == "__main__":
    main()
