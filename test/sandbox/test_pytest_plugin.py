"""The pytest plugin, as the tests of the example project use it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from test.sandbox.conftest import command_environment

PROJECT = Path(__file__).parents[2] / "examples" / "testing_with_the_sandbox"
PLUGIN = "knetik_cloud.sandbox.pytest_plugin"


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with the plugin as an installation of the SDK would give it."""
    installed = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *options]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=command_environment(),
        timeout=100,
        check=False,
    )


def test_the_example_project_s_tests_pass() -> None:
    run = run_pytest(PROJECT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "6 passed" in run.stdout


def test_one_server_serves_a_session_and_each_test_starts_afresh(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "urls = set()\n"
        "@pytest.mark.parametrize('number', range(3))\n"
        "def test_fresh(knetik_sandbox, knetik_client, number):\n"
        "    from knetik_cloud import UsersInventoryApi\n"
        "    urls.add(knetik_sandbox.url)\n"
        "    api = UsersInventoryApi(knetik_client)\n"
        "    assert api.get_entitlement_items().total_elements == 6\n"
        "    api.delete_entitlement_item(56)\n"
        "    knetik_sandbox.advance(days=1)\n"
        "    assert len(urls) == 1\n"
    )
    run = run_pytest(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_session_without_the_fixtures_does_not_load_the_server(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_light():\n    assert not {'starlette', 'sqlalchemy'} & set(sys.modules)\n"
    )
    run = run_pytest(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
