"""The framework examples are short, type-check under mypy and pyright, and run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from knetik_cloud.sandbox import Sandbox
from test.polling import wait_until

FOLDER = Path(__file__).parent.parent / "examples" / "frameworks"
EXAMPLES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb"))
NOTEBOOK = FOLDER / "inventories.ipynb"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the environment of an example, and return it for its processes."""
    monkeypatch.setenv("KNETIK_CLOUD_HOST", sandbox.url)
    return dict(os.environ)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def send(url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a GET, or a POST with JSON, and return the status and the text."""
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@contextmanager
def running(
    command: list[str], environment: dict[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process while a test does."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=FOLDER, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, (folder / "log").read_text()
        try:
            send(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((folder / "log").read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_shorter_than_60_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_examples_type_check(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cells = nbformat.read(NOTEBOOK, 4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    notebook = tmp_path / "notebook.py"
    notebook.write_text("\n\n".join(code))
    files = [str(path) for path in (*EXAMPLES, notebook) if path.suffix == ".py"]
    cache = request.config.cache.mkdir("mypy-of-examples")  # for the next run
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), *files]
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *files]
    for command in (mypy, pyright):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def test_fastapi_app_accepts_and_returns_models(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "fastapi_app:app"]
    with running(command, environment, tmp_path) as process:
        wait_for(f"{url}/health", process, tmp_path)
        status, entry = send(f"{url}/users/56/entries/56")
        assert (status, json.loads(entry)["id"]) == (200, 56)
        assert json.loads(entry)["user"]["username"]
        assert send(f"{url}/users/56/grants", {"entitlement_id": 1}) == (204, "")
        status, problem = send(f"{url}/users/56/grants", {"entitlement_id": "x"})
        assert status == 422
        assert json.loads(problem)["detail"][0]["loc"] == ["body", "entitlement_id"]
        assert send(f"{url}/users/56/grants", {})[0] == 422
        status, problem = send(f"{url}/users/56/entries/9999")
        assert status == 404
        assert json.loads(problem)["request_id"]
        assert send(f"{url}/health") == (200, '"ok"')
        sandbox.fail("get_entitlement_items", status=503)
        status, problem = send(f"{url}/health")
        assert status == 503
        assert "has failed" in problem
        schemas = json.loads(send(f"{url}/openapi.json")[1])["components"]["schemas"]
    assert schemas["UserInventoryResource"]["properties"]["id"]["readOnly"] is True
    assert schemas["EntitlementGrantRequest"]["required"] == ["entitlement_id"]


def test_flask_app_runs_under_gunicorn_with_preloading(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--threads", "2"]
    command += ["--bind", f"127.0.0.1:{port}", "flask_app:app"]
    with running(command, environment, tmp_path) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health", process, tmp_path)
        for number in range(20):
            status, text = send(f"{url}/users/56/entries/56", **{"X-Correlation-Id": f"request-{number}"})
            assert status == 200, text
            assert json.loads(text)["id"] == 56
        assert send(f"{url}/users/56/entries/9999")[0] == 404
        assert send(f"{url}/health") == (200, "ok")
    sent = {exchange.headers.get("x-correlation-id") for exchange in sandbox.journal("get_user_inventory")}
    assert {f"request-{number}" for number in range(20)} <= sent


def test_celery_task_grants_once(environment: dict[str, str], sandbox: Sandbox, tmp_path: Path) -> None:
    settings = {
        "CELERY_BROKER_URL": f"sqla+sqlite:///{tmp_path / 'broker.db'}",
        "CELERY_RESULT_BACKEND": f"db+sqlite:///{tmp_path / 'results.db'}",
    }
    code = "from celery_tasks import grant\nprint([grant.delay(56, 56).get(60) for _ in range(2)])"
    sandbox.fail("grant_user_entitlement", status=503)
    sandbox.fail("grant_user_entitlement", status=429, times=3, headers={"Retry-After": "0"})
    command = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--concurrency", "2"]
    command += ["--loglevel", "INFO"]
    with running(command, environment | settings, tmp_path):
        # A task that is sent while the worker still creates its tables in the same database may be lost.
        assert wait_until(lambda: " ready." in (tmp_path / "log").read_text()), (tmp_path / "log").read_text()
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=FOLDER,
            env=environment | settings,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, f"{result.stderr}\n{(tmp_path / 'log').read_text()}"
    assert result.stdout.strip() == "['applied', 'applied']"


CREDENTIALS = {
    "KNETIK_CLOUD_CLIENT_ID": "shop",
    "KNETIK_CLOUD_CLIENT_SECRET": "of another service",
    "KNETIK_CLOUD_USERNAME": "kim",
    "KNETIK_CLOUD_PASSWORD": "of another service",
}


def test_quickstart_ignores_the_credentials_for_another_service() -> None:
    result = subprocess.run(
        [sys.executable, str(FOLDER.parent / "quickstart.py")],
        env={**os.environ, **CREDENTIALS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_notebook_runs_and_shows_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(FOLDER)}}).execute()
    shown = [
        output["data"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    pager, entry, frame, counts = shown
    assert "not read yet" in pager["text/html"]
    assert "<caption>UserInventoryResource</caption>" in entry["text/html"]
    assert "<table" in frame["text/html"]
    assert "active" in counts["text/plain"]
