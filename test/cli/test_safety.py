"""Over all commands: --dry-run sends nothing, and no secret is shown."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from knetik_cloud.cli import bodies, calls, tree
from knetik_cloud.cli.completion import SCRIPTS
from knetik_cloud.cli.descriptions import body_example
from knetik_cloud.cli.manual import roff
from knetik_cloud.cli.operation_commands import OperationCommand
from knetik_cloud.contract import Contract
from knetik_cloud.sandbox import Sandbox
from test.conftest import RecordingServer, http_response

from .conftest import KNETIK, Run, profiles_file, spawn

CANARY = "canary-7f3a9c51e2"
LEAVES = [leaf for leaf in tree.walk() if not leaf.children or leaf.words == ("sandbox",)]
EVERY = pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: "-".join(leaf.words))

ARGUMENTS: dict[str, list[str]] = {
    "sandbox seed": ["{folder}/seed.yaml"],
    "sandbox generate": ["users=1"],
    "sandbox wallet": ["56"],
    "sandbox tokens": ["expire"],
    "sandbox fail": ["items get", "--status", "503"],
    "bulk run": ["entitlements", "grant", "{folder}/rows.csv"],
    "bulk resume": ["{folder}/old.run"],
    "bulk status": ["{folder}/old.run"],
    "bulk report": ["{folder}/old.run"],
    "completion": ["bash"],
    "login": ["--secret-file", "{folder}/secret"],
}
"""The arguments of the commands that are not operations."""


def words_of(leaf: tree.Leaf, folder: Path) -> list[str]:
    """Return the words of a command with arguments that it takes."""
    words = list(leaf.words)
    if not isinstance(leaf.command, OperationCommand):
        return words + [word.format(folder=folder) for word in ARGUMENTS.get(" ".join(words), ())]
    operation = leaf.command.operation
    declared = Contract.load().operations[operation.id]
    words += [str(each.example) for each in declared.parameters if each.place == "path"]
    body = calls.body_of(operation)
    if body is not None:
        content = body_example(operation)
        words.append(str(content) if body.type in bodies.SCALARS else json.dumps(content))
    if leaf.words[0] == "export":
        words.append(str(folder / "exported.jsonl"))
    return words


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox, run: Run) -> Path:
    """The files that commands read, and the journal of a bulk run that has ended."""
    (tmp_path / "seed.yaml").write_text("items: [{id: 9, type_hint: entitlement, name: Lamp}]")
    (tmp_path / "rows.csv").write_text("user_id,entitlement_id\n3,56\n")
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    result = run(
        "bulk",
        "run",
        "entitlements",
        "grant",
        str(tmp_path / "rows.csv"),
        "--journal",
        str(tmp_path / "old.run"),
    )
    assert result.code == 0, result.err
    return tmp_path


class Watch:
    """Records what this process does to the outside: connections, processes, and files that it changes."""

    def __init__(self) -> None:
        self.is_on = False
        self.events: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in (
            "socket.connect",
            "socket.getaddrinfo",
            "subprocess.Popen",
            "os.system",
            "os.posix_spawn",
        ):
            self.events.append(f"{event} {arguments}")
        elif event == "open":
            path, mode, flags = arguments
            is_change = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if is_change and not _is_scratch(path):
                self.events.append(f"open {path} {mode}")
        elif event in ("os.remove", "os.rename", "os.mkdir", "shutil.rmtree") and not _is_scratch(
            arguments[0]
        ):
            self.events.append(f"{event} {arguments}")


def _is_scratch(path: Any) -> bool:
    """Return whether a path is in the temporary folder of a bulk run's planning, or compiled code.

    When that folder is removed, the paths are relative to it.
    """
    text = str(path)
    is_temporary = "knetik_bulk_" in text or (text.endswith(".rows") and os.sep not in text)
    return is_temporary or "__pycache__" in text or text == os.devnull or text.isdecimal()


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


def has_output(leaf: tree.Leaf) -> bool:
    return any("--output" in option.opts for option in leaf.options())


WRITING = pytest.mark.parametrize(
    "leaf", [*filter(has_output, LEAVES)], ids=lambda leaf: "-".join(leaf.words)
)


@WRITING
def test_the_output_is_checked_before_anything_is_done(
    leaf: tree.Leaf, folder: Path, run: Run, watch: Watch, server: RecordingServer, monkeypatch: Any
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", server.url)
    before = sorted(folder.rglob("*"))
    watch.events.clear()
    watch.is_on = True
    try:
        result = run(*words_of(leaf, folder), "--select", "[")
    finally:
        watch.is_on = False
    assert result.code == 2, result.err
    assert "isn't a JMESPath expression" in result.err
    assert (watch.events, server.requests) == ([], [])
    assert sorted(folder.rglob("*")) == before


@EVERY
def test_dry_run_does_nothing(
    leaf: tree.Leaf,
    folder: Path,
    sandbox: Sandbox,
    run: Run,
    watch: Watch,
    server: RecordingServer,
    monkeypatch: Any,
) -> None:
    words = words_of(leaf, folder)
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", CANARY)
    monkeypatch.setenv("KNETIK_CLOUD_HOST", server.url)
    if leaf.words == ("bulk", "resume"):
        monkeypatch.setenv("KNETIK_CLOUD_HOST", sandbox.url)
    sandbox.clear_journal()
    before = sorted(folder.rglob("*"))
    watch.events.clear()
    watch.is_on = True
    try:
        result = run(*words, "--dry-run", "-o", "json") if has_output(leaf) else run(*words, "--dry-run")
    finally:
        watch.is_on = False
    assert result.code == 0, result.err
    assert watch.events == []
    assert server.requests == []
    assert sandbox.journal() == []
    assert sorted(folder.rglob("*")) == before
    assert CANARY not in result.text + result.err
    assert result.out


@EVERY
def test_no_password_in_a_host_is_shown(leaf: tree.Leaf, folder: Path, run: Run, monkeypatch: Any) -> None:
    words = words_of(leaf, folder)
    url = f"http://kim:{CANARY}@example.invalid"
    monkeypatch.setenv("KNETIK_CLOUD_HOST", url)
    names = {name for option in leaf.options() for name in option.opts}
    ways = [["--dry-run"]]
    ways += [["--debug"], ["--host", url], ["--curl"]] if "--debug" in names else []
    ways += [[], ["--url", url]] if "--url" in names else []
    for way in ways:
        if not {*way} & {"--host", "--curl"} - names:
            result = run(*words, *way)
            assert CANARY not in result.text + result.err, way


def test_every_command_has_dry_run() -> None:
    for leaf in tree.walk():
        if not leaf.children:
            assert any("--dry-run" in option.opts for option in leaf.options()), leaf.name


OPERATIONS = [
    leaf for leaf in LEAVES if isinstance(leaf.command, OperationCommand) and leaf.words[0] != "export"
]


@pytest.mark.skipif(os.name == "nt", reason="the curl command is for the shells of Unix")
@pytest.mark.parametrize("leaf", OPERATIONS, ids=lambda leaf: "-".join(leaf.words))
def test_dry_run_curl_and_python_show_the_request_that_is_sent(
    leaf: tree.Leaf, tmp_path: Path, server: RecordingServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", server.url)
    monkeypatch.setenv("KNETIK_CLOUD_ACCESS_TOKEN", "token-1")
    words = words_of(leaf, tmp_path)
    if leaf.words == ("token", "get"):
        monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "s3cr et&")
    page = {
        "content": [],
        "total_elements": 0,
        "total_pages": 0,
        "access_token": "x",
        "token_type": "b",
        "expires_in": 1,
    }
    server.responses = [http_response(200, json.dumps(page).encode())]
    run(*words)
    sent = server.requests[-1]
    planned = json.loads(run(*words, "--dry-run", "-o", "json").text)
    head, _, body = sent.partition(b"\r\n\r\n")
    line = head.split(b"\r\n")[0].decode()
    assert line == f"{planned['method']} {planned['url'].removeprefix(server.url)} HTTP/1.1"
    if planned.get("body") is not None and leaf.words != ("token", "get"):
        assert json.loads(body) == planned["body"]
    if leaf.words != ("token", "get"):
        assert b"authorization: bearer token-1" in head.lower()
        assert planned["headers"]["Authorization"] == "Bearer ***"
    before = len(server.requests)
    curl = run(*words, "--curl").text
    python = run(*words, "--python").text
    assert len(server.requests) == before
    assert "token-1" not in curl + python + json.dumps(planned)
    subprocess.run(
        ["bash", "-c", f"{curl.strip()} -s -o {shlex.quote(str(tmp_path / 'out'))}"], check=True, timeout=60
    )
    assert same(server.requests[-1], sent)
    run_program(python)
    assert same(server.requests[-1], sent)
    assert len(server.requests) == before + 2


WITH_KEYS = [leaf for leaf in OPERATIONS if any("--once" in option.opts for option in leaf.options())]


def run_program(code: str) -> str:
    """Run a Python program, and return its output."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("leaf", WITH_KEYS, ids=lambda leaf: "-".join(leaf.words))
def test_python_sends_a_write_with_a_key_once(
    leaf: tree.Leaf, tmp_path: Path, sandbox: Sandbox, run: Run
) -> None:
    words = [*words_of(leaf, tmp_path), "--once", "order-17"]
    program = run(*words, "--python").text
    assert "key='order-17'" in program
    assert sandbox.journal() == []
    assert isinstance(leaf.command, OperationCommand)
    operation = leaf.command.operation.id
    sandbox.fail(operation, reset=True, applied=True)  # the first response is lost
    assert "<Outcome 'applied'" in run_program(program)
    assert len(sandbox.journal(operation)) == 1
    if leaf.words == ("entitlements", "use"):
        assert "<Outcome 'found'" in run_program(program)
        assert json.loads(run(*words, "-o", "json").text)["state"] == "found"
        assert len(sandbox.journal(operation)) == 1


def test_python_is_utf_8_in_every_locale(sandbox: Sandbox) -> None:
    words = ("inventory", "set-behavior-data", "3", "2", '{"note": "\u85ac"}', "--python")
    shown = spawn(*words, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert shown.returncode == 0, shown.stderr
    assert "\u85ac" in shown.stdout.decode()


def test_python_has_arguments_of_the_types_that_the_method_takes(run: Run) -> None:
    for id, written in (
        ("56", "56"),
        ("me", "'me'"),
        ("056", "'056'"),
        ("-1", "'-1'"),
        ("\u0665", "'\u0665'"),
        ("9" * 5000, f"'{'9' * 5000}'"),
    ):
        program = run("inventory", "get", "--python", "--", id, "1").text
        assert f"get_user_inventory({written}, 1)" in program


def same(first: bytes, second: bytes) -> bool:
    """Return whether two requests are the same, regardless of their sender."""
    found = []
    for request in (first, second):
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        wanted = (b"authorization", b"content-type", b"accept")
        headers = sorted(line for line in lines[1:] if line.split(b":")[0].lower() in wanted)
        is_form = b"x-www-form-urlencoded" in head
        content = sorted(body.replace(b"+", b"%20").split(b"&")) if is_form else body
        found.append((lines[0], [line.lower() for line in headers], content))
    return found[0] == found[1]


def placements(folder: Path, home: Path) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Iterate over the places that a secret comes from: their name, environment, and options."""
    yield "environment", {"KNETIK_CLOUD_CLIENT_SECRET": CANARY}, []
    yield "token", {"KNETIK_CLOUD_ACCESS_TOKEN": CANARY}, []
    yield "password", {"KNETIK_CLOUD_USERNAME": "u", "KNETIK_CLOUD_PASSWORD": CANARY}, []
    yield "file", {}, ["--token-file", str(folder / "secret")]
    helper = json.dumps(["cat", str(folder / "secret")])
    config = profiles_file(home, f'default_profile = "a"\n[profiles.a]\nhost = "HOST"\nhelper = {helper}\n')
    yield "helper", {"KNETIK_CLOUD_CONFIG": str(config)}, []


def echo(server: RecordingServer) -> None:
    """Let a server send the secret back in every way that it can."""
    body = {"code": 1, "request_id": CANARY, "result": [{"message": f"bad {CANARY}", "field": CANARY}]}
    server.responses = [
        http_response(400, json.dumps(body).encode(), f"X-Request-Id: {CANARY}", f"X-Echo: {CANARY}")
    ]


CALLING = [leaf for leaf in LEAVES if any("--token-file" in option.opts for option in leaf.options())]


@pytest.mark.parametrize("leaf", CALLING, ids=lambda leaf: "-".join(leaf.words))
def test_no_secret_is_shown_wherever_it_comes_from(
    leaf: tree.Leaf, folder: Path, home: Path, run: Run, server: RecordingServer, monkeypatch: Any
) -> None:
    for name, environment, options in placements(folder, home):
        if leaf.words == ("token", "get") and name == "file":
            continue
        if leaf.words == ("doctor",) and name in ("file", "helper"):
            continue  # its first request carries no secret, so no server could send one back
        with monkeypatch.context() as patched:
            for variable in ("KNETIK_CLOUD_HOST", *environment):
                patched.delenv(variable, raising=False)
            for variable, value in environment.items():
                patched.setenv(variable, value)
            if name == "helper":
                path = Path(environment["KNETIK_CLOUD_CONFIG"])
                path.write_text(path.read_text().replace("HOST", server.url))
            else:
                patched.setenv("KNETIK_CLOUD_HOST", server.url)
            words = words_of(leaf, folder)
            if leaf.words == ("bulk", "run"):
                words += ["--journal", str(folder / f"{name}.run")]
            if leaf.words == ("login",):
                words += ["--store", "file", "--host", server.url]
            for more in ([], ["--debug"], ["--errors", "text", "--debug"], ["--dry-run"]):
                echo(server)
                result = run(*words, *options, *more, "--retries", "0")
                assert CANARY not in result.text, (name, more)
                assert CANARY not in result.err, (name, more)


def test_no_completion_no_help_and_no_page_holds_a_secret(run: Run, home: Path, monkeypatch: Any) -> None:
    for variable in ("ACCESS_TOKEN", "CLIENT_SECRET", "PASSWORD"):
        monkeypatch.setenv(f"KNETIK_CLOUD_{variable}", CANARY)
    for leaf in tree.walk():
        assert CANARY not in run(*leaf.words, "--help").text
    assert all(CANARY not in script() for script in SCRIPTS.values())
    assert CANARY not in roff()


def test_no_option_takes_a_secret_from_the_command_line() -> None:
    secrets = {p.name for o in calls.by_id().values() for p in o.parameters if p.secret}
    assert secrets == {"client_secret", "password", "token", "refresh_token"}
    for leaf in LEAVES:
        for option in leaf.options():
            for name in option.opts:
                assert name.lstrip("-").replace("-", "_") not in {*secrets, "access_token"}, leaf.name
            if option.name in secrets:
                assert isinstance(option.type, click.Path)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed as Linux does")
def test_no_secret_is_in_the_process_list(
    folder: Path, home: Path, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = folder / "seen"
    listing = f"cat /proc/[0-9]*/cmdline | tr '\\0' ' ' > {seen}; cat {folder / 'secret'}"
    helper = json.dumps(["sh", "-c", listing])
    config = profiles_file(
        home, f'default_profile = "a"\n[profiles.a]\nhost = "{server.url}"\nhelper = {helper}\n'
    )
    monkeypatch.delenv("KNETIK_CLOUD_HOST")
    result = subprocess.run(
        [*KNETIK, "items", "list"],
        env={**os.environ, "KNETIK_CLOUD_CONFIG": str(config)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert CANARY.encode() not in result.stdout + result.stderr
    assert seen.exists(), result.stderr
    assert "knetik_cloud.cli" in seen.read_text()
    assert CANARY not in seen.read_text()
    assert any(CANARY.encode() in request for request in server.requests)  # it was used
