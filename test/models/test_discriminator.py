"""Discriminators: which class a JSON object is read as, and what a constructor fills in."""

from __future__ import annotations

import pytest

from knetik_cloud import (
    ApiValueError,
    Behavior,
    Consumable,
    EntitlementItem,
    Expirable,
    FileProperty,
    ImageProperty,
    Item,
    Property,
    models,
)
from knetik_cloud.data.model import Model

BASES = [getattr(models, name) for name in models.__all__ if "_mapping" in vars(getattr(models, name))]


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_every_value_of_a_mapping_names_its_class(base: type[Model]) -> None:
    for value, name in (base._mapping or {}).items():
        model = base.from_dict({base._discriminator or "": value})
        assert type(model).__name__ == name
        assert isinstance(model, base)


def test_constructor_of_a_subclass_fills_the_discriminator_in() -> None:
    assert Consumable().to_json() == '{"type_hint":"consumable"}'
    assert EntitlementItem().type_hint == "entitlement"


def test_reading_never_adds_the_discriminator() -> None:
    assert EntitlementItem.from_json('{"id":1}').to_json() == '{"id":1}'
    assert EntitlementItem.from_json('{"id":1}').type_hint is None


@pytest.mark.parametrize("value", ['"of_another_age"', "null", "5", '["consumable"]', '{"a":1}', '""'])
def test_unknown_value_is_read_as_the_declared_type_with_all_its_data(value: str) -> None:
    text = f'{{"type_hint":{value},"max_use":3}}'
    behavior = Behavior.from_json(text)
    assert type(behavior) is Behavior
    assert behavior.to_json() == text


def test_absent_discriminator_is_read_as_the_declared_type() -> None:
    assert type(Behavior.from_json('{"max_use":3}')) is Behavior


def test_class_outside_the_declared_family_is_read_as_the_declared_type() -> None:
    text = '{"type_hint":"expirable","max_use":3}'
    assert type(Consumable.from_json(text)) is Consumable
    assert Consumable.from_json(text).max_use == 3
    assert type(Behavior.from_json(text)) is Expirable
    assert type(FileProperty.from_json('{"type":"text","value":"x"}')) is FileProperty


def test_declared_subclass_is_narrowed_inside_its_own_family() -> None:
    assert type(FileProperty.from_json('{"type":"image"}')) is ImageProperty
    assert type(Property.from_json('{"type":"image"}')) is ImageProperty


def test_rows_of_one_list_are_each_of_their_own_class() -> None:
    item = Item.from_json('{"behaviors":[{"type_hint":"consumable"},{"type_hint":"expirable"},{}]}')
    assert [type(row) for row in item.behaviors or ()] == [Consumable, Expirable, Behavior]


def test_changed_discriminator_is_sent_and_the_object_keeps_its_class() -> None:
    behavior = Consumable(max_use=3)
    behavior.type_hint = "teleporting"
    assert type(behavior) is Consumable
    assert behavior.to_json() == '{"type_hint":"teleporting","max_use":3}'
    behavior.type_hint = None
    assert behavior.to_json() == '{"type_hint":null,"max_use":3}'
    del behavior.type_hint
    assert behavior.to_json() == '{"max_use":3}'


def test_discriminator_of_another_subclass_is_rejected() -> None:
    message = (
        "Consumable.type_hint must be 'consumable', not 'expirable', the type of Expirable: use an Expirable"
    )
    with pytest.raises(ApiValueError, match=message):
        Consumable(type_hint="expirable")
    behavior = Consumable(max_use=3)
    with pytest.raises(ApiValueError, match=message):
        behavior.type_hint = "expirable"
    assert behavior.to_json() == '{"type_hint":"consumable","max_use":3}'
    with pytest.raises(ApiValueError, match=r"Consumable\.type_hint must be a str, not 5"):
        Consumable(type_hint=5)  # type: ignore[arg-type]


def test_base_accepts_any_discriminator_and_a_subclass_its_own_and_unknown_ones() -> None:
    assert Behavior(type_hint="expirable").type_hint == "expirable"
    assert Consumable(type_hint="consumable").type_hint == "consumable"
    assert Consumable(type_hint="teleporting").type_hint == "teleporting"
