"""Fields: the constructor, the three states, and what an assignment checks."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import Any

import pytest

from knetik_cloud import (
    ApiResponseError,
    ApiValueError,
    Behavior,
    EntitlementItem,
    FileGroupProperty,
    Item,
    Order,
    PropertyFieldListResource,
    SimpleUserResource,
    UserInventoryAddRequest,
    UserInventoryResource,
    VideoProperty,
    models,
)
from knetik_cloud.data.model import Model

from .library import Shelf


def test_constructor_accepts_keywords_only() -> None:
    with pytest.raises(TypeError):
        UserInventoryResource(56)  # type: ignore[call-arg, arg-type]


def test_constructor_leaves_none_out() -> None:
    assert UserInventoryResource(id=1, status=None).to_json() == '{"id":1}'


def test_model_can_be_built_empty_and_filled_in() -> None:
    request = UserInventoryAddRequest()
    assert request.to_json() == "{}"
    request.note, request.sku, request.skip_invoice = "n", "s", False
    assert request.to_json() == '{"note":"n","sku":"s","skip_invoice":false}'


def test_constructor_names_a_misspelled_field_and_a_suggestion() -> None:
    with pytest.raises(TypeError, match="no field 'item_nmae': did you mean 'item_name'"):
        UserInventoryResource(item_nmae="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="it has avatar_url, display_name, id, username"):
        SimpleUserResource(zzz=1)  # type: ignore[call-arg]


def test_assigning_a_misspelled_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        UserInventoryResource().item_nmae = "x"  # type: ignore[attr-defined]


def test_absent_null_and_value_are_three_states() -> None:
    entry = UserInventoryResource(id=1)
    assert entry.expires is None
    assert entry.to_json() == '{"id":1}'

    entry.expires = None
    assert entry.expires is None
    assert entry.to_json() == '{"id":1,"expires":null}'

    entry.expires = 5
    assert entry.expires == 5
    assert entry.to_json() == '{"id":1,"expires":5}'

    del entry.expires
    assert entry.expires is None
    assert entry.to_json() == '{"id":1}'
    del entry.expires


def test_absent_and_null_are_not_equal() -> None:
    assert UserInventoryResource.from_json("{}") != UserInventoryResource.from_json('{"id":null}')


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (UserInventoryResource, "id", "1"),
        (UserInventoryResource, "id", True),
        (UserInventoryResource, "id", 1.0),
        (UserInventoryResource, "id", 2**31),
        (UserInventoryResource, "id", -(2**31) - 1),
        (UserInventoryResource, "created_date", 2**63),
        (UserInventoryResource, "item_name", 5),
        (UserInventoryResource, "item_name", b"x"),
        (UserInventoryResource, "behavior_data", [1]),
        (UserInventoryResource, "behavior_data", {1: 2}),
        (UserInventoryResource, "user", "robin"),
        (UserInventoryResource, "user", Order()),
        (UserInventoryAddRequest, "skip_invoice", 1),
        (EntitlementItem, "tags", "season"),
        (EntitlementItem, "tags", [1]),
        (EntitlementItem, "tags", {"a": 1}),
        (EntitlementItem, "behaviors", [Order()]),
        (EntitlementItem, "additional_properties", ["x"]),
        (VideoProperty, "url", 5),
    ],
)
def test_assignment_checks_the_type_and_names_field_and_value(
    kind: type[Model], name: str, value: Any
) -> None:
    model = kind()
    before = model.to_json()
    with pytest.raises(ApiValueError, match=name):
        setattr(model, name, value)
    with pytest.raises(ApiValueError, match=name):
        kind(**{name: value})
    assert model.to_json() == before


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 10**400], ids=["nan", "inf", "-inf", "10**400"]
)
def test_assignment_rejects_floats_that_json_cannot_represent(value: float) -> None:
    kind, name = next(
        (getattr(models, model), field.name)
        for model in models.__all__
        for field in getattr(models, model)._fields.values()
        if field.expression == "float"
    )
    with pytest.raises(ApiValueError, match="finite"):
        setattr(kind(), name, value)


def test_assignment_checks_a_closed_enum_and_reading_does_not() -> None:
    entry = UserInventoryResource.from_json('{"status":"frozen","id":"x"}')
    assert entry.status == "frozen"
    assert entry.id == "x"  # type: ignore[comparison-overlap]
    with pytest.raises(ApiValueError, match="one of 'pending', 'active', 'inactive', not 'frozen'"):
        entry.status = "frozen"
    entry.status = None
    assert entry.to_json() == '{"status":null,"id":"x"}'


def test_edges_of_the_integer_ranges_can_be_assigned() -> None:
    entry = UserInventoryResource()
    for value in (2**31 - 1, -(2**31)):
        entry.id = value
        assert entry.id == value


def test_dict_may_be_assigned_where_a_model_is_expected_and_is_copied() -> None:
    given = {"id": 56, "username": "robin"}
    entry = UserInventoryResource(user=given)  # type: ignore[arg-type]
    assert isinstance(entry.user, SimpleUserResource)
    given["username"] = "marian"
    assert entry.user.username == "robin"


def test_assigned_model_is_the_one_that_is_read() -> None:
    user = SimpleUserResource(id=56)
    entry = UserInventoryResource(user=user)
    assert entry.user is user
    user.username = "robin"
    assert entry.to_json() == '{"user":{"id":56,"username":"robin"}}'


def test_subclass_may_be_assigned_where_its_base_is_expected() -> None:
    item = EntitlementItem(behaviors=[models.Consumable(max_use=3)])
    assert isinstance((item.behaviors or [])[0], Behavior)
    assert '"behaviors":[{"type_hint":"consumable","max_use":3}]' in item.to_json()


def test_read_only_fields_may_be_set_and_are_sent() -> None:
    assert UserInventoryResource.from_json('{"created_date":1}').to_json() == '{"created_date":1}'
    assert UserInventoryResource(created_date=1).created_date == 1


def test_field_that_shadows_a_builtin_is_underscored_and_keeps_its_wire_name() -> None:
    order = Order(_property="id", direction="ASC")
    assert order.to_json() == '{"property":"id","direction":"ASC"}'
    assert Order.from_json('{"property":"id"}')._property == "id"
    assert Order.from_dict({"_property": "id"}).to_json() == '{"property":"id"}'
    both = Order.from_dict({"property": "id", "_property": "name"})  # the latter is an unknown field
    assert (both._property, both.to_json()) == ("id", '{"property":"id","_property":"name"}')
    page = models.PageResourceEntitlementItem.from_dict({"sort": [{"_property": "id"}]})
    assert page.to_json() == '{"sort":[{"property":"id"}]}'


def test_models_define_neither_length_nor_truth_nor_a_hash() -> None:
    for name in models.__all__:
        kind = getattr(models, name)
        assert kind(), "an empty model is true, like any object"
        assert not hasattr(kind, "__len__")
        assert not hasattr(kind, "__bool__")
        with pytest.raises(TypeError):
            hash(kind())


def test_fields_named_like_methods_of_a_dict_are_fields() -> None:
    shelf = Shelf.from_json('{"items":[{"pages":3}],"keys":["a"],"copy":2,"values":1.5}')
    assert (shelf.items or [])[0].pages == 3
    assert (shelf.keys, shelf.copy, shelf.values) == (["a"], 2, 1.5)
    shelf.copy = 3
    assert copy.copy(shelf) == copy.deepcopy(shelf) == shelf
    assert shelf.to_json() == '{"items":[{"pages":3}],"keys":["a"],"copy":3,"values":1.5}'


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("simple_reference_resourceint", "SimpleReferenceResourceint"),
        ("o_auth2_resource", "OAuth2Resource"),
        ("page_resource_user_inventory_resource", "PageResourceUserInventoryResource"),
    ],
)
def test_modules_are_named_in_the_snake_case_of_their_class(module: str, name: str) -> None:
    assert import_module(f"knetik_cloud.models.{module}").__dict__[name] is getattr(models, name)


def test_errors_name_the_class_at_hand_and_not_the_base_that_declares_the_field() -> None:
    with pytest.raises(ApiValueError, match=r"^EntitlementItem\.behaviors\[0\] must be a Behavior or a dict"):
        EntitlementItem(behaviors=[5])  # type: ignore[list-item]
    with pytest.raises(ApiValueError, match=r"^EntitlementItem\.name must be a str"):
        EntitlementItem().name = 5  # type: ignore[assignment]
    with pytest.raises(ApiValueError, match=r"^Item\.name must be a str"):
        Item(name=5)  # type: ignore[arg-type]
    with pytest.raises(ApiResponseError, match=r"read: EntitlementItem\.behaviors should be a list, not 5"):
        _ = EntitlementItem.from_json('{"behaviors":5}').behaviors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nope", "the text isn't JSON: "),
        ("{" + " " * 5000, "the text isn't JSON: "),
        ("[]", "the text can't be read: EntitlementItem should be an object, not []"),
    ],
)
def test_text_that_is_not_an_object_is_not_called_a_response(text: str, message: str) -> None:
    with pytest.raises(ApiResponseError) as raised:
        EntitlementItem.from_json(text)
    assert (raised.value.reason or "").startswith(message)


def test_models_of_different_classes_are_never_equal() -> None:
    assert Order() != SimpleUserResource()
    assert Item.from_json("{}") != EntitlementItem.from_json("{}")
    assert Order() != {}


def test_nested_object_is_wrapped_once_and_edits_reach_the_json() -> None:
    entry = UserInventoryResource.from_json('{"user":{"id":56,"odd":1}}')
    assert entry.user is entry.user
    assert entry.user is not None
    entry.user.username = "robin"
    assert entry.to_json() == '{"user":{"id":56,"odd":1,"username":"robin"}}'


def test_model_that_holds_itself_by_type_can_be_nested() -> None:
    fields = PropertyFieldListResource.from_json('{"property_definition_fields":[]}')
    assert fields.property_definition_fields == []
    assert FileGroupProperty().files is None
