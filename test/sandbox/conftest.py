"""Fixtures of the sandbox's tests: a server in its initial state, and separate databases."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web

POSTGRESQL = "KNETIK_TEST_POSTGRESQL_URL"
"""Names a PostgreSQL server whose user may create databases."""


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


@pytest.fixture
def web(sandbox: Sandbox) -> Iterator[Web]:
    client = Web(sandbox.url)
    yield client
    client.close()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The URL of a new PostgreSQL database, dropped after the test."""
    with new_postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def module_postgresql_url() -> Iterator[str]:
    """The URL of a new PostgreSQL database, dropped after the tests of a module."""
    with new_postgresql() as url:
        yield url


@contextmanager
def new_postgresql() -> Iterator[str]:
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip(f"{POSTGRESQL} names no PostgreSQL server")
    from sqlalchemy import create_engine, make_url, text

    name = f"knetik_test_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database on disk: an SQLite file, then PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "sandbox.db")
    return str(request.getfixturevalue("postgresql_url"))


@contextmanager
def running_command(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `python -m knetik_cloud.sandbox` on a free port. Yield the process and its URL."""
    command = [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=command_environment()
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"the command did not start: {process.communicate()[1]}")
        yield process, url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def command_environment() -> dict[str, str]:
    """The environment of a child process that is to find this project, installed or not."""
    root = str(Path(__file__).parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
