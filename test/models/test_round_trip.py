"""Nothing is lost: every model of the contract sends what it received."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knetik_cloud import ApiValueError, Consumable, models
from knetik_cloud.data.model import Model
from knetik_cloud.data.types import EARLIEST, LATEST

from .documents import SCALARS, documents, model_class, values

QUICKLY = settings(max_examples=8, suppress_health_check=list(HealthCheck))
every_model = pytest.mark.parametrize("name", models.__all__)


def written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def touch(value: Any) -> None:
    """Read every field, all the way down."""
    if isinstance(value, Model):
        for name in value._fields:
            touch(getattr(value, name))
    elif isinstance(value, (list, dict)):
        for row in value.values() if isinstance(value, dict) else value:
            touch(row)


@every_model
@QUICKLY
@given(data=st.data())
def test_json_is_sent_unchanged_whether_it_was_read_or_not(name: str, data: st.DataObject) -> None:
    text = written(data.draw(documents(name)))
    model = model_class(name).from_json(text)
    assert model.to_json() == text
    touch(model)
    assert model.to_json() == text
    assert str(model) == model.to_str()


@every_model
@QUICKLY
@given(data=st.data())
def test_change_of_one_field_changes_nothing_else(name: str, data: st.DataObject) -> None:
    kind = model_class(name)
    scalars = [field for field in kind._fields.values() if field.expression in SCALARS and not field.enum]
    if not scalars:
        pytest.skip("no scalar field")
    document = data.draw(documents(name))
    field = data.draw(st.sampled_from(scalars))
    drawn = st.integers(EARLIEST, LATEST) if field.epoch else values(field.expression, 1)
    others = tuple(kind._mapping or ())  # the values of other types are rejected
    value = data.draw(drawn.filter(lambda value: value not in others))
    model = kind.from_json(written(document))

    setattr(model, field.name, value)

    assert getattr(model, field.name) == value
    assert model.to_json() == written({**document, field.wire: value})


@every_model
@QUICKLY
@given(data=st.data())
def test_copies_equal_their_original_and_share_nothing_they_should_not(
    name: str, data: st.DataObject
) -> None:
    document = data.draw(documents(name))
    model = model_class(name).from_json(written(document))
    twins = [
        model_class(name).from_dict(document),
        copy.copy(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ]
    touch(model)
    for twin in twins:
        assert twin == model
        assert type(twin) is type(model)
        assert twin.to_json() == model.to_json()
        twin._json["x-only-here"] = 1
        assert twin != model
    assert model.to_json() == written(document)


@every_model
@QUICKLY
@given(data=st.data())
def test_to_dict_returns_every_declared_field_and_from_dict_accepts_it(
    name: str, data: st.DataObject
) -> None:
    model = model_class(name).from_json(written(data.draw(documents(name))))
    given_out = model.to_dict()
    assert list(given_out) == list(model._fields)
    assert json.loads(written(given_out)) == given_out, "plain JSON all the way down"
    again = type(model).from_dict(given_out)
    assert again.to_dict() == given_out


def test_swagger_types_and_attribute_map_derive_from_the_fields() -> None:
    assert models.SimpleUserResource.swagger_types == {
        "avatar_url": "str",
        "display_name": "str",
        "id": "int32",
        "username": "str",
    }
    assert models.Order.attribute_map["_property"] == "property"


@pytest.mark.parametrize("text", [{}, None, 5, memoryview(b"{}")])
def test_from_json_takes_a_text(text: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^the text of Consumable must be a str or bytes, not "):
        Consumable.from_json(text)
