"""The asyncio client has the surface of the synchronous one: names, parameters, documentation."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import Configuration, aio, api_client, paging, rest
from knetik_cloud.aio import api_client as aio_api_client
from knetik_cloud.aio import paging as aio_paging
from knetik_cloud.aio import rest as aio_rest
from knetik_cloud.apis import __all__ as CLASSES

from .service import Service

PAIRS = [
    *((getattr(knetik_cloud, name), getattr(aio, name)) for name in CLASSES),
    (api_client.ApiClient, aio.ApiClient),
    (api_client.Api, aio_api_client.Api),
    (rest.RESTResponse, aio_rest.RESTResponse),
    (paging.Pager, aio_paging.Pager),
]
STAYS_SYNCHRONOUS = {
    "data", "discard_connection", "distrust", "getheader", "getheaders", "headers", "pages",
    "set_default_header", "stream", "submit", "total", "with_options", "configuration",
}  # fmt: skip


def public(kind: type) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS, ids=lambda kind: kind.__name__)
def test_both_have_the_same_public_names(blocking: type, awaited: type) -> None:
    assert public(blocking).keys() == public(awaited).keys()


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS, ids=lambda kind: kind.__name__)
def test_methods_take_the_same_parameters(blocking: type, awaited: type) -> None:
    for name, method in public(blocking).items():
        twin = public(awaited)[name]
        if not callable(method) or name == "submit":
            continue
        ours, theirs = inspect.signature(method), inspect.signature(twin)
        assert list(ours.parameters) == list(theirs.parameters), name
        for parameter, counterpart in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
            assert (parameter.kind, parameter.default) == (counterpart.kind, counterpart.default), name


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS, ids=lambda kind: kind.__name__)
def test_methods_that_wait_are_coroutines(blocking: type, awaited: type) -> None:
    for name, method in public(awaited).items():
        is_synchronous = name in STAYS_SYNCHRONOUS or name.startswith("iter_") or not callable(method)
        assert inspect.iscoroutinefunction(method) is not is_synchronous, name


@pytest.mark.parametrize("name", CLASSES)
def test_generated_methods_are_typed_and_documented_alike(name: str) -> None:
    blocking, awaited = getattr(knetik_cloud, name), getattr(aio, name)
    for method_name, method in vars(blocking).items():
        if method_name.startswith("_"):
            continue
        twin = vars(awaited)[method_name]
        result = method.__annotations__.get("return")
        if method_name.startswith("iter_"):
            result = result.replace("knetik_cloud.Pager", "aio.Pager")
        assert {**method.__annotations__, "return": result} == twin.__annotations__
        ours, theirs = method.__doc__, twin.__doc__
        if method_name.startswith("iter_"):
            ours = ours.replace("threads", "tasks")
        assert ours.split() == theirs.split()


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )


def test_importing_the_package_does_not_import_asyncio() -> None:
    names = "knetik_cloud, knetik_cloud.UsersInventoryApi, knetik_cloud.filters, knetik_cloud.ApiClient"
    result = run(
        f"import knetik_cloud, sys; {names}; print([n for n in ('asyncio', 'socket') if n in sys.modules])"
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_base_install_is_enough_for_the_asyncio_client() -> None:
    code = "import sys; sys.modules['aiohttp'] = None\nfrom knetik_cloud import aio; print(aio.ApiClient)"
    assert "ApiClient" in run(code).stdout


def test_async_req_is_not_an_option() -> None:
    async def main() -> None:
        async with aio.UsersInventoryApi() as api:
            message = r"'async_req': run .* client\.submit\(method, \.\.\.\)\."
            with pytest.raises(TypeError, match=message):
                await api.get_user_inventory(56, 56, async_req=True)  # type: ignore[call-arg]

    asyncio.run(main())


def test_async_req_that_is_not_set_is_accepted() -> None:
    async def main() -> None:
        async with Service() as service, aio.ApiClient(Configuration(service.url)) as client:
            for value in (False, None):
                entry = await aio.UsersInventoryApi(client).get_user_inventory(56, 56, async_req=value)  # type: ignore[call-arg]
                assert entry.id == 56
                assert await client.call_api("/any", "GET", async_req=value) is None

    asyncio.run(main())
