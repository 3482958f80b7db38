"""Wrong shapes: a response that breaks the contract is an ApiResponseError that names the place."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud import (
    ApiResponseError,
    ApiValueError,
    EntitlementItem,
    PageResourceUserInventoryResource,
    UserInventoryResource,
    UsersInventoryApi,
)

from ..conftest import RecordingServer, http_response


@pytest.mark.parametrize("text", ["[]", "null", "1", '"x"', "true", "", "{", '{"a":nan}', "\ufffe{}"])
def test_from_json_rejects_anything_but_an_object(text: str) -> None:
    with pytest.raises(ApiResponseError):
        UserInventoryResource.from_json(text)


@pytest.mark.parametrize("value", ['"robin"', "5", "[]", "false"])
def test_wrong_object_is_rejected_when_it_is_read_and_the_rest_can_be_read(value: str) -> None:
    text = f'{{"id":1,"user":{value}}}'
    entry = UserInventoryResource.from_json(text)
    assert entry.id == 1
    with pytest.raises(ApiResponseError, match=r"UserInventoryResource\.user should be an object"):
        _ = entry.user
    assert entry.to_json() == text
    assert "id=1" in repr(entry)


@pytest.mark.parametrize("value", ['"x"', "5", "{}", "true"])
def test_wrong_list_is_rejected_when_it_is_read(value: str) -> None:
    page = PageResourceUserInventoryResource.from_json(f'{{"content":{value}}}')
    with pytest.raises(ApiResponseError, match="content should be a list"):
        _ = page.content


def test_wrong_row_is_rejected_by_its_index_and_nothing_is_changed() -> None:
    text = '{"content":[{"id":1},{"id":2},7]}'
    page = PageResourceUserInventoryResource.from_json(text)
    for _ in range(2):
        with pytest.raises(ApiResponseError, match=r"content\[2\] should be an object, not 7"):
            _ = page.content
    assert page.to_json() == text


def test_wrong_map_entry_is_rejected_by_its_name() -> None:
    item = EntitlementItem.from_json('{"additional_properties":{"ok":{},"color":5}}')
    with pytest.raises(ApiResponseError, match=r"additional_properties\['color'\] should be an object"):
        _ = item.additional_properties


def test_wrong_shape_is_rejected_after_right_ones_were_read() -> None:
    assert UserInventoryResource.from_json('{"user":{}}').user is not None
    assert UserInventoryResource.from_json('{"user":null}').user is None
    for value in ("{}", "[]", '"x"'):
        entry = UserInventoryResource.from_json(f'{{"behavior_data":{value}}}')
        if value == "{}":
            assert entry.behavior_data == {}
        else:
            with pytest.raises(ApiResponseError, match="behavior_data"):
                _ = entry.behavior_data


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("[]", "PageResourceUserInventoryResource"),
        ('{"content":{}}', r"\.content"),
        ('{"content":[{"id":1},5]}', r"\.content\[\]"),
        ('{"content":[{"user":[]}]}', r"\.content\[\]\.user"),
        ('{"content":[{},{"behavior_data":"x"}]}', r"\.content\[\]\.behavior_data"),
        ('{"sort":[1]}', r"\.sort\[\]"),
    ],
)
def test_shape_of_a_response_is_checked_when_the_call_returns(
    body: str, place: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(200, body.encode())]
    with pytest.raises(ApiResponseError, match=place) as caught:
        api.get_users_inventory()
    assert caught.value.status == 200
    assert caught.value.body == body


@pytest.mark.parametrize(
    "body", ["{}", '{"content":null}', '{"content":[]}', '{"content":[null,{"user":null}],"odd":[1]}']
)
def test_nulls_and_absent_parts_of_a_response_are_valid(
    body: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(200, body.encode())]
    assert api.get_users_inventory().to_json() == body


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (
            '{"name":"n","type_hint":"entitlement","behaviors":[{"type_hint":"expirable"},5]}',
            r"behaviors\[1\]",
        ),
        ('{"name":"n","type_hint":"entitlement","behaviors":{}}', "behaviors"),
        ('{"name":"n","type_hint":"entitlement","additional_properties":[]}', "additional_properties"),
        ('{"name":"n","type_hint":"entitlement","additional_properties":{"c":"x"}}', r"\['c'\]"),
    ],
)
def test_wrong_shape_in_a_body_is_rejected_before_anything_is_sent(
    data: str, place: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    with pytest.raises(ApiValueError, match=rf"entitlement_item\.\w*.*{place} must be"):
        api.create_entitlement_item(entitlement_item=EntitlementItem.from_json(data))
    assert server.requests == []


@pytest.mark.parametrize("data", ["x", 5, None, [1], [("id", 1)]])
def test_from_dict_rejects_anything_but_a_dict(data: Any) -> None:
    with pytest.raises(ValueError, match="must be a dict"):
        UserInventoryResource.from_dict(data)
