"""Fixtures of the shop's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shop import Shop

from knetik_cloud import ApiClient


@pytest.fixture(scope="session")
def knetik_sandbox_settings() -> dict[str, Any]:
    """Start the sandbox with the shop's own data."""
    return {"seed": Path(__file__).with_name("seed.yaml")}


@pytest.fixture
def shop(knetik_client: ApiClient) -> Shop:
    """A shop on a sandbox with its initial data."""
    return Shop(knetik_client, life_id=100, pass_id=101)
