"""Build the packages twice, compare them, and use each in a clean environment.

Not part of the test run, since it builds environments: `python test/packages.py`, or `tox -e packages`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


QUICK_TESTS = ("test/codegen", "test/models", "test/test_golden_requests.py", "test/sandbox/test_items.py")
"""The tests that run from the sdist here; `scripts/release` runs all of them."""


def main() -> None:
    """Build both packages, compare the two builds, and check both."""
    with tempfile.TemporaryDirectory() as temporary:
        builds = [Path(temporary, name) for name in ("first", "second")]
        for build, umask in zip(builds, (0o022, 0o077), strict=True):
            os.umask(umask)
            run(sys.executable, str(ROOT / "scripts" / "build.py"), str(build))
        os.umask(0o022)
        first, second = ({path.name: path.read_bytes() for path in build.iterdir()} for build in builds)
        if first != second:
            sys.exit(f"two builds differ: {[name for name in first if first[name] != second.get(name)]}")
        for package in sorted(builds[0].glob("*.whl")) + sorted(builds[0].glob("*.tar.gz")):
            check(package, Path(temporary, f"environment-{package.suffix[1:]}"))
        check_second_build(builds[0], Path(temporary, "clone"))
        check_tests(next(builds[0].glob("*.tar.gz")), Path(temporary, "sdist"))
    print("2 builds are identical; 2 packages installed and ran the quickstart; the sdist ran its tests")


def check(package: Path, environment: Path) -> None:
    """Install a package without extras and import it, then with the sandbox, and run the quickstart."""
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", str(package))
    run(python, "-c", "import knetik_cloud as k; [getattr(k, name) for name in k.__all__]")
    run(python, "-m", "pip", "install", "--quiet", f"{package}[sandbox]")
    run(python, str(ROOT / "examples" / "quickstart.py"))


def check_second_build(build: Path, folder: Path) -> None:
    """Build in a folder with the build of another version, which must not get into the wheel."""
    with tarfile.open(next(build.glob("*.tar.gz"))) as files:
        files.extractall(folder, filter="data")
    source = next(folder.iterdir())
    removed = source / "build" / "lib" / "knetik_cloud" / "removed.py"
    removed.parent.mkdir(parents=True)
    removed.touch()
    run(sys.executable, "-m", "build", "--installer", "uv", "--wheel", "--outdir", str(folder), str(source))
    if {*names(folder)} != {*names(build)}:
        sys.exit(f"a second build has other files: {sorted({*names(folder)} ^ {*names(build)})}")


def names(folder: Path) -> list[str]:
    """Return the names of the files in the wheel of a folder."""
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as files:
        return files.namelist()


def check_tests(sdist: Path, folder: Path) -> None:
    """Unpack an sdist, install it as editable, let mypy find it, and run some of its tests."""
    with tarfile.open(sdist) as files:
        files.extractall(folder, filter="data")
    source = next(folder.iterdir())
    environment = folder / "environment"
    venv.create(environment)
    python = str(environment / "bin" / "python")
    install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python)
    run(*install, "-e", f"{source}[all]", "-r", str(source / "test-requirements.txt"))
    run(python, "-m", "mypy", "-c", "import knetik_cloud")
    subprocess.run([python, "-m", "pytest", "-q", *QUICK_TESTS], check=True, cwd=source)


def run(*command: str) -> None:
    """Run a command away from the source tree, so that only what was installed is imported."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("KNETIK_", "PYTHONPATH"))
    }
    subprocess.run(command, check=True, cwd=tempfile.gettempdir(), env=environment)


if __name__ == "__main__":
    main()
