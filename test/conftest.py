"""Fixtures of all tests: a clean environment, and a raw-socket server that records the bytes of requests."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
from knetik_cloud.sandbox import Sandbox
from test.listening import stop_listening

RunScript = Callable[[str], subprocess.CompletedProcess[str]]

# Hypothesis generates the same examples in each run, without a time limit: only changes make tests fail.
# `--hypothesis-profile random` generates new ones.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("suite"), derandomize=False)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs the comparisons of CPU times."""
    parser.addoption("--performance", action="store_true", help="run the tests marked performance")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the comparisons of CPU times unless they are requested, and run files of slow tests first.

    The comparisons need a quiet machine. With slow tests first, no worker ends with one while others wait.
    """
    items.sort(key=_is_in_a_quick_file)
    if not config.getoption("--performance"):
        for item in items:
            if "performance" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="a comparison of CPU times: run with --performance"))


def _is_in_a_quick_file(item: pytest.Item) -> bool:
    file = item.getparent(pytest.File)
    return file is None or file.get_closest_marker("slow") is None


def pytest_collection_finish() -> None:
    """Exempt the thousands of collected tests from each full garbage collection that a test runs."""
    gc.freeze()


def pytest_sessionstart() -> None:
    """Let tests send SIGINT, which a shell makes processes in the background ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put temporary files, those of examples in the documentation too, where pytest removes them later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        patch.setenv("TMPDIR", tempfile.tempdir or "")
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings and proxies of the machine out of the tests."""
    for name in list(os.environ):
        if name.startswith("KNETIK_CLOUD_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def frozen_heap() -> None:
    """Exempt what earlier modules left from each full garbage collection that the tests of a module run."""
    gc.collect()
    gc.freeze()


class RecordingServer:
    """Responds to each request with the next of its responses, repeats the last one, and keeps the bytes."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.responses: list[bytes] = [http_response(200, b"{}")]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            while head := _head(incoming):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head
                        if line.lower().startswith(b"content-length:")
                    ),
                    0,
                )
                self.requests.append(b"".join(head) + incoming.read(length))
                connection.sendall(self.responses.pop(0) if len(self.responses) > 1 else self.responses[0])

    def close(self) -> None:
        stop_listening(self._listener)
        self._thread.join(5)
        self._listener.close()


def _head(incoming: socket.SocketIO) -> list[bytes]:
    lines = []
    for line in incoming:
        lines.append(line)
        if line == b"\r\n":
            return lines
    return []


def http_response(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an HTTP response with a JSON body."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", *headers]
    if body:
        lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """A server on loopback that records requests."""
    recording = RecordingServer()
    yield recording
    recording.close()


@pytest.fixture
def client(server: RecordingServer) -> Iterator[ApiClient]:
    """A client of the recording server, without credentials."""
    with ApiClient(Configuration(host=server.url, user_agent="test", retries=0)) as api_client:
        yield api_client


@pytest.fixture
def api(client: ApiClient) -> UsersInventoryApi:
    """The inventory API over that client."""
    return UsersInventoryApi(client)


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Run a source as a script, warnings as errors, with KNETIK_CLOUD_HOST at a freshly seeded sandbox."""

    def run(source: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(source, encoding="utf-8")
        with Sandbox() as sandbox:
            return subprocess.run(
                [sys.executable, "-W", "error", str(script)],
                env={**os.environ, "KNETIK_CLOUD_HOST": sandbox.url, "PYTHONPATH": os.getcwd()},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

    return run
