"""The contract: valid, complete, with examples that hold, and with the names that callers rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT4

from codegen import names
from codegen.contract import Contract, Operation
from codegen.reader import read_contract
from codegen.types import Type
from knetik_cloud.contract import Node
from knetik_cloud.documents import load_document

CONTRACT = Path(__file__).resolve().parents[2] / "knetik_cloud" / "openapi.yaml"

METHODS = {
    "add_item_to_user_inventory": "id user_inventory_add_request?",
    "check_user_entitlement_item": "user_id item_id sku?",
    "create_entitlement_item": "cascade? entitlement_item?",
    "create_entitlement_template": "template?",
    "delete_entitlement_item": "entitlement_id",
    "delete_entitlement_template": "id cascade?",
    "get_entitlement_item": "entitlement_id",
    "get_entitlement_items": "size? page? order?",
    "get_entitlement_template": "id",
    "get_entitlement_templates": "size? page? order?",
    "get_o_auth_token": "grant_type client_id client_secret? username? password? token? refresh_token?",
    "get_user_inventories": (
        "id inactive? size? page? "
        "filter_item_name? filter_item_id? filter_username? filter_group? filter_date?"
    ),
    "get_user_inventory": "user_id id",
    "get_user_inventory_log": "user_id id size? page?",
    "get_users_inventory": (
        "inactive? size? page? filter_item_name? filter_item_id? filter_username? filter_group? filter_date?"
    ),
    "grant_user_entitlement": "user_id grant_request",
    "update_entitlement_item": "entitlement_id cascade? entitlement_item?",
    "update_entitlement_template": "id template?",
    "update_user_inventory_behavior_data": "user_id id data?",
    "update_user_inventory_expires": "user_id id timestamp?",
    "update_user_inventory_status": "user_id id inventory_status?",
    "use_user_entitlement_item": "user_id item_id sku? info?",
}
"""The documented methods and their parameters in order, optional ones with a question mark."""

ADDED_METHODS = {"patch_entitlement_template": "id test_validation? template_patch_resource?"}
ADDED_PARAMETERS = {"get_entitlement_items": "filter_template? filter_name_search?"}
"""What later versions added: methods that come after the documented ones, parameters after theirs."""

RETURNS = {
    "add_item_to_user_inventory": "InvoiceResource | None",
    "create_entitlement_item": "EntitlementItem",
    "create_entitlement_template": "ItemTemplateResource",
    "get_entitlement_item": "EntitlementItem",
    "get_entitlement_items": "PageResourceEntitlementItem",
    "get_entitlement_template": "ItemTemplateResource",
    "get_entitlement_templates": "PageResourceItemTemplateResource",
    "get_o_auth_token": "OAuth2Resource",
    "get_user_inventories": "PageResourceUserInventoryResource",
    "get_user_inventory": "UserInventoryResource",
    "get_user_inventory_log": "PageResourceUserItemLogResource",
    "get_users_inventory": "PageResourceUserInventoryResource",
    "patch_entitlement_template": "ItemTemplateResource",
    "update_entitlement_template": "ItemTemplateResource | None",
}
"""What the documented methods return; the others return None."""

MODULES = (
    "audio_group_property audio_group_property_definition_resource audio_property "
    "audio_property_definition_resource behavior boolean_property boolean_property_definition_resource "
    "consumable date_property date_property_definition_resource discount double_property "
    "double_property_definition_resource entitlement_grant_request entitlement_item error_resource "
    "expirable file_group_property file_group_property_definition_resource file_property "
    "file_property_definition_resource formatted_text_property "
    "formatted_text_property_definition_resource fulfillable guest_playable image_group_property "
    "image_group_property_definition_resource image_property image_property_definition_resource "
    "integer_property integer_property_definition_resource invoice_item_resource invoice_resource item "
    "item_behavior_definition_resource item_template_resource limited_gettable limited_gettable_group "
    "list_property list_property_definition_resource long_property long_property_definition_resource "
    "map_property map_property_definition_resource o_auth2_resource order "
    "page_resource_entitlement_item page_resource_item_template_resource "
    "page_resource_user_inventory_resource page_resource_user_item_log_resource patch_action_resource "
    "patch_resource pre_req_entitlement "
    "price_overridable property property_definition_resource property_field_list_resource "
    "property_field_resource result simple_reference_resourceint simple_user_resource spendable "
    "text_property text_property_definition_resource time_period_gettable time_period_usable "
    "user_inventory_add_request user_inventory_resource user_item_log_resource video_group_property "
    "video_group_property_definition_resource video_property video_property_definition_resource"
)
"""The modules of models that programs import by name. Later versions may add others."""


@pytest.fixture(scope="module")
def document() -> Any:
    return load_document(CONTRACT)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract(CONTRACT)


def test_is_a_valid_openapi_document(document: Any) -> None:
    validate(document)


def test_has_the_documented_methods_with_their_parameters_in_order(contract: Contract) -> None:
    def signature(operation: Operation) -> str:
        return " ".join(p.name if p.required else f"{p.name}?" for p in operation.parameters)

    expected = {name: f"{spec} {ADDED_PARAMETERS.get(name, '')}".strip() for name, spec in METHODS.items()}
    assert {o.name: signature(o) for o in contract.operations} == expected | ADDED_METHODS
    names = [operation.name for operation in contract.operations_of("UsersInventory")]
    assert names[:21] == sorted(METHODS.keys() - {"get_o_auth_token"})


def test_methods_return_what_is_documented(contract: Contract) -> None:
    returned = {operation.name: operation.result for operation in contract.operations if operation.returns}
    assert returned == RETURNS


def test_classes_are_the_documented_ones(contract: Contract) -> None:
    by_tag = {operation.tag for operation in contract.operations}
    assert {names.class_name(tag) for tag in by_tag} == {"AccessTokenApi", "UsersInventoryApi"}
    assert [operation.name for operation in contract.operations_of("AccessToken")] == ["get_o_auth_token"]


def test_module_names_are_pinned(contract: Contract) -> None:
    modules = [schema.module for schema in contract.schemas.values()]
    assert modules == sorted(modules)
    assert set(MODULES.split()) <= set(modules)


def test_every_operation_declares_its_retry_class_and_its_permissions(document: Any) -> None:
    expected = {"get": "safe", "put": "idempotent", "delete": "idempotent", "post": "once", "patch": "once"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in expected:
                retry = "safe" if path == "/oauth/token" else expected[method]
                assert operation["x-retry"] == retry, operation["operationId"]
                assert isinstance(operation["x-permissions"], list), operation["operationId"]


def test_every_operation_declares_its_errors(contract: Contract) -> None:
    for operation in contract.operations:
        assert {"400", "401", "403", "404"} <= {failure.status for failure in operation.failures}, (
            operation.name
        )


def test_every_list_declares_its_paging(contract: Contract) -> None:
    for operation in contract.operations:
        response = contract.schemas.get(operation.returns.model or "") if operation.returns else None
        is_list = response is not None and {"content", "total_elements"} <= {
            field.wire for field in response.fields
        }
        assert bool(operation.pages) == is_list, operation.name
        if operation.pages and response:
            envelope = {operation.pages.items, operation.pages.total, operation.pages.pages}
            assert envelope <= {field.wire for field in response.fields}, operation.name
            sorts = any(parameter.name == "order" for parameter in operation.parameters)
            assert (operation.pages.order is not None) == sorts


def test_no_attribute_needs_another_name_to_keep_a_models_method(contract: Contract) -> None:
    for schema in contract.schemas.values():
        for field in schema.fields:
            assert names.snake_case(field.wire) not in names.MODEL_METHODS, f"{schema.name}.{field.wire}"


def test_the_only_attribute_with_another_name_than_its_property(contract: Contract) -> None:
    renamed = [
        (schema.name, field.wire, field.name)
        for schema in contract.schemas.values()
        for field in schema.fields
        if field.name != field.wire
    ]
    assert renamed == [("Order", "property", "_property")]


def operations_of(root: Node) -> Iterator[Node]:
    for _, path in root.entries("paths"):
        yield from (
            path.required_child(method)
            for method in path.value
            if method in ("get", "put", "post", "patch", "delete")
        )


def properties_of(schema: Node) -> Iterator[Node]:
    for part in (schema, *schema.elements("allOf")):
        if part.reference() is None:
            yield from (found for _, found in part.entries("properties"))


def examples(root: Node) -> Iterator[tuple[Node, Node]]:
    """Walk over all that owes an example, each with the schema that the example has to fit."""
    for _, schema in root.required_child("components").entries("schemas"):
        yield schema, schema
        yield from ((found, found) for found in properties_of(schema))
    for operation in operations_of(root):
        for parameter in (listed.resolved() for listed in operation.elements("parameters")):
            yield parameter, parameter.required_child("schema")
        bodies = [response.resolved() for _, response in operation.entries("responses")]
        bodies += [body.resolved() for body in (operation.find("requestBody"),) if body]
        for body in bodies:
            for _, media in body.entries("content"):
                yield media, media.required_child("schema")
                if media.pointer.endswith("urlencoded"):
                    yield from ((found, found) for found in properties_of(media.required_child("schema")))


def test_every_parameter_property_schema_and_body_has_a_valid_example(document: Any) -> None:
    registry: Registry[Any] = Registry().with_resource("urn:contract", DRAFT4.create_resource(document))
    faults = []
    for holder, schema in examples(Node(document, "#", document)):
        if "example" not in holder.value:
            faults.append(f"{holder.pointer}: no example")
            continue
        validator = OAS30Validator({"$ref": f"urn:contract{schema.pointer}"}, registry=registry)
        faults += [
            f"{holder.pointer}: {error.message}" for error in validator.iter_errors(holder.value["example"])
        ]
    assert faults == []


def test_examples_of_a_base_class_are_valid_for_the_subclass_that_they_name(
    contract: Contract, document: Any
) -> None:
    registry: Registry[Any] = Registry().with_resource("urn:contract", DRAFT4.create_resource(document))
    checked = set()

    def check(type_: Type, value: Any) -> None:
        if value is None:
            return
        if type_.is_model:
            schema = contract.class_for(contract.schemas[type_.name], value)
            reference = f"urn:contract#/components/schemas/{schema.name}"
            assert list(OAS30Validator({"$ref": reference}, registry=registry).iter_errors(value)) == []
            known = {field.wire: field for _, field in contract.all_fields(schema)}
            assert value.keys() <= known.keys(), f"an example of {schema.name} has a field that it lacks"
            checked.add(schema.name)
            for wire, inner in value.items():
                check(known[wire].type, inner)
        elif type_.inner:
            for inner in value.values() if type_.name == "dict" else value:
                check(type_.inner, inner)

    for schema in contract.schemas.values():
        check(schema.type, schema.example)
    families = {s.name for s in contract.schemas.values() if s.discriminator_value}
    assert families <= checked


def test_a_discriminator_names_every_class_of_its_family(contract: Contract) -> None:
    for schema in contract.schemas.values():
        if schema.base:
            assert schema.discriminator_value, f"{schema.name} is in no mapping"
        if schema.discriminator:
            for name in schema.discriminator.mapping.values():
                assert schema in list(contract.ancestors(contract.schemas[name])), name


def test_a_form_keeps_passwords_and_tokens_from_view(contract: Contract) -> None:
    (token_operation,) = contract.operations_of("AccessToken")
    assert [p.name for p in token_operation.secrets] == [
        "client_secret",
        "password",
        "token",
        "refresh_token",
    ]
    assert [p.python_default for p in token_operation.signature if p.required] == [
        "client_credentials",
        "knetik",
    ]


def test_instants_are_marked_as_epoch_seconds(contract: Contract) -> None:
    for schema in contract.schemas.values():
        for field in schema.fields:
            is_instant = field.wire in ("created_date", "updated_date", "log_date", "expires")
            assert not is_instant or field.epoch, f"{schema.name}.{field.wire}"
