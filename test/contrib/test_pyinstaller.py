"""A program that PyInstaller freezes finds our data files, and the modules that are loaded by name."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from knetik_cloud.contrib.pyinstaller import hook_folders
from test.conftest import RunScript

PROGRAM = """
import sys
from urllib.request import urlopen
from knetik_cloud import ApiClient, Configuration, EntitlementItem, UsersInventoryApi, once
from knetik_cloud.cli import main
from knetik_cloud.sandbox import Sandbox

if sys.argv[1:]:
    main()
with Sandbox() as sandbox, ApiClient(Configuration(host=sandbox.url)) as client:
    api = UsersInventoryApi(client)
    print(api.get_user_inventory(56, 56).id, len(list(api.iter_entitlement_items(prefetch=1))) > 1)
    print(type(api.get_entitlement_item(56)).__name__)
    print(once(api.use_user_entitlement_item, 56, 56, key="k").state)
    print(*(urlopen(sandbox.url + path).status for path in ("/console", "/docs/openapi.json")))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_frozen_program_uses_the_client_the_sandbox_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("PyInstaller")
    (tmp_path / "program.py").write_text(PROGRAM)
    installed = any("knetik_cloud" in point.value for point in entry_points(group="pyinstaller40"))
    hooks = [] if installed else ["--additional-hooks-dir", *hook_folders()]
    unused = (  # of what may be installed beside us
        "numpy pandas pyarrow dask distributed polars duckdb pytest IPython gevent mypy psycopg lark "
        "setuptools gunicorn keyring uvloop cryptography pygments requests"
    )
    excluded = [word for name in unused.split() for word in ("--exclude-module", name)]
    project = str(Path(__file__).parents[2])  # which PyInstaller doesn't find if it is installed editable
    options = ["--onefile", "--log-level", "WARN", "--paths", project, *hooks, *excluded]
    subprocess.run([sys.executable, "-m", "PyInstaller", *options, "program.py"], cwd=tmp_path, check=True)
    frozen = tmp_path / "dist" / "program"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run(*words: str) -> str:
        result = subprocess.run(
            [frozen, *words], cwd="/", capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert run().split() == ["56", "True", "EntitlementItem", "applied", "200", "200"]
    url = json.loads(run("sandbox", "start", "--port", "0", "-o", "json"))["url"]
    try:
        assert "Potion of Speed" in run("items", "list", "--host", url, "-o", "csv")
    finally:
        run("sandbox", "stop", "--url", url)
    assert "1003" in run("explain", "1003")


def test_import_of_the_sandbox_imports_the_dialect_of_sqlite_too(run_script: RunScript) -> None:
    program = "import sys, knetik_cloud.sandbox.storage.database; print(*sys.modules)"
    assert "sqlalchemy.dialects.sqlite" in run_script(program).stdout.split()
