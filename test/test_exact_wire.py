"""Every parameter of every operation goes where the contract says, driven by the contract itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

import knetik_cloud
from knetik_cloud import AccessTokenApi, ApiClient, UsersInventoryApi
from knetik_cloud.documents import load_document

from .conftest import RecordingServer, http_response

CONTRACT: dict[str, Any] = load_document(Path(knetik_cloud.__file__).parent / "openapi.yaml")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a $ref of the contract."""
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Any = CONTRACT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)


OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
    if method in ("get", "post", "put", "delete")
]
PARAMETERS = [
    pytest.param(
        method,
        path,
        operation,
        resolved(parameter),
        id=f"{operation['operationId']}-{resolved(parameter)['name']}",
    )
    for method, path, operation in OPERATIONS
    for parameter in operation.get("parameters", [])
]
AWKWARD = {"string": "a/b ?&=\u00e9%2F", "integer": 7, "boolean": True}


def call(client: ApiClient, operation: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Call an operation with its required parameters, taken from their examples, and these arguments."""
    api: Any = (
        UsersInventoryApi(client) if operation["tags"] == ["UsersInventory"] else AccessTokenApi(client)
    )
    required = {
        parameter["name"]: parameter["example"]
        for parameter in map(resolved, operation.get("parameters", []))
        if parameter.get("required")
    }
    body = operation.get("requestBody", {})
    if body.get("required") and "x-codegen-request-body-name" in operation:
        required[operation["x-codegen-request-body-name"]] = body["content"]["application/json"]["example"]
    getattr(api, operation["operationId"])(**{**required, **arguments})


def success(operation: dict[str, Any]) -> bytes:
    """Write the success that the contract describes, with its example."""
    status = min(code for code in operation["responses"] if code.startswith("2"))
    content = resolved(operation["responses"][status]).get("content")
    return http_response(int(status), b'{"content":[]}' if content else b"")


@pytest.mark.parametrize(("method", "path", "operation", "parameter"), PARAMETERS)
def test_parameter_is_sent_where_the_contract_specifies(
    method: str,
    path: str,
    operation: dict[str, Any],
    parameter: dict[str, Any],
    server: RecordingServer,
    client: ApiClient,
) -> None:
    server.responses = [success(operation)]
    name, value = parameter["name"], AWKWARD[resolved(parameter["schema"])["type"]]
    text = {True: "true"}.get(value, str(value)) if isinstance(value, bool) else str(value)

    call(client, operation, {name: value})

    sent_method, target, _ = server.requests[0].split(b"\r\n")[0].decode().split(" ")
    assert sent_method == method
    url = urlsplit(target)
    if parameter["in"] == "path":
        position = path.split("/").index(f"{{{name}}}")
        assert url.path.split("/")[position] == quote(text, safe="")
        assert len(url.path.split("/")) == len(path.split("/"))
        assert url.query == ""
    else:
        assert parse_qsl(url.query, strict_parsing=True) == [(name, text)]


@pytest.mark.parametrize(
    ("method", "operation"),
    [pytest.param(method, operation, id=operation["operationId"]) for method, _, operation in OPERATIONS],
)
def test_call_with_required_parameters_only_sends_nothing_else(
    method: str, operation: dict[str, Any], server: RecordingServer, client: ApiClient
) -> None:
    server.responses = [success(operation)]
    call(client, operation, {})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"?" not in head.split(b" ")[1]
    assert bool(body) == bool(operation.get("requestBody", {}).get("required"))
