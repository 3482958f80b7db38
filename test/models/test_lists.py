"""Lists and maps of models: real ones, the same each time, edited in place."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator

import pytest

from knetik_cloud import (
    ApiValueError,
    Consumable,
    EntitlementItem,
    PageResourceUserInventoryResource,
    Property,
    TextProperty,
    UserInventoryResource,
)

PAGE = '{"content":[{"id":1,"odd":true},{"id":2},{"id":3}],"size":3}'


def page() -> PageResourceUserInventoryResource:
    return PageResourceUserInventoryResource.from_json(PAGE)


def test_content_is_a_real_list_the_same_one_each_time() -> None:
    envelope = page()
    rows = envelope.content
    assert type(rows) is list
    assert envelope.content is rows
    assert all(first is second for first, second in zip(rows, envelope.content or (), strict=True))
    assert [type(row) for row in rows] == [UserInventoryResource] * 3


def test_edits_in_place_reach_the_json() -> None:
    envelope = page()
    rows = envelope.content
    assert rows is not None
    rows[0].item_name = "Pass"
    rows.pop(1)
    rows.append(UserInventoryResource(id=9))
    rows.insert(0, UserInventoryResource(id=0))
    rows.reverse()
    assert envelope.to_json() == (
        '{"content":[{"id":9},{"id":3},{"id":1,"odd":true,"item_name":"Pass"},{"id":0}],"size":3}'
    )


def test_plain_dict_added_anywhere_is_wrapped_when_it_is_read() -> None:
    envelope = page()
    rows = envelope.content
    assert rows is not None
    kept = rows[1]
    rows.append({"id": 4})  # type: ignore[arg-type]
    assert [row.id for row in envelope.content or ()] == [1, 2, 3, 4]
    rows.insert(0, {"id": 0})  # type: ignore[arg-type]
    rows[3] = {"id": 33}  # type: ignore[call-overload]
    assert [row.id for row in envelope.content or ()] == [0, 1, 2, 33, 4]
    assert rows[2] is kept


def test_null_rows_stay_null() -> None:
    envelope = PageResourceUserInventoryResource.from_json('{"content":[null,{"id":1},null]}')
    rows = envelope.content
    assert rows is not None
    assert rows[0] is None
    assert rows[1].id == 1
    assert envelope.content is rows
    assert envelope.content[1] is rows[1]
    assert envelope.to_json() == '{"content":[null,{"id":1},null]}'


def test_assigned_list_is_converted_at_assignment() -> None:
    envelope = page()
    given = [UserInventoryResource(id=7), {"id": 8}]
    envelope.content = given  # type: ignore[assignment]
    assert [row.id for row in envelope.content or ()] == [7, 8]
    given.clear()
    assert envelope.to_json() == '{"content":[{"id":7},{"id":8}],"size":3}'


def test_any_iterable_of_rows_may_be_assigned() -> None:
    item = EntitlementItem(tags=(tag for tag in "ab"))  # type: ignore[arg-type]
    assert item.tags == ["a", "b"]


def test_wrong_row_is_rejected_by_its_index() -> None:
    with pytest.raises(ApiValueError, match=r"tags\[1\] must be a str, not 5"):
        EntitlementItem(tags=["a", 5])  # type: ignore[list-item]


def test_list_of_texts_is_the_list_of_the_json() -> None:
    item = EntitlementItem.from_json('{"tags":["a"]}')
    assert item.tags is item.tags
    assert item.tags is not None
    item.tags.append("b")
    assert item.to_json() == '{"tags":["a","b"]}'


def test_map_of_models_is_a_real_dict_the_same_one_each_time() -> None:
    item = EntitlementItem.from_json('{"additional_properties":{"c":{"type":"text","value":"red","odd":1}}}')
    properties = item.additional_properties
    assert properties is not None
    assert item.additional_properties is properties
    color = properties["c"]
    assert isinstance(color, TextProperty)
    assert properties["c"] is color
    color.value = "blue"
    properties["d"] = TextProperty(value="new")
    properties["e"] = {"type": "of_another_age"}  # type: ignore[assignment]
    assert type((item.additional_properties or {})["e"]) is Property
    assert item.to_json() == (
        '{"additional_properties":{"c":{"type":"text","value":"blue","odd":1},'
        '"d":{"type":"text","value":"new"},"e":{"type":"of_another_age"}}}'
    )


def test_free_form_object_is_the_dict_of_the_json() -> None:
    entry = UserInventoryResource.from_json('{"behavior_data":{"uses":[1]}}')
    data = entry.behavior_data
    assert data is not None
    assert entry.behavior_data is data
    data["uses"].append(2)
    assert entry.to_json() == '{"behavior_data":{"uses":[1,2]}}'


def test_models_inside_lists_are_shared_not_copied() -> None:
    behavior = Consumable(max_use=1)
    item = EntitlementItem(behaviors=[behavior])
    behavior.max_use = 2
    assert '"max_use":2' in item.to_json()


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_threads_may_touch_the_same_page_first(restless: None) -> None:
    text = json.dumps({"content": [{"id": number} for number in range(20)]})
    for _ in range(100):
        envelope = PageResourceUserInventoryResource.from_json(text)
        read: list[list[int | None]] = []
        ready = threading.Barrier(8)

        def touch(
            page: PageResourceUserInventoryResource = envelope,
            read: list[list[int | None]] = read,
            ready: threading.Barrier = ready,
        ) -> None:
            ready.wait()
            read.append([row.id for row in page.content or ()])

        threads = [threading.Thread(target=touch) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read == [list(range(20))] * 8
        assert envelope.to_json() == text.replace(" ", "")
