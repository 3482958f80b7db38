"""The command: `python -m knetik_cloud.sandbox`, the same as `knetik sandbox`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from knetik_cloud.cli.command import knetik
from knetik_cloud.version import __version__
from test.sandbox.conftest import command_environment, running_command
from test.sandbox.web import Web


def test_the_first_line_is_the_address_once_it_responds() -> None:
    with running_command() as (_, url):
        assert url.startswith("http://127.0.0.1:")
        client = Web(url)
        assert client.get("/users/56/inventory/56").status == 200
        client.close()


def test_an_empty_database_stays_empty_with_the_option(tmp_path: Path) -> None:
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


def test_tokens_are_enforced_with_the_option() -> None:
    with running_command("--require-auth") as (_, url):
        client = Web(url)
        assert client.get("/inventories").status == 401
        assert client.get("/inventories", token=client.token()).status == 200
        client.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--database", "mongo://u:secret@h/x"], "mongo: is not a supported database"),
        (["--database", "postgresql+asyncpg://u@h/x"], "or a PostgreSQL URL, postgresql://user@host/name"),
        (
            ["--database", "postgresql://u@h:secret/x"],
            "write it as postgresql://user:password@host:port/name",
        ),
        (["--database", "postgresql://u:secret@127.0.0.1:1/x"], "postgresql://u:***@127.0.0.1:1/x: "),
        (
            ["--database", "postgresql://127.0.0.1:1/x?user=u&password=secret"],
            "can't open the database postgresql://127.0.0.1:1/x: ",
        ),
        (
            ["--database", "/no/such/x.db"],
            "can't open the database /no/such/x.db: there is no folder /no/such",
        ),
        (["--database", "sqlite:////no/such/x.db"], "can't open the database /no/such/x.db"),
        (["--database", "{seed}"], "seed.yaml: its file is not an SQLite database"),
        (["--workers", "2"], "pass a PostgreSQL URL, such as postgresql://user@host/name,"),
        (["--host", "nonsense.invalid"], "can't listen on nonsense.invalid:0: "),
        (["--host", "ü..invalid"], "ü..invalid:0: it is not an address; --host takes"),
        (["--host", "192.0.2.1"], "; --host takes an address of this machine"),
        (["--seed", "{seed}", "--empty"], "exclude each other"),
        (["--seed", "{seed}"], "the seed has no planets"),
        (["--seed", "{twice}"], "items[1]: unique_key 'a' is that of another item"),
        (["--port", "99999"], "99999"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(tmp_path: Path, options: list[str], message: str) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("planets: []")
    twice = tmp_path / "twice.json"
    twice.write_text(
        json.dumps({"items": [{"type_hint": "entitlement", "name": "A", "unique_key": "a"}] * 2})
    )
    given = [option.format(seed=seed, twice=twice) for option in options]
    result = CliRunner().invoke(knetik, ["sandbox", "--port", "0", *given])
    assert result.exit_code != 0
    assert message in result.output
    for leak in ("Traceback", "Errno", "sqlalche", "sqlite3", "psycopg", "secret"):
        assert leak not in result.output


def test_a_seed_that_is_not_text_is_explained(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_bytes(b"\xff\xfe")
    result = CliRunner().invoke(knetik, ["sandbox", "--port", "0", "--seed", str(seed)])
    assert result.output == f"Error: the seed must be UTF-8, as {seed} is not\n"


def test_a_port_that_is_taken_is_explained() -> None:
    with running_command() as (_, url):
        result = CliRunner().invoke(knetik, ["sandbox", "--port", url.rpartition(":")[2]])
    assert result.exit_code == 1
    where = url.removeprefix("http://")
    assert result.output == (
        f"Error: can't listen on {where}: Address already in use; --port 0 picks a free port\n"
    )


def started(*options: str) -> tuple[str, list[str]]:
    """Start and stop the command. Return its URL and the lines on stderr, except those of its progress."""
    with running_command(*options) as (process, url):
        Web(url).close()
        process.terminate()
        output, hints = process.communicate(timeout=20)
    assert output == ""
    return url, [line for line in hints.splitlines() if not line.startswith("loading the seed: ")]


def test_the_start_names_the_pages_and_the_variable_to_set() -> None:
    url, hints = started()
    assert hints == [
        f"View and control it in a browser: {url}/console",
        f"For programs: KNETIK_CLOUD_HOST={url}",
    ]


def test_a_seed_that_is_not_read_is_reported(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("items: [{id: 9, type_hint: entitlement, name: Lamp}]")
    options = ["--seed", str(seed), "--database", str(tmp_path / "a.db")]
    assert len(started(*options)[1]) == 2
    assert started(*options)[1][2:] == [
        f"--seed {seed} was not read, as {tmp_path / 'a.db'} holds data already; a reset starts over from it"
    ]


def test_the_help_names_the_variable() -> None:
    assert "KNETIK_CLOUD_HOST" in CliRunner().invoke(knetik, ["sandbox", "--help"]).output


def test_a_newer_database_is_rejected(tmp_path: Path) -> None:
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
        ("click", "import knetik_cloud.cli as c; c.main(['sandbox'])", "sandbox"),
        ("click", "import knetik_cloud.cli as c; c.main(['items', 'list'])", "cli"),
        ("click", "import knetik_cloud.cli as c; c.main([])", "cli"),
        ("yaml", "import knetik_cloud.cli as c; c.main(['sandbox', '--port', '0'])", "sandbox"),
        ("yaml", "import knetik_cloud.cli as c; c.main(['items', 'list', '-o', 'yaml', '--dry-run'])", "cli"),
        ("jmespath", "import knetik_cloud.cli as c; c.main(['items', 'list', '--select', 'a'])", "cli"),
        ("starlette", "import knetik_cloud.cli as c; c.main(['sandbox'])", "sandbox"),
        ("starlette", "from knetik_cloud.sandbox import Sandbox", "sandbox"),
        (
            "psycopg",
            "from knetik_cloud.sandbox import Sandbox as S; S(database='postgresql+psycopg://h/d').start()",
            "sandbox,postgresql",
        ),
    ],
)
def test_a_missing_library_is_named_with_its_extra(library: str, code: str, extra: str) -> None:
    hidden = f"import sys; sys.modules[{library!r}] = None; {code}"
    result = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert result.returncode != 0
    assert library in result.stderr
    shown = result.stderr.replace(r"\"", '"')  # an error of a command is JSON
    assert f'pip install "knetik_cloud[{extra}]"' in shown


def test_importing_the_package_loads_no_library() -> None:
    code = (
        "import sys, knetik_cloud.sandbox, knetik_cloud.cli, knetik_cloud.sandbox.pytest_plugin;"
        "print([name for name in ('starlette', 'sqlalchemy', 'uvicorn', 'click', 'yaml', 'jsonschema')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_the_sdk_does_not_import_the_sandbox() -> None:
    code = (
        "import sys, knetik_cloud; knetik_cloud.UsersInventoryApi();"
        "loaded = [n for n in sys.modules if n.startswith(('knetik_cloud.sandbox', 'knetik_cloud.cli'))];"
        "print(loaded)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=command_environment(), timeout=60
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_the_command_shows_its_version() -> None:
    result = CliRunner().invoke(knetik, ["--version"])
    assert result.output == f"knetik, version {__version__}\n"


@pytest.mark.parametrize("name", ["seed.yaml", "seed.jsonl"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_command_that_is_stopped_while_it_reads_its_seed_does_not_succeed(
    tmp_path: Path, name: str, number: signal.Signals, code: int
) -> None:
    seed = tmp_path / name
    os.mkfifo(seed)
    process = subprocess.Popen(
        [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0", "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with seed.open("wb"):  # waits until the command reads it
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")  # Ctrl-C ends a script's loop, too
    assert "seed" not in errors
