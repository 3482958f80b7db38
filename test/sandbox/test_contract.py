"""The sandbox follows the contract: it serves every operation and example, and its responses match."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator

from knetik_cloud.contract import FORM, JSON, Contract, Operation
from knetik_cloud.sandbox.operations import HANDLERS
from knetik_cloud.sandbox.schema import BodyCheck
from test.sandbox.web import Reply, Web

CONTRACT = Contract.load()
OPERATIONS = list(CONTRACT.operations.values())


def call_with_examples(web: Web, operation: Operation) -> Reply:
    """Call an operation with nothing but the contract's examples."""
    node = CONTRACT.document["paths"][operation.path][operation.method.lower()]
    path, query = operation.path, {}
    for parameter in map(CONTRACT.resolve, node.get("parameters", ())):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        else:
            query[parameter["name"]] = str(parameter["example"])
    content = node.get("requestBody", {}).get("content", {})
    body: dict[str, Any] = {}
    if JSON in content:
        body = {"body": json.dumps(content[JSON]["example"]).encode(), "headers": {"Content-Type": JSON}}
    if FORM in content:
        body = {"body": urlencode(content[FORM]["example"]).encode(), "headers": {"Content-Type": FORM}}
    return web.call(operation.method, path, query=query, **body)


def described(operation: Operation, reply: Reply) -> Iterator[str]:
    """Yield the differences between a response and the contract."""
    node = CONTRACT.document["paths"][operation.path][operation.method.lower()]
    response = CONTRACT.resolve(node["responses"][str(reply.status)])
    content = response.get("content", {})
    if JSON not in content or not reply.body:
        if reply.body:
            yield f"a body that is not described: {reply.body!r}"
        return
    schema = {**content[JSON]["schema"], "components": CONTRACT.document["components"]}
    yield from (error.message for error in OAS30Validator(schema).iter_errors(reply.json))


def test_every_operation_has_a_handler() -> None:
    assert set(HANDLERS) == set(CONTRACT.operations)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_the_contract_s_examples_succeed_on_fresh_data(web: Web, operation: Operation) -> None:
    reply = call_with_examples(web, operation)
    assert reply.status == operation.success, reply.body
    assert list(described(operation, reply)) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_errors_are_as_the_contract_describes_them(web: Web, operation: Operation) -> None:
    path = operation.path
    for parameter in operation.parameters:
        path = path.replace(f"{{{parameter.name}}}", "999999")
    reply = web.call(operation.method, path, query={"size": "x", "page": "0", "inactive": "?"})
    if reply.status >= 400:
        assert list(described(operation, reply)) == []


@pytest.mark.parametrize("name", [name for name in CONTRACT.schemas if "example" in CONTRACT.schemas[name]])
def test_the_contract_s_schema_examples_pass_our_checks(name: str) -> None:
    reference = {"$ref": f"#/components/schemas/{name}"}
    assert BodyCheck(CONTRACT).problems(reference, CONTRACT.schemas[name]["example"], name) == []


def test_read_only_fields_are_found_through_inheritance() -> None:
    assert CONTRACT.read_only_fields("EntitlementItem") == {"id", "created_date", "updated_date"}


def test_the_checks_are_valid_json_schema() -> None:
    check = BodyCheck(CONTRACT)
    for schema in check._plain_schemas.values():
        Draft202012Validator.check_schema({key: value for key, value in schema.items() if key != "$ref"})
