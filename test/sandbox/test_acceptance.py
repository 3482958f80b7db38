"""The functions that accept bodies agree with jsonschema on every body."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knetik_cloud.contract import Contract, Operation
from knetik_cloud.sandbox import seed
from knetik_cloud.sandbox.acceptance import Acceptance
from knetik_cloud.sandbox.schema import BodyCheck, _validator_class

CONTRACT = Contract.load()
CHECK = BodyCheck(CONTRACT)
OPERATIONS = [each for each in CONTRACT.operations.values() if each.body is not None]

SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 500, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 0.5, 1.0, -0.0])
    | st.sampled_from(["", "a", "day", "wallet", "consumable", "expirable", "text", "active", "entitlement"])
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)

EXAMPLES: dict[str, list[Any]] = {
    "EntitlementItem": [
        {
            "type_hint": "entitlement",
            "name": "Sword",
            "tags": ["weapon"],
            "behaviors": [
                {"type_hint": "consumable", "max_use": 3},
                {"type_hint": "expirable", "time_length": 3, "unit_of_time": "day"},
                {
                    "type_hint": "limited_gettable",
                    "group": {"name": "g", "active_only": True, "owned_limit": 3},
                },
                {"type_hint": "pre_req_entitlement", "item_ids": [1, 2]},
            ],
            "additional_properties": {
                "color": {"type": "text", "value": "red"},
                "size": {"type": "integer", "value": 3},
                "picture": {
                    "type": "image_group",
                    "files": [{"type": "image", "url": "https://example.com/a.png"}],
                },
            },
        }
    ],
    "ItemTemplateResource": [
        {
            "name": "Potions",
            "properties": [{"name": "color", "type": "text", "required": True, "max_length": 9}],
            "behaviors": [
                {
                    "behavior": {"type_hint": "consumable", "max_use": 3},
                    "modifiable": True,
                    "required": False,
                }
            ],
        }
    ],
}


def places(value: Any) -> list[tuple[Any, Any]]:
    """List every place in a value, as the container and the key or index."""
    found = []
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


def changed(draw: Any, value: Any) -> Any:
    """Copy a value with up to three places replaced, removed or added."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(0, 3))):
        known = places(value)
        if not known:
            return draw(VALUES)
        container, key = draw(st.sampled_from(known))
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                container[key] = draw(VALUES)
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[draw(st.text(max_size=5))] = draw(VALUES)
            case _:
                container.append(draw(VALUES)) if isinstance(container, list) else None
    return value


def examples(operation: Operation) -> list[Any]:
    assert operation.body is not None
    own = [
        operation.body.example,
        *(each["value"] for each in operation.body.media.get("examples", {}).values()),
    ]
    own = [each for each in own if each is not None]
    name = operation.body.schema.get("$ref", "").rsplit("/", 1)[-1]
    return [*own, *EXAMPLES.get(name, ())] or [None]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
@given(data=st.data())
@settings(max_examples=150)
def test_accepted_bodies_are_those_without_problems(operation: Operation, data: st.DataObject) -> None:
    assert operation.body is not None
    schema = operation.body.schema
    body = changed(data.draw, data.draw(st.sampled_from(examples(operation))))
    accept = CHECK._acceptance.of(CHECK._root(schema))
    root = {**CHECK._root(schema), "components": {"schemas": CHECK._plain_schemas}}
    assert accept(body) == (not [*_validator_class()(root).iter_errors(body)])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_examples_are_accepted_without_jsonschema(operation: Operation) -> None:
    assert operation.body is not None
    schema = operation.body.schema
    accept = CHECK._acceptance.of(CHECK._root(schema))
    assert all(map(accept, examples(operation)))


SEED_SCHEMA = yaml.safe_load(seed.SCHEMA.read_text("utf-8"))
ACCEPT_SEED = Acceptance({}).of(SEED_SCHEMA)


def test_demo_data_is_accepted_without_jsonschema() -> None:
    assert ACCEPT_SEED(seed.demo())


@given(data=st.data())
@settings(max_examples=150)
def test_accepted_seeds_are_those_without_problems(data: st.DataObject) -> None:
    document = changed(data.draw, seed.demo())
    assert ACCEPT_SEED(document) == (not [*_validator_class()(SEED_SCHEMA).iter_errors(document)])
