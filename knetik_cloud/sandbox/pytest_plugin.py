"""Fixtures for tests of code that uses the SDK: a stand-in server, fresh for each test, and a client for it.

Installed with the SDK, and found by pytest. One server runs per session; each test gets its first state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from knetik_cloud import ApiClient
    from knetik_cloud.sandbox import Sandbox


@pytest.fixture(scope="session")
def knetik_sandbox_settings() -> dict[str, Any]:
    """Settings of the session's stand-in, by keyword of `Sandbox`; override it to start with others."""
    return {}


@pytest.fixture(scope="session")
def knetik_sandbox_server(knetik_sandbox_settings: dict[str, Any]) -> Iterator[Sandbox]:
    """The session's stand-in server, in whatever state the last test left it; tests take `knetik_sandbox`."""
    # Only here, so that a session without such tests doesn't load the server.
    from knetik_cloud.sandbox import Sandbox

    with Sandbox(**knetik_sandbox_settings) as sandbox:
        yield sandbox


@pytest.fixture
def knetik_sandbox(knetik_sandbox_server: Sandbox) -> Sandbox:
    """Yield a sandbox in its initial state: initial data, real time, no faults, an empty journal."""
    knetik_sandbox_server.reset()
    return knetik_sandbox_server


@pytest.fixture
def knetik_client(knetik_sandbox: Sandbox) -> Iterator[ApiClient]:
    """Yield an `ApiClient` for the sandbox, without credentials, which is closed after the test."""
    from knetik_cloud import ApiClient, Configuration

    with ApiClient(Configuration(host=knetik_sandbox.url)) as client:
        yield client
