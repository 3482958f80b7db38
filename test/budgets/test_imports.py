"""Modules that are loaded and threads that are started, counted in new interpreters."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ..conftest import RecordingServer

HEAVY = (
    "aiohttp", "asyncio", "certifi", "click", "concurrent", "dateutil", "difflib", "email", "http", "logging",
    "msgspec", "socket", "sqlalchemy", "ssl", "starlette", "urllib3", "yaml",
)  # fmt: skip
CLIENT = "import knetik_cloud; api = knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient())"


def in_fresh_interpreter(code: str) -> Any:
    """Run code that leaves its result in `result`."""
    program = f"import json, sys\n{code}\nprint(json.dumps(result))"
    result = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout)


def modules_after(statement: str) -> set[str]:
    code = f"before = set(sys.modules)\n{statement}\nresult = sorted(set(sys.modules) - before)"
    return set(in_fresh_interpreter(code))


def test_import_loads_the_names_without_their_modules() -> None:
    own = {name for name in modules_after("import knetik_cloud") if name.startswith("knetik_cloud")}
    assert own == {f"knetik_cloud{name}" for name in ("", ".apis", ".models", ".version")}


@pytest.mark.parametrize(
    "statement",
    [
        "import knetik_cloud",
        "import knetik_cloud.rest",
        "import knetik_cloud.exceptions",
        "from knetik_cloud.rest import ApiException",
        "from knetik_cloud import Configuration; Configuration()",
        "from knetik_cloud import EntitlementItem; EntitlementItem(name='x').to_json()",
        CLIENT,
    ],
)
def test_nothing_heavy_is_loaded_before_the_first_call(statement: str) -> None:
    loaded = {name.partition(".")[0] for name in modules_after(statement)}
    assert loaded.isdisjoint(HEAVY)


def test_first_call_loads_only_the_models_of_its_response(server: RecordingServer) -> None:
    client = CLIENT.replace("ApiClient()", f"ApiClient(knetik_cloud.Configuration({server.url!r}))")
    loaded = modules_after(f"{client}.get_user_inventory(1, 2)")
    models = {name for name in loaded if name.startswith("knetik_cloud.models.")}
    assert models == {"knetik_cloud.models.user_inventory_resource"}
    assert loaded.isdisjoint({"msgspec", "aiohttp", "dateutil", "asyncio"})


def test_no_thread_is_started_by_import_client_and_calls(server: RecordingServer) -> None:
    code = f"""
import os
import knetik_cloud
with knetik_cloud.ApiClient(knetik_cloud.Configuration({server.url!r})) as client:
    api = knetik_cloud.UsersInventoryApi(client)
    for _ in range(100):
        api.get_user_inventory(1, 2)
    import threading
    result = [threading.active_count(), len(os.listdir("/proc/self/task"))]
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("threads are counted as Linux lists them")
    assert in_fresh_interpreter(code) == [1, 1]
