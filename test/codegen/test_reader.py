"""The generator rejects what it can't express, and names the place in the contract."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.contract import Contract
from codegen.reader import read_contract
from knetik_cloud.contract import ContractError

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
EPOCH = {"type": "integer", "x-epoch-seconds": True}
QUERY = {"name": "userId", "in": "query", "schema": {"type": "integer"}}


def contract_with(
    tmp_path: Path, operation: dict[str, Any], schemas: dict[str, Any] | None = None
) -> Contract:
    """Read a contract of one operation, `GET /things/{id}`, that is changed as told."""
    whole = {
        "operationId": "getThing",
        "tags": ["Things"],
        "x-retry": "safe",
        "responses": {"200": {"description": "It."}},
        **operation,
    }
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "paths": {"/things/{id}": {"parameters": [ID], "get": whole}},
        "components": {"schemas": schemas or {}},
    }
    path = tmp_path / "openapi.yaml"
    path.write_text(yaml.safe_dump(document))
    return read_contract(path)


@pytest.mark.parametrize(
    ("operation", "place", "message"),
    [
        ({"x-retry": "often"}, "get", "x-retry is 'often'; it has to be one of safe, idempotent, once"),
        ({"tags": ["A", "B"]}, "get", "has 2 tags"),
        ({"operationId": "close"}, "get", "operationId 'close' can't be the name of a method"),
        ({"operationId": "2nd"}, "get", "operationId '2nd' can't be the name of a method"),
        ({"operationId": "class"}, "get", "operationId 'class' can't be the name of a method"),
        ({"operationId": "_call"}, "get", "operationId '_call' can't be the name of a method"),
        ({"tags": ["1 thing"]}, "get", "its tag can't be the class '1ThingApi'"),
        ({"callbacks": {}}, "get", "'callbacks' can't be expressed"),
        ({"responses": {}}, "get", "declares no success response"),
        ({"responses": []}, "get/responses", "should be a mapping"),
        ({"parameters": {}}, "get/parameters", "should be a list"),
        ({"requestBody": None}, "get/requestBody", "should be a mapping"),
        (
            {"responses": {"200": {"content": {"text/plain": {}}}}},
            "get/responses/200",
            "has to be application/json",
        ),
        (
            {
                "responses": {
                    status: {"content": {"application/json": {"schema": {}}}} for status in ("200", "202")
                }
            },
            "get",
            "declares more than one success response with a body",
        ),
        (
            {"requestBody": {"content": {"application/json": {}}}, "x-codegen-request-body-name": "a"},
            "get/requestBody/content/application~1json",
            "'schema' is missing",
        ),
        ({"requestBody": {"content": {"text/xml": {}}}}, "get/requestBody", "has to have one content"),
        (
            {"requestBody": {"content": {"application/json": {"schema": {}}}}},
            "get",
            "x-codegen-request-body-name, the name of the body's parameter, is missing",
        ),
        (
            {"parameters": [{"name": "a", "in": "cookie", "schema": {"type": "string"}}]},
            "get/parameters/0",
            "a parameter in 'cookie'",
        ),
        (
            {"parameters": [{"name": "a", "in": "query", "schema": {"type": "array", "items": {}}}]},
            "get/parameters/0",
            "add `explode: false`",
        ),
        (
            {"parameters": [{"name": "a", "in": "query", "schema": {"type": "object"}}]},
            "get/parameters/0",
            "an object as a parameter",
        ),
        (
            {"parameters": [{"name": "a", "in": "query", "schema": {"type": "string", "format": "binary"}}]},
            "get/parameters/0/schema",
            "format 'binary'",
        ),
        ({"parameters": [{"$ref": "#/components/parameters/a"}]}, "get/parameters/0", "points nowhere"),
        ({"parameters": [{"$ref": "other.yaml#/a"}]}, "get/parameters/0", "points outside the contract"),
        (
            {"x-pagination": {"page": "p", "size": "s", "items": "i", "total": "t", "pages": "n"}},
            "get/x-pagination",
            "'p' is not a parameter",
        ),
        (
            {"parameters": [{"name": "id", "in": "query", "schema": {"type": "integer"}}]},
            "get/parameters/0",
            "its argument 'id' is also that of #/paths/~1things~1{id}/parameters/0",
        ),
        (
            {"parameters": [{**QUERY, "name": "1st"}]},
            "get/parameters/0",
            "its argument '1st' is not a name in Python",
        ),
        (
            {"parameters": [{**QUERY, "name": "_deadline"}]},
            "get/parameters/0",
            "its argument '_deadline' is also that of every method",
        ),
        (
            {"x-waiter": {"w": {"field": "f", "success": ["s"]}}, "parameters": [{**QUERY, "name": "sleep"}]},
            "get/parameters/0",
            "its argument 'sleep' is also that of the method that waits",
        ),
        (
            {"parameters": [{**QUERY, "in": "header", "name": "Content-Length"}]},
            "get/parameters/0",
            "'Content-Length' can't be sent as a header of a parameter",
        ),
        (
            {"parameters": [{**QUERY, "in": "header", "name": "X Y"}]},
            "get/parameters/0",
            "'X Y' can't be sent as a header of a parameter",
        ),
        (
            {
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "x-codegen-request-body-name": "self",
            },
            "get/requestBody",
            "its argument 'self' is also that of every method",
        ),
        (
            {"parameters": [QUERY, {**QUERY, "name": "user_id"}]},
            "get/parameters/1",
            "its argument 'user_id' is also that of #/paths/~1things~1{id}/get/parameters/0",
        ),
        ({"parameters": [QUERY, QUERY]}, "get/parameters/1", "'userId' in 'query' is listed twice"),
        (
            {
                "parameters": [QUERY],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "x-codegen-request-body-name": "user_id",
            },
            "get/requestBody",
            "its argument 'user_id' is also that of #/paths/~1things~1{id}/get/parameters/0",
        ),
        (
            {"parameters": [{**ID, "name": "other"}]},
            "get",
            "its path has the parameters ['id'], but ['id', 'other'] are declared",
        ),
        (
            {"parameters": [{**ID, "required": False}]},
            "get/parameters/0",
            "a parameter in the path has to be required",
        ),
        (
            {"responses": {"2XX": {"description": "It."}}},
            "get",
            "the success status '2XX' is not a number",
        ),
        ({"x-marker": "info"}, "get", "its x-marker 'info' is not a parameter of the operation"),
        ({"x-read-back": [{"list": "nothing"}]}, "get/x-read-back/0", "no operation is called 'nothing'"),
        ({"x-read-back": [{"list": "getThing"}]}, "get/x-read-back/0", "'getThing' has no x-pagination"),
        (
            {"x-waiter": {"thing_ready": {"field": "state", "success": ["on"], "list": "nothing"}}},
            "get/x-waiter/thing_ready",
            "no operation is called 'nothing'",
        ),
    ],
)
def test_unsupported_operations_are_rejected(
    tmp_path: Path, operation: dict[str, Any], place: str, message: str
) -> None:
    with pytest.raises(ContractError, match=re.escape(message)) as caught:
        contract_with(tmp_path, operation)
    assert str(caught.value).startswith(f"#/paths/~1things~1{{id}}/{place}: ")


@pytest.mark.parametrize(
    ("schemas", "place", "message"),
    [
        (
            {"A": {"properties": {"b": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}},
            "A/properties/b",
            "oneOf",
        ),
        ({"A": {"properties": {"b": {"type": "file"}}}}, "A/properties/b", "type 'file'"),
        ({"A": {"properties": {"b": {"properties": {}}}}}, "A/properties/b", "an object without a name"),
        (
            {"ThingResource": {"properties": {}}, "thing_resource": {"properties": {}}},
            "thing_resource",
            "its module 'thing_resource' is also that of #/components/schemas/ThingResource",
        ),
        ({"Page«A»": {"properties": {}}}, "Page«A»", "'Page«A»' can't be the name of a class"),
        ({"Pager": {"properties": {}}}, "Pager", "'Pager' can't be the name of a class"),
        ({"date": {"properties": {}}}, "date", "'date' can't be the name of a class"),
        ({"Import": {"properties": {}}}, "Import", "its module 'import' is not a name in Python"),
        (
            {"A": {"properties": {"1st": {}}}},
            "A/properties/1st",
            "its attribute '1st' is not a name in Python",
        ),
        ({"A": {"properties": {"_json": {}}}}, "A/properties/_json", "is also that of every model"),
        (
            {"A": {"properties": {"made": EPOCH, "made_date": EPOCH}}},
            "A/properties/made_date",
            "its attribute 'made_at' is also that of #/components/schemas/A/properties/made",
        ),
        (
            {"A": {"properties": {"made": {**EPOCH, "type": "string"}}}},
            "A/properties/made",
            "x-epoch-seconds is for integers",
        ),
        (
            {"A": {"properties": {"made": {**EPOCH, "x-instant": "to_dict"}}}},
            "A/properties/made",
            "x-instant 'to_dict' can't be the name of an attribute",
        ),
        (
            {"A": {"properties": {"userId": {}, "user_id": {}}}},
            "A/properties/user_id",
            "its attribute 'user_id' is also that of #/components/schemas/A/properties/userId",
        ),
        (
            {
                "A": {"allOf": [{"$ref": "#/components/schemas/B"}], "properties": {"userId": {}}},
                "B": {"properties": {"user_id": {}}},
            },
            "A/properties/userId",
            "its attribute 'user_id' is also that of #/components/schemas/B/properties/user_id",
        ),
        (
            {
                "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
                "B": {"allOf": [{"$ref": "#/components/schemas/A"}]},
            },
            "A",
            "inherits from itself",
        ),
        (
            {
                "A": {"properties": {"b": {"$ref": "#/components/schemas/B"}}},
                "B": {"$ref": "#/components/schemas/C"},
                "C": {"$ref": "#/components/schemas/B"},
            },
            "A/properties/b",
            "its references lead in a circle",
        ),
        (
            {
                "A": {
                    "properties": {"kind": {}},
                    "discriminator": {"propertyName": "knd", "mapping": {"a": "#/components/schemas/A"}},
                }
            },
            "A",
            "its discriminator 'knd' is not one of its properties",
        ),
        *(
            (
                {
                    "A": {
                        "properties": {"kind": {}},
                        "discriminator": {"propertyName": "kind", "mapping": {"b": f"#/x/{target}"}},
                    },
                    "B": {"properties": {}},
                },
                "A",
                f"its discriminator leads to {target!r}, which does not inherit from it",
            )
            for target in ("B", "C")
        ),
        (
            {"A": {"properties": {}, "required": ["b"]}},
            "A",
            "requires ['b'], which it does not declare itself",
        ),
        (
            {"A": {"properties": {}, "discriminator": {"propertyName": "a"}}},
            "A/discriminator",
            "its mapping of values to schemas is missing",
        ),
        (
            {"A": {"allOf": [{"$ref": "#/components/schemas/B"}, {"$ref": "#/components/schemas/C"}]}},
            "A",
            "inherits from more than one schema",
        ),
        (
            {"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"type": "string"}},
            "A",
            "its base 'B' is not an object schema",
        ),
    ],
)
def test_unsupported_schemas_are_rejected(
    tmp_path: Path, schemas: dict[str, Any], place: str, message: str
) -> None:
    with pytest.raises(ContractError, match=re.escape(message)) as caught:
        contract_with(tmp_path, {}, schemas)
    assert str(caught.value).startswith(f"#/components/schemas/{place}: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "operationId 'getThing' is also that of #/paths/~1a/get"),
        ({"operationId": "get_thing"}, "its method 'get_thing' is also that of #/paths/~1a/get"),
        (
            {"operationId": "get", "tags": ["things"]},
            "its class 'ThingsApi' is also that of the tag 'Things'",
        ),
    ],
)
def test_two_operations_of_one_name_are_rejected(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "openapi.yaml"
    contract_with(tmp_path, {})
    document = yaml.safe_load(path.read_text())
    operation = document["paths"].pop("/things/{id}")["get"]
    document["paths"] = {"/a": {"get": operation}, "/b": {"get": {**operation, **change}}}
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ContractError, match=re.escape(message)):
        read_contract(path)


@pytest.mark.parametrize("name", ["limit", "page_size", "prefetch", "deadline", "start_page"])
def test_a_filter_with_the_name_of_an_argument_of_the_pager_is_rejected(tmp_path: Path, name: str) -> None:
    parameters = [*PAGED["parameters"], {**QUERY, "name": name}]
    with pytest.raises(ContractError, match=f"its argument '{name}' is also that of the method that reads"):
        contract_with(tmp_path, {**PAGED, "parameters": parameters})


@pytest.mark.parametrize("name", ["getThing_with_http_info", "iter_thing"])
def test_an_operation_with_the_name_of_a_generated_method_is_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / "openapi.yaml"
    with pytest.raises(ContractError, match="there is no field 'i'"):
        contract_with(tmp_path, PAGED)
    document = yaml.safe_load(path.read_text())
    other = {**document["paths"]["/things/{id}"]["get"], "operationId": name}
    document["paths"]["/others/{id}"] = {"parameters": [ID], "get": other}
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ContractError, match=r"its method .* is also that of #/paths/~1others"):
        read_contract(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("paths:\n  /a: {}\n  /b: {}\n  /a: {}\n", "'/a' occurs twice in an object\n  in [^,]*, line 4"),
        ("paths: {\n", "while parsing a flow node\n.*\n  in [^,]*, line 2"),
    ],
)
def test_a_file_with_a_repeated_key_or_wrong_yaml_is_rejected(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    with pytest.raises(ContractError, match=f"^{re.escape(str(path))} can't be read: {message}"):
        read_contract(path)


def test_a_schema_with_the_name_of_the_class_of_a_tag_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="get: its tag can't be the class 'ThingsApi'"):
        contract_with(tmp_path, {}, {"ThingsApi": {"properties": {}}})


def test_a_reference_may_have_another_description_and_may_be_null(tmp_path: Path) -> None:
    reference = {"$ref": "#/components/schemas/B"}
    contract = contract_with(
        tmp_path,
        {},
        {
            "A": {
                "properties": {
                    "described": {"description": "Mine.", "allOf": [reference]},
                    "optional": {"oneOf": [reference, {"nullable": True, "enum": [None]}]},
                }
            },
            "B": {"description": "Theirs.", "properties": {}},
        },
    )
    described, optional = contract.schemas["A"].fields
    assert (described.type.expression, described.description) == ("B", "Mine.")
    assert optional.type.expression == "B"


def test_what_is_deprecated_is_described_as_such(tmp_path: Path) -> None:
    old = {"type": "string", "description": "Its color", "deprecated": True}
    contract = contract_with(
        tmp_path,
        {"description": "Reads it.", "deprecated": True, "parameters": [{**QUERY, "deprecated": True}]},
        {"A": {"description": "A thing.", "deprecated": True, "properties": {"color": old}}},
    )
    (operation,) = contract.operations
    assert operation.description == "Reads it.\n\nDeprecated: the service may remove it."
    assert operation.parameters[1].description == "Deprecated: the service may remove it."
    (field,) = contract.schemas["A"].fields
    assert field.description == "Its color. Deprecated: the service may remove it."
    assert contract.schemas["A"].description == "A thing. Deprecated: the service may remove it."


def test_dates_in_examples_stay_strings(tmp_path: Path) -> None:
    schemas = {"A": {"properties": {"day": {"type": "string", "format": "date", "example": "2017-08-01"}}}}
    path = tmp_path / "openapi.yaml"
    contract_with(tmp_path, {}, schemas)
    path.write_text(path.read_text().replace("'2017-08-01'", "2017-08-01"))
    assert read_contract(path).schemas["A"].fields[0].example == "2017-08-01"


@pytest.mark.parametrize("key", ["trace", "gett", "$ref"])
def test_a_path_has_only_methods_that_are_generated(tmp_path: Path, key: str) -> None:
    path = tmp_path / "openapi.yaml"
    contract_with(tmp_path, {})
    document = yaml.safe_load(path.read_text())
    document["paths"]["/things/{id}"][key] = document["paths"]["/things/{id}"].pop("get")
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ContractError, match=re.escape(f"#/paths/~1things~1{{id}}: {key!r} is not supported")):
        read_contract(path)


def test_a_path_declares_its_parameters(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    contract_with(tmp_path, {})
    path.write_text(path.read_text().replace("/things/{id}:", "/things/{thingId}:"))
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert str(caught.value) == (
        "#/paths/~1things~1{thingId}/get: its path has the parameters ['thingId'], but ['id'] are declared"
    )


def test_a_parameter_of_an_operation_replaces_that_of_its_path(tmp_path: Path) -> None:
    own = [{**ID, "description": "Mine."}, QUERY]
    (operation,) = contract_with(tmp_path, {"parameters": own}).operations
    assert [(each.name, each.description) for each in operation.parameters] == [
        ("id", "Mine."),
        ("user_id", ""),
    ]


def test_words_that_only_yaml_interprets_stay_strings(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    kept = {"type": "string", "enum": ["NO", "SE", "on", "Y"]}
    schemas = {"A": {"properties": {"on": kept, "off": {"type": "boolean", "default": True}}}}
    contract_with(tmp_path, {}, schemas)
    path.write_text(path.read_text().replace("'", ""))
    off, on = read_contract(path).schemas["A"].fields
    assert (off.wire, off.default) == ("off", True)
    assert (on.wire, on.enum) == ("on", ("NO", "SE", "on", "Y"))


PAGED: dict[str, Any] = {
    "x-pagination": {"page": "p", "size": "s", "items": "i", "total": "t", "pages": "n"},
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("p", "s", "owner")
    ],
}


@pytest.mark.parametrize(
    ("read_back", "message"),
    [
        ({"arguments": {"color": "red"}}, "'getThing' has no parameter 'color'"),
        ({"arguments": {"owner": "$user"}}, "'$user' refers to nothing; known are id, owner, p, s"),
        ({"arguments": {"owner": "$item.id"}}, "'$item.id' refers to nothing"),
        ({"match": {"note": "$marker"}}, "'$marker' refers to nothing"),
        ({"null_if": {"note": "$silent"}}, "'$silent' refers to nothing"),
    ],
)
def test_a_read_back_refers_to_parameters_that_exist(
    tmp_path: Path, read_back: dict[str, Any], message: str
) -> None:
    with pytest.raises(ContractError, match=re.escape(message)):
        contract_with(tmp_path, {**PAGED, "x-read-back": [{"list": "getThing", **read_back}]})
