"""Fixtures for tests of code that uses the SDK: a sandbox in its first state, and clients for it.

pytest finds them because the SDK is installed. One server runs per session. The clients take neither
credentials nor proxies from the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from knetik_cloud import ApiClient, Configuration, aio
    from knetik_cloud.sandbox import Sandbox


@pytest.fixture(scope="session")
def knetik_sandbox_settings() -> dict[str, Any]:
    """Return the settings of the session's sandbox, as keywords of `Sandbox`. Override it to change them."""
    return {}


@pytest.fixture(scope="session")
def knetik_sandbox_server(knetik_sandbox_settings: dict[str, Any]) -> Iterator[Sandbox]:
    """Yield the session's sandbox, as the last test left it. Tests use `knetik_sandbox`."""
    # Imported here so that a session without such tests doesn't load the server.
    from knetik_cloud.sandbox import Sandbox

    with Sandbox(**knetik_sandbox_settings) as sandbox:
        yield sandbox


@pytest.fixture
def knetik_sandbox(knetik_sandbox_server: Sandbox) -> Sandbox:
    """Return a sandbox in its initial state: initial data, real time, no faults, an empty journal.

    If an earlier test stopped it, it is started again.
    """
    try:
        knetik_sandbox_server.reset()
    except RuntimeError:  # It doesn't run.
        knetik_sandbox_server.start().reset()
    return knetik_sandbox_server


@pytest.fixture
def knetik_configuration(knetik_sandbox: Sandbox) -> Configuration:
    """Return a `Configuration` for the sandbox. It has credentials only if the sandbox requires them.

    These are the id and the secret of the client in the sandbox's data that has the most permissions.
    """
    from knetik_cloud.sandbox.clients import without_credentials

    configuration = without_credentials(knetik_sandbox.url)
    if knetik_sandbox.settings.require_auth:
        known = [client for client in knetik_sandbox.export()["clients"] if client.get("client_secret")]
        if known:
            client = max(known, key=lambda each: len(each.get("permissions", ())))
            configuration.client_id = client["client_id"]
            configuration.client_secret = client["client_secret"]
    return configuration


@pytest.fixture
def knetik_client(knetik_configuration: Configuration) -> Iterator[ApiClient]:
    """Yield an `ApiClient` for the sandbox, which is closed after the test."""
    from knetik_cloud import ApiClient

    with ApiClient(knetik_configuration) as client:
        yield client


@pytest.fixture
def knetik_aio_client(knetik_configuration: Configuration) -> Iterator[aio.ApiClient]:
    """Yield a `knetik_cloud.aio.ApiClient` for the sandbox, which is closed after the test.

    It works in any event loop. A test that ends its own loop closes the client inside it, with
    `async with knetik_aio_client:`.
    """
    import asyncio
    import threading

    from knetik_cloud import aio

    client = aio.ApiClient(knetik_configuration)
    yield client
    # In a thread, since the test's own loop may still run in this one.
    closing = threading.Thread(target=lambda: asyncio.run(client.close()))
    closing.start()
    closing.join()
