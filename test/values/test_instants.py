"""Epoch parameters accept datetimes and ISO texts. Epoch fields are also available as datetimes."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import knetik_cloud
from knetik_cloud import (
    ApiResponseError,
    ApiValueError,
    EntitlementItem,
    UserInventoryResource,
    UsersInventoryApi,
)
from knetik_cloud.data.instant import Instant

from ..conftest import RecordingServer

MOMENT = datetime(2017, 8, 15, tzinfo=UTC)
SECONDS = 1502755200

FORMS: list[Any] = [
    SECONDS,
    str(SECONDS),
    MOMENT,
    MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
    MOMENT + timedelta(microseconds=999_999),
    "2017-08-15T00:00:00Z",
    "2017-08-15T02:00:00+02:00",
    "20170815T000000Z",
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_timestamp_is_sent_as_whole_epoch_seconds(
    form: Any, api: UsersInventoryApi, server: RecordingServer
) -> None:
    api.update_user_inventory_expires(56, 56, timestamp=form)
    assert server.requests[0].endswith(b"\r\n\r\n1502755200")


def test_an_instant_before_1970_is_rounded_down(api: UsersInventoryApi, server: RecordingServer) -> None:
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    api.update_user_inventory_expires(56, 56, timestamp=before)
    assert server.requests[0].endswith(b"\r\n\r\n-1")


@pytest.mark.parametrize("naive", [datetime(2017, 8, 15), "2017-08-15T00:00:00", "2017-08-15"])
def test_a_naive_instant_is_rejected_with_the_reason(
    naive: Any, api: UsersInventoryApi, server: RecordingServer
) -> None:
    with pytest.raises(ApiValueError, match=r"^timestamp must be .*: without a UTC offset") as caught:
        api.update_user_inventory_expires(56, 56, timestamp=naive)
    assert f", not {naive!r}: " in str(caught.value)
    assert not server.requests


@pytest.mark.parametrize("wrong", [True, 1.5, date(2017, 8, 15), "soon", "", 1 << 63, b"1", [SECONDS]])
def test_anything_but_an_instant_is_rejected(
    wrong: Any, api: UsersInventoryApi, server: RecordingServer
) -> None:
    with pytest.raises(ApiValueError, match="timestamp must be"):
        api.update_user_inventory_expires(56, 56, timestamp=wrong)
    assert not server.requests


def test_an_entry_returns_its_instants_as_aware_datetimes() -> None:
    entry = UserInventoryResource.from_dict({"expires": SECONDS, "created_date": 0, "updated_date": None})
    assert entry.expires_at == MOMENT
    assert entry.expires_at is not None
    assert entry.expires_at.tzinfo is UTC
    assert entry.created_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert entry.updated_at is None


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_assigned_instant_is_kept_as_the_documented_integer(form: Any) -> None:
    entry = UserInventoryResource()
    entry.expires_at = form
    assert entry.to_json() == '{"expires":1502755200}'
    entry.expires_at = None
    assert entry.to_json() == '{"expires":null}'
    del entry.expires_at
    assert entry.to_json() == "{}"


@pytest.mark.parametrize("value", [MOMENT, "2017-08-15T00:00:00Z", 1.5])
def test_a_field_of_epoch_seconds_names_the_attribute_for_a_datetime(value: Any) -> None:
    message = (
        r"^UserInventoryResource\.expires must be an int of epoch seconds \(its attribute that ends in _at "
    )
    with pytest.raises(ApiValueError, match=message):
        UserInventoryResource(expires=value)


def test_a_message_names_the_class_of_the_model_not_that_of_the_base_with_the_field() -> None:
    item = EntitlementItem()
    with pytest.raises(ApiValueError, match=r"^EntitlementItem\.created_at must be "):
        item.created_at = datetime(2017, 8, 15)
    with pytest.raises(ApiResponseError, match=r": EntitlementItem\.created_at should be "):
        assert EntitlementItem.from_dict({"created_date": 10**13}).created_at


def test_a_naive_datetime_cannot_be_assigned() -> None:
    entry = UserInventoryResource(expires=1)
    with pytest.raises(
        ApiValueError, match=r"UserInventoryResource\.expires_at must be .* without a UTC offset"
    ):
        entry.expires_at = datetime(2017, 8, 15)
    assert entry.expires == 1


@pytest.mark.parametrize("wrong", [10**15, "soon", 1.5, True, []])
def test_a_response_with_an_invalid_instant_is_an_api_response_error(wrong: Any) -> None:
    entry = UserInventoryResource.from_json(json.dumps({"expires": wrong}))
    with pytest.raises(ApiResponseError, match=r"expires_at should be epoch seconds"):
        _ = entry.expires_at


def test_the_datetimes_are_not_fields() -> None:
    entry = UserInventoryResource(expires=SECONDS)
    names = set(UserInventoryResource._fields)
    assert not {"expires_at", "created_at", "updated_at"} & names
    assert "expires_at" not in entry.to_dict()
    assert "expires_at" not in repr(entry)
    assert "expires_at" not in UserInventoryResource.swagger_types
    assert copy.deepcopy(entry).expires_at == MOMENT
    with pytest.raises(TypeError, match="no field 'expires_at'"):
        UserInventoryResource(expires_at=MOMENT)  # type: ignore[call-arg]


def test_every_field_of_epoch_seconds_has_its_datetime() -> None:
    found = {}
    for name in knetik_cloud.models.__all__:
        model = getattr(knetik_cloud, name)
        instants = {n for kind in model.__mro__ for n, v in vars(kind).items() if isinstance(v, Instant)}
        epochs = {field.name for field in model._fields.values() if field.epoch}
        assert len(instants) == len(epochs), name
        if instants:
            found[name] = instants
    assert found["UserInventoryResource"] == {"expires_at", "created_at", "updated_at"}
    assert found["UserItemLogResource"] == {"logged_at"}
    assert found["DateProperty"] == {"value_at"}


def test_an_instant_that_its_offset_moves_before_the_first_year_is_not_in_milliseconds(
    api: UsersInventoryApi,
) -> None:
    with pytest.raises(ApiValueError, match=r"^timestamp must be .*, not '0001-01-01T00:00:00\+14:00'$"):
        api.update_user_inventory_expires(56, 56, timestamp="0001-01-01T00:00:00+14:00")


@given(st.datetimes(timezones=st.timezones()))
def test_any_aware_datetime_comes_back_to_the_second(moment: datetime) -> None:
    entry = UserInventoryResource()
    entry.expires_at = moment
    assert entry.expires_at is not None
    assert timedelta(0) <= moment - entry.expires_at < timedelta(seconds=1)


MILLISECONDS = 1893456000000
YEARS = "epoch seconds of the years 1 to 9999, not"
HINT = f"{YEARS} 1893456000000: these look like milliseconds"


def test_milliseconds_are_rejected_with_a_hint(api: UsersInventoryApi, server: RecordingServer) -> None:
    for form in (MILLISECONDS, str(MILLISECONDS)):
        with pytest.raises(ApiValueError, match=f"^timestamp must be {YEARS} {form!r}: these look like"):
            api.update_user_inventory_expires(56, 56, timestamp=form)
    assert not server.requests
    entry = UserInventoryResource(expires=1)
    with pytest.raises(ApiValueError, match=f"^UserInventoryResource.expires must be {HINT}"):
        entry.expires = MILLISECONDS
    with pytest.raises(ApiValueError, match=f"^UserInventoryResource.expires_at must be {HINT}"):
        entry.expires_at = MILLISECONDS  # type: ignore[assignment]
    with pytest.raises(ApiValueError, match=r"not 1000000000000000000$"):
        entry.expires = 10**18
    entry.expires = 253402300799
    assert entry.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_milliseconds_of_a_response_are_read_unchanged_and_hinted_at() -> None:
    entry = UserInventoryResource.from_json('{"expires":1893456000000}')
    assert entry.expires == MILLISECONDS
    with pytest.raises(ApiResponseError, match=f"expires_at should be {HINT}"):
        _ = entry.expires_at
    assert entry.to_json() == '{"expires":1893456000000}'
