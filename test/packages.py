"""Build the wheel and the sdist, install each into a clean environment, and run the quickstart there.

Not part of the test run, since it builds environments: `python test/packages.py`, or `tox -e packages`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Build both, and check both."""
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder, "dist")
        run(sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT))
        for package in sorted(dist.iterdir()):
            check(package, Path(folder, f"environment-{package.suffix[1:]}"))
    print("2 packages installed and ran the quickstart")


def check(package: Path, environment: Path) -> None:
    """Install a package by itself and import it, then with the stand-in, and run the quickstart."""
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", str(package))
    run(python, "-c", "import knetik_cloud as k; [getattr(k, name) for name in k.__all__]")
    run(python, "-m", "pip", "install", "--quiet", f"{package}[sandbox]")
    run(python, str(ROOT / "examples" / "quickstart.py"))


def run(*command: str) -> None:
    """Run a command away from the source tree, so that only what was installed is imported."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("KNETIK_", "PYTHONPATH"))
    }
    subprocess.run(command, check=True, cwd=tempfile.gettempdir(), env=environment)


if __name__ == "__main__":
    main()
