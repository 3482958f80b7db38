"""The pytest plugin, as the tests of the example project use it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from test.sandbox.conftest import command_environment

PROJECT = Path(__file__).parents[2] / "examples" / "testing_with_the_sandbox"
PLUGIN = "knetik_cloud.sandbox.pytest_plugin"


def run_pytest(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with this plugin alone: the others of a developer's environment load slowly."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN, *options]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**command_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables},
        timeout=100,
        check=False,
    )


def test_the_example_project_s_tests_pass() -> None:
    run = run_pytest(PROJECT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "8 passed" in run.stdout


FAILING = """
import asyncio

import knetik_cloud
from knetik_cloud import aio


def test_call(knetik_client):
    knetik_cloud.UsersInventoryApi(knetik_client).get_user_inventory(56, 99999)


def test_list(knetik_client):
    list(knetik_cloud.UsersInventoryApi(knetik_client).iter_user_inventories(99999, prefetch=2))


def test_stream(knetik_client, knetik_sandbox):
    knetik_sandbox.fail("get_user_inventory", truncate=True)
    knetik_client.raw(knetik_cloud.UsersInventoryApi(knetik_client).get_user_inventory, 56, 56).read()


def test_awaited_call(knetik_aio_client):
    asyncio.run(aio.UsersInventoryApi(knetik_aio_client).get_user_inventory(56, 99999))


def test_awaited_list(knetik_aio_client):
    async def read():
        return [each async for each in aio.UsersInventoryApi(knetik_aio_client).iter_user_inventories(99999)]

    asyncio.run(read())


def test_awaited_stream(knetik_aio_client, knetik_sandbox):
    async def read():
        api = aio.UsersInventoryApi(knetik_aio_client)
        async with await knetik_aio_client.raw(api.get_user_inventory, 56, 56) as response:
            await response.read()

    knetik_sandbox.fail("get_user_inventory", truncate=True)
    asyncio.run(read())
"""


def test_failing_test_shows_only_its_own_lines_and_the_method_that_it_called(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILING)
    run = run_pytest(tmp_path, "--tb=short")
    assert "6 failed" in run.stdout, run.stdout + run.stderr
    shown = re.findall(r"knetik_cloud/(\S+)\.py:\d+: in (\w+)", run.stdout)
    assert sorted(set(shown)) == [
        ("aio/apis/users_inventory_api", "get_user_inventory"),
        ("aio/rest", "read"),
        ("apis/users_inventory_api", "get_user_inventory"),
        ("rest", "read"),
    ]


def test_one_server_serves_a_session_and_each_test_starts_with_fresh_data(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("settings", ["{}", "{'database': 'sandbox.db'}"])
def test_a_sandbox_that_a_test_stopped_runs_in_the_next_one(tmp_path: Path, settings: str) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def knetik_sandbox_settings():\n"
        f"    return {settings}\n"
        "@pytest.mark.parametrize('number', range(3))\n"
        "def test_outage(knetik_sandbox, knetik_client, number):\n"
        "    from knetik_cloud import ApiConnectionException, UsersInventoryApi\n"
        "    api = UsersInventoryApi(knetik_client)\n"
        "    api.delete_entitlement_item(56)\n"
        "    knetik_sandbox.stop()\n"
        "    with pytest.raises(ApiConnectionException):\n"
        "        api.get_entitlement_item(1, _retries=0)\n"
    )
    run = run_pytest(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_session_without_the_fixtures_does_not_load_the_server(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_light():\n    assert not {'starlette', 'sqlalchemy'} & set(sys.modules)\n"
    )
    run = run_pytest(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


CLIENTS = """
import asyncio
from knetik_cloud import UsersInventoryApi, aio

def test_blocking(knetik_client, knetik_sandbox):
    assert UsersInventoryApi(knetik_client).get_user_inventory(56, 56).id == 56
    check(knetik_sandbox)

def test_asyncio(knetik_aio_client, knetik_sandbox):
    async def main():
        async with knetik_aio_client as client:
            return await aio.UsersInventoryApi(client).get_user_inventory(56, 56)
    assert asyncio.run(main()).id == 56
    check(knetik_sandbox)

def test_unused(knetik_aio_client):
    pass
"""

ANONYMOUS = """
def check(sandbox):
    (exchange,) = sandbox.journal()
    assert exchange.operation == "get_user_inventory"
    assert not {"authorization", "proxy-authorization"} & set(exchange.headers)
"""

AUTHORIZED = """
import pytest

@pytest.fixture(scope="session")
def knetik_sandbox_settings():
    return {"require_auth": True}

def check(sandbox):
    assert [each.status for each in sandbox.journal()] == [200, 200]
    assert sandbox.journal()[1].headers["authorization"] == "Bearer ***"
"""

NOWHERE = ("KNETIK_CLOUD_HOST", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
ENVIRONMENTS: list[dict[str, str]] = [
    {},
    dict.fromkeys(NOWHERE, "http://127.0.0.1:9"),
    {"KNETIK_CLOUD_CLIENT_SECRET": "made-up", "KNETIK_CLOUD_CLIENT_ID": "other"},
    {"KNETIK_CLOUD_USERNAME": "made-up", "KNETIK_CLOUD_PASSWORD": "made-up"},
    {"KNETIK_CLOUD_USERNAME": "made-up"},
    {"KNETIK_CLOUD_ACCESS_TOKEN": "made-up"},
    {"KNETIK_CLOUD_ACCESS_TOKEN": "with a line break\n", "KNETIK_CLOUD_PASSWORD": "\udcff"},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: "+".join(each) or "none")
@pytest.mark.parametrize("check", [ANONYMOUS, AUTHORIZED], ids=["anonymous", "authorized"])
def test_clients_ignore_the_environment(tmp_path: Path, check: str, environment: dict[str, str]) -> None:
    (tmp_path / "test_it.py").write_text(check + CLIENTS)
    run = run_pytest(tmp_path, "-W", "error", **environment)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed" in run.stdout
