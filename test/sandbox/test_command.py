"""The command: `python -m knetik_cloud.sandbox`, the same as `knetik sandbox`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from knetik_cloud.cli.command import knetik
from knetik_cloud.version import __version__
from test.sandbox.conftest import command_environment, running_command
from test.sandbox.web import Web


def test_the_first_line_is_the_address_once_it_answers() -> None:
    with running_command() as (_, url):
        assert url.startswith("http://127.0.0.1:")
        client = Web(url)
        assert client.get("/users/56/inventory/56").status == 200
        client.close()


def test_an_empty_database_stays_empty_if_asked(tmp_path: Path) -> None:
    with running_command("--empty", "--database", str(tmp_path / "a.db")) as (_, url):
        client = Web(url)
        assert client.get("/entitlements").json["total_elements"] == 0
        client.close()
    with running_command("--database", str(tmp_path / "a.db")) as (_, url):
        client = Web(url)
        assert client.get("/entitlements").json["total_elements"] == 6
        client.close()


def test_a_seed_file_takes_the_place_of_the_demo_data(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("items: [{id: 9, type_hint: entitlement, name: Lamp}]")
    with running_command("--seed", str(seed)) as (_, url):
        client = Web(url)
        assert [item["id"] for item in client.get("/entitlements").json["content"]] == [9]
        client.post("/_sandbox/reset")
        assert client.get("/entitlements/9").status == 200
        client.close()


def test_tokens_are_enforced_if_asked() -> None:
    with running_command("--require-auth") as (_, url):
        client = Web(url)
        assert client.get("/inventories").status == 401
        assert client.get("/inventories", token=client.token()).status == 200
        client.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--database", "mongo://u:secret@h/x"], "mongo: is no database here"),
        (["--database", "postgresql://u@h:port/x"], "port"),
        (["--database", "sqlite:////no/such/folder/x.db"], "the database can't be used"),
        (["--workers", "2"], "workers need a database that they can share"),
        (["--seed", "{seed}", "--empty"], "exclude each other"),
        (["--seed", "{seed}"], "the seed has no planets"),
        (["--port", "99999"], "99999"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(tmp_path: Path, options: list[str], said: str) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("planets: []")
    result = CliRunner().invoke(knetik, ["sandbox", *(option.format(seed=seed) for option in options)])
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_explained() -> None:
    with running_command() as (_, url):
        result = CliRunner().invoke(knetik, ["sandbox", "--port", url.rpartition(":")[2]])
    assert result.exit_code == 1
    assert "in use" in result.output


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "new.db"
    with running_command("--database", str(path)):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("""UPDATE state SET document = '{"version": 99}' WHERE name = 'schema'""")
    connection.close()
    result = CliRunner().invoke(knetik, ["sandbox", "--port", "0", "--database", str(path)])
    assert result.exit_code == 1
    assert "newer knetik_cloud (schema 99; this one knows 1)" in result.output


@pytest.mark.parametrize(
    ("library", "code", "extra"),
    [
        ("click", "import knetik_cloud.cli as c; c.main(['sandbox'])", "cli"),
        ("starlette", "import knetik_cloud.cli as c; c.main(['sandbox'])", "sandbox"),
        ("starlette", "from knetik_cloud.sandbox import Sandbox", "sandbox"),
        (
            "psycopg",
            "from knetik_cloud.sandbox import Sandbox as S; S(database='postgresql+psycopg://h/d').start()",
            "postgresql",
        ),
    ],
)
def test_a_missing_library_is_named_with_its_extra(library: str, code: str, extra: str) -> None:
    hidden = f"import sys; sys.modules[{library!r}] = None; {code}"
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert done.returncode != 0
    assert library in done.stderr
    assert 'pip install "knetik_cloud[' in done.stderr
    assert extra in done.stderr


def test_importing_the_package_loads_no_library() -> None:
    code = (
        "import sys, knetik_cloud.sandbox, knetik_cloud.cli, knetik_cloud.sandbox.pytest_plugin;"
        "print([name for name in ('starlette', 'sqlalchemy', 'uvicorn', 'click', 'yaml', 'jsonschema')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_sdk_does_not_import_the_stand_in() -> None:
    code = (
        "import sys, knetik_cloud; knetik_cloud.UsersInventoryApi();"
        "loaded = [n for n in sys.modules if n.startswith(('knetik_cloud.sandbox', 'knetik_cloud.cli'))];"
        "print(loaded)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_command_tells_its_version() -> None:
    result = CliRunner().invoke(knetik, ["--version"])
    assert result.output == f"knetik, version {__version__}\n"
