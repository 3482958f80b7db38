"""Names of the contract become the Python names that callers know."""

from __future__ import annotations

import pytest

from codegen import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SimpleReferenceResourceint", "simple_reference_resourceint"),
        ("OAuth2Resource", "o_auth2_resource"),
        ("UsersInventoryApi", "users_inventory_api"),
        ("PreReqEntitlement", "pre_req_entitlement"),
        ("getUserInventory", "get_user_inventory"),
        ("get_user_inventory", "get_user_inventory"),
        ("X-Branch", "x_branch"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert names.snake_case(name) == expected


@pytest.mark.parametrize("wire", ["property", "class", "list", "str", "to_dict", "from_json"])
def test_an_attribute_that_would_hide_what_its_class_needs_gets_an_underscore(wire: str) -> None:
    assert names.attribute_name(wire) == f"_{wire}"


@pytest.mark.parametrize("wire", ["items", "copy", "keys", "field", "type", "id"])
def test_any_other_attribute_has_the_name_of_its_property(wire: str) -> None:
    assert names.attribute_name(wire) == wire


def test_a_parameter_gets_an_underscore_only_where_python_needs_it() -> None:
    taken = [names.parameter_name(wire) for wire in ("from", "self", "options")]
    free = [names.parameter_name(wire) for wire in ("id", "list", "property")]
    assert (taken, free) == (["_from", "_self", "_options"], ["id", "list", "property"])


def test_a_tag_of_several_words_names_one_class() -> None:
    found = [names.class_name(tag) for tag in ("UsersInventory", "store items")]
    assert found == ["UsersInventoryApi", "StoreItemsApi"]
