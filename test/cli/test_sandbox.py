"""`knetik sandbox`: in the background and over the control API, also if another program started it."""

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import zipapp
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud.cli import control as commands
from knetik_cloud.cli import sandbox as control
from knetik_cloud.cli import sandboxes
from knetik_cloud.cli.account import WHO
from knetik_cloud.cli.control import Control
from knetik_cloud.cli.exits import CommandError
from knetik_cloud.cli.run import Run as Settings
from knetik_cloud.cli.run import remarks
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.version import __version__
from test.conftest import RecordingServer, http_response
from test.polling import wait_until
from test.sandbox.conftest import command_environment, running_command
from test.sandbox.test_files import WITHOUT_PRIVILEGES

from .conftest import KNETIK, CommandResult, Run, profiles_file, spawn


def ended(url: str) -> bool:
    """Return whether nothing listens at a URL anymore, after a while."""
    begun = sandboxes.Started(url, 0, "", Path())
    return wait_until(lambda: not begun.is_running)


def collect(stream: Any, lines: list[bytes]) -> None:
    for line in stream:
        lines += [line]  # at once, for the test that waits for it


def test_sandbox_is_started_in_the_background_and_stopped(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("KNETIK_CLOUD_HOST", raising=False)
    database = tmp_path / "data.db"
    begun = spawn("sandbox", "start", "--port", "0", "--database", str(database), "--empty", "-o", "json")
    assert begun.returncode == 0, begun.stderr
    started = json.loads(begun.stdout)
    try:
        assert f"KNETIK_CLOUD_HOST={started['url']}" in begun.stderr.decode()
        status = json.loads(run("sandbox", "status", "-o", "json").text)  # found without --url
        assert (status["url"], status["version"]) == (started["url"], __version__)
        assert database.exists()
        listed = run("items", "list", "--host", started["url"], "-o", "json")
        assert listed.text == "[]\n"
    finally:
        stopped = run("sandbox", "stop")
    assert (stopped.code, stopped.err) == (0, f"Stopped {started['url']}.\n")
    assert ended(started["url"])
    assert not Path(started["log"]).exists()
    assert not list(Path(started["log"]).parent.iterdir())
    assert run("sandbox", "status", "--url", started["url"]).code == 6


def test_start_imports_nothing_from_the_current_folder(tmp_path: Path, run: Run) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('a module of the current folder')")
    words = [sys.executable, "-P", "-m", "knetik_cloud.cli", "sandbox", "start", "--port", "0", "-o", "json"]
    begun = subprocess.run(
        words, cwd=tmp_path, env=command_environment(), capture_output=True, timeout=60, check=False
    )
    assert begun.returncode == 0, begun.stderr
    assert run("sandbox", "stop", "--url", json.loads(begun.stdout)["url"]).code == 0


def test_start_reports_no_line_of_another_module_as_its_address(tmp_path: Path, run: Run) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('a module of the user', flush=True)")
    words = [sys.executable, "-m", "knetik_cloud.cli", "sandbox", "start", "--port", "0", "-o", "json"]
    environment = {**command_environment(), "PYTHONPATH": str(tmp_path)}
    begun = subprocess.run(words, env=environment, capture_output=True, timeout=60, check=False)
    assert begun.returncode == 0, begun.stderr
    url = json.loads(begun.stdout.partition(b"\n")[2])["url"]
    assert run("sandbox", "stop", "--url", url).code == 0


def test_start_in_a_zip_file_starts_the_package_in_that_file(tmp_path: Path, run: Run) -> None:
    package = tmp_path / "app" / "knetik_cloud"
    shutil.copytree(Path(knetik_cloud.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "version.py").write_text('__version__ = "1.99.0"')
    zipapp.create_archive(package.parent, tmp_path / "app.pyz", main="knetik_cloud.cli:main")
    words = [sys.executable, str(tmp_path / "app.pyz"), "sandbox", "start", "--port", "0", "-o", "json"]
    begun = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert begun.returncode == 0, begun.stderr
    url = json.loads(begun.stdout)["url"]
    try:
        assert json.loads(run("sandbox", "status", "--url", url, "-o", "json").text)["version"] == "1.99.0"
    finally:
        assert run("sandbox", "stop", "--url", url).code == 0


def test_all_data_is_in_the_file_when_the_stop_of_a_started_sandbox_returns(run: Run, tmp_path: Path) -> None:
    database, copied = tmp_path / "data.db", tmp_path / "copied.db"
    begun = spawn("sandbox", "start", "--port", "0", "--database", str(database), "-o", "json")
    assert begun.returncode == 0, begun.stderr
    started = json.loads(begun.stdout)
    try:
        assert run("items", "create", "--name", "Torch", "--host", started["url"]).code == 0
    finally:
        stopped = run("sandbox", "stop", "--url", started["url"].replace("127.0.0.1", "localhost"))
    shutil.copy(database, copied)
    assert (stopped.code, stopped.err) == (
        0,
        f"Stopped {started['url'].replace('127.0.0.1', 'localhost')}.\n",
    )
    assert not database.with_name("data.db-wal").exists()
    with closing(sqlite3.connect(copied)) as connection:
        assert "Torch" in str(connection.execute("SELECT * FROM items").fetchall())


def test_a_started_sandbox_without_its_control_api_is_stopped(run: Run) -> None:
    begun = spawn("sandbox", "start", "--port", "0", "--control", "off", "-o", "json")
    assert begun.returncode == 0, begun.stderr
    started = json.loads(begun.stdout)
    stopped = run("sandbox", "stop", "--url", started["url"])
    if stopped.code != 0:
        os.kill(started["pid"], signal.SIGKILL)
    assert (stopped.code, stopped.err) == (0, f"Stopped {started['url']}.\n")
    assert ended(started["url"])
    assert not list(Path(started["log"]).parent.iterdir())


def test_a_sandbox_runs_on_windows_as_long_as_its_log_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_open = True

    def rename(path: str, new: str) -> None:
        if is_open:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        os.rename(path, new)

    log = tmp_path / "a.log"
    log.touch()
    begun = sandboxes.Started("http://127.0.0.1:1", 1, str(log), tmp_path / "1.json")
    windows = SimpleNamespace(**{**vars(os), "name": "nt", "rename": rename})
    monkeypatch.setattr(sandboxes, "os", windows)
    assert not begun.has_ended
    is_open = False
    assert begun.has_ended
    log.unlink()
    assert begun.has_ended


def test_another_sandbox_without_a_control_api_is_not_stopped(run: Run) -> None:
    with Sandbox(control="off") as other:
        assert run("sandbox", "stop", "--url", other.url).code == 4
        assert run("items", "list", "--host", other.url).code == 0


def test_start_reports_that_a_database_with_data_ignores_the_seed(run: Run, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("users: [{username: kim}]")
    words = ("sandbox", "start", "--port", "0", "--database", str(tmp_path / "a.db"), "--seed", str(seed))
    for is_read in (True, False):
        begun = spawn(*words, "-o", "json")
        assert begun.returncode == 0, begun.stderr
        assert run("sandbox", "stop", "--url", json.loads(begun.stdout)["url"]).code == 0
        assert (f"--seed {seed} was not read" in begun.stderr.decode()) is not is_read


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes")
def test_interrupted_start_leaves_no_sandbox_behind(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    os.mkfifo(seed)
    words = [*KNETIK, "sandbox", "start", "--port", "0", "--seed", str(seed)]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with (
        subprocess.Popen(words, stderr=subprocess.DEVNULL, env=environment) as starting,
        open(seed, "wb", buffering=0) as pipe,  # which waits until the sandbox reads its seed
    ):
        starting.send_signal(signal.SIGINT)
        assert starting.wait(30) == -signal.SIGINT
        with pytest.raises(BrokenPipeError):
            pipe.write(b"users: []")
    assert list((tmp_path / "knetik" / "sandboxes").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has XDG_STATE_HOME")
def test_start_names_a_folder_that_it_cant_write_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    result = run("sandbox", "start", "--port", "0")
    assert result.code == 1
    assert result.error["message"].startswith(f"can't write {tmp_path / 'file'}")
    assert "XDG_STATE_HOME" in result.error["next_step"]
    windows = SimpleNamespace(**{**vars(os), "name": "nt"})
    monkeypatch.setattr(sandboxes, "os", windows)
    assert run("sandbox", "start").error["next_step"] == "Run `knetik sandbox`."


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/stdin")
def test_start_reads_a_seed_from_stdin_only_if_it_is_a_file(run: Run, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("users: [{username: kim}]")
    words = ("sandbox", "start", "--port", "0", "--seed", "/dev/stdin", "-o", "json")
    piped = spawn(*words, input=seed.read_bytes())
    assert piped.returncode == 2
    assert b"--seed can't be a pipe of this shell" in piped.stderr
    with seed.open("rb") as file:
        begun = json.loads(spawn(*words, stdin=file).stdout)
    with closing(Control(begun["url"])) as sandbox:
        assert [user["username"] for user in sandbox.get("/export")["users"]] == ["kim"]
    assert run("sandbox", "stop", "--url", begun["url"]).code == 0


HOLDER = "import sys; print(flush=True); sys.stdin.read()"


def test_the_end_of_a_sandbox_is_that_of_its_process_and_not_of_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "STOP_TIMEOUT", 0.2)
    begun = sandboxes.Started("http://127.0.0.1:1", os.getpid(), str(tmp_path / "log"), tmp_path / "1.json")
    with open(begun.log, "wb") as log:
        assert sandboxes._locked(log)
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(CommandError, match="did not end within") as raised:
            sandboxes.wait_for_end(begun.url, begun)
        assert begun.log in str(raised.value.next_step)
        process.kill()
    sandboxes.wait_for_end(begun.url, begun)  # although a process has its pid


def test_a_sandbox_that_does_not_end_is_an_error(
    server: RecordingServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "STOP_TIMEOUT", 0.2)
    server.responses = [http_response(204)]
    result = run("sandbox", "stop", "--url", server.url, "--errors", "text")
    assert result.code == 1
    assert f"the sandbox at {server.url} accepted the stop, but did not end" in result.err
    assert "Stopped" not in result.err


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A sandbox of another program, at the port that commands use by default."""
    with running_command() as (process, url):
        monkeypatch.setattr(commands, "DEFAULT_URL", url)
        monkeypatch.delenv("KNETIK_CLOUD_HOST", raising=False)
        yield url
        assert process.poll() is None


def test_stop_without_a_started_sandbox_stops_none(stranger: str, run: Run) -> None:
    result = run("sandbox", "stop", "--errors", "text")
    assert result.code == 1
    assert "no sandbox that `knetik sandbox start` has started is still running" in result.err
    assert f"knetik sandbox stop --url {stranger}" in result.err
    assert run("sandbox", "status").code == 0


def test_stop_ignores_another_sandbox_at_the_port_of_one_that_has_ended(
    stranger: str, run: Run, home: Path
) -> None:
    folder = sandboxes.state_path() / "sandboxes"
    folder.mkdir(parents=True)
    log = folder / "ended.log"
    log.touch()
    (folder / "ended.json").write_text(json.dumps({"url": stranger, "pid": os.getpid(), "log": str(log)}))
    result = run("sandbox", "stop", "--errors", "text")
    assert result.code == 1
    assert "has started is still running" in result.err


def test_the_environment_chooses_which_started_sandbox_is_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [
        json.loads(spawn("sandbox", "start", "--port", "0", "-o", "json").stdout)["url"] for _ in range(2)
    ]
    try:
        monkeypatch.setenv("KNETIK_CLOUD_HOST", urls[0])
        assert run("sandbox", "stop").err == f"Stopped {urls[0]}.\n"
        monkeypatch.delenv("KNETIK_CLOUD_HOST")
        assert run("sandbox", "stop").err == f"Stopped {urls[1]}.\n"
    finally:
        for each in sandboxes.running():
            run("sandbox", "stop", "--url", each.url)


def test_selection_of_a_started_sandbox_is_written(run: Run) -> None:
    begun = spawn("sandbox", "start", "--port", "0", "--select", "url", "-o", "json")
    assert begun.returncode == 0, begun.stderr
    url = json.loads(begun.stdout)
    assert run("sandbox", "stop", "--url", url).code == 0


@pytest.mark.parametrize("how", [["-o", "id"], ["--fields", "nothing"]])
def test_an_output_that_cant_be_written_is_rejected_before_anything_is_changed(
    how: list[str], sandbox: Sandbox, run: Run
) -> None:
    sandbox.freeze(1_800_000_000)
    for words in (
        ["start", "--port", "0"],
        ["clock", "advance", "1d"],
        ["clock", "set", "1900000000"],
        ["generate", "users=1"],
        ["tokens", "expire"],
        ["fail", "*", "--reset"],
        ["faults"],
        ["journal"],
        ["status"],
    ):
        result = run("sandbox", *words, *how)
        assert result.code == 2, words
        assert "-o id needs rows with an id" in result.err or "--fields has no field 'nothing'" in result.err
    assert sandbox.now() == 1_800_000_000
    assert sandbox.faults == []
    assert sandboxes.started() == []


def test_the_fields_of_each_result_are_known(sandbox: Sandbox, run: Run) -> None:
    run("items", "list")
    assert wait_until(sandbox.journal)
    for words, columns in (
        (["fail", "items get", "--status", "503"], control.FAULT),
        (["faults"], control.FAULT),
        (["journal"], control.EXCHANGE),
        (["status"], control.STATUS),
        (["clock"], control.CLOCK),
        (["clock", "advance", "1s"], control.CLOCK),
        (["clock", "freeze"], control.CLOCK),
        (["generate", "users=1", "entries=1"], control.AMOUNTS),
    ):
        assert set(run("sandbox", *words, "-o", "jsonl").rows("jsonl")[0]) == set(columns), words
    assert set(run("whoami", "-o", "jsonl").rows("jsonl")[0]) == set(WHO)


def test_the_database_is_not_in_the_process_list(tmp_path: Path, run: Run) -> None:
    database = tmp_path / "canary-password.db"
    begun = json.loads(
        spawn("sandbox", "start", "--port", "0", "--database", str(database), "-o", "json").stdout
    )
    try:
        if sys.platform != "linux":
            pytest.skip("processes are listed as Linux does")
        assert b"canary-password" not in Path(f"/proc/{begun['pid']}/cmdline").read_bytes()
    finally:
        run("sandbox", "stop", "--url", begun["url"])
        assert ended(begun["url"])


def test_sandbox_that_does_not_start_reports_the_reason(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    result = spawn("sandbox", "start", "--port", port, "--errors", "text")
    assert result.returncode == 1
    assert f"the sandbox did not start: can't listen on 127.0.0.1:{port}" in result.stderr.decode()


def test_sandbox_of_another_program_is_stopped(run: Run) -> None:
    with running_command() as (process, url):
        assert run("sandbox", "stop", "--url", url).code == 0
        assert process.wait(timeout=20) == 0


@pytest.mark.postgresql
def test_all_workers_are_stopped(run: Run, postgresql_url: str) -> None:
    with running_command("--workers", "2", "--database", postgresql_url) as (process, url):
        assert run("sandbox", "stop", "--url", url).code == 0
        assert process.wait(timeout=20) == 0
        assert ended(url)


def test_sandbox_inside_a_program_is_not_stopped_from_outside(sandbox: Sandbox, run: Run) -> None:
    result = run("sandbox", "stop", "--url", sandbox.url, "--errors", "json")
    assert result.code == 4
    assert "part of a program" in result.error["message"]
    assert run("sandbox", "status").code == 0


def test_the_reason_is_reported_even_if_the_log_is_still_open_on_windows(
    run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(path: Path, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    port = sandbox.url.rpartition(":")[2]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", reject)
        result = run("sandbox", "start", "--port", port)
    assert result.code == 1
    assert f"the sandbox did not start: can't listen on 127.0.0.1:{port}" in result.err


def test_the_reason_is_readable_in_every_locale(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")  # as the code page of Windows
    missing = tmp_path / "\u00fc"
    result = run("sandbox", "start", "--port", "0", "--database", str(missing / "x.db"), "--errors", "text")
    assert f"there is no folder {missing}" in result.err


def test_options_of_the_server_belong_to_start(run: Run) -> None:
    result = run("sandbox", "--port", "1", "status", "--errors", "text")
    assert result.code == 2
    assert "--port belongs after `knetik sandbox start`" in result.err


def test_time_is_moved(sandbox: Sandbox, run: Run) -> None:
    assert run("sandbox", "clock", "freeze", "2026-12-24T18:00:00Z").code == 0
    assert sandbox.now() == 1798135200
    assert json.loads(run("sandbox", "clock", "advance", "30d").text) == {"now": 1800727200.0, "frozen": True}
    run("sandbox", "clock", "advance", "--", "-1h")
    assert sandbox.now() == 1800723600
    for words in (["-1h"], ["-1.5h", "-o", "json"], ["-o", "json", "-30d"], ["-q", "-500ms"]):
        moved = run("sandbox", "clock", "advance", *words)
        assert moved.code == 0, moved.err
    assert sandbox.now() == 1800723600 - 9000 - 30 * 86400 - 0.5
    assert json.loads(moved.text) == {"now": sandbox.now(), "frozen": True}
    run("sandbox", "clock", "set", "1800000000")
    assert json.loads(run("sandbox", "clock").text) == {"now": 1800000000.0, "frozen": True}
    assert json.loads(run("sandbox", "clock", "resume").text)["frozen"] is False
    for words in (["set"], ["advance"], ["resume", "1"], ["advance", "soon"]):
        assert run("sandbox", "clock", *words).code == 2


def test_data_is_added_exported_kept_and_brought_back(new_sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("items:\n  - {id: 9, type_hint: entitlement, name: 2017-01-01}\n")
    assert run("sandbox", "snapshot", "before").code == 0
    assert run("sandbox", "seed", str(seed)).code == 0
    assert json.loads(run("items", "get", "9", "-o", "json").text)["name"] == "2017-01-01"
    exported = run("sandbox", "export").text
    assert "name: '2017-01-01'" in exported or "name: 2017-01-01" in exported
    assert run("sandbox", "snapshots", "-o", "json").rows("json") == [{"name": "before"}]
    assert run("sandbox", "restore", "before").code == 0
    assert run("items", "get", "9").code == 4
    assert run("sandbox", "seed", "-", input=exported).code == 0
    assert run("items", "get", "9").code == 0
    assert run("sandbox", "reset").code == 0
    assert run("items", "get", "9").code == 4
    assert run("sandbox", "restore", "nothing").code == 4
    assert run("sandbox", "seed", "-", input="planets: []").code == 4
    assert run("sandbox", "seed", "-", input="a: [").code == 2
    assert json.loads(run("sandbox", "wallet", "56").text) == {"USD": 250}


def test_options_before_a_subcommand_hold_for_it(sandbox: Sandbox, run: Run) -> None:
    sandbox.freeze(1_800_000_000)
    shown = run("sandbox", "--dry-run", "clock", "set", "1900000000")
    assert (shown.code, sandbox.now()) == (0, 1_800_000_000)
    assert run("sandbox", "--quiet", "reset").err == ""


@pytest.mark.parametrize("name", ["seed.jsonl", "seed.NDJSON"])
def test_json_lines_are_a_seed_also_for_a_running_sandbox(
    new_sandbox: Sandbox, run: Run, tmp_path: Path, name: str
) -> None:
    seed = tmp_path / name
    lines = [
        '{"inventory": {"user_id": 4, "item_id": 9}}',
        '{"users": {"id": 4, "username": "kim\u2028"}}',
        "",
        '{"items": {"id": 9, "type_hint": "entitlement", "name": "Torch"}}',
        '{"users": {"id": 5, "username": "lee"}}',
    ]
    seed.write_text("\n".join(lines), encoding="utf-8")
    result = run("sandbox", "seed", str(seed))
    assert result.code == 0, result.err
    found = new_sandbox.export()
    names = [user["username"] for user in found["users"] if user["id"] in (4, 5)]
    assert (names, found["inventory"][-1]["item_name"]) == (["kim\u2028", "lee"], "Torch")
    seed.write_text(json.dumps(found))  # as `export -o jsonl` writes it
    assert run("sandbox", "seed", str(seed)).code == 0
    assert new_sandbox.export() == found
    for line, says in (("{", "Expecting"), ("[]", "an object such as"), ('{"a": 1, "a": 2}', "occurs twice")):
        seed.write_text(f"{lines[0]}\n{line}\n")
        result = run("sandbox", "seed", str(seed), "--errors", "json")
        assert (result.code, f"{name}, line 2 can't be added: " in result.error["message"]) == (2, True)
        assert says in result.error["message"]


ESCAPED = r'{"items": [{"id": 9, "type_hint": "entitlement", "name": "\ud83d\ude00 Torch"}]}'


def test_a_seed_may_have_the_escapes_of_json(sandbox: Sandbox, run: Run) -> None:
    assert run("sandbox", "seed", "-", input=ESCAPED).code == 0
    assert json.loads(run("items", "get", "9", "-o", "json").text)["name"] == "\U0001f600 Torch"


@pytest.mark.parametrize("format", ["json", "jsonl", "yaml"])
def test_exported_data_is_a_seed_in_every_format(sandbox: Sandbox, run: Run, format: str) -> None:
    sandbox.seed({"items": [{"id": 9, "type_hint": "entitlement", "name": "\U0001f469\u200d\U0001f680"}]})
    exported = run("sandbox", "export", "-o", format)
    before = sandbox.export()
    sandbox.reset()
    seeded = run("sandbox", "seed", "-", input=exported.out)
    assert seeded.code == 0, seeded.err
    assert sandbox.export() == before


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("a: [", 2, "neither JSON nor YAML: while parsing"),
        ('a: !!int ""', 2, "neither JSON nor YAML"),
        ('{"a": ' * 100_000, 2, "neither JSON nor YAML: "),
        (ESCAPED.replace(r"\ude00", ""), 4, "a string that can't be stored"),
        ("users: []\nusers: []", 2, "- can't be added: 'users' occurs twice in an object"),
        ('{"users": [], "users": []}', 2, "- can't be added: 'users' occurs twice in an object"),
        (ESCAPED.replace("id", "name"), 2, "- can't be added: 'name' occurs twice in an object"),
    ],
)
def test_text_that_is_no_seed_is_rejected(
    sandbox: Sandbox, run: Run, text: str, code: int, says: str
) -> None:
    result = run("sandbox", "seed", "-", "--errors", "json", input=text)
    assert (result.code, says in result.error["message"]) == (code, True), result.err


@pytest.mark.parametrize("name", ["", ".", "..", "\udcff"])
@pytest.mark.parametrize("command", ["snapshot", "restore"])
def test_a_name_of_a_snapshot_that_no_url_can_contain_is_rejected(run: Run, command: str, name: str) -> None:
    result = run("sandbox", command, name, "--errors", "json")
    assert (result.code, result.error["type"]) == (2, "UsageError")
    assert result.error["message"].startswith(f"{name!r} can't be the name of a snapshot: choose one")


@pytest.mark.parametrize(
    ("name", "segment"),
    [("v1.0/rc", "v1.0%2Frc"), ("../reset", "..%2Freset"), ("%2F", "%252F"), ("a b?#", "a%20b%3F%23")],
)
def test_the_name_of_a_snapshot_is_one_segment_of_the_path(
    server: RecordingServer, run: Run, name: str, segment: str
) -> None:
    server.responses = [http_response(204)]
    assert run("sandbox", "restore", name, "--url", server.url).code == 0
    assert run("sandbox", "snapshot", name, "--url", server.url).code == 0
    path = f"/_sandbox/snapshots/{segment}"
    heads = [request.split(b"\r\n")[0].decode() for request in server.requests]
    assert heads == [f"POST {path}/restore HTTP/1.1", f"PUT {path} HTTP/1.1"]


def test_faults_are_armed_listed_and_cleared(sandbox: Sandbox, run: Run) -> None:
    run("sandbox", "fail", "items get", "--status", "503", "--times", "0", "--header", "Retry-After: 9")
    fault = sandbox.faults[0]
    assert (fault.operation, fault.status, fault.times) == ("get_entitlement_item", 503, None)
    assert fault.headers == {"Retry-After": "9"}
    assert run("items", "get", "56", "--retries", "0").error["retry_after"] == 9.0
    run("sandbox", "fail", "*", "--delay", "10ms")
    run("sandbox", "fail", "grant-user-entitlement", "--reset", "--applied")
    listed = run("sandbox", "faults", "-o", "jsonl").rows("jsonl")
    assert [row["operation"] for row in listed] == ["get_entitlement_item", "*", "grant_user_entitlement"]
    assert listed[0]["met"] == 1
    assert run("sandbox", "faults", "--clear").code == 0
    assert sandbox.faults == []
    assert run("sandbox", "fail", "nothing", "--reset").code == 4


@pytest.mark.parametrize(
    "words",
    [
        ["fail", "*", "--status", "503", "--header", "Retry-After: 1", "--header", "retry-after: 2"],
        ["generate", "users=1", "users=2"],
        ["generate", "users=1,users=2"],
    ],
)
def test_values_of_which_one_would_be_dropped_are_rejected(
    sandbox: Sandbox, run: Run, words: list[str]
) -> None:
    before = sandbox.export()
    assert run("sandbox", *words).code == 2
    assert sandbox.faults == []
    assert sandbox.export() == before


def test_tokens_are_ended(sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "client_secret_example")
    assert run("token", "get").code == 0
    assert json.loads(run("sandbox", "tokens", "expire").text) == {"expired": 1}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("clock advance inf", 2, "'inf' is not a duration"),
        ("clock advance NAN", 2, "'NAN' is not a duration"),
        ("fail get_entitlement_item --delay inf", 2, "'inf' is not a duration"),
        ("fail get_entitlement_item --delay 1e400", 2, "'1e400' is not a duration"),
        ("clock set nan", 4, "now must be epoch seconds"),
        ("clock freeze inf", 4, "now must be epoch seconds"),
    ],
)
def test_endless_times_are_rejected_by_name(
    words: str, code: int, message: str, sandbox: Sandbox, run: Run
) -> None:
    result = run("sandbox", *words.split(), "--errors", "json")
    assert result.code == code
    assert message in result.error["message"]


def test_tables_show_the_time_of_a_sandbox_as_an_instant(sandbox: Sandbox, run: Run) -> None:
    run("sandbox", "clock", "freeze", "1798135200.75")
    run("items", "get", "56")
    moment = "2026-12-24T18:00:00Z"
    assert f"now     {moment}" in run("sandbox", "clock", "-o", "table").text.splitlines()
    for words in (["status"], ["clock", "advance", "0s"], ["journal"]):
        assert moment in run("sandbox", *words, "-o", "table").text.split(), words
    assert json.loads(run("sandbox", "clock").text)["now"] == 1798135200.75
    assert run("sandbox", "journal", "-o", "jsonl").rows("jsonl")[-1]["time"] == 1798135200.75


def test_the_journal_is_shown_and_followed(sandbox: Sandbox, run: Run) -> None:
    run("items", "get", "56")
    run("items", "list")
    for name in ("get-entitlement-item", "items get"):
        shown = run("sandbox", "journal", "--operation", name, "-o", "jsonl").rows("jsonl")
        assert [row["operation"] for row in shown] == ["get_entitlement_item"]
    following = [*KNETIK, "sandbox", "journal", "-f", "-o", "jsonl", "--fields", "operation"]
    lines: list[bytes] = []
    with subprocess.Popen(following, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        reader = threading.Thread(target=collect, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            assert wait_until(lambda: len(lines) == 2)
            run("templates", "list")
            assert wait_until(lambda: len(lines) == 3)
        finally:
            process.terminate()
            reader.join(20)
    assert json.loads(lines[2]) == {"operation": "get_entitlement_templates"}
    assert run("sandbox", "journal", "--clear").code == 0
    assert run("sandbox", "journal", "-o", "json").text == "[]\n"


@pytest.mark.parametrize("more", [["--operation", "items get"], ["--follow"]])
def test_a_part_of_the_journal_is_not_cleared(more: list[str], sandbox: Sandbox, run: Run) -> None:
    run("items", "list")
    assert run("sandbox", "journal", "--clear", *more).code == 2
    assert len(sandbox.journal()) == 1


def test_following_continues_after_the_journal_is_emptied(sandbox: Sandbox, run: Run) -> None:
    sandbox.freeze()
    for _ in range(3):
        run("items", "get", "56")
    following = [*KNETIK, "sandbox", "journal", "-f", "-o", "jsonl", "--fields", "number,operation"]
    lines: list[bytes] = []
    with subprocess.Popen(following, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        reader = threading.Thread(target=collect, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            assert wait_until(lambda: len(lines) == 3)
            sandbox.clear_journal()
            run("templates", "list")
            assert wait_until(lambda: len(lines) == 4)
            sandbox.reset()
            for _ in range(4):  # more than there were before
                run("items", "list")
            assert wait_until(lambda: len(lines) == 8)
        finally:
            process.terminate()
            reader.join(20)
    shown = [tuple(json.loads(line).values()) for line in lines]
    assert shown[3] == (1, "get_entitlement_templates")
    assert shown[4:] == [(number, "get_entitlement_items") for number in (1, 2, 3, 4)]


CHANGES = [
    "stop",
    "reset",
    "restore",
    "snapshot",
    "generate users=1",
    "clock advance 1d",
    "clock resume",
    "fail * --reset",
    "faults --clear",
    "journal --clear",
    "tokens expire",
]


@pytest.mark.parametrize("words", CHANGES)
def test_changing_a_sandbox_elsewhere_needs_a_confirmation(run: Run, words: str) -> None:
    result: CommandResult = run("sandbox", *words.split(), "--url", "http://example.invalid")
    assert result.code == 2
    assert "--yes" in result.error["message"]
    sent = run("sandbox", *words.split(), "--url", "http://127.0.0.1:1", "--yes")
    assert sent.code == 6


@pytest.mark.parametrize("words", [words for words in CHANGES if words not in ("stop", "restore")])
@pytest.mark.parametrize("named", [None, "missing"])
def test_a_sandbox_is_changed_without_the_configuration_file(
    sandbox: Sandbox, run: Run, home: Path, words: str, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles_file(home, "[profiles" if named is None else "")
    monkeypatch.setenv("KNETIK_CLOUD_PROFILE", named or "")
    result = run("sandbox", *words.split())
    assert result.code == 0, result.err


def test_a_sandbox_is_stopped_without_the_configuration_file(run: Run, home: Path) -> None:
    profiles_file(home, "[profiles")
    with running_command() as (process, url):
        assert run("sandbox", "stop", "--url", url).code == 0
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "words", ["clock", "faults", "journal", "snapshots", "status", "wallet 56", "export"]
)
def test_reading_from_a_sandbox_elsewhere_needs_no_confirmation(
    run: Run, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_names = functools.partial(socket.getaddrinfo, flags=socket.AI_NUMERICHOST)
    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    assert run("sandbox", *words.split(), "--url", "http://example.invalid").code == 6


@pytest.mark.parametrize("url", ["http://0.0.0.0:1", "http://[::]:1", "http://localhost:1", "http://[::1]:1"])
def test_sandbox_on_all_addresses_is_on_this_machine(run: Run, url: str) -> None:
    assert run("sandbox", "reset", "--url", url).code == 6


def test_control_commands_wait_as_long_as_their_work_may_take() -> None:
    configuration = Control("http://127.0.0.1:1")._client.configuration
    assert isinstance(configuration.timeout, tuple)
    assert configuration.timeout[1] == configuration.deadline == 300
    assert configuration.max_json_values >= configuration.max_response_size / 2


def test_defect_of_a_sandbox_is_written_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with remarks(Settings(quiet=True)):
        try:
            raise ZeroDivisionError("\x1b[31m")
        except ZeroDivisionError:
            logging.getLogger("knetik_cloud.sandbox").exception("%s failed", "get_entitlement_item")
    written = capsys.readouterr().err.splitlines()
    assert written[:2] == ["get_entitlement_item failed", "Traceback (most recent call last):"]
    assert written[-1] == "ZeroDivisionError: \\x1b[31m"


def test_ended_sandboxes_are_no_longer_listed(home: Path) -> None:
    folder = sandboxes.state_path() / "sandboxes"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1, "log": "x"}))
    (folder / "2.json").write_text("{")
    assert sandboxes.running() == []
    assert os.listdir(folder) == []


def test_a_sandbox_that_another_command_forgets_meanwhile_is_ignored() -> None:
    folder = sandboxes.state_path() / "sandboxes"
    folder.mkdir(parents=True)
    (folder / "1.json").symlink_to("removed")  # it was there when the folder was listed
    assert sandboxes.started() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_started_sandboxes_are_looked_for_in_a_folder_that_cant_be_changed_or_read(mode: int) -> None:
    folder = sandboxes.state_path() / "sandboxes"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1, "log": "x"}))
    (folder / "2.json").write_text("{")
    folder.chmod(mode)
    command = [*WITHOUT_PRIVILEGES, *KNETIK, "sandbox", "stop"]
    result = subprocess.run(command, env=command_environment(), capture_output=True, timeout=60, check=False)
    folder.chmod(0o755)
    assert (result.returncode, b"has started is still running" in result.stderr) == (1, True), result.stderr
    assert sorted(os.listdir(folder)) == ["1.json", "2.json"]


def test_data_is_generated(sandbox: Sandbox, run: Run) -> None:
    result = run("sandbox", "generate", "users=20", "entries=300")
    assert result.code == 0, result.err
    assert json.loads(result.text) == {"users": 20, "entries": 300}
    listed = run("inventory", "list-all", "--inactive", "--all", "-o", "id")
    assert len(listed.text.split()) >= 300
    assert run("sandbox", "generate", "planets=1").code == 4
    assert run("sandbox", "generate", "users=99999999999").code == 4
    for number in ("many", "9" * 5000):
        assert run("sandbox", "generate", f"users={number}").code == 2
