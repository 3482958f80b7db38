"""Paths find their operations as the contract says."""

from __future__ import annotations

import pytest

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox.routing import Routes


@pytest.fixture(scope="module")
def routes() -> Routes:
    return Routes(Contract.load().operations.values())


def test_every_operation_is_found_by_its_path(routes: Routes) -> None:
    for operation in Contract.load().operations.values():
        path = operation.path.replace("{", "a").replace("}", "z")
        found = routes.find(path)
        assert found is not None
        assert found[0][operation.method] is operation
        assert found[1] == {
            name: f"a{name}z"
            for name in (part[1:-1] for part in operation.path.split("/") if part[:1] == "{")
        }


def test_literal_segment_is_never_an_id(routes: Routes) -> None:
    found = routes.find("/entitlements/templates")
    assert found is not None
    assert {operation.id for operation in found[0].values()} == {
        "get_entitlement_templates",
        "create_entitlement_template",
    }


@pytest.mark.parametrize(
    "path", ["/", "/users", "/users//inventory", "/users/1/inventory/", "/users/1/inventory/2/x"]
)
def test_other_paths_have_no_operation(routes: Routes, path: str) -> None:
    assert routes.find(path) is None
