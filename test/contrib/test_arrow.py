"""Lists are Arrow tables with the contract's columns for any content, streamed in constant memory."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import payloads, tables
from knetik_cloud import (
    ApiClient,
    ApiResponseError,
    Configuration,
    PageResourceEntitlementItem,
    PageResourceUserInventoryResource,
    PageResourceUserItemLogResource,
    UsersInventoryApi,
    aio,
)
from knetik_cloud.contrib import arrow
from knetik_cloud.data.page import Page
from knetik_cloud.data.types import EARLIEST, LATEST, DateTime
from knetik_cloud.sandbox import Sandbox
from test.models.documents import documents
from test.models.library import Loans
from test.paging.lists import ListService

ROW = {
    "id": 5,
    "status": "active",
    "created_date": 1502755200,
    "behavior_data": {"consumable": {"use_count": 2}},
    "user": {"id": 3, "username": "robin"},
}
PAGES: dict[str, type[Page]] = {
    kind.__name__: kind
    for kind in (
        PageResourceUserInventoryResource,
        PageResourceEntitlementItem,
        PageResourceUserItemLogResource,
    )
}


def table_of(*rows: Any) -> pa.Table:
    return PageResourceUserInventoryResource.from_dict({"content": list(rows)}).to_arrow()


def test_columns_have_the_types_of_the_contract() -> None:
    schema = table_of(ROW).schema
    instant = pa.timestamp("ms", "UTC")
    assert [(field.name, field.type) for field in schema] == [
        ("behavior_data", pa.string()),
        ("created_date", instant),
        ("expires", instant),
        ("id", pa.int32()),
        ("invoice_id", pa.int32()),
        ("item_id", pa.int32()),
        ("item_name", pa.string()),
        ("item_type_hint", pa.string()),
        ("status", pa.string()),
        ("updated_date", instant),
        (
            "user",
            pa.struct(
                {
                    "avatar_url": pa.string(),
                    "display_name": pa.string(),
                    "id": pa.int32(),
                    "username": pa.string(),
                }
            ),
        ),
        ("_other", pa.string()),
    ]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_the_same_schema_and_loses_nothing(name: str) -> None:
    expected = PAGES[name].from_dict({}).to_arrow().schema

    @settings(max_examples=40)
    @given(documents(name, 4))
    def check(document: dict[str, Any]) -> None:
        page = PAGES[name].from_dict(document)
        table = page.to_arrow()
        assert table.schema == expected
        assert table.num_rows == len(page.content or [])  # type: ignore[attr-defined]

    check()


@given(
    st.sampled_from(["id", "created_date", "status", "user", "behavior_data", "x-new"]),
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.integers().map(str)
    | st.lists(st.integers(0, 9), max_size=2)
    | st.dictionaries(st.sampled_from(["id", "y"]), st.integers(0, 9) | st.text(max_size=3)),
)
def test_value_that_does_not_fit_its_column_is_kept_in_others(name: str, value: Any) -> None:
    row = table_of(ROW, {**ROW, name: value}).to_pylist()[1]
    others = json.loads(row["_other"] or "{}")
    if name == "behavior_data" and value is not None:
        assert json.loads(row[name]) == value
    elif name == "user" and isinstance(value, dict):
        kept = {key: part for key, part in (row[name] or {}).items() if part is not None}
        assert kept | others.get("user", {}) == value
    elif value is None:
        assert row.get(name) is None
    elif others:
        assert others == {name: value}
        assert type(others[name]) is type(value)
        assert row.get(name) is None
    elif isinstance(row[name], dt.datetime):
        assert row[name].timestamp() == value
    else:
        assert row[name] == value
        assert type(row[name]) is type(value)


@pytest.mark.parametrize("seconds", [EARLIEST, LATEST])
def test_column_of_instants_holds_the_years_1_to_9999(seconds: int) -> None:
    outside = seconds + (1 if seconds > 0 else -1)
    first, second = table_of({**ROW, "expires": seconds}, {**ROW, "expires": outside}).to_pylist()
    assert (first["expires"].timestamp(), first["_other"]) == (seconds, None)
    assert (second["expires"], json.loads(second["_other"])) == (None, {"expires": outside})


def within(bits: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and -(2**bits) <= value < 2**bits


def is_text(value: Any) -> bool:
    return type(value) is str and not any("\ud800" <= letter <= "\udfff" for letter in value)


FITS: dict[str, Callable[[Any], bool]] = {
    "days": within(31),
    "number": within(63),
    "fee": lambda value: type(value) is float or within(53)(value) or value == 2**53,
    "is_late": lambda value: type(value) is bool,
    "note": is_text,
    "begins": lambda value: type(value) is str and DateTime.parse(value) is not None,
    "ends": lambda value: type(value) is str and getattr(DateTime.parse(value), "tzinfo", None) is not None,
    "until": lambda value: type(value) is int and EARLIEST <= value <= LATEST,
}
"""The fields of the library's terms, and which JSON values their columns hold."""

ANY_VALUE = (
    st.booleans()
    | st.integers(-5, 5)
    | st.integers(-(2**70), 2**70)
    | st.integers(-(10**400), 10**400)
    | st.sampled_from([1.0, 0.0, 1.5, 1e300])
    | st.integers(-5, 2**70).map(str)
    | st.sampled_from(["", "1.0", "true", "null", "\ud83d", "2020", "2020-02-29", "2020-02-29T12:00:00Z"])
    | st.lists(st.integers(0, 5) | st.just("5"), max_size=2)
    | st.dictionaries(st.sampled_from(["id", "days"]), st.integers(0, 5) | st.just("5"), max_size=2)
)


def kept(name: str, column: Any) -> Any:
    """Return the JSON value that a column holds."""
    if isinstance(column, dt.datetime):
        return column.timestamp() if name == "until" else column.isoformat()
    return column.isoformat() if isinstance(column, dt.date) else column


def assert_kept(name: str, value: Any, column: Any) -> None:
    if name in ("begins", "ends"):
        parsed = DateTime.parse(value)
        value = parsed.isoformat() if name == "ends" else parsed.date().isoformat()
    assert kept(name, column) == value


@pytest.mark.parametrize("name", FITS)
def test_columns_hold_values_of_their_own_type_and_no_others(name: str) -> None:
    fits = FITS[name]

    @settings(max_examples=100)
    @given(st.lists(st.none() | ANY_VALUE, max_size=4))
    def check(values: list[Any]) -> None:
        terms = [{name: value} for value in values]
        loans = [{"terms": each} for each in terms] + [{"history": terms}]
        *rows, last = Loans.from_dict({"loans": loans}).to_arrow().to_pylist()
        assert len(rows) == len(values)
        for value, row, listed in zip(values, rows, last["history"], strict=True):
            assert row["terms"][name] == listed[name]
            if value is None or not fits(value):
                assert row["terms"][name] is None
            else:
                assert_kept(name, value, row["terms"][name])
            expected = None if value is None or fits(value) else {"terms": {name: value}}
            assert json.dumps(expected) == json.dumps(json.loads(row["_other"] or "null"))
        expected = None if all(value is None or fits(value) for value in values) else {"history": terms}
        assert json.dumps(expected) == json.dumps(json.loads(last["_other"] or "null"))

    check()


@pytest.mark.parametrize("encoder", ["msgspec", "standard library"])
@pytest.mark.parametrize("rows", [[1, "5"], ["5"], [True, 1, 1.0, "1"]])
def test_text_in_place_of_a_number_is_kept_in_others(
    rows: list[Any], encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if encoder == "standard library":
        monkeypatch.setattr(arrow, "_fast_encoder", lambda: None)
    found = table_of(*({"id": value} for value in rows)).to_pylist()
    assert [row["id"] for row in found] == [value if type(value) is int else None for value in rows]
    others = [json.loads(row["_other"])["id"] if row["_other"] else None for row in found]
    assert json.dumps(others) == json.dumps([None if type(value) is int else value for value in rows])


def test_numbers_of_other_libraries_are_those_that_they_stand_for() -> None:
    found = table_of(*({"id": value} for value in (np.int64(5), np.float64(1.5), np.True_, Decimal("1.5"))))
    rows = found.to_pylist()
    assert [row["id"] for row in rows] == [5, None, None, None]
    assert [row["_other"] for row in rows[:3]] == [None, '{"id":1.5}', '{"id":true}']


def test_absent_and_null_fields_and_rows_are_null() -> None:
    first, second, third = table_of({}, {"id": None, "user": None}, None).to_pylist()
    assert first == second == third
    assert set(first.values()) == {None}


def test_models_that_were_read_or_edited_make_the_same_table() -> None:
    page = PageResourceUserInventoryResource.from_dict({"content": [ROW, ROW]})
    before = page.to_arrow()
    assert page.content is not None
    assert page.content[0].user is not None
    page.content[0].user.username = "alice"
    after = page.to_arrow().to_pylist()
    assert before.to_pylist()[1] == after[1]
    assert after[0]["user"]["username"] == "alice"


def test_objects_of_several_types_are_json_in_their_list() -> None:
    behaviors = [{"type_hint": "consumable", "max_use": 3}, {"type_hint": "of_another_age", "y": 1}]
    page = PageResourceEntitlementItem.from_dict({"content": [{"name": "n", "behaviors": behaviors}]})
    (row,) = page.to_arrow().to_pylist()
    assert [json.loads(text) for text in row["behaviors"]] == behaviors


def test_dates_times_and_lists_of_other_contracts_have_columns() -> None:
    loan = {
        "day": "2020-02-29",
        "at": "2020-02-29T12:00:00Z",
        "books": [{"id": 1}, {"id": "x"}],
        "secret": "s",
    }
    strange = {"day": "no date", "at": "2020-02-29T12:00:00", "books": 5}
    first, second = Loans.from_dict({"loans": [loan, strange]}).to_arrow().to_pylist()
    assert first["day"] == dt.date(2020, 2, 29)
    assert first["at"] == dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)
    assert [book["id"] for book in first["books"]] == [1, None]
    assert json.loads(first["_other"]) == {"books": [{"id": 1}, {"id": "x"}]}
    assert first["secret"] == "***"
    assert json.loads(second["_other"]) == strange


def test_response_without_a_list_is_an_error() -> None:
    with pytest.raises(ApiResponseError, match=r"content should be a list, not 5"):
        PageResourceUserInventoryResource.from_dict({"content": 5}).to_arrow()


def test_text_that_utf8_cannot_encode_is_kept_as_an_escape() -> None:
    (row,) = table_of({"status": "\ud800"}).to_pylist()
    assert json.loads(row["_other"]) == {"status": "\ud800"}


def test_table_is_the_same_without_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ROW, {**ROW, "x-new": [1, {"a": None}], "behavior_data": None}]
    fast = table_of(*rows)
    monkeypatch.setattr(arrow, "_fast_encoder", lambda: None)
    assert table_of(*rows).equals(fast)


def test_sandbox_lists_are_tables_for_all_libraries() -> None:
    with Sandbox() as sandbox, ApiClient(Configuration(host=sandbox.url)) as client:
        api = UsersInventoryApi(client)
        pager = api.iter_users_inventory(page_size=1)
        ids = [entry.id for entry in pager]
        assert ids
        table = pager.to_arrow()
        assert table.column("id").to_pylist() == ids
        frame = pager.to_pandas()
        assert frame["id"].tolist() == ids
        assert str(frame["created_date"].dtype) == "timestamp[ms, tz=UTC][pyarrow]"
        assert pd.DataFrame.from_arrow(pager)["id"].tolist() == ids
        assert pl.DataFrame(pager)["id"].to_list() == ids
        assert pl.DataFrame(pager).schema["created_date"] == pl.Datetime("ms", "UTC")
        assert duckdb.sql("SELECT id FROM pager").fetchall() == [(id,) for id in ids]
        assert pa.table(pager).column("id").to_pylist() == ids
        limited = api.iter_users_inventory(page_size=2, limit=1)
        assert limited.to_arrow().num_rows == 1
        page = api.get_users_inventory()
        assert pl.DataFrame(page)["id"].to_list() == ids
        assert page.to_pandas()["id"].tolist() == ids

        async def read() -> list[int]:
            async with aio.ApiClient(client.configuration) as asynchronous:
                entries = aio.UsersInventoryApi(asynchronous).iter_users_inventory(page_size=1)
                assert (await entries.to_pandas())["id"].tolist() == ids
                found: list[int] = (await entries.to_arrow()).column("id").to_pylist()
                return found

        assert asyncio.run(read()) == ids


def test_stream_fetches_a_page_when_the_reader_comes_to_it() -> None:
    with ListService(range(100)) as service, ApiClient(Configuration(host=service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10)
        reader = pa.RecordBatchReader.from_stream(pager)
        assert len(service.requests) == 0
        assert reader.read_next_batch().num_rows == 10
        assert len(service.requests) == 1
        assert reader.read_all().num_rows == 90


def test_page_that_cannot_be_fetched_fails_the_stream_with_its_reason() -> None:
    with ListService(range(100)) as service, ApiClient(Configuration(host=service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10)
        reader = pa.RecordBatchReader.from_stream(pager)
        service.before = lambda page: client.close() if page == 1 else None
        reader.read_next_batch()
        with pytest.raises(Exception, match="this client is closed"):
            reader.read_all()


PARQUET = """
import resource, sys
import pyarrow as pa, pyarrow.parquet as pq
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi

pager = UsersInventoryApi(ApiClient(Configuration(host=sys.argv[1]))).iter_users_inventory(page_size=1000)
reader = pa.RecordBatchReader.from_stream(pager)
peaks = []
with pq.ParquetWriter(sys.argv[2], reader.schema) as writer:
    for batch in reader:
        writer.write_batch(batch)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[110], peaks[-1])
"""


class Entries(ListService):
    """Lists whole entries."""

    def envelope(self, number: int, size: int) -> dict[str, Any]:
        page = super().envelope(number, size)
        return {**page, "content": [payloads.entry(row["id"]) for row in page["content"]]}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux counts it")
def test_200_000_rows_are_written_to_parquet_in_constant_memory(tmp_path: Path) -> None:
    with Entries(range(200_000)) as service:
        command = [sys.executable, "-c", PARQUET, service.url, str(tmp_path / "entries.parquet")]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
    early, late = map(int, result.stdout.split())
    written = pq.read_table(tmp_path / "entries.parquet")
    assert written.num_rows == 200_000
    assert written.column("created_date").type == pa.timestamp("ms", "UTC")
    assert late - early < 4096, "KiB: 90,000 more rows, which take 40 MiB as a table"


@pytest.mark.performance
def test_rows_become_arrow_faster_than_by_from_pylist() -> None:
    best = 0.0
    for _ in range(8):  # a machine that does something else at the same time makes the ratio waver
        (ratio,) = tables.measure(9)
        best = max(best, 1 / ratio.ratio)
        if best >= 1.3:
            break
    assert best >= 1.3
