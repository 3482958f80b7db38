"""Tools that look at the SDK (mocks, completion, `get_type_hints`) see what a call accepts."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing
from typing import Any
from unittest.mock import create_autospec

import jedi
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import knetik_cloud
from knetik_cloud import (
    ApiClient,
    Configuration,
    EntitlementItem,
    Hook,
    Pager,
    UserInventoryResource,
    UsersInventoryApi,
    aio,
    bulk,
    filters,
    hooks,
    sorting,
    waiting,
)

CLASSES: list[type[Any]] = [
    *(ApiClient, aio.ApiClient, Pager, aio.Pager, Configuration, Hook),
    *(hooks.Call, hooks.Attempt, hooks.TokenEvent, knetik_cloud.Health, knetik_cloud.ApiResponse),
    *(UsersInventoryApi, aio.UsersInventoryApi, UserInventoryResource, knetik_cloud.ApiException),
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_hints_of_every_public_method_resolve(kind: type[Any]) -> None:
    typing.get_type_hints(kind)
    for name, method in inspect.getmembers(kind, inspect.isroutine):
        if (name == "__init__" or not name.startswith("_")) and hasattr(method, "__annotations__"):
            typing.get_type_hints(method)


@pytest.mark.parametrize("module", [knetik_cloud, aio, aio.waiting, bulk, filters, sorting, waiting])
def test_hints_of_every_public_function_resolve(module: Any) -> None:
    for name in module.__all__:
        if inspect.isroutine(function := getattr(module, name)):
            typing.get_type_hints(function)


SEAL = """
from unittest.mock import create_autospec, seal
from knetik_cloud import Configuration, EntitlementItem, UserInventoryResource

for kind in (Configuration, EntitlementItem, UserInventoryResource):
    seal(create_autospec(kind, instance=True))
"""


def test_mock_of_a_class_with_descriptors_can_be_sealed() -> None:
    subprocess.run([sys.executable, "-c", SEAL], timeout=120, check=True)


@pytest.mark.parametrize("package", [knetik_cloud, aio])
def test_autospec_rejects_what_the_method_rejects(package: Any) -> None:
    mock = create_autospec(package.UsersInventoryApi, instance=True)
    for accepted in (
        mock.get_user_inventory(56, 57, _deadline=2.0),
        mock.get_users_inventory(filter_username="robin", _retries=0),
    ):
        if inspect.iscoroutine(accepted):
            accepted.close()
    for call in (
        lambda: mock.get_user_inventory(56, 57, _deadlin=2.0),
        lambda: mock.get_user_inventory(56),
        lambda: mock.get_users_inventory(filter_user="robin"),
        lambda: mock.get_user_inventory_with_http_info(56, 57, deadline=2.0),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(AttributeError):
        mock.get_inventory  # noqa: B018


@pytest.mark.parametrize(
    "name", [f"knetik_cloud{part}" for part in ("", ".aio", ".models", ".apis", ".bulk", ".sandbox")]
)
def test_completion_of_a_package_offers_its_names_and_not_our_imports(name: str) -> None:
    module = importlib.import_module(name)
    offered = {found for found in dir(module) if not found.startswith("__")}
    assert set(module.__all__) - {"__version__"} <= offered
    assert not offered & {"TYPE_CHECKING", "annotations", "import_module", "core", "wire", "_MODULES"}


def completions(source: str, **namespace: Any) -> set[str]:
    """Return what IPython offers at the end of a source."""
    shell = InteractiveShell.instance()
    completer = IPCompleter(shell=shell, namespace=namespace, use_jedi=False)
    with provisionalcompleter():
        return {found.text for found in completer.completions(source, len(source))}


def test_ipython_completes_options_and_fields() -> None:
    api = UsersInventoryApi(ApiClient(Configuration("http://127.0.0.1:1")))
    assert {"_deadline=", "_headers=", "user_id="} <= completions("api.get_user_inventory(", api=api)
    assert {"filter_username="} <= completions("api.get_users_inventory(filter", api=api)
    entry = UserInventoryResource()
    found = {text.lstrip(".") for text in completions("entry.", entry=entry)}
    assert {"status", "expires_at", "to_json"} <= found
    assert not found & {"swagger_types", "attribute_map"}
    assert {"status=", "item_id="} <= completions("Entry(", Entry=UserInventoryResource)


@pytest.mark.parametrize(("result", "name"), [("", "headers"), (".data", "expires_at")])
def test_editors_complete_the_result_of_a_variant(result: str, name: str) -> None:
    call = "knetik_cloud.UsersInventoryApi().get_user_inventory_with_http_info(1, 2)"
    offered = jedi.Script(f"import knetik_cloud\n{call}{result}.").complete()
    assert name in {found.name for found in offered}


def test_fields_and_settings_show_no_reference_to_their_class() -> None:
    for kind, name in ((EntitlementItem, "name"), (Configuration, "host")):
        assert "owner" not in dir(inspect.getattr_static(kind, name))
