"""Models are pydantic fields: validated, serialized without loss, and described as the contract says."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from knetik_cloud import models
from knetik_cloud.data.model import Model, field
from knetik_cloud.models import (
    Behavior,
    Consumable,
    EntitlementItem,
    Expirable,
    OAuth2Resource,
    Property,
    TextProperty,
    UserInventoryResource,
)
from test.models.documents import documents, model_class
from test.models.library import Branch

NAMES = sorted(models.__all__)
FEW = settings(max_examples=15)


class Order(BaseModel):
    """A pydantic model with a field of ours."""

    entry: UserInventoryResource
    items: list[EntitlementItem] = []


def compact(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def adapted(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def problems(kind: type[Any], document: Any) -> list[str]:
    """Validate a document, and return the places of its errors."""
    try:
        adapted(kind).validate_python(document)
    except ValidationError as error:
        return [".".join(map(str, one["loc"])) for one in error.errors()]
    return []


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_validated_and_serialized_without_loss(name: str) -> None:
    kind = model_class(name)
    adapter = adapted(kind)

    @FEW
    @given(documents(name))
    def check(document: dict[str, Any]) -> None:
        model: Model = kind.from_dict(document)
        text = model.to_json()
        if model._missing_fields(name) or is_of_another_type(kind, document):
            assert problems(kind, document)
            return
        for validated in (adapter.validate_json(text), adapter.validate_python(json.loads(text))):
            assert type(validated) is type(model)
            assert validated == model
            assert json.loads(adapter.dump_json(validated)) == json.loads(text)
            assert validated.to_json() == text
        assert adapter.dump_python(model) == json.loads(text)

    check()


def is_of_another_type(kind: type[Model], document: dict[str, Any]) -> bool:
    """Return whether the discriminator of a document for a subclass names a class that is not its own."""
    named = (kind._mapping or {}).get(document.get(kind._discriminator or "", ""))
    own = kind._discriminator_value
    return own is not None and named is not None and not issubclass(model_class(named), kind)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_models_have_valid_json_schemas(mode: Literal["validation", "serialization"]) -> None:
    adapters = [(name, mode, adapted(model_class(name))) for name in NAMES]
    schemas, definitions = TypeAdapter.json_schemas(adapters)
    assert len(schemas) == len(NAMES)
    assert len(definitions["$defs"]) == len(NAMES)
    Draft202012Validator.check_schema(definitions)


@pytest.mark.parametrize("name", NAMES)
def test_documents_match_the_json_schema_of_their_model(name: str) -> None:
    kind = model_class(name)
    validator = Draft202012Validator(open_enums(adapted(kind).json_schema(mode="serialization")))

    @FEW
    @given(documents(name))
    def check(document: dict[str, Any]) -> None:
        document = json.loads(kind.from_dict(document).to_json())
        if not problems(kind, document):
            validator.validate(document)

    check()


def open_enums(schema: Any) -> Any:
    """Leave out the enums, whose unknown values are accepted all the same."""
    if isinstance(schema, dict):
        return {name: open_enums(part) for name, part in schema.items() if name != "enum"}
    return [open_enums(part) for part in schema] if isinstance(schema, list) else schema


def test_bytes_come_out_as_they_came_in() -> None:
    text = '{"x-new":{"b":1,"a":[1,2.5,null,"é"]},"id":5,"expires":null,"user":{"zz":1,"id":3}}'.encode()
    adapter = TypeAdapter(UserInventoryResource)
    assert adapter.dump_json(adapter.validate_json(text)) == text


def test_values_of_other_libraries_come_out_as_they_are_sent() -> None:
    adapter = TypeAdapter(UserInventoryResource)
    entry = UserInventoryResource(behavior_data={"a": np.int64(3), "b": Decimal("1.50"), "c": np.bool_(True)})
    assert (
        adapter.dump_json(entry).decode() == entry.to_json() == '{"behavior_data":{"a":3,"b":1.5,"c":true}}'
    )
    assert adapter.dump_python(entry, mode="json") == json.loads(entry.to_json())
    assert adapter.dump_python(entry)["behavior_data"]["b"] == Decimal("1.50")
    entry = UserInventoryResource(behavior_data={"at": dt.date(2027, 1, 1)})
    assert adapter.dump_json(entry) == b'{"behavior_data":{"at":"2027-01-01"}}'


def test_model_is_passed_through_and_a_dict_is_copied() -> None:
    entry, given = UserInventoryResource(item_id=5), {"id": 5, "user": {"id": 3}}
    order = Order(entry=entry)
    assert order.entry is entry
    assert order.model_dump_json() == '{"entry":{"item_id":5},"items":[]}'
    order = Order.model_validate({"entry": given})
    assert order.entry.user is not None
    order.entry.user.id = 4
    assert given == {"id": 5, "user": {"id": 3}}


def test_unknown_values_are_kept_as_in_a_response() -> None:
    entry = TypeAdapter(UserInventoryResource).validate_python({"status": "of_another_age"})
    assert entry.status == "of_another_age"


def test_all_problems_are_reported_with_their_places() -> None:
    assert problems(UserInventoryResource, {"id": "a", "user": {"id": 2**31}, "expires": True}) == [
        "expires",
        "id",
        "user.id",
    ]
    assert problems(EntitlementItem, {"type_hint": "entitlement"}) == ["name"]
    assert problems(UserInventoryResource, [1]) == [""]
    for number in (float("nan"), float("inf")):
        assert problems(UserInventoryResource, {"x-new": [number]}) == [""]


def test_subclass_is_found_by_its_discriminator() -> None:
    adapter: TypeAdapter[Property] = TypeAdapter(Property)
    assert type(adapter.validate_python({"type": "text", "value": "x"})) is TextProperty
    assert type(adapter.validate_python({"type": "of_another_age", "value": 1})) is Property
    assert problems(Property, {"type": "text", "value": 1}) == ["text.value"]


def test_subclass_with_a_type_of_its_own_is_validated() -> None:
    class Mine(Behavior, discriminator_value="mine"):
        """A type that the contract doesn't have."""

    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Consumable | Mine, Field(discriminator="type_hint")])
    for kind in (Consumable, Mine):
        assert type(adapter.validate_json(kind().to_json())) is kind
    assert problems(Mine, {"type_hint": "consumable"}) == ["type_hint"]


@pytest.mark.parametrize("union", [Consumable | Expirable, Expirable | Consumable])
def test_subclass_is_found_in_a_union(union: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(union)
    by_field: TypeAdapter[Any] = TypeAdapter(Annotated[union, Field(discriminator="type_hint")])
    for kind in (Consumable, Expirable):
        text = kind().to_json()
        for found in (
            adapter.validate_json(text),
            by_field.validate_json(text),
            by_field.validate_python(kind()),
        ):
            assert type(found) is kind
    for wrong in ({"type_hint": "spendable"}, {"type_hint": 5}, {}):
        for either in (adapter, by_field):
            with pytest.raises(ValidationError):
                either.validate_python(wrong)


def test_subclass_has_each_type_that_selects_it(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("shop.models")
    monkeypatch.setitem(sys.modules, "shop.models", package)
    places = {"__module__": "shop.models.records"}
    mapping = {"record": "Record", "lp": "Record"}
    medium: Any = type(Model)(
        "Medium", (Model,), {**places, "kind": field("str")}, discriminator="kind", mapping=mapping
    )
    record: Any = type(Model)("Record", (medium,), places, discriminator_value="record")
    vars(package).update(__all__=["Medium", "Record"], Medium=medium, Record=record)
    for kind in mapping:
        for model in (medium, record):
            assert type(TypeAdapter(model).validate_python({"kind": kind})) is record
    with pytest.raises(ValidationError):
        TypeAdapter(record).validate_python({"kind": 5})


def test_subclass_keeps_an_unknown_type_and_rejects_that_of_another_one() -> None:
    document = {"type_hint": "of_another_age", "max_use": 3}
    assert TypeAdapter(Consumable).validate_python(document).to_dict()["type_hint"] == "of_another_age"
    assert problems(Consumable, {"type_hint": "expirable"}) == ["type_hint"]
    described = TypeAdapter(Consumable).json_schema()["properties"]["type_hint"]
    assert (described["type"], "const" in described, "enum" in described) == ("string", False, False)


def test_json_schema_has_the_descriptions_of_the_contract() -> None:
    schema = TypeAdapter(UserInventoryResource).json_schema()
    assert schema["title"] == "UserInventoryResource"
    assert schema["description"] == UserInventoryResource.__doc__
    assert schema["additionalProperties"] is True
    created = schema["properties"]["created_date"]
    assert created["readOnly"] is True
    assert created["anyOf"][0] == {"type": "integer", "format": "int64"}
    assert "epoch seconds" in created["description"]
    assert schema["properties"]["status"]["anyOf"][0]["enum"] == ["pending", "active", "inactive"]
    assert schema["properties"]["user"]["anyOf"][0] == {"$ref": "#/$defs/SimpleUserResource"}
    assert TypeAdapter(EntitlementItem).json_schema()["required"] == ["name", "type_hint"]


def test_model_that_contains_itself_is_described() -> None:
    tree = {"name": "a", "branches": [{"name": "b", "branches": [{"name": 1}]}]}
    assert problems(Branch, tree) == ["branches.0.branches.0.name"]
    branch = adapted(Branch).json_schema()["$defs"]["Branch"]["properties"]["branches"]
    assert branch["anyOf"][0]["items"]["anyOf"][0] == {"$ref": "#/$defs/Branch"}


def test_vars_returns_the_json_without_secrets() -> None:
    entry = UserInventoryResource.from_dict({"id": 5, "user": {"id": 3, "zz": [1]}, "x-new": 1})
    assert vars(entry) == {"id": 5, "user": {"id": 3, "zz": [1]}, "x-new": 1}
    token = OAuth2Resource(access_token="canary", expires_in="5")
    assert vars(token) == {"access_token": "***", "expires_in": "5"}


def test_fastapi_encodes_a_model_of_a_handler_without_annotations() -> None:
    entry = UserInventoryResource.from_dict({"id": 5, "user": {"id": 3}, "x-new": [1, None]})
    assert jsonable_encoder([entry]) == [{"id": 5, "user": {"id": 3}, "x-new": [1, None]}]


class Loose(BaseModel):
    """A pydantic model whose fields name no model of ours."""

    any: Any
    rows: list[Any] = []
    fields: dict[str, object] = {}


UNTYPED: list[Any] = [Any, object, dict, dict[str, Any], Loose]


@pytest.mark.parametrize("kind", UNTYPED, ids=str)
def test_model_in_a_value_of_no_type_is_serialized_without_secrets(kind: Any) -> None:
    entry = UserInventoryResource.from_dict({"id": 5, "user": {"id": 3}, "x-new": [1, None]})
    entry.behavior_data = {"a": np.int64(3), "b": Decimal("1.5")}
    sent = json.loads(entry.to_json())
    token = OAuth2Resource(access_token="canary", expires_in="5")
    value: Any = {"any": entry, "rows": [token], "fields": {"entry": entry}}
    expected = {"any": sent, "rows": [{"access_token": "***", "expires_in": "5"}], "fields": {"entry": sent}}
    adapter = adapted(kind)
    value = adapter.validate_python(value)
    assert json.loads(adapter.dump_json(value)) == expected
    assert adapter.dump_python(value, mode="json") == expected
    dumped = adapter.dump_python(value)
    assert dumped["any"] is entry
    assert dumped["rows"] == [token]


def test_declared_model_is_serialized_by_its_value() -> None:
    order = Order(entry=UserInventoryResource(id=5))
    assert order.model_dump_json(serialize_as_any=True) == '{"entry":{"id":5},"items":[]}'


def test_members_of_a_model_are_listed_without_pydantic() -> None:
    code = (
        "import inspect, sys, knetik_cloud as k\n"
        "entry = k.UserInventoryResource(item_id=1)\n"
        "assert ('item_id', 1) in inspect.getmembers(entry)\n"
        "assert not hasattr(entry, '__pydantic_serializer__')\n"
        "assert 'pydantic_core' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_imports_pydantic() -> None:
    code = (
        "import sys, knetik_cloud as k; [getattr(k, name) for name in k.__all__]\n"
        "k.UserInventoryResource(item_id=1).to_json()\n"
        "assert not any(name.startswith('pydantic') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_completion_offers_fields_and_not_legacy_names() -> None:
    offered = [name for name in dir(UserInventoryResource(item_id=1)) if not name.startswith("__")]
    assert set(UserInventoryResource._fields) <= set(offered)
    assert {"to_json", "to_dict", "expires_at"} <= set(offered)
    assert not {"swagger_types", "attribute_map"} & set(offered)
    assert not [name for name in offered if name.startswith("_")]


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=3))
def test_unknown_fields_survive(unknown: dict[str, Any]) -> None:
    document = {f"x-{name}": value for name, value in unknown.items() if name.isprintable()}
    adapter = TypeAdapter(UserInventoryResource)
    assert json.loads(adapter.dump_json(adapter.validate_python(document))) == document
