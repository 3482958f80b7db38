"""The surface gate finds each type of breaking change, shown on copies of the package."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def surface() -> ModuleType:
    spec = importlib.util.spec_from_file_location("surface", ROOT / "scripts" / "surface.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHANGES = [
    pytest.param(
        "apis/users_inventory_api.py",
        r"def get_user_inventory\(",
        "def fetch_user_inventory(",
        "knetik_cloud.apis.UsersInventoryApi.get_user_inventory: Public object was removed",
        id="a renamed method",
    ),
    pytest.param(
        "apis/users_inventory_api.py",
        r"item_id: int \| str,",
        "item: int | str,",
        "Parameter was removed",
        id="a renamed parameter",
    ),
    pytest.param(
        "models/user_inventory_resource.py",
        r"    expires: int.*\n",
        "",
        "knetik_cloud.models.UserInventoryResource.expires: Public object was removed",
        id="a removed attribute of a model",
    ),
    pytest.param(
        "openapi.yaml",
        r"\n        expires:\n",
        "\n        expiry:\n",
        "contract: field expires of UserInventoryResource was removed",
        id="a removed field of the contract",
    ),
    pytest.param(
        "openapi.yaml",
        r"x-cli: items list",
        "x-cli: items ls",
        "contract: command of get_entitlement_items changed (items list -> items ls)",
        id="a renamed command",
    ),
    pytest.param(
        "openapi.yaml",
        r"get:(\n *operationId: get_entitlement_item\n)",
        r"head:\1",
        "contract: path of get_entitlement_item changed (GET /entitlements/{entitlement_id} -> HEAD",
        id="a changed path",
    ),
    pytest.param(
        "openapi.yaml",
        r"(\n *operationId: get_entitlement_template)\n",
        r"\1_by_id\n",
        "contract: operation get_entitlement_template was removed",
        id="a renamed operation",
    ),
    pytest.param(
        "openapi.yaml",
        r"name: filter_username\n",
        "name: filter_user\n",
        "contract: parameter filter_username of get_users_inventory was removed",
        id="a renamed parameter of the contract",
    ),
    pytest.param(
        "cli/sandbox.py",
        r'"--port"',
        '"--tcp-port"',
        "command: knetik sandbox --port was removed",
        id="a renamed option",
    ),
    pytest.param(
        "cli/command.py",
        r'"doctor": ',
        '"diagnose": ',
        "command: knetik doctor was removed",
        id="a renamed command that the contract lacks",
    ),
    pytest.param(
        "openapi.yaml",
        r"(operationId: use_user_entitlement_item[\s\S]*?)x-retry: once",
        r"\1x-retry: safe",
        "contract: retry class of use_user_entitlement_item changed (once -> safe)",
        id="a changed retry class",
    ),
    pytest.param(
        "cli/exits.py",
        r"DENIED = 3",
        "DENIED = 8",
        "knetik_cloud.cli.exits.Exit.DENIED: value changed (3 -> 8)",
        id="a changed exit code",
    ),
    pytest.param(
        "deadlines.py",
        r"def deadline\(seconds: float",
        "def deadline(limit: float",
        "knetik_cloud.deadline: Parameter was removed (seconds -> None)",
        id="a renamed parameter of a function that a package imports",
    ),
    pytest.param(
        "exceptions.py",
        r"class DeadlineExceeded\(ApiTimeoutException\)",
        "class DeadlineExceeded(ApiException)",
        "knetik_cloud.DeadlineExceeded no longer extends ApiTimeoutException",
        id="a changed base class",
    ),
    pytest.param(
        "bulk/__init__.py",
        r"import run as run\n",
        "import run as run_all\n",
        "knetik_cloud.bulk.run was removed",
        id="a renamed function of a package",
    ),
    pytest.param(
        "contrib/opentelemetry.py",
        r"class OpenTelemetryHook",
        "class SpanHook",
        "knetik_cloud.contrib.opentelemetry.OpenTelemetryHook was removed",
        id="a renamed class of an integration",
    ),
    pytest.param(
        "sandbox/pytest_plugin.py",
        r"def knetik_client\(",
        "def knetik_api_client(",
        "knetik_cloud.sandbox.pytest_plugin.knetik_client was removed",
        id="a renamed fixture",
    ),
    pytest.param(
        "configuration.py",
        r'default="knetik"',
        'default="sdk"',
        "setting: default of client_id changed ('knetik' -> 'sdk')",
        id="a changed default of a setting",
    ),
    pytest.param(
        "configuration.py",
        r"username: Text = Setting\(default=None, check=_text, env=True\)",
        "username: Text = Setting(default=None, check=_text)",
        "setting: username has no environment variable",
        id="a removed environment variable",
    ),
    pytest.param(
        "sandbox/control.yaml",
        r"/_sandbox/clock/advance:",
        "/_sandbox/clock/move:",
        "contract: path of advance_clock changed (POST /_sandbox/clock/advance -> POST /_sandbox/clock/move)",
        id="a changed path of the control API",
    ),
    pytest.param(
        "sandbox/control.yaml",
        r"snapshots: \{type: array",
        "names: {type: array",
        "contract: field snapshots of the result of list_snapshots was removed",
        id="a renamed key of the control API",
    ),
    pytest.param(
        "openapi.yaml",
        r"enum: \[pending, active, inactive\]",
        "enum: [pending, active]",
        "no longer takes inactive",
        id="a removed value of a body",
    ),
    pytest.param(
        "openapi.yaml",
        r"(operationId: get_user_inventory\n[\s\S]*?schemas/)UserInventoryResource",
        r"\1UserItemLogResource",
        "contract: result of get_user_inventory changed (UserInventoryResource -> UserItemLogResource)",
        id="a changed result",
    ),
    pytest.param(
        "openapi.yaml",
        r"(operationId: grant_user_entitlement\n[\s\S]*?schemas/)EntitlementGrantRequest",
        r"\1EntitlementItem",
        "body of grant_user_entitlement changed its type (EntitlementGrantRequest -> EntitlementItem)",
        id="a changed body",
    ),
    pytest.param(
        "cli/sandbox.py",
        r'default="127.0.0.1"',
        'default="0.0.0.0"',
        "command: default of knetik sandbox --host changed (127.0.0.1 -> 0.0.0.0)",
        id="a changed default of an option",
    ),
    pytest.param(
        "cli/sandbox.py",
        r'"--empty", is_flag=True',
        '"--empty"',
        "command: is_flag of knetik sandbox --empty changed (True -> False)",
        id="a flag that takes a value",
    ),
    pytest.param(
        "cli/options.py",
        r'"text", "json"',
        '"text"',
        "--errors no longer takes json",
        id="a removed value of an option",
    ),
]


@pytest.fixture(scope="module")
def found(surface: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The breaks between the package and a copy with all changes."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(
        ROOT / "knetik_cloud", folder / "knetik_cloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path, pattern, replacement, _ in (change.values for change in CHANGES):
        changed = folder / "knetik_cloud" / str(path)
        text, count = re.subn(str(pattern), str(replacement), changed.read_text(encoding="utf-8"))
        assert count, f"{pattern!r} is not in {path}"
        changed.write_text(text, encoding="utf-8")
    breaks: list[str] = surface.breaks(ROOT, folder)
    return breaks


@pytest.mark.parametrize("message", [pytest.param(change.values[3], id=change.id) for change in CHANGES])
def test_a_break_is_found(found: list[str], message: str) -> None:
    assert [each for each in found if message in each], found


def test_a_version_does_not_break_itself(surface: ModuleType) -> None:
    assert surface.breaks(ROOT, ROOT) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the last release comes from git")
def test_nothing_breaks_undeclared_since_the_last_release() -> None:
    result = subprocess.run(
        [sys.executable, "scripts/surface.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
