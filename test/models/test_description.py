"""`help()` and `inspect` show the fields of models by name, type and meaning."""

from __future__ import annotations

import inspect
import pydoc
import re

import pytest

from knetik_cloud import Consumable, EntitlementItem, Order, UserInventoryResource, models
from knetik_cloud.data.model import Field, Model, field

from .library import Author


def test_signature_lists_the_fields_in_their_order_by_keyword_only() -> None:
    signature = inspect.signature(Consumable)
    assert list(signature.parameters) == ["description", "type_hint", "max_use"]
    for parameter in signature.parameters.values():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is None
    assert signature.parameters["max_use"].annotation == "int | None"
    assert not inspect.signature(Model).parameters


@pytest.mark.parametrize("name", models.__all__)
def test_every_model_has_its_signature(name: str) -> None:
    kind = getattr(models, name)
    assert list(inspect.signature(kind).parameters) == list(kind._fields)


def test_subclass_with_a_constructor_of_its_own_has_its_signature() -> None:
    class Potion(Consumable):
        def __init__(self, size: int) -> None:
            super().__init__(max_use=size)

    class Elixir(Potion):
        pass

    for kind in (Potion, Elixir):
        assert str(inspect.signature(kind)) == "(size: 'int') -> 'None'"
    assert "max_use" in inspect.signature(type("Other", (Consumable,), {})).parameters


def test_field_describes_its_type_and_its_traits() -> None:
    fields = UserInventoryResource._fields
    assert (fields["id"].__doc__ or "").startswith(
        "int32; read-only: the service assigns it.\n\nInventory entry"
    )
    assert (fields["expires"].__doc__ or "").startswith("int64; epoch seconds.\n\nTime of expiry")
    assert (fields["status"].__doc__ or "").startswith(
        "str; one of 'pending', 'active', 'inactive'.\n\n`pending`"
    )
    assert (Order._fields["_property"].__doc__ or "").startswith("str; 'property' in the JSON")
    assert Author._fields["name"].__doc__ == "str; required"
    assert (Field.__doc__ or "").startswith("A field of a model")


def test_field_without_its_source_still_describes_its_type() -> None:
    bare = type(Model)("Bare", (Model,), {"__module__": __name__, "size": field("int32")})
    assert bare._fields["size"].__doc__ == "int32"  # type: ignore[attr-defined]


def test_help_shows_signature_types_and_meanings() -> None:
    shown = pydoc.render_doc(EntitlementItem, renderer=pydoc.plaintext)
    # Python 3.13 and later write one parameter per line.
    assert re.search(r"EntitlementItem\([\s|]*\*,[\s|]*additional_properties: ", shown)
    assert "list[Behavior]" in shown
    assert "read-only: the service assigns it" in shown
    assert "`created_date` as an aware datetime in UTC" in shown
    shown = pydoc.render_doc(Consumable, renderer=pydoc.plaintext)
    assert "Number of uses until the item is used up." in shown
