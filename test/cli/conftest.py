"""Runs commands in this process or in one of their own, with a configuration folder that is empty."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner

from knetik_cloud.cli.command import knetik
from knetik_cloud.sandbox import Sandbox
from test.sandbox.conftest import postgresql_url as postgresql_url

KNETIK = [sys.executable, "-m", "knetik_cloud.cli"]


class CommandResult(NamedTuple):
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode().replace("\r\n", "\n")  # as Windows writes it

    @property
    def error(self) -> dict[str, Any]:
        """The error that was written as JSON."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return found

    def rows(self, format: str) -> list[Any]:
        """Read the output back as rows of JSON values; those of CSV and tables are texts."""
        return READERS[format](self.out)


def _lines(out: bytes) -> list[str]:
    return out.decode().splitlines()


def _document(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read_table(out: bytes) -> list[Any]:
    """Read a table back by the positions of its columns, which begin two blanks after one another."""
    lines = _lines(out)
    if not lines:
        return []
    starts = [0] + [i for i in range(2, len(lines[0])) if lines[0][i - 2 : i] == "  " and lines[0][i] != " "]
    ends = [*(start - 2 for start in starts[1:]), None]
    cells = [[line[a:b].rstrip() for a, b in zip(starts, ends, strict=True)] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def read_object(out: bytes) -> dict[str, str]:
    """Read one object back, a line for each field."""
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in _lines(out))}


def _read_parquet(out: bytes) -> list[Any]:
    from pyarrow import parquet

    rows: list[Any] = parquet.read_table(io.BytesIO(out)).to_pylist() if out else []
    return rows


READERS: dict[str, Callable[[bytes], list[Any]]] = {
    "json": lambda out: _document(json.loads(out)) if out else [],
    "jsonl": lambda out: [json.loads(line) for line in _lines(out)],
    "csv": lambda out: list(csv.DictReader(io.StringIO(out.decode()))),
    "yaml": lambda out: _document(yaml.safe_load(out)) if out else [],
    "table": _read_table,
    "id": _lines,
    "parquet": _read_parquet,
}

Run = Callable[..., CommandResult]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, so that no profile of this machine is used."""
    path = tmp_path_factory.mktemp("home")
    windows = ("USERPROFILE", "APPDATA", "LOCALAPPDATA", "WIN_PD_OVERRIDE_LOCAL_APPDATA")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", *windows):
        monkeypatch.setenv(name, str(path))
    for name in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture
def run() -> Run:
    """Run a command in this process."""

    def run(*words: str, input: str | bytes | None = None) -> CommandResult:
        result = CliRunner().invoke(knetik, list(words), input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return CommandResult(result.exit_code, result.stdout_bytes, result.stderr)

    return run


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox in its first state, which commands use by default."""
    shared_sandbox.reset()
    monkeypatch.setenv("KNETIK_CLOUD_HOST", shared_sandbox.url)
    return shared_sandbox


@pytest.fixture
def new_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox of the test's own, without the snapshots of other tests, which survive a reset."""
    with Sandbox() as sandbox:
        monkeypatch.setenv("KNETIK_CLOUD_HOST", sandbox.url)
        yield sandbox


def spawn(*words: str, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own."""
    return subprocess.run([*KNETIK, *words], capture_output=True, timeout=60, check=False, **settings)


def profiles_file(home: Path, text: str) -> Path:
    """Write the configuration file, and name it in the environment."""
    path = home / "config.toml"
    path.write_text(text, encoding="utf-8")
    os.environ["KNETIK_CLOUD_CONFIG"] = str(path)
    return path


@pytest.fixture(autouse=True)
def _no_config_variable() -> Iterator[None]:
    yield
    os.environ.pop("KNETIK_CLOUD_CONFIG", None)
