"""Nothing is lost: every model of the contract sends what it received."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knetik_cloud import ApiValueError, Consumable, EntitlementItem, TextProperty, models
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


class Strong(Consumable):
    """A behavior of a program, with a method of its own."""

    def uses_left(self, used: int) -> int:
        return (self.max_use or 0) - used


class Noted(Consumable):
    """A behavior of a program, with an attribute that isn't sent."""

    __slots__ = ("__secret_note", "note")

    def keep(self, text: str) -> None:
        self.__secret_note = text

    def kept(self) -> str:
        return self.__secret_note


class Mixin:
    """A class of a program whose instances have a `__dict__`."""


class Mixed(Mixin, Consumable):
    """A behavior of a program with a mixin."""


class Locked(Consumable):
    """A behavior of a program that leaves an attribute out of copies and creates it again."""

    __slots__ = ("lock", "note")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.lock, self.note = Lock(), ["a"]

    def __getstate__(self) -> Any:
        attributes = super().__getstate__()[1]
        return None, {name: value for name, value in attributes.items() if name != "lock"}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.lock = Lock()


class Stored(Consumable):
    """A behavior of a program with a state of its own."""

    def __getstate__(self) -> Any:
        return {"text": self.to_json()}

    def __setstate__(self, state: Any) -> None:
        self._json = json.loads(state["text"])


each_copy = pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)


@each_copy
def test_copies_keep_nested_models_of_a_program_in_their_class(copied: Callable[[Any], Any]) -> None:
    item = EntitlementItem(behaviors=[Strong(max_use=3), Consumable(max_use=1)])
    item.additional_properties = {"one": TextProperty(value="x")}
    item._json["x-unknown"] = {"deep": [Strong(max_use=2)]}
    twin = copied(item)
    assert twin == item
    assert [type(behavior) for behavior in twin.behaviors] == [Strong, Consumable]
    assert twin.behaviors[0].uses_left(1) == 2
    assert twin._json["x-unknown"]["deep"][0].uses_left(1) == 1


@each_copy
def test_copies_keep_the_attributes_that_a_program_adds(copied: Callable[[Any], Any]) -> None:
    noted, mixed = Noted(max_use=3), Mixed(max_use=3)
    noted.note = mixed.notes = ["a"]  # type: ignore[attr-defined]
    noted.keep("b")
    noted_twin, mixed_twin = copied(noted), copied(mixed)
    assert (noted_twin.note, noted_twin.kept(), mixed_twin.notes) == (["a"], "b", ["a"])
    assert (noted_twin, mixed_twin) == (noted, mixed)
    assert not hasattr(copied(Noted()), "note")


@each_copy
def test_copies_call_the_methods_of_a_program_for_the_state(copied: Callable[[Any], Any]) -> None:
    locked, stored = Locked(max_use=3), Stored(max_use=3)
    item = EntitlementItem(behaviors=[locked, stored])
    assert copied(stored) == stored
    twin = copied(locked)
    assert (twin, twin.note) == (locked, ["a"])
    assert twin.lock is not locked.lock
    assert copied(item) == item


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_of_models_that_refer_back_to_their_owner_refer_to_its_copy(
    copied: Callable[[Any], Any],
) -> None:
    noted = Noted(max_use=3)
    item = EntitlementItem(behaviors=[noted])
    noted.note = item  # type: ignore[attr-defined]
    twin = copied(item)
    assert twin.behaviors[0].note is twin is not item


def test_pickle_of_a_model_does_not_depend_on_earlier_reads() -> None:
    text = (
        '{"behaviors":[{"type_hint":"consumable","max_use":3}],"additional_properties":{"a":{"type":"text"}}}'
    )
    read, unread = EntitlementItem.from_json(text), EntitlementItem.from_json(text)
    touch(read)
    assert pickle.dumps(read) == pickle.dumps(unread)


SCRIPT = """
import sys

import cloudpickle

from knetik_cloud import Consumable, EntitlementItem


class Strong(Consumable):
    def uses_left(self):
        return self.max_use - 1


sys.stdout.buffer.write(cloudpickle.dumps(EntitlementItem(behaviors=[Strong(max_use=3)])))
"""


def test_model_of_a_script_can_be_sent_to_a_worker_that_lacks_its_class() -> None:
    pytest.importorskip("cloudpickle")
    sent = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, timeout=60)
    (behavior,) = pickle.loads(sent.stdout).behaviors
    assert behavior.uses_left() == 2
    assert behavior.swagger_types == Consumable.swagger_types
    with pytest.raises(ApiValueError, match=r"^Strong\.max_use must be an int, not 'x'"):
        behavior.max_use = "x"


def test_cloudpickle_sends_a_model_without_code() -> None:
    """Code is longer, names a path of the sender, and needs the same version of Python."""
    cloudpickle = pytest.importorskip("cloudpickle")
    item = EntitlementItem(behaviors=[Consumable(max_use=3)])
    sent = cloudpickle.dumps(item)
    assert pickle.loads(sent) == item
    assert b"cloudpickle" not in sent


def test_pickle_looks_up_the_package_of_its_models_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lookup takes as long as all the rest of a nested model."""
    item = EntitlementItem(behaviors=[Consumable(max_use=number) for number in range(9)])
    package, looked_up = item._package(), []
    monkeypatch.setattr(Model, "_package", classmethod(lambda cls: looked_up.append(cls) or package))
    assert pickle.loads(pickle.dumps(item)) == item
    assert looked_up == [EntitlementItem]
