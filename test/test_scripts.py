"""The scripts check their arguments before they build, download or test anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def release(folder: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script of a release in a folder that isn't a checkout, where all later steps fail."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "release", tmp_path / "scripts")
    return run("bash", "scripts/release", folder, cwd=tmp_path)


@pytest.mark.parametrize("module", ["scripts.build", "scripts.check_site"])
def test_help_of_a_script_makes_no_folder(module: str, tmp_path: Path) -> None:
    pytest.importorskip("axe_playwright_python")
    program = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = ['--help']"
    program += f"; runpy.run_module({module!r}, run_name='__main__')"
    result = run(sys.executable, "-c", program, cwd=tmp_path)
    assert (result.returncode, list(tmp_path.iterdir())) == (0, []), result.stderr
    assert "folder" in result.stdout


def test_a_release_rejects_a_folder_with_files_first(tmp_path: Path) -> None:
    result = release("scripts", tmp_path)
    assert result.returncode == 1
    assert result.stderr == "scripts is not empty: name an empty folder\n"


@pytest.mark.skipif(find_spec("build") is not None, reason="this environment can build")
def test_a_release_rejects_an_environment_that_can_not_build_first(tmp_path: Path) -> None:
    result = release("new", tmp_path)
    assert result.returncode == 1
    assert result.stderr.endswith("install scripts/build-requirements.txt first\n")
