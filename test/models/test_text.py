"""How models read in a console: what is present, over several lines where it is long, tokens masked."""

from __future__ import annotations

import copy
import json
from pprint import pformat

import pytest

from knetik_cloud import OAuth2Resource, PageResourceUserInventoryResource, UserInventoryResource

LONG = "a name so long that it does not fit on one line with all the rest of this entry"


def test_repr_shows_what_is_present_only() -> None:
    assert repr(UserInventoryResource()) == "UserInventoryResource()"
    assert (
        repr(UserInventoryResource(id=1, status="active")) == "UserInventoryResource(id=1, status='active')"
    )


def test_repr_shows_null_and_unknown_keys() -> None:
    entry = UserInventoryResource.from_json('{"id":null,"odd":{"a":[1]}}')
    assert repr(entry) == "UserInventoryResource(id=None, odd={'a': [1]})"


def test_names_of_unknown_keys_stay_on_their_line_and_can_be_printed() -> None:
    entry = UserInventoryResource.from_json(r'{"a\nid=1":1,"\ud800":2,"\u001b[2J":3,"x-new":4,"größe":5}')
    shown = r"UserInventoryResource(a\nid=1=1, \ud800=2, \x1b[2J=3, x-new=4, größe=5)"
    assert repr(entry) == str(entry) == shown
    assert shown.encode()
    assert repr(UserInventoryResource.from_dict({1: "a"})) == "UserInventoryResource(1='a')"


def test_repr_breaks_long_models_over_lines() -> None:
    entry = UserInventoryResource(id=1, item_name=LONG)
    assert repr(entry) == f"UserInventoryResource(\n    id=1,\n    item_name={LONG!r},\n)"
    assert pformat(entry) == repr(entry) == str(entry) == entry.to_str()


def test_repr_of_a_model_does_not_depend_on_earlier_reads() -> None:
    text = '{"content":[{"id":1,"user":{"id":2}}]}'
    touched = PageResourceUserInventoryResource.from_json(text)
    _ = [row.user for row in touched.content or ()]
    assert repr(PageResourceUserInventoryResource.from_json(text)) == repr(touched)


def test_tokens_are_masked_in_texts_and_returned_by_attribute_dict_and_json() -> None:
    token = OAuth2Resource.from_json('{"access_token":"canary-1","refresh_token":"canary-2"}')
    for text in (repr(token), str(token), token.to_str(), pformat([token]), f"{token}"):
        assert "canary" not in text
        assert "access_token=***" in text
    assert token.access_token == "canary-1"
    assert token.to_dict()["refresh_token"] == "canary-2"
    assert "canary-2" in token.to_json()
    assert vars(token) == {"access_token": "***", "refresh_token": "***"}


def test_absence_of_a_token_is_not_masked() -> None:
    token = OAuth2Resource.from_json('{"access_token":null}')
    assert vars(token) == {"access_token": None}
    assert repr(token) == str(token) == "OAuth2Resource(access_token=None)"


def test_to_dict_is_new_each_time_and_shares_nothing_with_the_model() -> None:
    entry = UserInventoryResource.from_json('{"behavior_data":{"uses":[1]},"user":{"id":5}}')
    given_out = entry.to_dict()
    given_out["behavior_data"]["uses"].append(2)
    given_out["user"]["id"] = 6
    assert entry.to_json() == '{"behavior_data":{"uses":[1]},"user":{"id":5}}'
    assert entry.to_dict()["status"] is None


def test_copy_is_shallow_and_deepcopy_deep() -> None:
    entry = UserInventoryResource.from_json('{"id":1,"user":{"id":5}}')
    assert entry.user is not None
    shallow, deep = copy.copy(entry), copy.deepcopy(entry)
    shallow.id = deep.id = 2
    assert entry.id == 1
    entry.user.id = 6
    assert shallow.user is entry.user
    assert deep.user is not None
    assert deep.user.id == 5


def page_of(count: int) -> PageResourceUserInventoryResource:
    row = {
        "id": 1,
        "item_name": "Potion of Speed",
        "user": {"id": 56, "username": "robin"},
        "status": "active",
    }
    return PageResourceUserInventoryResource.from_json(json.dumps({"content": [row] * count, "number": 1}))


def test_the_repr_of_an_ordinary_page_is_complete() -> None:
    assert repr(page_of(25)) == str(page_of(25)) == page_of(25).to_str()


def test_the_repr_of_a_large_page_is_bounded_and_counts_the_rest() -> None:
    page = page_of(10_000)
    assert 20_000 <= len(repr(page)) <= 25_000
    assert "more),\n    ],\n" in repr(page)
    assert str(page).count("Potion of Speed") == page.to_str().count("Potion of Speed") == 10_000


@pytest.mark.parametrize(
    "document",
    [
        {"odd": "a" * 100_000},
        {"a" * 100_000: 1},
        {"odd": {f"k{number}": number for number in range(100_000)}},
        {"odd": [[]] * 100_000},
        {f"k{number}": number for number in range(100_000)},
    ],
    ids=["string", "name", "map", "list", "fields"],
)
def test_the_repr_of_a_large_value_is_bounded(document: dict[str, object]) -> None:
    entry = UserInventoryResource.from_dict(document)
    assert len(repr(entry)) <= 25_000
    assert "more" in repr(entry)
    assert len(str(entry)) >= 100_000
